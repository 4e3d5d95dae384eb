/** What a mint asks of Lightning, and a fake of it for tests and demonstrations. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Store, Write } from '../store/port.ts'
import { bolt11, type Invoice, type InvoiceCodec } from './bolt11.ts'
import { transact } from './transact.ts'
import type { Row } from '../store/port.ts'

import type { Outgoing, PaymentBackend } from './payment-backend.ts'
/** A backend without Lightning, whose payments are rows in the mint's own store. */
export interface FakeBackend extends PaymentBackend {
  /** Makes an invoice from outside be paid; false where the backend did not make it. */
  settle(paymentHash: string): Promise<boolean>
  /** Decides a payment that is pending or unknown; false where there is none. */
  resolve(id: string, state: 'paid' | 'failed'): Promise<boolean>
  /** An invoice of nobody's, to be paid by a melt. Its memo may script the payment. */
  foreignInvoice(invoice: { amountSat?: number | undefined; expiryAt?: number; memo?: string | undefined }): string
}

export interface FakeBackendOptions {
  /** Opened with `mintSchema`. */
  readonly store: Store
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  /** Real BOLT11 unless told otherwise. */
  readonly invoiceCodec?: InvoiceCodec
  /** How long after its making an invoice is paid by itself; never, where left out. */
  readonly autoPayMs?: number
  /** What each payment costs beyond its amount, in sat; 1 unless told otherwise. */
  readonly feeSat?: number
}

type Told = Outgoing['state'] | 'error'

/** How a payment goes, by the JSON in its invoice's memo; any other memo means that it is paid. */
function scriptOf(memo: string): { pay: Told; check: Told; truth: Outgoing['state'] } {
  let script: Record<string, unknown> = {}
  try {
    script = Object(JSON.parse(memo)) as Record<string, unknown>
  } catch {
    // An ordinary memo.
  }
  const state = (name: string, otherwise: Outgoing['state']): Outgoing['state'] => {
    const told = script[name]
    if (told === undefined) return otherwise
    return told === 'PAID' || told === 'FAILED' || told === 'PENDING'
      ? (told.toLowerCase() as Lowercase<typeof told>)
      : 'unknown'
  }
  const pay = state('pay_invoice_state', 'paid')
  const check = state('check_payment_state', pay)
  return {
    pay: script['pay_err'] === true ? 'error' : pay,
    check: script['check_err'] === true ? 'error' : check,
    truth: pay === 'paid' && script['pay_err'] !== true ? 'paid' : check,
  }
}

/**
 * A fake Lightning backend. Any well-formed invoice can be paid, unless its memo says otherwise: a JSON object with
 * `pay_invoice_state` (what paying answers) and `check_payment_state` (what is true, and what asking later answers),
 * each PAID, FAILED, PENDING or UNKNOWN, and `pay_err`, `check_err` (true: the call fails, and says nothing).
 */
