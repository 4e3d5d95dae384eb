/** The wallet's tables, as data, and what their rows hold. Amounts are in the row's unit, times in epoch ms. */
import type { Purpose, Signature } from '../../machines/wallet/exchange-model.ts'
import { operationsTable, ownersTable } from '../kernel/define/operation.ts'
import { kvTable } from '../store/kv.ts'
import type { Row, Schema } from '../store/port.ts'

export type ProofState =
  | 'spendable'
  /** An operation that has not ended holds it. */
  | 'reserved'
  /** In a token that somebody else may redeem. */
  | 'sent'
  | 'spent'
  /** Its state is not known, or not ours to decide: see `reason`. */
  | 'held'

export interface ProofRow extends Row {
  /** hash_to_curve(secret), which names the proof (NUT-07). */
  readonly Y: string
  readonly mintUrl: string
  readonly unit: string
  readonly state: ProofState
  readonly operationId: string | null
  readonly amount: number
  readonly keysetId: string
  /** The NUT-13 counter that the secret came from; null where it came from elsewhere. */
  readonly counter: number | null
  readonly secret: string
  readonly C: string
  readonly dleq: { readonly e: string; readonly s: string; readonly r: string } | null
  readonly reason: string | null
  readonly createdAt: number
}

/** An output whose signature is not, or not yet, a proof. */
export interface OutputRow extends Row {
  readonly B_: string
  /** Empty for a blank output that was never signed, and that a melt may take. */
  readonly operationId: string
  /** Its place among all outputs of its operation. */
  readonly place: number
  readonly keysetId: string
  readonly counter: number
  /** 0 for a blank output, whose amount the mint decides (NUT-08). */
  readonly amount: number
  readonly purpose: Purpose
  readonly secret: string
  readonly r: string
  /** The signature, where it came before the operation could use it. */
  readonly signature: Signature | null
}

/** Where a keyset's NUT-13 counters stand. The secrets depend on the keyset and the seed alone, not on the mint's URL. */
export interface CounterRow extends Row {
  readonly keysetId: string
  /** The next counter to use. Only goes up. */
  readonly next: number
  /** One more than the highest counter known to be signed. */
  readonly signed: number
}

export interface KeysetRow extends Row {
  readonly mintUrl: string
  readonly id: string
  readonly unit: string
  readonly active: number
  /** Input fee in parts per thousand (NUT-02). */
  readonly feePpk: number
  readonly finalExpiry: number | null
  /** Public key by amount; null until they are needed. */
  readonly keys: { readonly [amount: string]: string } | null
  /** Why no outputs are made for it: a code and a sentence; null where nothing speaks against it. */
  readonly trouble: string | null
  /** With which words the mint refuses its proofs; null while it takes them. */
  readonly refused: string | null
  readonly refusedAt: number | null
}

/** Which keyset of which mint the secrets of one derivation path belong to (NUT-13); no other may use it. */
export interface DerivationRow extends Row {
  /** The 32-bit number of a version 00 keyset, or the whole id of a later one. */
  readonly name: string
  readonly keysetId: string
  readonly mintUrl: string
}

/** How much a mint takes in one request; what is absent is not known. */
export type MintLimits = {
  /** Inputs of a swap or a melt. */
  readonly inputs?: number
  /** Outputs of a swap, an issue or a melt. */
  readonly outputs?: number
  /** Ys of a state check (NUT-07). */
  readonly states?: number
  /** Outputs of a restore (NUT-09). */
  readonly restore?: number
}

export interface MintRow extends Row {
  readonly mintUrl: string
  readonly trusted: number
  /** The answer to GET /v1/info (NUT-06). */
  readonly info: { readonly [field: string]: never } | null
  readonly infoAt: number | null
  /** Said by the mint (NUT-06), or learnt from its refusals. */
  readonly limits: MintLimits | null
  /** How long it last asked to be left alone (Retry-After), and until when by the clock of then. */
  readonly pause: { readonly untilMs: number; readonly delayMs: number } | null
  /** It redirects; `to` is null where the address is not known. */
  readonly moved: { readonly to: string | null } | null
  /** Where it answers, if a person said that it is elsewhere than its URL says. */
  readonly address: string | null
}

/** The mark of the wallet's seed: a store has one, and takes no other seed. */
export interface SeedRow extends Row {
  readonly id: 'wallet'
  readonly salt: string
  readonly mac: string
}

export interface QuoteClaimRow extends Row {
  readonly mintUrl: string
  readonly quoteId: string
  readonly operationId: string
}

