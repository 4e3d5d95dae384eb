/** The rows of the fake backend. All that it knows of payments is in them. */
import { text, type RowOf, type StoreOf, type Tables, type WriteOf } from '../../store/typed.ts'
import type { PaymentMethod } from './payment-backend.ts'

/** The tables that the fake backend needs in its store. */
export const fakeBackendTables = {
  /** A request for payment that the backend made: an invoice, or an offer. */
  fakeRequests: {
    columns: {
      requestId: 'text',
      method: text<PaymentMethod>(),
      /** Null where the payer chooses. */
      amountSat: 'integer?',
    },
    key: ['requestId'],
  },
  /** A payment of such a request. Of an invoice there is one at most, as it has the invoice's id. */
  fakeIncoming: {
    columns: {
      paymentId: 'text',
      requestId: 'text',
      amountSat: 'integer',
      /** When it comes in, and may be heard of; null where it has. */
      dueAt: 'time?',
    },
    key: ['paymentId'],
    indexes: { byRequest: { columns: ['requestId'] } },
  },
  /** A payment that the backend was asked to make. */
  fakeOutgoing: {
    columns: {
      id: 'text',
      requestId: 'text',
      amountSat: 'integer',
      feeSat: 'integer',
      /** What is true of it, whether or not the backend tells. */
      state: text<'paid' | 'failed' | 'pending' | 'unknown'>(),
      /** When that becomes true; till then it is pending. Null where it is. */
      dueAt: 'time?',
      /**
       * The payment hash that it holds: unique, as a Lightning node pays no invoice twice. Null where it was refused, or
       * has failed and given way to another.
       */
      claim: 'text?',
      /** Null where the backend cannot know it: an invoice that no fake backend made. */
      preimage: 'text?',
      /** 1 where asking for it fails. */
      silent: 'integer',
      /** How long asking for it takes. */
      checkDelayMs: 'integer',
    },
    key: ['id'],
    indexes: { byClaim: { columns: ['claim'], unique: true }, byRequest: { columns: ['requestId'] } },
  },
} as const satisfies Tables

type FakeTables = typeof fakeBackendTables
export type Write = WriteOf<FakeTables>
export type Store = StoreOf<FakeTables>

export type FakeRequestRow = RowOf<FakeTables['fakeRequests']>
export type FakeIncomingRow = RowOf<FakeTables['fakeIncoming']>
export type FakeOutgoingRow = RowOf<FakeTables['fakeOutgoing']>
