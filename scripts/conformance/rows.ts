/** A request that a mint must refuse, or that mints may differ about. */
import { codes } from '../../src/cashu/codes.ts'
import type { Question, World } from './world.ts'

export interface Row {
  readonly asks: string
  /** What our mint must answer: that it is taken, or the NUTs' code, or 50000 where they have none. */
  readonly ours: number | 'taken'
  ask(world: World): Promise<Question>
}

/** The NUTs have no code for it. */
export const NO_CODE = codes.unclassified

export const row = (asks: string, ours: Row['ours'], ask: Row['ask']): Row => ({ asks, ours, ask })

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

/** Two coins' worth of outputs, less the fee. */
export const FIFTEEN = [1, 2, 4, 8]
export const OFF_CURVE = `02${'f'.repeat(64)}`
export const UNKNOWN_KEYSET = `01${'ab'.repeat(32)}`