/** What the history says of an operation. */
export type HistoryFields = {
  /** The operation's. */
  readonly id: string
  readonly kind: string
  readonly direction: 'in' | 'out' | 'self'
  readonly status: 'pending' | 'done' | 'failed'
  readonly state: string
  readonly mintUrl: string
  readonly unit: string
  /** What moved; while the operation is open, what is to move. */
  readonly amount: number
  /** What was asked for. */
  readonly asked: number
  /** Of that, what somebody else had spent. */
  readonly spentElsewhere: number
  /** What it cost; while the operation is open, the most that it can cost. */
  readonly fee: number
  /** What the mint owes for certain and has not given yet; until then the fee is the most that it can be. */
  readonly owed: number
  readonly method: string | null
  readonly quoteId: string | null
  readonly request: string | null
  /** The payment proof: a preimage that hashes to the invoice's payment hash. */
  readonly paymentProof: string | null
  /** What says that a payment was made: its preimage, or the mint's word alone. Null where none was made. */
  readonly evidence: 'preimage' | 'mint' | null
  readonly memo: string | null
  readonly ys: readonly string[]
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly createdAt: number
  readonly updatedAt: number
}
export interface HistoryRow extends Row, HistoryFields {}

export const walletSchema: Schema = {
  version: 1,
  tables: {
    owners: ownersTable(),
    operations: operationsTable(
      {
        mintUrl: 'text',
        unit: 'text',
        amount: 'integer',
        asked: 'integer',
        fee: 'integer',
        owed: 'integer',
        quoteId: 'text?',
      },
      { byQuote: { columns: ['quoteId'] }, byMint: { columns: ['mintUrl', 'createdAt'] } },
    ),
    proofs: {
      columns: {
        Y: 'text',
        mintUrl: 'text',
        unit: 'text',
        state: 'text',
        operationId: 'text?',
        amount: 'integer',
        keysetId: 'text',
        counter: 'integer?',
        secret: 'text',
        C: 'text',
        dleq: 'json?',
        reason: 'text?',
        createdAt: 'time',
      },
      key: ['Y'],
      indexes: {
        byState: { columns: ['mintUrl', 'unit', 'state', 'amount'] },
        byOperation: { columns: ['operationId'] },
      },
      total: { of: 'amount', by: ['mintUrl', 'unit', 'state'] },
    },
    outputs: {
      columns: {
        B_: 'text',
        operationId: 'text',
        place: 'integer',
        keysetId: 'text',
        counter: 'integer',
        amount: 'integer',
        purpose: 'text',
        secret: 'text',
        r: 'text',
        signature: 'json?',
      },
      key: ['B_'],
      indexes: {
        byOperation: { columns: ['operationId', 'place'] },
        byCounter: { columns: ['keysetId', 'counter'], unique: true },
      },
    },
    owed: {
      columns: { operationId: 'text', mintUrl: 'text', unit: 'text', amount: 'integer' },
      key: ['operationId'],
      total: { of: 'amount', by: ['mintUrl', 'unit'] },
    },
    counters: { columns: { keysetId: 'text', next: 'integer', signed: 'integer' }, key: ['keysetId'] },
    keysets: {
      columns: {
        mintUrl: 'text',
        id: 'text',
        unit: 'text',
        active: 'integer',
        feePpk: 'integer',
        finalExpiry: 'integer?',
        keys: 'json?',
        trouble: 'text?',
        refused: 'text?',
        refusedAt: 'time?',
      },
      key: ['mintUrl', 'id'],
    },
    derivations: { columns: { name: 'text', keysetId: 'text', mintUrl: 'text' }, key: ['name'] },
    mints: {
      columns: {
        mintUrl: 'text',
        trusted: 'integer',
        info: 'json?',
        infoAt: 'time?',
        limits: 'json?',
        pause: 'json?',
        moved: 'json?',
        address: 'text?',
      },
      key: ['mintUrl'],
    },
    quoteClaims: {
      columns: { mintUrl: 'text', quoteId: 'text', operationId: 'text' },
      key: ['mintUrl', 'quoteId'],
    },
    history: {
      columns: {
        id: 'text',
        kind: 'text',
        direction: 'text',
        status: 'text',
        state: 'text',
        mintUrl: 'text',
        unit: 'text',
        amount: 'integer',
        asked: 'integer',
        spentElsewhere: 'integer',
        fee: 'integer',
        owed: 'integer',
        method: 'text?',
        quoteId: 'text?',
        request: 'text?',
        paymentProof: 'text?',
        evidence: 'text?',
        memo: 'text?',
        ys: 'json',
        error: 'json?',
        createdAt: 'time',
        updatedAt: 'time',
      },
      key: ['id'],
      indexes: { byTime: { columns: ['createdAt', 'id'] } },
    },
    seeds: { columns: { id: 'text', salt: 'text', mac: 'text' }, key: ['id'] },
    kv: kvTable,
  },
}
