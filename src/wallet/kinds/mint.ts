/** Mint: the kind, and how an amount becomes a quote to pay. */
import type { AmountLike } from '@cashu/cashu-ts'
import { mint } from '../../../machines/wallet/mint.ts'
import type { MintContext, QuoteState, Wanted } from '../../../machines/wallet/mint-model.ts'
import { checkNames, checkSignal, checkKeys } from '../../arguments.ts'
import { fromAmountLike } from '../../cashu/amounts.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { defineOperation, type EventObject, type Poll } from '../../kernel/define/operation.ts'
import { answerOf, exchangeEffects } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { contextIn, OperationHandle, type Waiting, signalOf } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { issueSteps } from '../issue.ts'
import { quotedOf } from '../mint-quote.ts'
import { assertMints, inParts } from '../offered.ts'
import type { EffectArgs, WalletPorts } from '../ports.ts'
import { SELDOM_MS } from './steps.ts'
import { positive } from './swap.ts'
import { sure } from '../../sure.ts'

const effects = ({ client, crypto, invoiceAmount }: WalletPorts) => ({
  'mint.createQuote': async ({ input, signal, nowMs }: EffectArgs<Wanted & { body: string }>) => {
    const { mintUrl, method, body } = input
    const reply = await client(mintUrl).createMintQuote(body, { signal, method })
    const { mintNowMs } = reply
    return answerOf(reply, (quote) => quotedOf({ crypto, invoiceAmount }, input, quote, { nowMs, mintNowMs }))
  },
  'mint.quote': async ({ input, signal, nowMs }: EffectArgs<Wanted & { quoteId: string }>) => {
    const { mintUrl, method, quoteId } = input
    const reply = await client(mintUrl).mintQuote(quoteId, { signal, method })
    const { mintNowMs } = reply
    return answerOf(reply, (quote) => quotedOf({ crypto, invoiceAmount }, input, quote, { nowMs, mintNowMs }))
  },
  'mint.issue': async ({ input, signal }: EffectArgs<{ mintUrl: string; method: string; body: string }>) =>
    answerOf(await client(input.mintUrl).issue(input.body, { signal, method: input.method }), ({ signatures }) => ({
      signatures,
    })),
})

const poll = ({ client }: WalletPorts, firstMs: number, maxMs: number): Poll<MintContext, EventObject> => ({
  firstMs,
  maxMs,
  most: 1,
  sends: ['quote.updated'],
  async ask({ contexts, signal }) {
    const { mintUrl, method, quoteId } = sure(contexts[0], 'context')
    const reply = await client(mintUrl).mintQuote(sure(quoteId, 'quote'), { signal, method })
    if (reply.answer !== 'ok' || reply.body.state === 'UNPAID') return []
    return [{ type: 'quote.updated', state: reply.body.state } as EventObject]
  },
})

export const mintKind = defineOperation({
  kind: 'mint',
  version: 1,
  machine: mint,
  effects: (ports: WalletPorts) => {
    const { 'mint.restore': restore, 'mint.keysets': keysets } = exchangeEffects(ports)
    return { ...effects(ports), ...issueSteps(ports), 'mint.restore': restore, 'mint.keysets': keysets }
  },
  polls: (ports: WalletPorts) => ({ quote: poll(ports, 1_000, 60_000), late: poll(ports, 60_000, SELDOM_MS) }),
  lane,
  columns,
  because: ({ why }: MintContext) => why,
  project: record<MintContext>('mint', 'in', ({ method, quoteId, quote, ys }) => ({
    method,
    quoteId,
    request: quote?.request ?? null,
    ys,
  })),
})

/** How much ecash is wanted, of which mint. */
export interface PrepareMint {
  /** The mint's URL. */
  readonly mintUrl: string
  /** How much ecash, in the unit. */
  readonly amount: AmountLike
  /** `sat` unless given. */
  readonly unit?: string
  /** `bolt11` unless given (NUT-23). */
  readonly method?: string
  /** A quote that exists already, with the private key that it is locked to, if it is (NUT-20). */
  readonly quoteId?: string
  /** The key that the quote is locked to, 32 bytes in hexadecimal (NUT-20). */
  readonly privateKey?: string
  /** The idempotency key: the same key and the same request are the same operation. */
  readonly key?: string
  /** Aborting stops the waiting for the quote; the operation goes on. */
  readonly signal?: AbortSignal
}

