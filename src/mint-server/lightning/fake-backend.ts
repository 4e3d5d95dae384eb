/** Lightning without Lightning, for tests and demonstrations. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import {
  checkCount,
  checkDuration,
  checkFunction,
  checkMethods,
  checkNames,
  checkOneOf,
  checkText,
} from '../../arguments.ts'
import { sleep as sleepBy, systemClock } from '../../kernel/util/ports.ts'
import { bolt11, type InvoiceCodec } from './bolt11.ts'
import { bolt12, type OfferCodec } from './bolt12.ts'
import { fakeLedger } from './fake-backend-ledger.ts'
import { scriptOf } from './fake-backend-script.ts'
import type { FakeOutgoingRow, Store } from './fake-backend-tables.ts'
import { checkStore } from '../port-checks.ts'
import type { Outgoing, PaymentBackend, PaymentMethod, Requested } from './payment-backend.ts'

/** What a request for payment says. */
interface Wish {
  readonly amountSat?: number | undefined
  /** Milliseconds since the Unix epoch. Unless given, an invoice ends in an hour, and an offer never. */
  readonly expiryAt?: number | undefined
  readonly memo?: string | undefined
}

/** The backend, and what happens to it from outside. `onIncoming` reports what happens through this object. */
export interface FakeBackend extends Required<PaymentBackend> {
  /**
   * Has somebody pay a request that the backend made; false where it made none. An invoice is paid once, and calling
   * again changes nothing; every call pays an offer once more. A payment of the backend's own that is under way to
   * the same invoice has lost then, and fails.
   * @throws {TypeError} Neither the call nor the request names an amount.
   */
  settle(requestId: string, amountSat?: number): Promise<boolean>
  /**
   * Decides a payment that is not final; false where there is none, or where somebody else has paid the invoice.
   *
   * @throws {Error} where there is no such payment
   */
  resolve(id: string, state: 'paid' | 'failed'): Promise<boolean>
  /**
   * Decides all payments for a request that are not final; false where there is none.
   *
   * @throws {Error} where there is no such payment
   */
  decide(requestId: string, state: 'paid' | 'failed'): Promise<boolean>
  /** An invoice of nobody's. Its memo may script the payment (see `scriptOf`). */
  foreignInvoice(invoice: Wish): string
  /** An offer of nobody's. Its memo may script the payments (see `scriptOf`). */
  foreignOffer(offer: Wish): string
}

/** How a fake Lightning backend behaves. */
export interface FakeBackendOptions {
  /** Its schema has `fakeBackendTables`. All that the backend knows is there, and several may share it. */
  readonly store: Store
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number
  /** Bytes of randomness. */
  readonly random: (length: number) => Uint8Array
  /** Resolves after so long, or once the signal aborts; asked for delays alone. The system's clock unless given. */
  readonly sleep?: (delayMs: number, signal: AbortSignal) => Promise<void>
  /** Real BOLT 11 unless given. */
  readonly invoiceCodec?: InvoiceCodec
  /** Real BOLT 12 unless given. */
  readonly offerCodec?: OfferCodec
  /** How long after its making a request that names an amount is paid by itself, once; never, where left out. */
  readonly autoPayMs?: number
  /** What each payment costs beyond its amount, in sat; 1 unless given. */
  readonly feeSat?: number
}

const HOUR_MS = 3_600_000
/** The last moment that a `Date` can name. */
const LAST_MS = 8_640_000_000_000_000
/** What an invoice's memo may be (BOLT 11). */
const MOST_MEMO_BYTES = 639
/** The public key of the node that signs the invoices (see `bolt11`). */
const NODE_ID = '031c3c2605c2ff5236c84dd79326574cd97a9f948aa0654a2c48f7771f0dbe627e'

/** The preimage follows from what payer and payee know, so any fake backend can pay another's invoice and prove it. */
export const preimageOf = (secret: Uint8Array): Uint8Array => sha256(concatBytes(utf8ToBytes('fake preimage'), secret))
const hashOf = (preimage: Uint8Array): string => bytesToHex(sha256(preimage))

/** @throws {TypeError} naming the argument */
export function checkBehaviour({ autoPayMs, feeSat, invoiceCodec, offerCodec }: Partial<FakeBackendOptions>): void {
  checkDuration(autoPayMs, 'autoPayMs')
  if (feeSat !== undefined && !(typeof feeSat === 'number' && feeSat >= 0))
    throw new TypeError('feeSat: a number from 0')
  if (invoiceCodec !== undefined) checkMethods(invoiceCodec, 'invoiceCodec', ['encode', 'decode'])
  if (offerCodec !== undefined) checkMethods(offerCodec, 'offerCodec', ['encode', 'decode'])
}

