/**
 * Compares what a wallet states with the mint's books: what each operation's record says moved and cost, and what is
 * owed. The mint must keep nothing of a payment but its fee.
 */
import type { MeltQuoteRow, ProofRow as MintProofRow, SignatureRow } from '../../mint-server/db/tables.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import type { RowOf } from '../../store/typed.ts'
import type { HistoryRow, WalletTables } from '../../wallet/tables.ts'
import { mintRows, walletRows } from './rows.ts'
import { stubCrypto } from '../environments/stub-crypto.ts'

/** The origin of outputs: an output's `B_` → the wallet's operation that sent it first. */
export type Senders = Readonly<Record<string, string>>

/** For each output, the request that carried it and the operation that sent it. */
export interface Sending {
  readonly sent: Readonly<Record<string, string>>
  readonly senders: Senders
}

export type Misstatement = `${'misstated' | 'kept' | 'owed'}: ${string}`

/** An operation of the wallet's. */
type Said = RowOf<WalletTables['operations']>

/** The effect of one request at the mint. */
interface Done {
  readonly kind: SignatureRow['kind']
  inputs: number
  outputs: number
  fee: number
}

/** The violations in a wallet's statements at the end. */
export function misstatements(of: {
  readonly wallet: Dump
  readonly mint: Dump
  readonly sending: Sending
  /** The mint gives no change at all. */
  readonly isChangeless: boolean
}): Misstatement[] {
  const { wallet, mint, sending, isChangeless } = of
  const { history, operations } = walletRows(wallet)
  const { meltQuotes: quotes, proofs, signatures } = mintRows(mint)
  const requests = requestsOf(mint)
  const spent = Map.groupBy(proofs, (row) => row.operationId)
  const signed = Map.groupBy(signatures, (row) => row.operationId)
  const found: Misstatement[] = []
  for (const said of operations) {
    const record = history.find(({ id }) => id === said.id)
    const listed = record && (['state', 'amount', 'asked', 'fee', 'owed'] as const).find((name) => record[name] !== said[name]) // prettier-ignore
    if (!record || listed) found.push(`misstated: ${said.kind} is listed with another ${listed ?? 'record'} than the history has`) // prettier-ignore
    const quote = quotes.find(({ id, state }) => id === said.quoteId && state === 'PAID')
    const own = [...requests].filter(([id, { kind }]) =>
      kind === 'mint-melt'
        ? id === quote?.operationId
        : sentBy({ signed: signed.get(id) ?? [], spent: spent.get(id) ?? [] }, sending) === said.id,
    )
    found.push(...stated(said, record?.status, own.map(([, done]) => done), quote)) // prettier-ignore
  }
  for (const quote of quotes) {
    const done = requests.get(quote.operationId ?? '')
    if (quote.state !== 'PAID' || done?.kind !== 'mint-melt') continue
    const paying = operations.find(({ quoteId }) => quoteId === quote.id)
    const kept = done.inputs - done.fee - quote.paidOut - done.outputs
    const isFair = kept >= 0 && (kept < smallest(mint) || isChangeless)
    if (paying && !isFair) found.push(`kept: ${kept} of a payment that cost ${quote.paidOut}`)
  }
  for (const { kind, inputs, outputs, fee } of requests.values())
    if (kind === 'mint-swap' && inputs - fee !== outputs)
      found.push(`kept: ${inputs - fee - outputs} of a swap that cost ${fee}`)
  return found
}

/** A payment's missing change: the certain part must be shown as owed, from the same commit on. */
export function unshown(
  writes: readonly Write[],
  of: { readonly before: Dump; readonly mint: () => Dump },
): Misstatement[] {
  return writes.flatMap((write): Misstatement[] => {
    if (!('put' in write) || write.put !== 'operations') return []
    const { id, kind, state, status, quoteId } = write.row as Said
    if (kind !== 'melt' || status !== 'active' || !/^(change|last)/.test(state)) return []
    const mint = of.mint()
    const quote = mintRows(mint).meltQuotes.find((row) => row.id === quoteId)
    const done = requestsOf(mint).get(quote?.operationId ?? '')
    if (!quote || !done) return []
    // The reserve is the largest possible fee.
    const certain = done.inputs - done.fee - quote.amount - quote.feeReserve
    const rows = [...(of.before['owed'] ?? []), ...writes.flatMap((it) => ('put' in it && it.put === 'owed' ? [it.row] : []))] // prettier-ignore
    const isShown = rows.some((row) => row['operationId'] === id && (row['amount'] as number) >= certain)
    return certain > 0 && !isShown ? [`owed: ${certain} of change that is not here, and not shown`] : []
  })
}

