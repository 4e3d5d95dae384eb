/** The rows of the fake backend. All that it knows of payments is in them. */
import type { Row, Schema } from '../../store/port.ts'
import type { PaymentMethod } from './payment-backend.ts'

/** A request for payment that the backend made: an invoice, or an offer. */
export interface FakeRequestRow extends Row {
  readonly requestId: string
  readonly method: PaymentMethod
  /** Null where the payer chooses. */
  readonly amountSat: number | null
}

/** A payment of such a request. Of an invoice there is one at most, as it has the invoice's id. */
export interface FakeIncomingRow extends Row {
  readonly paymentId: string
  readonly requestId: string
  readonly amountSat: number
  /** When it comes in, and may be heard of; null where it has. */
  readonly dueAt: number | null
}

/** A payment that the backend was asked to make. */
export interface FakeOutgoingRow extends Row {
  readonly id: string
  readonly requestId: string
  readonly amountSat: number
  readonly feeSat: number
  /** What is true of it, whether or not the backend tells. */
  readonly state: 'paid' | 'failed' | 'pending' | 'unknown'
  /** When that becomes true; till then it is pending. Null where it is. */
  readonly dueAt: number | null
  /**
   * The payment hash that it holds: unique, as a Lightning node pays no invoice twice. Null where it was refused, or
   * has failed and given way to another.
   */
  readonly claim: string | null
  /** Null where the backend cannot know it: an invoice that no fake backend made. */
  readonly preimage: string | null
  /** 1 where asking for it fails. */
  readonly silent: number
  /** How long asking for it takes. */
  readonly checkDelayMs: number
}

/** The tables that the fake backend needs in its store. */
export const fakeBackendTables: Schema['tables'] = {
  fakeRequests: {
    columns: { requestId: 'text', method: 'text', amountSat: 'integer?' },
    key: ['requestId'],
  },
  fakeIncoming: {
    columns: { paymentId: 'text', requestId: 'text', amountSat: 'integer', dueAt: 'time?' },
    key: ['paymentId'],
    indexes: { byRequest: { columns: ['requestId'] } },
  },
  fakeOutgoing: {
    columns: {
      id: 'text',
      requestId: 'text',
      amountSat: 'integer',
      feeSat: 'integer',
      state: 'text',
      dueAt: 'time?',
      claim: 'text?',
      preimage: 'text?',
      silent: 'integer',
      checkDelayMs: 'integer',
    },
    key: ['id'],
    indexes: { byClaim: { columns: ['claim'], unique: true }, byRequest: { columns: ['requestId'] } },
  },
}
