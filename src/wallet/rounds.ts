/**
 * How an exchange is cut into requests that the mint takes: rounds of swaps, each over some of the inputs. A round makes
 * all that is wanted, or some of it, or only merges small coins into larger ones for a later round.
 */
import { sum } from '../../machines/wallet/common.ts'
import type { Purpose, Wants } from '../../machines/wallet/exchange-model.ts'
import { denominationsOf, feeOf, parts } from '../cashu/amounts.ts'
import type { KeysetRow } from './tables.ts'

/** What a round needs to know of an input. */
export interface Coin {
  readonly amount: number
  readonly feePpk: number
}

export interface Output {
  readonly amount: number
  readonly purpose: Purpose
}

export interface Round<C extends Coin> {
  readonly taken: readonly C[]
  /** The other inputs. */
  readonly left: readonly C[]
  readonly outputs: readonly Output[]
  readonly fee: number
  /** What is still wanted afterwards. */
  readonly leaves: Wants
}

export type Planned<C extends Coin> =
  | { readonly round: Round<C> }
  /** The inputs do not cover the fee and what is wanted. */
  | { readonly why: 'short' }
  /** No outputs of this keyset come to what is left after the fee. */
  | { readonly why: 'unreachable' }
  /** The mint's limit is too low for any round to make progress. */
  | { readonly why: 'tooLarge' }

interface Job<C extends Coin> {
  readonly inputs: readonly C[]
  readonly wants: Wants
  /** How much the mint takes at once. */
  readonly limits: { readonly inputs: number; readonly outputs: number }
  readonly denominations: readonly number[]
}

export const NOTHING_WANTED: Wants = { send: [], keep: [], hold: [] }

const feeFor = (coins: readonly Coin[]): number => feeOf(coins.map(({ feePpk }) => feePpk))

/** The next round of an exchange. */
export function planRound<C extends Coin>(job: Job<C>): Planned<C> {
  const { inputs, limits, denominations } = job
  const wanted = listed(job.wants)
  if (inputs.length <= limits.inputs) {
    const rest = sum(inputs) - feeFor(inputs) - sum(wanted)
    if (rest < 0 || sum(inputs) <= feeFor(inputs)) return { why: 'short' }
    const others = parts(rest, denominations)
    if (!others) return { why: 'unreachable' }
    if (wanted.length + others.length <= limits.outputs) return whole(inputs, inputs, wanted, others)
  }
  if (wanted.length === 0) return anyPart(job)
  return makingAll(job, wanted) ?? makingSome(job, wanted) ?? merging(job)
}

function whole<C extends Coin>(
  taken: readonly C[],
  inputs: readonly C[],
  wanted: readonly Output[],
  others: readonly number[],
): Planned<C> {
  const outputs = [...wanted, ...others.map((amount) => ({ amount, purpose: 'keep' as const }))]
  return { round: { taken, left: without(inputs, taken), outputs, fee: feeFor(taken), leaves: NOTHING_WANTED } }
}

/** Nothing in particular is wanted: as many of the inputs as the mint takes, for as few outputs as it signs. */
function anyPart<C extends Coin>({ inputs, limits, denominations }: Job<C>): Planned<C> {
  for (let count = Math.min(inputs.length, limits.inputs); count > 0; count--) {
    const taken = inputs.slice(0, count)
    const rest = sum(taken) - feeFor(taken)
    const others = rest > 0 ? parts(rest, denominations) : undefined
    if (others && others.length <= limits.outputs) return whole(taken, inputs, [], others)
  }
  return { why: 'tooLarge' }
}

/** All that is wanted from the largest coins; what is left of the inputs is exchanged later. */
function makingAll<C extends Coin>(
  { inputs, limits, denominations }: Job<C>,
  wanted: readonly Output[],
): Planned<C> | undefined {
  // prettier-ignore
  const down = inputs.toSorted((a, b) => b.amount - a.amount)
  const target = sum(wanted)
  for (let count = 1; count <= Math.min(down.length, limits.inputs); count++) {
    const taken = down.slice(0, count)
    const rest = sum(taken) - feeFor(taken) - target
    const others = rest >= 0 ? parts(rest, denominations) : undefined
    if (others && wanted.length + others.length <= limits.outputs) return whole(taken, down, wanted, others)
  }
  return undefined
}

