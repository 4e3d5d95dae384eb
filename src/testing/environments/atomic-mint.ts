/**
 * The mint against which wallets are proven. It uses the mint server's own rules and steps, but carries out each
 * request in one commit (a melt in two, with the payment between them), so it cannot crash in between. Crashes of the
 * mint itself are explored with the real one (`mint-subject.ts`).
 */
import type { MeltContext } from '../../../machines/mint-server/melt.ts'
import { undone } from '../../../machines/mint-server/melt.ts'
import { newSigning, type HeldOutput } from '../../../machines/mint-server/signing.ts'
import { codes } from '../../cashu/codes.ts'
import { balanceSheet } from '../../mint-server/db/balance-sheet.ts'
import { issueSteps } from '../../mint-server/operations/issue.ts'
import { meltSteps } from '../../mint-server/operations/melt.ts'
import { swapSteps } from '../../mint-server/operations/swap.ts'
import { meltAnswer } from '../../mint-server/protocol/melt-quotes.ts'
import type { Mint } from '../../mint-server/mint-api.ts'
import type { MintOptions } from '../../mint-server/mint-options.ts'
import { prepared } from '../../mint-server/prepare.ts'
import type { Outgoing } from '../../mint-server/lightning/payment-backend.ts'
import { has, type LocalReader } from '../../mint-server/ports.ts'
import { refuse } from '../../mint-server/http/request.ts'
import type { Asked } from '../../mint-server/http/requests.ts'
import { replay } from '../../mint-server/http/responses.ts'
import { routes } from '../../mint-server/http/routes.ts'
import { mintSchema, type MeltQuoteRow } from '../../mint-server/db/tables.ts'
import { transact } from '../../mint-server/db/transact.ts'
import type { Row, Schema, Write } from '../../store/port.ts'

/** A melt under way. The mint server stores it in its operation. */
interface MeltRow extends Row {
  readonly id: string
  readonly context: MeltContext & Row
}

export const atomicMintSchema: Schema = {
  ...mintSchema,
  tables: { ...mintSchema.tables, melts: { columns: { id: 'text', context: 'json' }, key: ['id'] } },
}

export type AtomicMint = Pick<Mint, 'handle' | 'rotate' | 'balanceSheet'>

