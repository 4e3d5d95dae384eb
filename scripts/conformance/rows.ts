/** A request that a mint must refuse, or that mints may differ about. */
import { codes } from '../../src/cashu/codes.ts'
import type { Question, World } from './world.ts'

export interface Row {
  readonly asks: string
  /** What our mint must answer: 200, or status and code. */
  readonly ours: string
  /** Why mints answer otherwise, where one takes what the other refuses. */
  readonly why?: string | undefined
  ask(world: World): Question | Promise<Question>
}

export const TAKEN = 'taken'
/** The NUTs have no code for it. */
export const NO_CODE = codes.unclassified

/** `ours` is an error code of the NUTs. */
export const row = (
  asks: string,
  ours: number | typeof TAKEN,
  ask: Row['ask'],
  { status = 400, why }: { readonly status?: number; readonly why?: string } = {},
): Row => ({ asks, ours: ours === TAKEN ? '200' : `${status} ${ours}`, why, ask })

export const swapping = (inputs: unknown, outputs: unknown): Question => ({
  path: '/v1/swap',
  body: { inputs, outputs },
})
export const issuing = (quote: string, outputs: unknown, more: object = {}): Question => ({
  path: '/v1/mint/bolt11',
  body: { quote, outputs, ...more },
})
export const melting = (quote: string, inputs: unknown, outputs?: unknown): Question => ({
  path: '/v1/melt/bolt11',
  body: { quote, inputs, ...(outputs !== undefined && { outputs }) },
})
export const askingFor = (request: string, more: object = {}): Question => ({
  path: '/v1/melt/quote/bolt11',
  body: { request, unit: 'sat', ...more },
})

/** Two coins' worth of outputs, less the fee. */
export const FIFTEEN = [1, 2, 4, 8]
export const OFF_CURVE = `02${'f'.repeat(64)}`
export const UNKNOWN_KEYSET = `01${'ab'.repeat(32)}`
