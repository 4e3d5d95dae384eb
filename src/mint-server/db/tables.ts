/** The mint's rows. The state of a mint is in these tables; a mint object holds nothing else. */
import { operationsTable, ownersTable } from '../../kernel/define/operation.ts'
import { stepsTable } from '../../kernel/define/steps.ts'
import type { Schema } from '../../store/port.ts'
import {
  json,
  jsonOrNull,
  text,
  type ReaderOf,
  type RowOf,
  type StoreOf,
  type Tables,
  type WriteOf,
} from '../../store/typed.ts'
import type { PaymentMethod } from '../lightning/payment-backend.ts'
import { fakeBackendTables } from '../lightning/fake-backend-tables.ts'

export type MeltQuoteState = 'UNPAID' | 'PENDING' | 'PAID' | 'FAILED'

export type OperationName = 'mint-swap' | 'mint-issue' | 'mint-melt'

/** A blind signature as answers carry it (NUT-00, NUT-12). */
export type Signature = {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string } | undefined
}

export const mintTables = {
  owners: ownersTable(),
  operations: operationsTable(
    { requestKey: 'text', quoteId: 'text?' },
    { byRequest: { columns: ['requestKey', 'status'] } },
  ),
  /** One keyset (NUT-02). Its private keys are the signatory's; unit and generation tell it which. */
  keysets: {
    columns: {
      id: 'text',
      unit: 'text',
      /** Counts the unit's keysets, from 0. */
      generation: 'integer',
      /** 1 or 0. At most one keyset of a unit is active. 2: the last of a unit that was taken away (see `keepOnly`). */
      active: 'integer',
      /** Thousandths of a unit per input. */
      feePpk: 'integer',
      /** Public keys by amount. */
      keys: json<Readonly<Record<string, string>>>(),
    },
    key: ['id'],
    indexes: { byUnit: { columns: ['unit', 'generation'], unique: true } },
  },
  /** A mint quote (NUT-04). It is paid, and issued, in parts where its request can be paid more than once (NUT-25). */
  mintQuotes: {
    columns: {
      id: 'text',
      method: text<PaymentMethod>(),
      unit: 'text',
      /** Null where the payer chooses. */
      amount: 'integer?',
      amountPaid: 'integer',
      /** Never more than `amountPaid`. */
      amountIssued: 'integer',
      /** The issue that holds it. */
      operationId: 'text?',
      request: 'text',
      /** The backend's id of the request. */
      requestId: 'text',
      /** What proves that its invoice was paid; null where the backend keeps that to itself. */
      preimage: 'text?',
      /** The key it is locked to (NUT-20). */
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
  /** A payment that came in for a mint quote, once. */
  mintPayments: {
    columns: {
      /** The backend's name for the payment, or the melt's that settled it here. */
      id: 'text',
      quoteId: 'text',
      unit: 'text',
      amount: 'integer',
    },
    key: ['id'],
    total: { of: 'amount', by: ['unit'] },
  },
  /** A melt quote (NUT-05). */
  meltQuotes: {
    columns: {
      id: 'text',
      method: text<PaymentMethod>(),
      unit: 'text',
      amount: 'integer',
      feeReserve: 'integer',
      state: text<MeltQuoteState>(),
      request: 'text',
      requestId: 'text',
      expiryAt: 'time',
      /** The melt that pays it, or did. */
      operationId: 'text?',
      /** An invoice's payment hash while PENDING or PAID, else null: unique, so no invoice is ever paid by two quotes. */
      claim: 'text?',
      /** The amount and what Lightning took for it, once PAID; else 0. */
      paidOut: 'integer',
      preimage: 'text?',
      /** Blind signatures for the change (NUT-08), once PAID. */
      change: json<readonly Signature[]>(),
    },
    key: ['id'],
    indexes: { byClaim: { columns: ['claim'], unique: true }, byEnd: { columns: ['state', 'expiryAt'] } },
    total: { of: 'paidOut', by: ['unit'] },
  },
  /** An input that an operation uses up. A proof without a row is unspent. */
  proofs: {
    columns: {
      Y: 'text',
      state: text<'PENDING' | 'SPENT'>(),
      keysetId: 'text',
      amount: 'integer',
      /** What unlocked it (NUT-07, NUT-10). */
      witness: 'text?',
      operationId: 'text',
      kind: text<OperationName>(),
    },
    key: ['Y'],
    total: { of: 'amount', by: ['state', 'keysetId'] },
  },
  /** A blinded message: signed, or set aside by an operation (amount 0, C_ null). */
  signatures: {
    columns: {
      B_: 'text',
      keysetId: 'text',
      amount: 'integer',
      C_: 'text?',
      dleq: jsonOrNull<{ readonly e: string; readonly s: string }>(),
      operationId: 'text',
      kind: text<OperationName>(),
    },
    key: ['B_'],
    total: { of: 'amount', by: ['keysetId'] },
  },
  /** An answer kept for replays (NUT-19). */
  responses: {
    columns: {
      /** Hash of the path and the request's body. */
      key: 'text',
      body: 'text',
      expiresAt: 'time',
    },
    key: ['key'],
    indexes: { byExpiry: { columns: ['expiresAt'] } },
  },
  /** How far the database is, in marks of its own (see `high-water.ts`). One row. */
  highWater: {
    columns: {
      id: 'text',
      database: 'text',
      tick: 'integer',
      nonce: 'text',
      atMs: 'time',
    },
    key: ['id'],
  },
  steps: stepsTable(),
  ...fakeBackendTables,
} as const satisfies Tables

/** The schema to open a mint's store with. */
export const mintSchema = {
  version: 2,
  tables: mintTables,
  migrations: { 1: [{ addTable: 'steps', as: mintTables.steps }] },
} as const satisfies Schema

export type MintTables = typeof mintTables
export type Write = WriteOf<MintTables>
export type Reader = ReaderOf<MintTables>
export type Store = StoreOf<MintTables>

export type KeysetRow = RowOf<MintTables['keysets']>
export type MintQuoteRow = RowOf<MintTables['mintQuotes']>
export type MintPaymentRow = RowOf<MintTables['mintPayments']>
export type MeltQuoteRow = RowOf<MintTables['meltQuotes']>
export type ProofRow = RowOf<MintTables['proofs']>
export type SignatureRow = RowOf<MintTables['signatures']>
export type ResponseRow = RowOf<MintTables['responses']>
export type HighWaterRow = RowOf<MintTables['highWater']>