/** Some of what is wanted, the largest first, from the largest coins; the rest of them goes into the next round. */
function makingSome<C extends Coin>(
  { inputs, limits, denominations }: Job<C>,
  wanted: readonly Output[],
): Planned<C> | undefined {
  // prettier-ignore
  const down = inputs.toSorted((a, b) => b.amount - a.amount)
  const largest = wanted.toSorted((a, b) => b.amount - a.amount)
  // Only if there are too many outputs. Otherwise larger coins are needed first.
  if (largest.length < limits.outputs) return undefined
  for (let count = 1; count <= Math.min(down.length, limits.inputs); count++) {
    const taken = down.slice(0, count)
    const total = sum(taken) - feeFor(taken)
    for (let made = Math.min(limits.outputs, largest.length); made > 0; made--) {
      const rest = total - sum(largest.slice(0, made))
      const others = rest >= 0 ? parts(rest, denominations) : undefined
      if (!others || made + others.length > limits.outputs) continue
      const outputs = [...largest.slice(0, made), ...others.map((amount) => ({ amount, purpose: 'next' as const }))]
      const leaves = grouped(largest.slice(made))
      return { round: { taken, left: down.slice(count), outputs, fee: feeFor(taken), leaves } }
    }
  }
  return undefined
}

/** The smallest coins become fewer larger ones, for the next round. */
function merging<C extends Coin>({ inputs, wants, limits, denominations }: Job<C>): Planned<C> {
  const up = inputs.toSorted((a, b) => a.amount - b.amount)
  for (let count = Math.min(up.length, limits.inputs); count > 1; count--) {
    const taken = up.slice(0, count)
    const rest = sum(taken) - feeFor(taken)
    const others = rest > 0 ? parts(rest, denominations) : undefined
    if (!others || others.length > limits.outputs || others.length >= count) continue
    const outputs = others.map((amount) => ({ amount, purpose: 'next' as const }))
    return { round: { taken, left: up.slice(count), outputs, fee: feeFor(taken), leaves: wants } }
  }
  const missing = sum(listed(wants)) + feeFor(inputs) - sum(inputs)
  return { why: missing > 0 ? 'short' : 'tooLarge' }
}

const without = <C>(all: readonly C[], some: readonly C[]): C[] => {
  const gone = new Set(some)
  return all.filter((one) => !gone.has(one))
}

const listed = ({ send, keep, hold }: Wants): Output[] => [
  ...send.map((amount) => ({ amount, purpose: 'send' as const })),
  ...keep.map((amount) => ({ amount, purpose: 'keep' as const })),
  ...hold.map((amount) => ({ amount, purpose: 'hold' as const })),
]

function grouped(outputs: readonly Output[]): Wants {
  const of = (purpose: Purpose): number[] => outputs.filter((one) => one.purpose === purpose).map(({ amount }) => amount) // prettier-ignore
  return { send: of('send'), keep: of('keep'), hold: of('hold') }
}

export const isWanting = ({ send, keep, hold }: Wants): boolean => send.length + keep.length + hold.length > 0

/** What all rounds of an exchange cost together, or why it cannot be done. */
export function feeOfRounds(
  job: Job<Coin>,
  keyset: Pick<KeysetRow, 'feePpk'>,
): { readonly fee: number; readonly rounds: number } | { readonly why: 'short' | 'unreachable' | 'tooLarge' } {
  let { inputs, wants } = job
  const isAsked = isWanting(wants)
  let fee = 0
  for (let rounds = 1; ; rounds++) {
    const planned = planRound({ ...job, inputs, wants })
    if ('why' in planned) return planned
    const { round } = planned
    fee += round.fee
    const next = round.outputs.filter(({ purpose }) => purpose === 'next')
    inputs = [...round.left, ...next.map(({ amount }) => ({ amount, feePpk: keyset.feePpk }))]
    wants = round.leaves
    if (inputs.length === 0 || (isAsked && !isWanting(wants))) return { fee, rounds }
  }
}

export const denominations = (keyset: KeysetRow): readonly number[] => denominationsOf(keyset.keys ?? {})