const OPTIONS: readonly (keyof FakeBackendOptions)[] = [
  'store',
  'clock',
  'random',
  'sleep',
  'invoiceCodec',
  'offerCodec',
  'autoPayMs',
  'feeSat',
]

/** @throws {TypeError} naming the argument */
function checkOptions(options: FakeBackendOptions): void {
  checkNames(options, 'options', OPTIONS)
  checkStore(options.store)
  for (const name of ['clock', 'random'] as const) checkFunction(options[name] ?? null, name)
  checkFunction(options.sleep, 'sleep')
  checkBehaviour(options)
}

const checkDecision = (state: unknown): void => checkOneOf(state ?? null, 'state', ['paid', 'failed'])

/** @throws {TypeError} naming the argument */
function checkWish(wish: Wish): void {
  checkNames(wish, 'request', ['amountSat', 'expiryAt', 'memo'])
  checkCount(wish.amountSat, 'amountSat', 0)
  checkDuration(wish.expiryAt, 'expiryAt')
  if ((wish.expiryAt ?? 0) > LAST_MS) throw new TypeError(`expiryAt: milliseconds up to ${LAST_MS}`)
  if (wish.memo === undefined) return
  if (typeof wish.memo !== 'string' || utf8ToBytes(wish.memo).length > MOST_MEMO_BYTES)
    throw new TypeError(`memo: a text of at most ${MOST_MEMO_BYTES} bytes`)
}

/**
 * A fake Lightning backend. What can be read can be paid, an invoice once, unless it has expired, the amount is not its
 * own, the fee is more than allowed, or its memo says otherwise (see `scriptOf`). What a backend on the same store made
 * is credited in the commit that pays it.
 */
