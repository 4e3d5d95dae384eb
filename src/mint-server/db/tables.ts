/** The mint's rows. Everything a mint knows is in these tables; a mint object holds nothing that they don't give. */
import { operationsTable, ownersTable } from '../../kernel/define/operation.ts'
import type { Row, Schema } from '../../store/port.ts'
import { fakeBackendTables } from '../lightning/fake-backend-tables.ts'
import type { MeltQuoteState } from '../protocol/quote-states.ts'

/** One keyset (NUT-02). Its private keys are the signatory's; unit and generation tell it which. */
export interface KeysetRow extends Row {
  readonly id: string
  readonly unit: string
  /** Counts the unit's keysets, from 0. */
  readonly generation: number
  /** 1 or 0. At most one keyset of a unit is active. 2: the last of a unit that was taken away (see `keepOnly`). */
  readonly active: number
  /** Thousandths of a unit per input. */
  readonly feePpk: number
  /** Public keys by amount. */
  readonly keys: Readonly<Record<string, string>>
}

/** A mint quote (NUT-04). It is paid, and issued, in parts where its request can be paid more than once (NUT-25). */
export interface MintQuoteRow extends Row {
  readonly id: string
  readonly method: string
  readonly unit: string
  /** Null where the payer chooses. */
  readonly amount: number | null
  readonly amountPaid: number
  /** Never more than `amountPaid`. */
  readonly amountIssued: number
  /** The issue that holds it. */
  readonly operationId: string | null
  readonly request: string
  /** What the backend knows the request by. */
  readonly requestId: string
  /** What proves that its invoice was paid; null where the backend keeps that to itself. */
  readonly preimage: string | null
  /** The key it is locked to (NUT-20). */
  readonly pubkey: string | null
  readonly expiryAt: number | null
  readonly updatedAt: number
}

/** A payment that came in for a mint quote, once. */
export interface MintPaymentRow extends Row {
  /** The backend's name for the payment, or the melt's that settled it here. */
  readonly id: string
  readonly quoteId: string
  readonly unit: string
  readonly amount: number
}

/** A melt quote (NUT-05). */
export interface MeltQuoteRow extends Row {
  readonly id: string
  readonly method: string
  readonly unit: string
  readonly amount: number
  readonly feeReserve: number
  readonly state: MeltQuoteState
  readonly request: string
  readonly requestId: string
  readonly expiryAt: number
  /** The melt that pays it, or did. */
  readonly operationId: string | null
  /** An invoice's payment hash while PENDING or PAID, else null: unique, so no invoice is ever paid by two quotes. */
  readonly claim: string | null
  /** The amount and what Lightning took for it, once PAID; else 0. */
  readonly paidOut: number
  readonly preimage: string | null
  /** Blind signatures for the change (NUT-08), once PAID. */
  readonly change: readonly Signature[]
}

/** An input that an operation uses up. A proof without a row is unspent. */
export interface ProofRow extends Row {
  readonly Y: string
  readonly state: 'PENDING' | 'SPENT'
  readonly keysetId: string
  readonly amount: number
  /** What unlocked it (NUT-07, NUT-10). */
  readonly witness: string | null
  readonly operationId: string
  readonly kind: OperationName
}

/** A blinded message: signed, or set aside by an operation (amount 0, C_ null). */
export interface SignatureRow extends Row {
  readonly B_: string
  readonly keysetId: string
  readonly amount: number
  readonly C_: string | null
  readonly dleq: { readonly e: string; readonly s: string } | null
  readonly operationId: string
  readonly kind: OperationName
}

export type OperationName = 'mint-swap' | 'mint-issue' | 'mint-melt'

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

/** How far the database is, in marks of its own (see `high-water.ts`). One row. */
export interface HighWaterRow extends Row {
  readonly id: string
  readonly database: string
  readonly tick: number
  readonly nonce: string
  readonly atMs: number
}

/** The schema to open a mint's store with. */
export const mintSchema: Schema = {
  version: 1,
  tables: {
    owners: ownersTable(),
    operations: operationsTable(
      { requestKey: 'text', quoteId: 'text?' },
      { byRequest: { columns: ['requestKey', 'status'] } },
    ),
    keysets: {
      columns: { id: 'text', unit: 'text', generation: 'integer', active: 'integer', feePpk: 'integer', keys: 'json' },
      key: ['id'],
      indexes: { byUnit: { columns: ['unit', 'generation'], unique: true } },
    },
    mintQuotes: {
      columns: {
        id: 'text',
        method: 'text',
        unit: 'text',
        amount: 'integer?',
        amountPaid: 'integer',
        amountIssued: 'integer',
        operationId: 'text?',
        request: 'text',
        requestId: 'text',
        preimage: 'text?',
        pubkey: 'text?',
        expiryAt: 'time?',
        updatedAt: 'time',
      },
      key: ['id'],
      indexes: {
        byRequest: { columns: ['requestId'], unique: true },
        byEnd: { columns: ['amountPaid', 'expiryAt'] },
      },
      total: { of: 'amountIssued', by: ['unit'] },
    },
    mintPayments: {
      columns: { id: 'text', quoteId: 'text', unit: 'text', amount: 'integer' },
      key: ['id'],
      total: { of: 'amount', by: ['unit'] },
    },
    meltQuotes: {
      columns: {
        id: 'text',
        method: 'text',
        unit: 'text',
        amount: 'integer',
        feeReserve: 'integer',
        state: 'text',
        request: 'text',
        requestId: 'text',
        expiryAt: 'time',
        operationId: 'text?',
        claim: 'text?',
        paidOut: 'integer',
        preimage: 'text?',
        change: 'json',
      },
      key: ['id'],
      indexes: { byClaim: { columns: ['claim'], unique: true }, byEnd: { columns: ['state', 'expiryAt'] } },
      total: { of: 'paidOut', by: ['unit'] },
    },
    proofs: {
      columns: {
        Y: 'text',
        state: 'text',
        keysetId: 'text',
        amount: 'integer',
        witness: 'text?',
        operationId: 'text',
        kind: 'text',
      },
      key: ['Y'],
      total: { of: 'amount', by: ['state', 'keysetId'] },
    },
    signatures: {
      columns: {
        B_: 'text',
        keysetId: 'text',
        amount: 'integer',
        C_: 'text?',
        dleq: 'json?',
        operationId: 'text',
        kind: 'text',
      },
      key: ['B_'],
      total: { of: 'amount', by: ['keysetId'] },
    },
    responses: {
      columns: { key: 'text', body: 'text', expiresAt: 'time' },
      key: ['key'],
      indexes: { byExpiry: { columns: ['expiresAt'] } },
    },
    highWater: {
      columns: { id: 'text', database: 'text', tick: 'integer', nonce: 'text', atMs: 'time' },
      key: ['id'],
    },
    ...fakeBackendTables,
  },
}