/** A mint operation: ecash for a payment (NUT-04). */
export class MintHandle extends OperationHandle<MintContext> {
  /** The quote to pay: `request` is the invoice, `expiry` in seconds since the Unix epoch. */
  get quote(): {
    readonly quote: string
    readonly request: string
    readonly expiry: number | null
    readonly state: QuoteState
  } {
    const { quote, quoteState } = contextIn(this)
    if (!quote)
      throw new HardshellError('INVALID_STATE', 'the mint has not given a quote yet', { operationId: this.id })
    return { quote: quote.quote, request: quote.request, expiry: quote.expiry, state: quoteState }
  }

  async quoted(waiting: Waiting = {}): Promise<this> {
    const signal = signalOf(waiting)
    await this.until(({ snapshot }) => ((snapshot?.context as MintContext | undefined)?.quote ?? null) !== null, signal)
    return this
  }
}

const OPTIONS: readonly (keyof PrepareMint)[] = [
  'mintUrl',
  'amount',
  'unit',
  'method',
  'quoteId',
  'privateKey',
  'key',
  'signal',
]

/**
 * Stores what is wanted, then asks the mint for a quote. From then on it goes on by itself: paid, it is minted.
 *
 * @throws {TypeError} naming the argument; {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`,
 *   `KEYSET_COLLISION`, `KEYSET_UNSUPPORTED`, `KEYSET_CHANGED`, `NO_ACTIVE_KEYSET`, `AMOUNT_UNREACHABLE`, `AMOUNT_OUT_OF_RANGE`,
 *   `MINTING_DISABLED`, `REFUSED`, `QUOTE_WRONG`, `ALREADY_ISSUED`, `SIGNATURE_REFUSED`, `MINT_UNREACHABLE`, `KEY_REUSED`; the signal's reason
 */
export async function prepareMint(env: WalletEnv, options: PrepareMint): Promise<MintHandle> {
  checkNames(options, 'options', OPTIONS)
  const { mintUrl: url, unit = 'sat', method = 'bolt11', quoteId, key, signal } = options
  checkSignal(signal)
  const amount = positive(fromAmountLike(options.amount), 'amount')
  checkKeys({ unit, method, quoteId })
  const { crypto, random } = env.ports
  if (options.privateKey !== undefined && !isKey(crypto, options.privateKey))
    throw new TypeError('privateKey: 32 bytes in hex')
  const { mintUrl } = await env.mints.get(url)
  const existing = async (): Promise<string | undefined> =>
    quoteId === undefined ? undefined : (await env.store.get('quoteClaims', [mintUrl, quoteId]))?.operationId
  const request = { mintUrl, unit, amount, method, quoteId: quoteId ?? null }
  const checked = async () => {
    const { info } = await env.mints.assertUsable(mintUrl, unit)
    // A quote that exists may be paid already: nothing else is refused beforehand.
    if (quoteId === undefined) {
      await env.mints.assertSigns(mintUrl, unit)
      await inParts(env, { mintUrl, unit }, [amount])
      await assertMints(env, { mintUrl, unit, method, amount })
    }
    const locks = quoteId === undefined && info?.supported.includes(20) === true
    const privateKey = locks ? crypto.privateKey(random(32)) : (options.privateKey ?? null)
    const ask = JSON.stringify({ amount, unit, ...(locks && privateKey && { pubkey: crypto.publicKey(privateKey) }) })
    return { mintUrl, unit, amount, method, privateKey, quoteId: quoteId ?? null, ask }
  }
  const calls = env.operations.of(mintKind)
  const handle = new MintHandle(env, calls, await calls.create(checked, { key, request, existing }))
  // Wanted again, after it was given up.
  if (quoteId !== undefined && /^(cancelled|expired)$/.test(handle.state))
    await calls.send(handle.id, { type: 'resume' })
  return handle.quoted(signal ? { signal } : {})
}

function isKey(crypto: WalletPorts['crypto'], privateKey: string): boolean {
  try {
    crypto.publicKey(privateKey)
    return true
  } catch {
    return false
  }
}