/** The violations in the statements of one operation that succeeded. */
function stated(
  { kind, state, amount, fee }: Said,
  status: HistoryRow['status'] | undefined,
  own: readonly Done[],
  quote: MeltQuoteRow | undefined,
): Misstatement[] {
  if (status !== 'done' || state.startsWith('change')) return []
  const [inputs, outputs] = [sumOf(own, 'inputs'), sumOf(own, 'outputs')]
  const issued = sumOf(own.filter((it) => it.kind === 'mint-issue'), 'outputs') // prettier-ignore
  const found: Misstatement[] = []
  const differs = (what: string, said: number, is: number): void => {
    if (said !== is) found.push(`misstated: ${kind} says ${what} ${said}, and the mint's books ${is}`)
  }
  if (kind === 'receive') differs('received', amount, outputs)
  if (kind === 'mint') differs('minted', amount, issued)
  if (kind === 'melt') differs('paid', amount, quote?.amount ?? 0)
  const cost = inputs - (outputs - issued) - (kind === 'melt' ? (quote?.amount ?? 0) : 0)
  if (kind !== 'restore') differs('fee', fee, cost)
  return found
}

const sumOf = (those: readonly Done[], name: 'inputs' | 'outputs'): number =>
  those.reduce((total, it) => total + it[name], 0)

/** Every request that the mint carried out, by the id of its operation there. */
function requestsOf(mint: Dump): Map<string, Done> {
  const found = new Map<string, Done>()
  const of = (row: Pick<SignatureRow, 'operationId' | 'kind'>): Done => {
    const done = found.get(row.operationId) ?? { kind: row.kind, inputs: 0, outputs: 0, fee: 0 }
    found.set(row.operationId, done)
    return done
  }
  const { keysets, proofs, signatures } = mintRows(mint)
  const feePpk = new Map(keysets.map(({ id, feePpk: ppk }) => [id, ppk]))
  const ppk = new Map<string, number>()
  for (const row of proofs) {
    if (row.state !== 'SPENT') continue
    of(row).inputs += row.amount
    ppk.set(row.operationId, (ppk.get(row.operationId) ?? 0) + (feePpk.get(row.keysetId) ?? 0))
  }
  for (const row of signatures) if (row.C_ !== null) of(row).outputs += row.amount // prettier-ignore
  for (const [id, sum] of ppk) found.get(id)!.fee = Math.ceil(sum / 1000)
  return found
}

/**
 * The wallet's operation whose request the mint carried out. The inputs and all outputs and amounts must match, because
 * another device may have the same outputs signed.
 */
function sentBy(
  { signed, spent }: { readonly signed: readonly SignatureRow[]; readonly spent: readonly MintProofRow[] },
  { senders, sent }: Sending,
): string | undefined {
  const [first] = signed
  const body = first && sent[first.B_]
  if (!first || body === undefined) return undefined
  const { inputs = [], outputs } = JSON.parse(body) as Sent
  const amounts = new Map(outputs.map(({ B_, amount }) => [B_, amount]))
  const Ys = new Set(spent.map(({ Y }) => Y))
  const isWhole =
    outputs.length === signed.length &&
    signed.every(({ B_, amount }) => amounts.get(B_) === amount) &&
    inputs.length === Ys.size &&
    inputs.every(({ secret }) => Ys.has(stubCrypto.hashToCurve(secret)))
  return isWhole ? senders[first.B_] : undefined
}

/** A body that moves money. */
interface Sent {
  readonly inputs?: readonly { readonly secret: string }[]
  readonly outputs: readonly { readonly B_: string; readonly amount: number }[]
}

const smallest = (mint: Dump): number =>
  Math.min(...mintRows(mint).keysets.flatMap(({ keys }) => Object.keys(keys).map(Number)))
