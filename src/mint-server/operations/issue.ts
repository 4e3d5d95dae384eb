/** Issue at the mint (NUT-04, NUT-25, NUT-29): the kind, and its steps on the mint's tables. */
import { issue, type IssueContext, type IssueInput, type Share } from '../../../machines/mint-server/issue.ts'
import { codes } from '../../cashu/codes.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { record, reserve, sum } from '../protocol/ledger.ts'
import { type LocalArgs, type LocalReader, type MintPorts, has } from '../ports.ts'
import { refuse } from '../http/request.ts'
import type { MintQuoteRow, Write } from '../db/tables.ts'
import { columns, kept, signingEffect } from './signing.ts'
import { sure } from '../../sure.ts'

const kind = 'mint-issue'

const read = async (from: LocalReader, id: string): Promise<MintQuoteRow> =>
  (await from.get('mintQuotes', [id])) ?? refuse(codes.unclassified, 'no such quote')

/** What can be issued from a quote now. @throws {MintError} */
function mintable(quote: MintQuoteRow, nowMs: number): number {
  if (quote.operationId !== null) refuse(codes.quotePending, 'the quote is being issued')
  const isExpired = quote.expiryAt !== null && quote.expiryAt <= nowMs
  if (quote.amountPaid === 0) refuse(isExpired ? codes.quoteExpired : codes.quoteNotPaid, 'the quote is not paid')
  return quote.amountPaid - quote.amountIssued || refuse(codes.quoteIssued, 'the quote was issued')
}

export const issueSteps = (ports: MintPorts) => ({
  async 'issue.setUp'({
    input: { id, wanted, messages },
    read: from,
    nowMs,
  }: LocalArgs<Pick<IssueInput, 'id' | 'wanted' | 'messages'>>) {
    const quotes = await Promise.all(wanted.map(({ quoteId }) => read(from, quoteId)))
    const left = quotes.map((quote) => mintable(quote, nowMs))
    const made = await reserve({ ...ports, read: from }, { id, kind }, messages)
    let rest = made.amount
    const shares = wanted.map(({ quoteId, amount }, at): Share => {
      const quote = sure(quotes[at], 'quote')
      const room = sure(left[at], 'room')
      if (quote.unit !== made.unit) refuse(codes.unitMismatch, `the quote is in ${quote.unit}`)
      const most = amount ?? room
      if (most > room) refuse(codes.unbalanced, `the quote has ${room} left`)
      // What was paid by an invoice is issued whole; of what an offer brings in, as much as is asked for (NUT-25).
      const share = quote.method === 'bolt11' ? most : Math.min(most, rest)
      rest -= share
      return { quoteId, amount: share }
    })
    if (rest !== 0) refuse(codes.unbalanced, `the quotes give ${sum(shares.map(({ amount }) => amount))}, outputs are ${made.amount}`) // prettier-ignore
    await made.assertFree()
    const holds = quotes.map((quote): Write => {
      const { amountPaid, amountIssued } = quote
      return {
        patch: 'mintQuotes',
        key: [quote.id],
        set: { operationId: id },
        if: { operationId: null, amountPaid, amountIssued },
      }
    })
    return { answer: 'ready' as const, unit: made.unit, shares, outputs: made.held, writes: [...holds, ...made.writes] }
  },

  async 'issue.complete'({
    input: { id, request, shares, outputs, signed },
    ...of
  }: LocalArgs<Pick<IssueContext, 'id' | 'request' | 'shares' | 'outputs' | 'signed'>>) {
    const issued = await Promise.all(
      shares.map(async ({ quoteId, amount }): Promise<Write> => {
        const { amountIssued, amountPaid } = await read(of.read, quoteId)
        if (amountIssued + amount > amountPaid) throw new Error('more would be issued than was paid')
        const set = { amountIssued: amountIssued + amount, operationId: null, updatedAt: of.nowMs }
        return { patch: 'mintQuotes', key: [quoteId], set, if: { operationId: id, amountIssued } }
      }),
    )
    const { signatures, writes } = record({ id, kind }, outputs, signed, has(ports.settings, 12))
    const answer = kept(ports, request, { signatures }, of.nowMs)
    return { answer: 'completed' as const, body: answer.body, writes: [...issued, ...writes, ...answer.writes] }
  },
})

export const issueKind = defineOperation({
  kind,
  version: 1,
  machine: issue,
  effects: (ports: MintPorts) => ({ ...signingEffect(ports), ...issueSteps(ports) }),
  lane: () => 'signatory',
  columns: ({ request, wanted }: IssueContext) => columns(request, wanted[0]?.quoteId ?? null),
})