export function fakeBackend(options: FakeBackendOptions): FakeBackend {
  const { store, clock, random, autoPayMs, feeSat = 1, invoiceCodec: codec = bolt11 } = options

  // The preimage follows from a field of the invoice, so that any fake backend can pay any other's and prove it.
  const preimageOf = (paymentSecret: string): Uint8Array =>
    sha256(concatBytes(utf8ToBytes('fake preimage'), hexToBytes(paymentSecret)))

  function makeInvoice(invoice: { amountSat: number | undefined; expiryAt: number; memo: string | undefined }) {
    const paymentSecret = bytesToHex(random(32))
    const paymentHash = bytesToHex(sha256(preimageOf(paymentSecret)))
    const { amountSat, expiryAt, memo = '' } = invoice
    const request = codec.encode({ paymentHash, paymentSecret, amountSat, memo, createdAt: clock(), expiryAt })
    return { request, paymentHash }
  }

  const isPaid = (invoice: InvoiceRow | undefined): boolean =>
    invoice !== undefined && invoice.paidAt !== null && invoice.paidAt <= clock()

  /** Credits an invoice of our own in the commit that pays it. */
  async function credit(paymentHash: string): Promise<Write[]> {
    const invoice = await store.get<InvoiceRow>('invoices', [paymentHash])
    if (!invoice || isPaid(invoice)) return []
    return [{ patch: 'invoices', key: [paymentHash], set: { paidAt: clock() }, if: { paidAt: invoice.paidAt } }]
  }

  async function outgoing(id: string): Promise<Outgoing> {
    const payment = await store.get<PaymentRow>('payments', [id])
    if (!payment) return { state: 'none' }
    if (payment.silent) throw new Error('the fake backend does not tell')
    return payment.state === 'paid'
      ? { state: 'paid', preimage: payment.preimage, feeSat: payment.fee }
      : { state: payment.state }
  }

  return {
    methods: ['bolt11'],
    start: async () => {},
    stop: async () => {},
    decode(_, request) {
      const i = codec.decode(request)
      return i && { requestId: i.paymentHash, amountSat: i.amountSat, expiryAt: i.expiryAt }
    },
    outgoing,

    async createRequest({ amountSat, expiryAt, memo }) {
      const { request, paymentHash } = makeInvoice({ amountSat, expiryAt: expiryAt!, memo })
      const paidAt = autoPayMs === undefined ? null : clock() + autoPayMs
      await store.commit([{ put: 'invoices', row: { paymentHash, paidAt, amountSat: amountSat! }, if: 'absent' }])
      return { request, requestId: paymentHash }
    },

    async incoming(paymentHash) {
      const row = await store.get<InvoiceRow>('invoices', [paymentHash])
      return isPaid(row) ? [{ paymentId: paymentHash, amountSat: row!.amountSat }] : []
    },

    async pay({ request, maxFeeSat, id }) {
      const invoice = codec.decode(request)
      if (invoice?.amountSat === undefined) throw new TypeError('not an invoice with an amount')
      const { paymentHash, amountSat: amount } = invoice
      const script = scriptOf(invoice.memo)
      const preimage = bytesToHex(preimageOf(invoice.paymentSecret))
      const told = await transact<Told | undefined>(store, async () => {
        if (await store.get('payments', [id])) return { writes: [], result: undefined }
        const own = await store.get<InvoiceRow>('invoices', [paymentHash])
        const taken = await store.query({ table: 'payments', index: 'byClaim', prefix: [paymentHash], limit: 1 })
        const impossible = feeSat > maxFeeSat || invoice.expiryAt <= clock() || isPaid(own) || taken.length > 0
        const state = impossible ? 'failed' : script.truth
        const row: PaymentRow = {
          id,
          paymentHash,
          amount,
          fee: feeSat,
          state,
          preimage,
          silent: script.check === 'error' ? 1 : 0,
          claim: state === 'failed' ? null : paymentHash,
        }
        const credits = state === 'paid' ? await credit(paymentHash) : []
        return {
          writes: [{ put: 'payments', row, if: 'absent' }, ...credits],
          result: impossible ? 'failed' : script.pay,
        }
      })
      if (told === undefined) return outgoing(id)
      if (told === 'error') throw new Error('the fake backend lost the answer')
      return told === 'paid' ? { state: told, preimage, feeSat } : { state: told }
    },

    settle: (paymentHash) =>
      transact(store, async () => {
        const known = (await store.get('invoices', [paymentHash])) !== undefined
        return { writes: await credit(paymentHash), result: known }
      }),

    resolve: (id, state) =>
      transact(store, async () => {
        const payment = await store.get<PaymentRow>('payments', [id])
        if (!payment || payment.state === 'paid' || payment.state === 'failed') return { writes: [], result: false }
        const set = { state, silent: 0, claim: state === 'paid' ? payment.paymentHash : null }
        const decided: Write = { patch: 'payments', key: [id], set, if: { state: payment.state } }
        return { writes: [decided, ...(state === 'paid' ? await credit(payment.paymentHash) : [])], result: true }
      }),

    foreignInvoice: ({ amountSat, expiryAt = clock() + 3_600_000, memo }) =>
      makeInvoice({ amountSat, expiryAt, memo }).request,
  }
}

/** An invoice that the fake backend made for a mint quote; paid from `paidAt` on, if that is not null. */
export interface InvoiceRow extends Row {
  readonly paymentHash: string
  readonly paidAt: number | null
  readonly amountSat: number
}

/** A payment that the fake backend was asked to make. */
export interface PaymentRow extends Row {
  readonly id: string
  readonly paymentHash: string
  readonly amount: number
  readonly fee: number
  /** What is true of it, whether or not the backend tells. */
  readonly state: Outgoing['state']
  /** 1 where asking for it fails. */
  readonly silent: number
  /** The payment hash unless it failed: unique, as a Lightning node pays no invoice twice. */
  readonly claim: string | null
  readonly preimage: string
}


export const fakeBackendTables = {
    invoices: { columns: { paymentHash: 'text', paidAt: 'time?', amountSat: 'integer' }, key: ['paymentHash'] },
    payments: {
      columns: {
        id: 'text',
        paymentHash: 'text',
        amount: 'integer',
        fee: 'integer',
        state: 'text',
        silent: 'integer',
        claim: 'text?',
        preimage: 'text',
      },
      key: ['id'],
      indexes: { byClaim: { columns: ['claim'], unique: true }, byInvoice: { columns: ['paymentHash'] } },
    },
} as const
