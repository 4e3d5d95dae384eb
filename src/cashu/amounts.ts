/** Amounts: to and from the API's type, into denominations, fees, and which proofs to spend. */
import { Amount } from '@cashu/cashu-ts'
import type { AmountLike } from '@cashu/cashu-ts'
import { CashuError } from './errors.ts'

/**
 * An amount as the API takes it, as the checked integer that everything below works with.
 * @throws {TypeError} naming the argument, unless it is a whole number from 0 to 2^53 − 1.
 */
export function fromAmountLike(amount: AmountLike, name = 'amount'): number {
  try {
    return Amount.from(amount).toNumber()
  } catch (cause) {
    throw new TypeError(`${name}: a whole number from 0 to 2^53 − 1 expected`, { cause })
  }
}

/** The API's type of an amount. */
export const toAmount = (amount: number): Amount => Amount.from(amount)

/** A keyset's amounts that a number can hold, going up. */
export const denominationsOf = (keys: Readonly<Record<string, string>>): readonly number[] =>
  Object.keys(keys)
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)

const OUTPUTS_AT_MOST = 1000

/** How many combinations the search tries for amounts that taking the largest first does not make up. */
const COMBINATIONS_AT_MOST = 10_000

/**
 * Splits an amount into denominations: as few as taking the largest first gives, going up, so that the order shows
 * nothing of what is sent and what is kept.
 * @throws {CashuError} `AMOUNT_UNREACHABLE` where they do not make it up, or only by more than a thousand outputs.
 */
export function splitAmount(amount: number, denominations: readonly number[]): number[] {
  const falling = denominations.toSorted((a, b) => b - a)
  const parts = largestFirst(amount, falling)
  if (parts.rest === 0) return parts.found.reverse()
  const searched = combination(amount, falling)
  if (searched) return searched.reverse()
  const near = nearTo(amount, parts, falling)
  const instead = near.length > 0 ? `; ${near.join(' or ')} can be made` : ''
  throw new CashuError('AMOUNT_UNREACHABLE', `the keyset's denominations do not make up ${amount}${instead}`)
}

interface Parts {
  readonly found: number[]
  /** What they leave of the amount. */
  readonly rest: number
}

function largestFirst(amount: number, falling: readonly number[]): Parts {
  const found: number[] = []
  let rest = amount
  for (const denomination of falling) {
    const count = Math.floor(rest / denomination)
    if (found.length + count > OUTPUTS_AT_MOST) break
    for (let i = 0; i < count; i++) found.push(denomination)
    rest -= count * denomination
  }
  return { found, rest }
}

/** Takes fewer of the large ones, which helps if denominations do not divide each other. */
function combination(amount: number, falling: readonly number[]): number[] | undefined {
  const smallest = falling.at(-1)
  if (smallest === undefined) return undefined
  // If all denominations divide each other, taking the largest first is complete.
  if (falling.every((denomination, at) => at === 0 || falling[at - 1]! % denomination === 0)) return undefined
  const budget = { left: COMBINATIONS_AT_MOST }
  const search = (at: number, rest: number, parts: readonly number[]): readonly number[] | undefined => {
    if (rest === 0) return parts
    const denomination = falling[at]
    if (denomination === undefined || --budget.left < 0) return undefined
    const most = Math.min(Math.floor(rest / denomination), OUTPUTS_AT_MOST - parts.length)
    for (let count = most; count >= 0 && budget.left > 0; count--) {
      const found = search(at + 1, rest - count * denomination, [
        ...parts,
        ...Array.from({ length: count }, () => denomination),
      ])
      if (found) return found
    }
    return undefined
  }
  const found = search(0, amount, [])
  return found && [...found]
}

/** Amounts close by that can be made: one less, one more. */
function nearTo(amount: number, { found, rest }: Parts, falling: readonly number[]): number[] {
  const smallest = falling.at(-1)
  if (smallest === undefined || found.length >= OUTPUTS_AT_MOST) return []
  const below = amount - rest
  const above = below + smallest
  return [below, above].filter((near) => near > 0 && Number.isSafeInteger(near))
}

