/** The wallet's tables, as data, and what their rows hold. Amounts are in the row's unit, times in epoch ms. */
import type { MintInfo } from '../cashu/parse.ts'
import { operationsTable, ownersTable } from '../kernel/define/operation.ts'
import { stepsTable } from '../kernel/define/steps.ts'
import { kvTable } from '../store/kv.ts'
import type { Schema } from '../store/port.ts'
import {
  json,
  jsonOrNull,
  text,
  textOrNull,
  type ReaderOf,
  type RowOf,
  type StoreOf,
  type Tables,
  type WriteOf,
} from '../store/typed.ts'

export type ProofState =
  | 'spendable'
  /** An operation that has not ended holds it. */
  | 'reserved'
  /** In a token that somebody else may redeem. */
  | 'sent'
  | 'spent'
  /** Its state is unknown, or a person decides about it: see `reason`. */
  | 'held'

/**
 * What an output is for: to be free, to be given to somebody else, to stay reserved to the operation, or to be an input of
 * the next round.
 */
export type Purpose = 'keep' | 'send' | 'hold' | 'next'

/** A blind signature as a mint answers it (NUT-00). */
export type Signature = {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string }
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

export const walletTables = {
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
      /** hash_to_curve(secret), which names the proof (NUT-07). */
      Y: 'text',
      mintUrl: 'text',
      unit: 'text',
      state: text<ProofState>(),
      operationId: 'text?',
      amount: 'integer',
      keysetId: 'text',
      /** The NUT-13 counter that the secret came from; null where it came from elsewhere. */
      counter: 'integer?',
      secret: 'text',
      C: 'text',
      dleq: jsonOrNull<{ readonly e: string; readonly s: string; readonly r: string }>(),
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
  /** An output whose signature is not, or not yet, a proof. */
  outputs: {
    columns: {
      B_: 'text',
      /** Empty for a blank output that was never signed, and that a melt may take. */
      operationId: 'text',
      /** Its place among all outputs of its operation. */
      place: 'integer',
      keysetId: 'text',
      counter: 'integer',
      /** 0 for a blank output, whose amount the mint decides (NUT-08). */
      amount: 'integer',
      purpose: text<Purpose>(),
      secret: 'text',
      r: 'text',
      /** The signature, where it came before the operation could use it. */
      signature: jsonOrNull<Signature>(),
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
  /** Where a keyset's NUT-13 counters stand. The secrets depend on the keyset and the seed alone, not on the mint's URL. */
  counters: {
    columns: {
      keysetId: 'text',
      /** The next counter to use. Only goes up. */
      next: 'integer',
      /** One more than the highest counter known to be signed. */
      signed: 'integer',
    },
    key: ['keysetId'],
  },
  keysets: {
    columns: {
      mintUrl: 'text',
      id: 'text',
      unit: 'text',
      active: 'integer',
      /** Input fee in parts per thousand (NUT-02). */
      feePpk: 'integer',
      finalExpiry: 'integer?',
      /** Public key by amount; null until they are needed. */
      keys: jsonOrNull<{ readonly [amount: string]: string }>(),
      /** Why no outputs are made for it: a code and a sentence. Null if it can be used. */
      trouble: 'text?',
      /** The mint's reason for refusing its proofs. Null while it accepts them. */
      refused: 'text?',
      refusedAt: 'time?',
    },
    key: ['mintUrl', 'id'],
  },
  /** Which keyset of which mint the secrets of one derivation path belong to (NUT-13); no other may use it. */
  derivations: {
    columns: {
      /** The 32-bit number of a version 00 keyset, or the whole id of a later one. */
      name: 'text',
      keysetId: 'text',
      mintUrl: 'text',
    },
    key: ['name'],
  },
  mints: {
    columns: {
      mintUrl: 'text',
      trusted: 'integer',
      /** The answer to GET /v1/info (NUT-06). */
      info: jsonOrNull<MintInfo>(),
      infoAt: 'time?',
      /** Said by the mint (NUT-06), or learnt from its refusals. */
      limits: jsonOrNull<MintLimits>(),
      /** Its last Retry-After: how long, and until when by the clock at that time. */
      pause: jsonOrNull<{ readonly untilMs: number; readonly delayMs: number }>(),
      /** It redirects; `to` is null where the address is not known. */
      moved: jsonOrNull<{ readonly to: string | null }>(),
      /** Where it answers, if a person said that it is elsewhere than its URL says. */
      address: 'text?',
    },
    key: ['mintUrl'],
  },
  quoteClaims: {
    columns: {
      mintUrl: 'text',
      quoteId: 'text',
      operationId: 'text',
    },
    key: ['mintUrl', 'quoteId'],
  },
  /** What the history says of an operation. */
  history: {
    columns: {
      /** The operation's. */
      id: 'text',
      kind: 'text',
      direction: text<'in' | 'out' | 'self'>(),
      status: text<'pending' | 'done' | 'failed'>(),
      state: 'text',
      mintUrl: 'text',
      unit: 'text',
      /** What moved; while the operation is open, what is to move. */
      amount: 'integer',
      /** What was asked for. */
      asked: 'integer',
      /** Of that, what somebody else had spent. */
      spentElsewhere: 'integer',
      /** What it cost; while the operation is open, the most that it can cost. */
      fee: 'integer',
      /** What the mint owes for certain and has not given yet; until then the fee is the most that it can be. */
      owed: 'integer',
      method: 'text?',
      quoteId: 'text?',
      request: 'text?',
      /** The payment proof: a preimage that hashes to the invoice's payment hash. */
      paymentProof: 'text?',
      /** What says that a payment was made: its preimage, or the mint's word alone. Null where none was made. */
      evidence: textOrNull<'preimage' | 'mint'>(),
      memo: 'text?',
      ys: json<readonly string[]>(),
      error: jsonOrNull<{ readonly code: string; readonly detail: string }>(),
      createdAt: 'time',
      updatedAt: 'time',
    },
    key: ['id'],
    indexes: { byTime: { columns: ['createdAt', 'id'] } },
  },
  /** The mark of the wallet's seed: a store has one, and takes no other seed. */
  seeds: {
    columns: {
      id: text<'wallet'>(),
      salt: 'text',
      mac: 'text',
    },
    key: ['id'],
  },
  kv: kvTable,
  steps: stepsTable(),
} as const satisfies Tables

export const walletSchema = {
  version: 2,
  tables: walletTables,
  migrations: { 1: [{ addTable: 'steps', as: walletTables.steps }] },
} as const satisfies Schema

export type WalletTables = typeof walletTables
export type Write = WriteOf<WalletTables>
export type Reader = ReaderOf<WalletTables>
export type Store = StoreOf<WalletTables>

export type ProofRow = RowOf<WalletTables['proofs']>
export type OutputRow = RowOf<WalletTables['outputs']>
export type CounterRow = RowOf<WalletTables['counters']>
export type KeysetRow = RowOf<WalletTables['keysets']>
export type DerivationRow = RowOf<WalletTables['derivations']>
export type MintRow = RowOf<WalletTables['mints']>
export type HistoryRow = RowOf<WalletTables['history']>
export type SeedRow = RowOf<WalletTables['seeds']>