/** `options.store` is opened with `atomicMintSchema`. */
export async function atomicMint(options: MintOptions): Promise<AtomicMint> {
  const { context, keysets } = await prepared(options)
  const { signatory, settings, clock, newId } = context
  const { backend, store } = options
  // Here each request is one commit, in which the steps’ own conditions stand.
  const read: LocalReader = { get: (table, key) => store.get(table, key), loose: () => store }
  const steps = { ...swapSteps(context), ...issueSteps(context), ...meltSteps(context) }
  const kept = async (key: string) => (has(settings, 19) ? replay(store, key, clock.now()) : undefined)
  const sign = (unit: string, outputs: readonly HeldOutput[]) =>
    signatory.sign(outputs.map(({ generation, amount, B_ }) => ({ unit, generation, amount, B_ })))

  type Done = { readonly writes: readonly Write[]; readonly body: string }

  async function swap(input: Extract<Asked, { kind: 'mint-swap' }>['input'], request: string): Promise<Done> {
    const [id, of] = [newId(), { read, nowMs: clock.now() }]
    const { unit, outputs, writes } = await steps['swap.setUp']({ input: { ...input, id }, ...of })
    const signed = await sign(unit, outputs)
    const done = await steps['swap.complete']({ input: { id, request, inputs: input.inputs, outputs, signed }, ...of })
    return { writes: [...writes, ...done.writes], body: done.body }
  }

  async function issue(input: Extract<Asked, { kind: 'mint-issue' }>['input'], request: string): Promise<Done> {
    const [id, of] = [newId(), { read, nowMs: clock.now() }]
    const { unit, outputs, shares, writes } = await steps['issue.setUp']({ input: { ...input, id }, ...of })
    const signed = await sign(unit, outputs)
    const done = await steps['issue.complete']({ input: { id, request, shares, outputs, signed }, ...of })
    return { writes: [...writes, ...done.writes], body: done.body }
  }

  type Melt = Extract<Asked, { kind: 'mint-melt' }>['input']

  /** The first commit of a melt. */
  async function begin(input: Melt, request: string): Promise<{ writes: readonly Write[]; melt: MeltRow }> {
    const id = newId()
    const { writes, answer, ...ready } = await steps['melt.setUp']({
      ...{ input: { ...input, id }, read, nowMs: clock.now() },
    })
    const melt: MeltContext = {
      ...{ ...input, id, request, ...newSigning, ...ready, messages: [] },
      ownQuoteId: 'ownQuoteId' in ready ? ready.ownQuoteId : null,
      settlement: answer === 'internal' && 'preimage' in ready ? { fee: 0, preimage: ready.preimage } : null,
    }
    const row = { id, context: melt } as unknown as MeltRow
    return { writes: [...writes, { put: 'melts', row }], melt: row }
  }

  /** The second commit, if the outcome is final. Returns the quote after it. */
  const settle = (id: string, outcome: Outgoing): Promise<MeltQuoteRow> =>
    transact(store, async () => {
      const row = await store.get<MeltRow>('melts', [id])
      const quote = (await store.get<MeltQuoteRow>('meltQuotes', [row?.context.quoteId ?? '']))!
      if (!row || (outcome.state !== 'paid' && outcome.state !== 'failed')) return { writes: [], result: quote }
      const over: Write = { delete: 'melts', key: [id] }
      const failed = { writes: [...undone(row.context), over], result: { ...quote, state: 'FAILED' as const } }
      if (outcome.state === 'failed') return failed
      const settlement = { fee: outcome.feeSat ?? 0, preimage: outcome.preimage ?? null }
      const paid = { ...row.context, settlement }
      const of = { read, nowMs: clock.now() }
      const change = await steps['melt.change']({ input: paid, ...of })
      const outputs = change.answer === 'owed' ? change.outputs : []
      const signed = await sign(paid.unit, outputs)
      const settled = await steps['melt.settle']({ input: { ...paid, outputs, signed }, ...of })
      if (settled.answer === 'elsewhere') return failed
      const put = settled.writes.find((write) => 'patch' in write && write.patch === 'meltQuotes') as { set: Row }
      return { writes: [...settled.writes, over], result: { ...quote, ...put.set } as MeltQuoteRow }
    })

  /** A failed call proves nothing about the payment. */
  async function asking(call: () => Promise<Outgoing>): Promise<Outgoing> {
    try {
      return await call()
    } catch {
      return { state: 'unknown' }
    }
  }

  /** Pays it. A failure or a missing answer is confirmed by a status request. */
  async function pay({ id, context: { payment } }: MeltRow): Promise<Outgoing> {
    const { method, request, amount, maxFee } = payment!
    const asked = { id, method: method as 'bolt11', request, amountSat: amount, maxFeeSat: maxFee }
    const told = await asking(() => backend.pay(asked))
    return told.state === 'paid' || told.state === 'pending' ? told : asking(() => backend.outgoing(id))
  }

  async function melt(input: Melt, key: string): Promise<object | string> {
    const begun = await transact(store, async () => {
      const { writes, melt: row } = await begin(input, key)
      return { writes, result: row }
    })
    const own = begun.context.settlement
    const quote = await settle(begun.id, own ? { state: 'paid', feeSat: 0 } : await pay(begun))
    return quote.state === 'FAILED' ? refuse(codes.paymentFailed, 'the payment failed') : meltAnswer(quote)
  }

  const { handle } = routes(context, keysets, {
    async carryOut(key, asked) {
      const before = await kept(key)
      if (before !== undefined) return before
      const { kind, input } = await asked()
      if (kind === 'mint-melt') return melt(input, key)
      return transact(store, async () => {
        const { writes, body } = kind === 'mint-swap' ? await swap(input, key) : await issue(input, key)
        return { writes, result: body }
      })
    },
    async ask({ operationId }) {
      const row = await store.get<MeltRow>('melts', [operationId ?? ''])
      if (!row) return
      const seen = await asking(() => backend.outgoing(row.id))
      await settle(row.id, seen.state === 'none' || seen.state === 'unknown' ? await pay(row) : seen)
    },
  })
  return {
    handle,
    balanceSheet: () => balanceSheet(store),
    async rotate(unit, { feePpk } = {}) {
      context.checkIssuable(unit, null)
      return keysets.add(unit, { feePpk })
    },
  }
}
