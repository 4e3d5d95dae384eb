/** Chooses proofs to spend, and reserves them. Reads the index by denomination, never all proofs. */
import type { InputProof, Place } from '../../machines/wallet/exchange-model.ts'
import { denominationsOf, parts, selectProofs, splitAmount, type Selection } from '../cashu/amounts.ts'
import { CashuError } from '../cashu/errors.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { activeKeyset, endOf, keysetsOf, type Keysets } from './keysets.ts'
import { limitsOf } from './limits.ts'
import { denominations, feeOfRounds, NOTHING_WANTED } from './rounds.ts'
import type { KeysetRow, ProofRow, Reader, Write } from './tables.ts'

export interface Reserved {
  readonly inputs: readonly InputProof[]
  /** Sum of the inputs. */
  readonly total: number
  /** What the mint keeps of them when they are swapped or melted (NUT-02). */
  readonly fee: number
  readonly writes: readonly Write[]
}

/** What is wanted of a selection. */
export interface Wanted {
  readonly amount: number
  /** The outputs that make it up; as few as there can be unless given. */
  readonly amounts?: readonly number[] | undefined
  /** Whether the selection must also cover the fee for spending it. */
  readonly withFee: boolean
  /** Whether they are swapped for the amount and a rest, whose outputs must be possible. */
  readonly exchanges?: boolean | undefined
  /** Proofs that are not to be chosen. */
  readonly except?: (row: ProofRow) => boolean
}

const FIRST_LIMIT = 16
/** Of denominations this many times smaller than the amount and the largest proof, a quarter of the proofs is read. */
const SMALLER = 16
/** The fewest proofs that are read of each denomination: some may cost less than others. */
const LEAST = 4
/** The same where some keysets are leaving: their proofs are spent first. */
const LEAST_LEAVING = 64
/** How often the selection is enlarged, if it does not cover the outputs or the fees of several rounds. */
const MOST_RAISED = 24

/**
 * Proofs worth at least the amount. Where they are more than the mint takes at once, the fees of the rounds that merge them
 * are in the fee.
 *
 * @throws {HardshellError} `INSUFFICIENT_FUNDS`; {CashuError} `AMOUNT_UNREACHABLE`
 */
export async function reserve(read: Reader, place: Place, wanted: Wanted): Promise<Reserved> {
  const { id: operationId, mintUrl, unit } = place
  const keysets = await keysetsOf(read, mintUrl)
  const active = activeKeyset(keysets, unit)
  const limits = await limitsOf(read, mintUrl)
  const find = finder(read, place, { keysets, active, except: wanted.except })
  const hold = active ? split(wanted.amount, active, wanted) : []
  let target = wanted.amount
  for (let raised = 0; ; raised++) {
    const found = await find(target, wanted.withFee)
    if (!found) {
      if (raised > 0 && wanted.exchanges) throw unreachable(wanted.amount)
      throw new HardshellError('INSUFFICIENT_FUNDS', `less than ${wanted.amount} ${unit} is spendable at ${mintUrl}`)
    }
    const rounds =
      active && wanted.withFee && (wanted.exchanges || found.proofs.length > limits.inputs)
        ? feeOfRounds(
            { inputs: found.proofs, wants: { ...NOTHING_WANTED, hold }, limits, denominations: denominations(active) },
            active,
          )
        : { fee: found.fee }
    if ('why' in rounds && rounds.why !== 'tooLarge' && raised < MOST_RAISED) {
      target += 1
      continue
    }
    if ('why' in rounds && wanted.exchanges) throw unreachable(wanted.amount)
    const rows = found.proofs.map(({ row }) => row)
    return {
      inputs: rows.map(({ Y, keysetId: id, amount: worth, secret, C }) => ({ Y, id, amount: worth, secret, C })),
      total: found.amount,
      fee: 'fee' in rounds ? rounds.fee : found.fee,
      writes: rows.map(({ Y }): Write => ({
        patch: 'proofs',
        key: [Y],
        set: { state: 'reserved', operationId },
        if: { state: 'spendable' },
      })),
    }
  }
}

const unreachable = (amount: number): CashuError =>
  new CashuError('AMOUNT_UNREACHABLE', `no proofs of this wallet can be swapped for ${amount} at this mint`)

/** The outputs of the amount; a payment needs none. */
function split(amount: number, keyset: KeysetRow, { amounts, exchanges }: Wanted): readonly number[] {
  if (amounts) return amounts
  if (exchanges) return splitAmount(amount, denominations(keyset))
  return parts(amount, denominations(keyset)) ?? []
}

interface Candidate {
  readonly Y: string
  readonly amount: number
  readonly feePpk: number
  /** Proofs of a lower rank are spent first. */
  readonly rank: number
  readonly row: ProofRow
}

/** Selects proofs, and caches the rows that it has read. */
function finder(
  read: Reader,
  { mintUrl, unit }: Place,
  {
    keysets,
    active,
    except,
  }: {
    readonly keysets: Keysets
    readonly active: KeysetRow | undefined
    readonly except: Wanted['except']
  },
) {
  const ofUnit = [...keysets.values()].filter((row) => row.unit === unit)
  const all = new Set(ofUnit.flatMap(({ keys }) => denominationsOf(keys ?? {})))
  const isLeaving = ofUnit.some((keyset) => rankOf(keyset, active) === 0)
  let known: { readonly limit: number; readonly whole: boolean; readonly candidates: readonly Candidate[] } | undefined

  const candidatesOf = async (limit: number, amount: number) => {
    let whole = true
    const least = isLeaving ? LEAST_LEAVING : LEAST
    const spendable = { table: 'proofs', index: 'byState', prefix: [mintUrl, unit, 'spendable'] } as const
    // A keyset may have many denominations that no wallet comes to.
    const [largest] = await read.query({ ...spendable, reverse: true, limit: 1 })
    const top = largest?.amount ?? 0
    const there = [...all].filter((denomination) => denomination <= top)
    const groups = await Promise.all(
      there.map(async (denomination) => {
        // The first read is limited to what the selection can use. The second half is for fees.
        const isSmall = denomination * SMALLER < Math.min(amount, top)
        const cap = Math.max(isSmall ? limit / 4 : limit, least)
        const most = limit > FIRST_LIMIT ? limit : Math.min(cap, least + Math.floor((2 * amount) / denomination))
        const prefix = [...spendable.prefix, denomination] as const
        const rows = await read.query({ ...spendable, prefix, limit: most })
        if (rows.length === most) whole = false
        return rows
      }),
    )
    const candidates = groups.flat().flatMap((row): Candidate[] => {
      const keyset = keysets.get(row.keysetId)
      if (!keyset || except?.(row)) return []
      return [{ Y: row.Y, amount: row.amount, feePpk: keyset.feePpk, rank: rankOf(keyset, active), row }]
    })
    return { limit, whole, candidates }
  }

  return async (amount: number, includeFee: boolean): Promise<Selection<Candidate> | undefined> => {
    for (known ??= await candidatesOf(FIRST_LIMIT, amount); ; known = await candidatesOf(known.limit * 8, amount)) {
      const found = selectProofs(known.candidates, amount, { includeFee })
      if (found || known.whole) return found
    }
  }
}

/** Proofs of inactive keysets, and of those that end before the active one, are spent first. */
const rankOf = (keyset: KeysetRow, active: KeysetRow | undefined): number =>
  keyset.active === 0 || (active !== undefined && endOf(keyset) < endOf(active)) ? 0 : 1
