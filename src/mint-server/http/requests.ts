/** Checks requests against what never changes. The operation's commit checks the rest. */
import type { IssueInput } from '../../../machines/mint-server/issue.ts'
import type { MeltInput } from '../../../machines/mint-server/melt.ts'
import type { SwapInput } from '../../../machines/mint-server/swap.ts'
import { conditionChecks, ConditionUnmet } from '../../cashu/conditions.ts'
import { codes } from '../../cashu/codes.ts'
import { amount as parseAmount, field, list, optional } from '../../cashu/shape.ts'
import type { Context } from '../context.ts'
import { genuine } from '../protocol/ledger.ts'
import type { PaymentMethod } from '../lightning/payment-backend.ts'
import { within } from '../lightning/time-limit.ts'
import { has } from '../ports.ts'
import { idText, inputsOf, messagesOf, quoteIdOf, refuse, type Fields } from './request.ts'
import type { MintQuoteRow } from '../db/tables.ts'
import { MAX_BATCH } from '../protocol/read-endpoints.ts'

type Sans<T> = Omit<T, 'id' | 'request'>

/** An operation that a request asks for. */
export type Asked =
  | { readonly kind: 'mint-swap'; readonly input: Sans<SwapInput> }
  | { readonly kind: 'mint-issue'; readonly input: Sans<IssueInput> }
  | { readonly kind: 'mint-melt'; readonly input: Sans<MeltInput> }

/** @throws {MintError} */
export function requests({ store, crypto, signatory, settings, clock, turn = async () => {} }: Context) {
  /** Rows stay reserved until they are signed. So nothing is reserved while the signatory is known to be the wrong one. */
  const ready = (): Promise<void> => within(clock, () => signatory.match())

  /** Genuine inputs whose spending conditions are met. Conditions are checked last, because many of them take long. */
  async function unlocked(request: Fields, quoteId?: string) {
    const proofs = inputsOf(request)
    const messages = (request['outputs'] ?? null) === null ? [] : messagesOf(request)
    const inputs = await within(clock, (signal) => genuine({ read: store, crypto, signatory, turn }, proofs, signal))
    await ready()
    const checks = conditionChecks({
      inputs: proofs,
      outputs: messages,
      nowMs: clock.now(),
      ...(quoteId !== undefined && { quoteId }),
    })
    try {
      while (checks.next().done !== true) await turn()
    } catch (error) {
      if (error instanceof ConditionUnmet) refuse(codes.signatureInvalid, error.message)
      throw error
    }
    return { inputs, messages }
  }

  async function swap(request: Fields): Promise<Asked> {
    messagesOf(request)
    return { kind: 'mint-swap', input: await unlocked(request) }
  }

  async function mintQuote(id: string, method: PaymentMethod): Promise<MintQuoteRow> {
    const row = await store.get('mintQuotes', [id])
    return row?.method === method ? row : refuse(codes.unclassified, 'no such quote')
  }

  /** NUT-20. The signature is over all outputs. */
  function checkSignature(
    { pubkey, id }: MintQuoteRow,
    signature: unknown,
    outputs: ReturnType<typeof messagesOf>,
  ): void {
    if (pubkey === null) return
    const wrong = (): never => refuse(codes.signatureInvalid, 'the quote is locked to a key')
    if (typeof signature !== 'string') return wrong()
    try {
      if (!crypto.verifyMintRequest(pubkey, id, outputs, signature)) wrong()
    } catch {
      // The key or the signature is malformed.
      wrong()
    }
  }

  const issue =
    (method: PaymentMethod) =>
    async (request: Fields): Promise<Extract<Asked, { kind: 'mint-issue' }>> => {
      const messages = messagesOf(request)
      const quoteId = quoteIdOf(request)
      checkSignature(await mintQuote(quoteId, method), request['signature'], messages)
      await ready()
      return { kind: 'mint-issue', input: { wanted: [{ quoteId, amount: null }], messages } }
    }

  /** NUT-29. */
  const batch =
    (method: PaymentMethod) =>
    async (request: Fields): Promise<Extract<Asked, { kind: 'mint-issue' }>> => {
      const messages = messagesOf(request)
      const ids = quoteIdsOf(request)
      if (ids.length === 0) refuse(codes.unclassified, 'no quotes')
      if (new Set(ids).size < ids.length) refuse(codes.duplicateQuotes, 'the same quote twice')
      const amounts = field(request, 'quote_amounts', optional(list(parseAmount)), '')
      const signatures = field(request, 'signatures', optional(list((value) => value)), '')
      if (amounts ? amounts.length !== ids.length : method !== 'bolt11')
        refuse(codes.unclassified, 'quote_amounts: one for each quote expected')
      if (signatures && signatures.length !== ids.length)
        refuse(codes.signatureInvalid, 'signatures: one for each quote expected')
      const quotes = await Promise.all(ids.map((id) => mintQuote(id, method)))
      if (new Set(quotes.map(({ unit }) => unit)).size > 1) refuse(codes.severalUnits, 'quotes of more than one unit')
      for (const [at, quote] of quotes.entries()) {
        await turn()
        const signature = signatures?.[at] ?? undefined
        if (quote.pubkey === null && signature !== undefined)
          refuse(codes.signatureInvalid, 'a signature for a quote that is not locked')
        checkSignature(quote, signature, messages)
      }
      await ready()
      const wanted = ids.map((quoteId, at) => ({ quoteId, amount: amounts?.[at] ?? null }))
      return { kind: 'mint-issue', input: { wanted, messages } }
    }

  const melt =
    (method: PaymentMethod) =>
    async (request: Fields): Promise<Asked> => {
      const quoteId = quoteIdOf(request)
      const row = await store.get('meltQuotes', [quoteId])
      if (row?.method !== method) refuse(codes.unclassified, 'no such quote')
      const { inputs, messages } = await unlocked(request, quoteId)
      return { kind: 'mint-melt', input: { quoteId, inputs, messages: has(settings, 8) ? messages : [] } }
    }

  return { swap, issue, batch, melt }
}

/** What a batch lists as its quotes (NUT-29). @throws {MintError} */
export function listedQuotes(request: Fields): unknown[] {
  const value = request['quotes']
  if (Array.isArray(value) && value.length > MAX_BATCH) refuse(codes.batchTooLarge, `more than ${MAX_BATCH} quotes`)
  return list((entry) => entry)(value, 'quotes')
}

/** The ids of a batch's quotes. @throws {MintError} */
export const quoteIdsOf = (request: Fields): string[] => list(idText)(listedQuotes(request), 'quotes')
