/** Swap: the kind, and how amounts become one. */
import type { AmountLike } from '@cashu/cashu-ts'
import { exchangeBecause } from '../../../machines/wallet/exchange-model.ts'
import { swap, type SwapContext } from '../../../machines/wallet/swap.ts'
import { checkNames, checkKeys } from '../../arguments.ts'
import { fromAmountLike } from '../../cashu/amounts.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { exchangeEffects } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { ExecutableHandle } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { inParts } from '../offered.ts'
import type { WalletPorts } from '../ports.ts'
import { takeStep } from './steps.ts'

export const swapKind = defineOperation({
  kind: 'swap',
  version: 1,
  machine: swap,
  effects: (ports: WalletPorts) => ({ ...exchangeEffects(ports), ...exchangeSteps(ports), ...takeStep }),
  because: exchangeBecause,
  lane,
  columns,
  project: record<SwapContext>('swap', 'self', ({ ys }) => ({ ys })),
})

/** In all: where a mint takes fewer at once, they are made in rounds. */
const MOST_OUTPUTS = 64

/** Which amounts are made, at which mint. */
export interface PrepareSwap {
  /** The mint's URL. */
  readonly mintUrl: string
  /** Amounts to make; each is split further where the keyset has no such denomination. */
  readonly amounts: readonly AmountLike[]
  /** `sat` unless given. */
  readonly unit?: string
  /** The idempotency key: the same key and the same request are the same operation. */
  readonly key?: string
}

/** A swap: ecash in other amounts (NUT-03). */
export class SwapHandle extends ExecutableHandle<SwapContext> {}

/**
 * Chooses and reserves the inputs; nothing is sent.
 *
 * @throws {TypeError} naming the argument; {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`,
 *   `AMOUNT_UNREACHABLE`, `INSUFFICIENT_FUNDS`, `KEY_REUSED`
 */
export async function prepareSwap(env: WalletEnv, options: PrepareSwap): Promise<SwapHandle> {
  checkNames(options, 'options', ['mintUrl', 'amounts', 'unit', 'key'])
  const { mintUrl: url, amounts, unit = 'sat', key } = options
  if (!Array.isArray(amounts)) throw new TypeError('amounts: a list of amounts')
  const asked = (amounts as readonly AmountLike[]).map((amount, at) =>
    positive(fromAmountLike(amount, `amounts[${at}]`), `amounts[${at}]`),
  )
  if (asked.length === 0 || asked.length > 64) throw new TypeError('amounts: 1 to 64 of them')
  checkKeys({ unit })
  const { mintUrl } = await env.mints.get(url)
  const checked = async () => {
    await env.mints.assertUsable(mintUrl, unit)
    return { mintUrl, unit, amounts: await inParts(env, { mintUrl, unit, most: MOST_OUTPUTS }, asked) }
  }
  const calls = env.operations.of(swapKind)
  return new SwapHandle(env, calls, await calls.create(checked, { key, request: { mintUrl, unit, amounts: asked } }))
}

/** @throws {TypeError} naming the argument */
export function positive(amount: number, name: string): number {
  if (amount < 1) throw new TypeError(`${name}: must be more than 0`)
  return amount
}
