/** Chooses the inputs of an exchange's next request. Inputs of refused keysets stay out, and other proofs replace them. */
import { sum, total } from '../../machines/wallet/common.ts'
import type { Exchange, InputProof, Place, Wants, Why } from '../../machines/wallet/exchange-model.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { StoreError } from '../store/port.ts'
import { withFullIds, type Keysets } from './keysets.ts'
import type { Limits } from './limits.ts'
import { groups, holdRefused, holdReserved, refusedWhy, sortKeysets } from './refused-keysets.ts'
import { denominations, feeOfRounds, type Coin } from './rounds.ts'
import { reserve } from './selection.ts'
import type { KeysetRow, Reader, Write } from './tables.ts'

export type InputCoin = InputProof & Coin

interface Job extends Place {
  readonly exchange: Exchange
}

interface Known {
  readonly keysets: Keysets
  /** The keyset of the outputs. */
  readonly keyset: KeysetRow
  readonly limits: Limits
  readonly nowMs: number
}

export type Chosen =
  | {
      /** All inputs of the exchange. */
      readonly inputs: readonly InputProof[]
      /** The inputs that may go into the next request: the first group that makes a round. */
      readonly groups: readonly (readonly InputCoin[])[]
      readonly apart: readonly string[]
      readonly dead: readonly string[]
      /** The sorting learnt something about keysets. */
      readonly isNew: boolean
      readonly writes: readonly Write[]
    }
  /** The mint's list of keysets is to be fetched first. */
  | { readonly stale: Why }
  /** The mint does not take what there is; `inputs` are still reserved. */
  | { readonly refused: Why; readonly inputs: readonly InputProof[]; readonly writes: readonly Write[] }

const UNLISTED = 'it is not in the mint’s list'
/** How often the selection is enlarged to replace refused coins. */
const MOST_RAISED = 24

/** Sorts the inputs by what is known of their keysets. */
export async function chooseInputs(read: Reader, job: Job, known: Known): Promise<Chosen> {
  const { id, mintUrl, unit, exchange } = job
  const { keysets, keyset, nowMs } = known
  const isOurs = exchange.from === 'reserved'
  const named = withFullIds(exchange.inputs, keysets)
  const unlisted = [...new Set(named.map((coin) => coin.id))].filter((of) => !keysets.has(of))
  // The mint's list may have grown since.
  if (unlisted.some((of) => !exchange.dead.includes(of)) && exchange.tries === 0)
    return { stale: { code: 'KEYSETS_UNKNOWN', detail: 'the keyset of an input is not known' } }
  const { apart, isNew, ...sorted } = sortKeysets(exchange, named, { keysets, active: keyset.id })
  const dead = [...new Set([...sorted.dead, ...unlisted])]
  const detail = exchange.refusal?.detail ?? dead.map((of) => keysets.get(of)?.refused).find(Boolean) ?? UNLISTED
  // A stranger's proofs that do not verify say nothing about our own proofs.
  const isOfAll = isOurs || exchange.refusal?.meaning !== 'proofInvalid'
  const marks = (keysetIds: readonly string[]): Promise<Write[]> =>
    isNew && isOfAll && keysetIds.length > 0
      ? holdRefused(read, { mintUrl, unit, keysetIds, detail, nowMs })
      : Promise.resolve([])
  const coined = (coins: readonly InputProof[]): InputCoin[] =>
    coins.map((coin) => ({ ...coin, feePpk: keysets.get(coin.id)?.feePpk ?? 0 }))
  // Where amounts are wanted, one suspect keyset stays behind: the first that other proofs can replace.
  const ways = exchange.isAsked && apart.length > 0 ? apart.map((of) => [of]) : [apart]
  for (const way of ways) {
    const out = exchange.isAsked ? [...dead, ...way] : dead
    const live = coined(named.filter((coin) => !out.includes(coin.id)))
    const lacks = exchange.isAsked && isOurs && live.length < named.length
    const more = lacks ? await inPlace(read, job, { ...known, live, out }) : NO_MORE
    const coins = [...live, ...coined(more?.inputs ?? [])]
    if (!more || coins.length === 0) continue
    const rest = exchange.isAsked ? [coins] : groups(coins, apart)
    const writes = [...(await marks(sorted.dead)), ...more.writes]
    return { inputs: [...exchange.inputs, ...more.inputs], groups: rest, apart: way, dead, isNew, writes }
  }
  const refused = exchange.isAsked ? [...dead, ...apart] : dead
  const isRefused = (coin: { readonly id: string }): boolean => refused.includes(coin.id)
  const isOver = exchange.sets.length === 0 || (!exchange.unaccounted && exchange.isChecked)
  const held =
    isOurs && isOver && !exchange.isFence
      ? holdReserved(id, named.filter(isRefused), { detail, isInDoubt: () => false })
      : []
  return {
    refused: refusedWhy(refused, detail),
    inputs: isOurs && !exchange.isFence ? exchange.inputs.filter((coin) => !isRefused(coin)) : exchange.inputs,
    writes: [...(await marks(refused)), ...held],
  }
}

const NO_MORE = { inputs: [], writes: [] }

/** Our own proofs in place of the refused ones; undefined where there are too few. */
async function inPlace(
  read: Reader,
  { exchange, ...place }: Job,
  { keyset, limits, live, out }: Known & { readonly live: readonly InputCoin[]; readonly out: readonly string[] },
): Promise<{ readonly inputs: readonly InputProof[]; readonly writes: readonly Write[] } | undefined> {
  const fits = (inputs: readonly Coin[]): boolean =>
    'fee' in feeOfRounds({ inputs, wants: exchange, limits, denominations: denominations(keyset) }, keyset)
  if (fits(live)) return NO_MORE
  const made = new Set(exchange.made.map(({ Y }) => Y))
  const except = ({ Y, keysetId }: { readonly Y: string; readonly keysetId: string }): boolean =>
    made.has(Y) || out.includes(keysetId)
  let amount = Math.max(1, wanted(exchange) - sum(live))
  for (let raised = 0; raised < MOST_RAISED; raised++, amount++) {
    const found = await reserve(read, place, { amount, withFee: true, except }).catch((error: unknown) => {
      if (error instanceof HardshellError && !(error instanceof StoreError)) return undefined
      throw error
    })
    if (!found) return undefined
    const feePpk = keyset.feePpk
    if (fits([...live, ...found.inputs.map((coin) => ({ ...coin, feePpk }))])) return found
  }
  return undefined
}

const wanted = ({ send, keep, hold }: Wants): number => total([...send, ...keep, ...hold])
