/** The invariants of a mint, at each of its commits and at the end, checked against Lightning's own books. */
import type { OperationRow } from '../../kernel/define/operation.ts'
import { fakeBackendTables } from '../../mint-server/lightning/fake-backend-tables.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import { mintOrphans, wrongChange } from './mint-rows.ts'
import { mintRows, rowsOf } from './rows.ts'

/** The invariants, each with its meaning. */
export const mintInvariants = {
  overissue: 'of no quote is more issued than was paid, nor is more credited than came in',
  unbacked: 'signatures are stored in the commit that uses something up for them, and their operation knows',
  held: 'what an operation took is given back, or used up, when it ends',
  halfway: 'an operation that is completed is completed in all of its rows',
  balance: 'what went in is what came out, and the fee',
  lost: 'what Lightning paid is paid by a melt',
  invented: 'what a melt has paid, Lightning paid',
  answer: 'clients are told what is true, and the same each time',
  orphan: 'every row is accounted for by an operation that is alive, or by one that has ended as it says',
} as const

export type MintInvariant = keyof typeof mintInvariants

const total = (list: readonly { readonly amount: number }[]): number =>
  list.reduce((sum, { amount }) => sum + amount, 0)

/** Signatures are given out only in the commit that spends what they were given for. */
export function unsoundCommit(writes: readonly Write[], before: Dump, after: Dump): readonly string[] {
  const found: string[] = [...mintOrphans(after), ...wrongChange(writes, before)]
  const patches = writes.flatMap((write) => ('patch' in write ? [write] : []))
  const signed = patches.filter(({ patch, set }) => patch === 'signatures' && set['C_'] !== undefined)
  for (const { patch, key, set } of patches) {
    if (patch !== 'mintQuotes' || set['amountIssued'] === undefined) continue
    const quote = mintRows(before).mintQuotes.find(({ id }) => id === key[0])
    const amountPaid = (set['amountPaid'] as number | undefined) ?? quote?.amountPaid ?? 0
    if ((set['amountIssued'] as number) > amountPaid) found.push('overissue: more is issued of a quote than was paid')
  }
  if (signed.length === 0) return found
  const spent = patches.some(({ patch, set }) => patch === 'proofs' && set['state'] === 'SPENT')
  const issued = patches.some(({ patch, set }) => patch === 'mintQuotes' && set['amountIssued'] !== undefined)
  if (!spent && !issued) found.push('unbacked: signatures are stored, and nothing is used up for them')
  if (
    !writes.some(
      (write) => ('put' in write && write.put === 'operations') || ('patch' in write && write.patch === 'operations'),
    )
  )
    found.push('unbacked: signatures are stored, and their operation does not know')
  return found
}

/** The invariants at the end. */
export function judgeMint(world: {
  readonly rows: Dump
  readonly lightning: Dump
  readonly operations: readonly OperationRow[]
}): readonly string[] {
  const { rows, lightning, operations } = world
  const found: string[] = []
  const { proofs, signatures, keysets, meltQuotes: melts, mintQuotes: quotes, mintPayments } = mintRows(rows)
  const fees = new Map(keysets.map(({ id, feePpk }) => [id, feePpk]))
  const { fakeOutgoing: outgoing, fakeIncoming: incoming } = rowsOf(fakeBackendTables, lightning)

  for (const { id, kind, state, status } of operations) {
    // What was set aside is told with its reason, whatever the kind.
    if (status === 'active') found.push(`stuck: ${kind} is ${status} in ${state}`)
    const used = proofs.filter(({ operationId }) => operationId === id)
    const made = signatures.filter(({ operationId }) => operationId === id)
    const fee = Math.ceil(used.reduce((sum, { keysetId }) => sum + fees.get(keysetId)!, 0) / 1000)
    if (state !== 'completed') {
      if (used.length + made.length > 0) found.push(`held: ${kind} ended in ${state}, and keeps what it took`)
      continue
    }
    if (used.some((row) => row.state !== 'SPENT'))
      found.push(`halfway: ${kind} is completed, and an input is not spent`)
    if (made.some(({ C_ }) => C_ === null)) found.push(`halfway: ${kind} is completed, and an output is not signed`)
    if (kind === 'mint-swap' && total(used) - fee !== total(made))
      found.push(`balance: a swap took ${total(used)} less ${fee}, and gave ${total(made)}`)
    if (kind === 'mint-melt') {
      const quote = melts.find(({ operationId }) => operationId === id)
      const left = total(used) - fee - (quote?.paidOut ?? 0) - total(made)
      if (quote?.state !== 'PAID') found.push('halfway: a melt is completed, and its quote is not paid')
      else if (left < 0) found.push(`balance: a melt paid ${-left} more than it took`)
    }
  }

  for (const quote of quotes) {
    const { id, requestId, amountPaid, amountIssued, operationId } = quote
    if (operationId !== null) found.push('held: a mint quote is held by an operation that is over')
    if (amountIssued > amountPaid) found.push('overissue: more is issued of a quote than was paid')
    const credits = mintPayments.filter(({ quoteId }) => quoteId === id)
    if (total(credits) !== amountPaid) found.push('balance: what a quote was paid is not the sum of its payments')
    const came = incoming.filter((row) => row.requestId === requestId && row.dueAt === null)
    const internal = melts.filter((melt) => melt.requestId === requestId && melt.state === 'PAID')
    const most = came.reduce((sum, { amountSat }) => sum + amountSat, 0) + total(internal)
    if (amountPaid > most) found.push(`overissue: ${amountPaid} is credited, and ${most} came in`)
  }
  // An operation that ended long ago is deleted. Its signatures still show what it was.
  const issued = signatures.filter(({ kind, C_ }) => kind === 'mint-issue' && C_ !== null)
  const counted = quotes.reduce((sum, { amountIssued }) => sum + amountIssued, 0)
  if (total(issued) !== counted) found.push(`balance: ${total(issued)} is signed for quotes that count ${counted}`)

  const paid = outgoing.filter(({ state, dueAt }) => state === 'paid' && dueAt === null)
  for (const { id, amountSat, feeSat } of paid) {
    const quote = melts.find(({ operationId }) => operationId === id)
    if (quote?.state !== 'PAID') found.push('lost: Lightning paid, and the melt is not paid')
    else if (quote.paidOut !== amountSat + feeSat) found.push('balance: the melt counts another payment than was made')
  }
  for (const { state, operationId, requestId } of melts) {
    if (state === 'PENDING') found.push('stuck: a melt quote is pending, and nothing is under way')
    const own = quotes.some((quote) => quote.requestId === requestId)
    if (state === 'PAID' && !own && !paid.some(({ id }) => id === operationId))
      found.push('invented: a melt quote is paid, and Lightning paid nothing')
  }
  return found
}
