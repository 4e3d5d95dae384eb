/** The mint's rows. Everything a mint knows is in these tables; a mint object holds nothing that they don't give. */
import { StoreError, type Row, type Schema, type Store, type Write } from '../store/port.ts'

/** One keyset (NUT-02). Its private keys are derived from the seed, the unit and the generation. */
export interface KeysetRow extends Row {
  readonly id: string
  readonly unit: string
  /** Counts the unit's keysets, from 0. */
  readonly generation: number
  /** 1 or 0. At most one keyset of a unit is active. */
  readonly active: number
  /** Thousandths of a unit per input. */
  readonly feePpk: number
  /** Public keys by amount. */
  readonly keys: Readonly<Record<string, string>>
}

/** A mint quote (NUT-04). */
export interface MintQuoteRow extends Row {
  readonly id: string
  readonly unit: string
  readonly amount: number
  readonly state: 'UNPAID' | 'PAID' | 'ISSUED'
  readonly request: string
  readonly paymentHash: string
  /** The key it is locked to (NUT-20). */
  readonly pubkey: string | null
  readonly expiryAt: number
  readonly updatedAt: number
}

/** A melt quote (NUT-05) and, from its first attempt on, what the attempt has taken in. */
export interface MeltQuoteRow extends Row {
  readonly id: string
  readonly unit: string
  readonly amount: number
  readonly feeReserve: number
  readonly state: 'UNPAID' | 'PENDING' | 'PAID'
  readonly request: string
  readonly paymentHash: string
  readonly expiryAt: number
  /** Counts the payments started for this quote; each has an id of its own at the backend. */
  readonly attempt: number
  /** The payment hash while PENDING or PAID, else null: unique, so no invoice is ever paid by two quotes. */
  readonly claim: string | null
  /** Y of each input, while PENDING. */
  readonly inputs: readonly string[]
  /** The inputs' sum less the input fee, while PENDING; else 0. */
  readonly net: number
  /** The blank outputs in order (NUT-08), while PENDING. */
  readonly blanks: readonly { readonly id: string; readonly B_: string }[]
  /** The amount and what Lightning took for it, once PAID; else 0. */
  readonly paidOut: number
  readonly preimage: string | null
  /** Blind signatures for the change (NUT-08), once PAID. */
  readonly change: readonly Signature[]
}

/** An input that a request used up. A proof without a row is unspent. */
export interface ProofRow extends Row {
  readonly Y: string
  readonly state: 'PENDING' | 'SPENT'
  readonly keysetId: string
  readonly amount: number
  /** The melt quote that holds or spent it. */
  readonly quoteId: string | null
}

/** A blinded message: signed, or set aside as a blank output of a pending melt (amount 0, C_ null). */
export interface SignatureRow extends Row {
  readonly B_: string
  readonly keysetId: string
  readonly amount: number
  readonly C_: string | null
  readonly dleq: { readonly e: string; readonly s: string } | null
  /** The melt quote whose change it is. */
  readonly quoteId: string | null
}

/** A blind signature as answers carry it (NUT-00, NUT-12). */
export interface Signature extends Row {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string } | undefined
}

/** An answer kept for replays (NUT-19). */
export interface ResponseRow extends Row {
  /** Hash of the path and the request's body. */
  readonly key: string
  readonly body: string
  readonly expiresAt: number
}

/** An invoice that the fake backend made for a mint quote; paid from `paidAt` on, if that is not null. */
export interface InvoiceRow extends Row {
  readonly paymentHash: string
  readonly paidAt: number | null
}

/** A payment that the fake backend was asked to make. */
export interface PaymentRow extends Row {
  readonly id: string
  readonly paymentHash: string
  readonly amount: number
  readonly fee: number
  /** What is true of it, whether or not the backend tells. */
  readonly state: 'paid' | 'failed' | 'pending' | 'unknown'
  /** 1 where asking for it fails. */
  readonly silent: number
  /** The payment hash unless it failed: unique, as a Lightning node pays no invoice twice. */
  readonly claim: string | null
  readonly preimage: string
}

/** The schema to open a mint's store with. */
export const mintSchema: Schema = {
  version: 1,
  tables: {
    keysets: {
      columns: { id: 'text', unit: 'text', generation: 'integer', active: 'integer', feePpk: 'integer', keys: 'json' },
      key: ['id'],
      indexes: { byUnit: { columns: ['unit', 'generation'], unique: true } },
    },
    mintQuotes: {
      columns: {
        id: 'text',
        unit: 'text',
        amount: 'integer',
        state: 'text',
        request: 'text',
        paymentHash: 'text',
        pubkey: 'text?',
        expiryAt: 'time',
        updatedAt: 'time',
      },
      key: ['id'],
      total: { of: 'amount', by: ['unit', 'state'] },
    },
    meltQuotes: {
      columns: {
        id: 'text',
        unit: 'text',
        amount: 'integer',
        feeReserve: 'integer',
        state: 'text',
        request: 'text',
        paymentHash: 'text',
        expiryAt: 'time',
        attempt: 'integer',
        claim: 'text?',
        inputs: 'json',
        net: 'integer',
        blanks: 'json',
        paidOut: 'integer',
        preimage: 'text?',
        change: 'json',
      },
      key: ['id'],
      indexes: { byClaim: { columns: ['claim'], unique: true } },
      total: { of: 'paidOut', by: ['unit'] },
    },
    proofs: {
      columns: { Y: 'text', state: 'text', keysetId: 'text', amount: 'integer', quoteId: 'text?' },
      key: ['Y'],
      total: { of: 'amount', by: ['state', 'keysetId'] },
    },
    signatures: {
      columns: { B_: 'text', keysetId: 'text', amount: 'integer', C_: 'text?', dleq: 'json?', quoteId: 'text?' },
      key: ['B_'],
      total: { of: 'amount', by: ['keysetId'] },
    },
    responses: {
      columns: { key: 'text', body: 'text', expiresAt: 'time' },
      key: ['key'],
      indexes: { byExpiry: { columns: ['expiresAt'] } },
    },
    invoices: { columns: { paymentHash: 'text', paidAt: 'time?' }, key: ['paymentHash'] },
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
  },
}

/** Conflicts in a row after which a request is given up; each means that another request got through. */
const MAX_TRIES = 20

/**
 * Reads, decides and commits, all in `step`'s one commit; where a row changed in between, from the reads again.
 * @throws {StoreError} As the store gave it; `CONFLICT` after 20 tries.
 */
export async function transact<T>(
  store: Store,
  step: () => Promise<{ readonly writes: readonly Write[]; readonly result: T }>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const { writes, result } = await step()
    try {
      if (writes.length > 0) await store.commit(writes)
      return result
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'CONFLICT' && tries < MAX_TRIES)) throw error
    }
  }
}