/** The fee for spending proofs whose keysets take these fees, in thousandths per proof (NUT-02). */
export function feeOf(feesPpk: Iterable<number>): number {
  let sumPpk = 0
  for (const feePpk of feesPpk) sumPpk += feePpk
  return Math.ceil(sumPpk / 1000)
}

const COINS_AT_MOST = 64

interface CoinsOf {
  readonly denominations: readonly number[]
  readonly feePpk: number
  /** So many at most. */
  readonly most?: number
}
interface Coins {
  readonly amounts: number[]
  /** For spending them. */
  readonly fee: number
}

/**
 * Coins of one keyset that are worth an amount and, exactly, the fee for spending them (NUT-02); as few as there can be.
 * Undefined where there are none, or only too many.
 */
export const exactCoins = (amount: number, of: CoinsOf): Coins | undefined => coinsWorth(amount, 1, of)

/** The same, if more than the amount is allowed: with the smallest possible excess. */
export function enoughCoins(amount: number, of: CoinsOf): Coins | undefined {
  for (const unit of [1, ...of.denominations]) {
    const found = coinsWorth(amount, unit, of)
    if (found) return found
  }
  return undefined
}

/** Coins that are worth an amount and their fee, rounded up to a multiple. */
function coinsWorth(
  amount: number,
  unit: number,
  { denominations, feePpk, most = COINS_AT_MOST }: CoinsOf,
): Coins | undefined {
  // prettier-ignore
  for (let count = 1; count <= Math.min(most, COINS_AT_MOST); count++) {
    const fee = feeOf(Array<number>(count).fill(feePpk))
    const amounts = coins(Math.ceil((amount + fee) / unit) * unit, count, denominations)
    if (amounts) return { amounts, fee }
  }
  return undefined
}

/** Exactly `count` coins that add up to a total: the fewest possible, of which large ones are broken up. */
function coins(total: number, count: number, denominations: readonly number[]): number[] | undefined {
  const found = parts(total, denominations)
  if (!found) return undefined
  while (found.length < count) {
    const at = found.findLastIndex((coin) => coin > (denominations[0] ?? coin))
    if (at < 0) return undefined
    const [coin] = found.splice(at, 1)
    const smaller = parts(
      coin!,
      denominations.filter((it) => it < coin!),
    )
    if (!smaller || found.length + smaller.length > count) return undefined
    found.push(...smaller)
    found.sort((a, b) => a - b)
  }
  return found.length === count ? found : undefined
}

/** The amounts that make up a total, or undefined where the denominations do not come to it. */
export function parts(total: number, denominations: readonly number[]): number[] | undefined {
  if (total === 0) return []
  try {
    return splitAmount(total, denominations)
  } catch (error) {
    if (error instanceof CashuError) return undefined
    throw error
  }
}

/** How many blank outputs take back any overpayment up to this (NUT-08). */
export function blankOutputs(overpaidAtMost: number): number {
  if (overpaidAtMost === 0) return 0
  let count = 1
  while (2 ** count < overpaidAtMost) count++
  return count
}

/** A proof that may be spent, and the fee for spending it in thousandths (NUT-02). */
export interface Candidate {
  readonly Y: string
  readonly amount: number
  readonly feePpk: number
  /** Of equally good proofs, those of the lowest rank are taken first; 0 unless given. */
  readonly rank?: number
}

/** Proofs that cover a target. */
export interface Selection<C extends Candidate> {
  readonly proofs: readonly C[]
  readonly amount: number
  /** The fee for spending them. */
  readonly fee: number
  /** The excess over the target; zero for an exact selection. */
  readonly excess: number
}