export function fakeBackend(options: FakeBackendOptions): FakeBackend {
  checkOptions(options)
  const { store, clock, random, autoPayMs, feeSat = 1, invoiceCodec = bolt11, offerCodec = bolt12 } = options
  const { sleep = (delayMs, signal) => sleepBy(systemClock, delayMs, signal) } = options
  const ledger = fakeLedger(store, clock)
  const listeners = new Set<{ readonly tell: (requestId: string) => void }>()
  let running: AbortController | undefined

  /** The signal of a call. @throws {Error} The backend is stopped, or the caller has given up. */
  function attend(signal?: AbortSignal): AbortSignal {
    if (!running) throw new Error('the fake backend is stopped')
    signal?.throwIfAborted()
    return signal ? AbortSignal.any([running.signal, signal]) : running.signal
  }

  async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs > 0) await sleep(delayMs, signal)
    signal.throwIfAborted()
  }

  const dueAfter = (delayMs: number): number | null => (delayMs > 0 ? clock() + delayMs : null)

  /** Tells the listeners when something comes in. */
  async function announce(requestId: string, dueAt: number | null): Promise<void> {
    if (!running || listeners.size === 0) return
    try {
      await pause(dueAt === null ? 0 : dueAt - clock(), running.signal)
      if ((await ledger.incoming(requestId)).length === 0) return
    } catch {
      // Stopped, or the store is away: nobody relies on it.
      return
    }
    for (const { tell } of listeners) tell(requestId)
  }

  function make(method: PaymentMethod, wish: Wish): Requested {
    const { amountSat, memo = '' } = wish
    const drawn = bytesToHex(random(32))
    if (method === 'bolt12') {
      const { expiryAt } = wish
      const request = offerCodec.encode({ metadata: drawn, amountSat, memo, expiryAt, issuerId: NODE_ID })
      return { request, requestId: offerCodec.decode(request)!.offerId }
    }
    const { expiryAt = clock() + HOUR_MS } = wish
    const preimage = preimageOf(hexToBytes(drawn))
    const paymentHash = hashOf(preimage)
    const invoice = { paymentHash, paymentSecret: drawn, amountSat, memo, createdAt: clock(), expiryAt }
    return { request: invoiceCodec.encode(invoice), requestId: paymentHash, preimage: bytesToHex(preimage) }
  }

  /** Reads a request. Its payment's preimage follows from the `secret`; those of an offer have one each. */
  function read(method: PaymentMethod, request: string) {
    if (method === 'bolt12') {
      const offer = offerCodec.decode(request)
      return offer && { ...offer, requestId: offer.offerId, secret: undefined }
    }
    const invoice = invoiceCodec.decode(request)
    return invoice && { ...invoice, requestId: invoice.paymentHash, secret: hexToBytes(invoice.paymentSecret) }
  }

  const newPaymentId = (method: PaymentMethod, requestId: string): string =>
    method === 'bolt11' ? requestId : bytesToHex(random(32))

  function statusOf({ state, dueAt, preimage, feeSat }: FakeOutgoingRow): Outgoing {
    if (!ledger.isDue(dueAt)) return { state: 'pending' }
    return state === 'paid' ? { state, preimage: preimage ?? undefined, feeSat } : { state }
  }

  async function outgoing(id: string, signal: AbortSignal): Promise<Outgoing> {
    const row = await ledger.outgoing(id)
    if (!row) return { state: 'none' }
    await pause(row.checkDelayMs, signal)
    if (row.silent) throw new Error('the fake backend does not tell')
    return statusOf(row)
  }

  async function resolve(id: string, state: 'paid' | 'failed'): Promise<boolean> {
    const resolved = await ledger.resolve(id, state)
    if (resolved && state === 'paid') void announce(resolved.requestId, null)
    return resolved !== undefined
  }

  return {
    methods: ['bolt11', 'bolt12'],

    async start() {
      running ??= new AbortController()
    },

    async stop() {
      running?.abort(new Error('the fake backend was stopped'))
      running = undefined
    },

    decode(method, request) {
      const found = read(method, request)
      return found && { requestId: found.requestId, amountSat: found.amountSat, expiryAt: found.expiryAt }
    },

    async createRequest({ method, ...wish }) {
      attend()
      const { amountSat } = wish
      if (method === 'bolt11' && amountSat === undefined) throw new TypeError('an invoice needs an amount')
      const made = make(method, wish)
      const { requestId } = made
      const row = { requestId, method, amountSat: amountSat ?? null }
      if (autoPayMs === undefined || amountSat === undefined) {
        await ledger.open(row)
      } else {
        const dueAt = dueAfter(autoPayMs)
        await ledger.open(row, { paymentId: newPaymentId(method, requestId), requestId, amountSat, dueAt })
        void announce(requestId, dueAt)
      }
      return made
    },

    async incoming(requestId, signal) {
      attend(signal)
      return (await ledger.incoming(requestId)).map(({ paymentId, amountSat }) => ({ paymentId, amountSat }))
    },

    async pay({ id, method, request, amountSat, maxFeeSat }, signal) {
      const waiting = attend(signal)
      const found = read(method, request)
      if (!found) throw new TypeError('not a request for payment that can be read')
      const { requestId, secret } = found
      const script = scriptOf(found.memo)
      const preimage = preimageOf(secret ?? utf8ToBytes(id))
      const paymentHash = method === 'bolt11' ? requestId : hashOf(preimage)
      const least = found.amountSat ?? amountSat
      const isAmount = method === 'bolt11' ? amountSat === least : amountSat >= least
      const hasEnded = found.expiryAt !== undefined && found.expiryAt <= clock()
      const begun = await ledger.begin({
        id,
        requestId,
        amountSat,
        feeSat,
        state: script.truth,
        dueAt: dueAfter(script.settleAfterMs),
        claim: isAmount && !hasEnded && feeSat <= maxFeeSat ? paymentHash : null,
        preimage: hashOf(preimage) === paymentHash ? bytesToHex(preimage) : null,
        silent: script.isSilent ? 1 : 0,
        checkDelayMs: script.checkDelayMs,
      })
      if (!begun) return outgoing(id, waiting)
      if (begun.claim === null) return { state: 'failed' }
      if (begun.state === 'paid') void announce(requestId, begun.dueAt)
      await pause(script.payDelayMs, waiting)
      if (script.pay === 'error') throw new Error('the fake backend lost the answer')
      if (script.pay !== undefined && script.pay !== 'paid') return { state: script.pay }
      return statusOf((await ledger.outgoing(id))!)
    },

    async outgoing(id, signal) {
      return outgoing(id, attend(signal))
    },

    onIncoming(tell) {
      const listener = { tell }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },

    async settle(requestId, given) {
      checkText(requestId, 'requestId')
      checkCount(given, 'amountSat')
      const row = await ledger.request(requestId)
      if (!row) return false
      const amountSat = given ?? row.amountSat
      if (amountSat === null) throw new TypeError('the payer has to choose the amount')
      await ledger.settle({ paymentId: newPaymentId(row.method, requestId), requestId, amountSat, dueAt: null })
      void announce(requestId, null)
      return true
    },

    async resolve(id, state) {
      checkText(id, 'id')
      checkDecision(state)
      return resolve(id, state)
    },

    async decide(requestId, state) {
      checkText(requestId, 'requestId')
      checkDecision(state)
      const query = { table: 'fakeOutgoing', index: 'byRequest', prefix: [requestId] } as const
      const payments = await store.query(query)
      const decided = await Promise.all(payments.map(({ id }) => resolve(id, state)))
      return decided.includes(true)
    },

    foreignInvoice(wish) {
      checkWish(wish)
      return make('bolt11', wish).request
    },
    foreignOffer(wish) {
      checkWish(wish)
      return make('bolt12', wish).request
    },
  }
}