/**
 * Proofs that make up a target exactly, if any do, else ones that exceed it by little; undefined where all of them
 * don't reach it. With `includeFee` their fee is on top of the target. Few large proofs are preferred to many small
 * ones, cheap ones to dear ones, and equal ones are taken in the given order: the same call selects the same proofs.
 *
 * Where each amount divides the next, as powers of two do, the excess without fees is the smallest there is. Other
 * amounts and fees make it a knapsack; the search is bounded then, and comes out with the best that it found.
 */
export function selectProofs<C extends Candidate>(
  candidates: readonly C[],
  target: number,
  { includeFee }: { readonly includeFee: boolean },
): Selection<C> | undefined {
  // A proof is worth its amount less its share of the fee, in thousandths; the fee is rounded up only in the end, so
  // any selection worth less than one above the target is exact.
  const scale = includeFee && candidates.some(({ feePpk }) => feePpk > 0) ? 1000 : 1
  const levels = levelsOf(candidates, ({ amount, feePpk }) => (scale === 1 ? amount : amount * scale - feePpk))
  const counts = cover(levels, target * scale, scale)
  if (!counts) return undefined
  const proofs = counts.flatMap((count, i) => levels[i]!.proofs.slice(0, count))
  let amount = 0
  for (const proof of proofs) amount += proof.amount
  const fee = feeOf(proofs.map(({ feePpk }) => feePpk))
  return { proofs, amount, fee, excess: amount - (includeFee ? fee : 0) - target }
}

/** All candidates of one worth. */
interface Level<C> {
  readonly worth: number
  readonly proofs: readonly C[]
  /** What this level and all lower ones are worth together. */
  readonly total: number
  /** Whether the lower levels' worths divide each other and this one, one by one. */
  readonly chain: boolean
}

/** By worth, going down. */
function levelsOf<C extends Candidate>(
  candidates: readonly C[],
  worthOf: (candidate: C) => number,
): readonly Level<C>[] {
  const byWorth = new Map<number, C[]>()
  for (const candidate of candidates) {
    const worth = worthOf(candidate)
    const same = byWorth.get(worth)
    if (same) same.push(candidate)
    // Proofs that cost more than they are worth are left out.
    else if (worth > 0) byWorth.set(worth, [candidate])
  }
  const levels: Level<C>[] = []
  for (const [worth, proofs] of [...byWorth].sort(([a], [b]) => a - b)) {
    const lower = levels.at(-1)
    proofs.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || a.feePpk - b.feePpk)
    levels.push({
      worth,
      proofs,
      total: worth * proofs.length + (lower?.total ?? 0),
      chain: !lower || (lower.chain && worth % lower.worth === 0),
    })
  }
  return levels.reverse()
}

const STEPS_AT_MOST = 5_000

/** How many of each level to take, to be worth the target or as little more as can be found; less than `enough` is. */
function cover<C>(levels: readonly Level<C>[], target: number, enough: number): readonly number[] | undefined {
  const counts: number[] = levels.map(() => 0)
  let best: readonly number[] | undefined
  let bestExcess = Infinity
  let steps = 0

  const take = (i: number, count: number, rest: number): void => {
    counts[i] = count
    search(i + 1, rest - count * levels[i]!.worth)
    counts[i] = 0
  }
  const search = (i: number, rest: number): void => {
    if (rest <= 0) {
      if (-rest < bestExcess) [best, bestExcess] = [[...counts], -rest]
      return
    }
    const level = levels[i]
    if (!level || rest > level.total || bestExcess < enough || ++steps > STEPS_AT_MOST) return
    const most = Math.min(level.proofs.length, Math.floor(rest / level.worth))
    // As many as fit, or one more than that to go beyond. Fewer help only where lower levels cannot stand for one of
    // this: where worths divide each other they can, and it is better spent than they.
    take(i, most, rest)
    if (most < level.proofs.length) take(i, most + 1, rest)
    if (!level.chain) for (let count = most - 1; count >= 0; count--) take(i, count, rest)
  }
  search(0, target)
  return best
}
