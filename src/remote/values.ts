/** The shapes of what a wallet takes and gives. A field that is added to one of these types does not compile until it is here. */
import type { MintInfo } from '../cashu/parse.ts'
import type { OperationStatus } from '../kernel/define/operation.ts'
import type { LocalStep, StepDetail, StepRecord, StepsPage } from '../kernel/define/steps.ts'
import type { Explanation } from '../kernel/inspect/explain.ts'
import type { Resumed } from '../kernel/run/supervisor.ts'
import type { Role } from '../kernel/share/ownership.ts'
import type { Json } from '../store/port.ts'
import type { KvName, Namespace } from '../store/kv.ts'
import type { ShownQuote } from '../wallet/api-handles.ts'
import type { Balance } from '../wallet/balances.ts'
import type { OperationEvent, WalletEvents } from '../wallet/events.ts'
import type { Finished } from '../wallet/handle.ts'
import type { HistoryPage, HistoryRecord } from '../wallet/history-records.ts'
import type { PaidMelt, PrepareMelt } from '../wallet/kinds/melt.ts'
import type { PrepareMint } from '../wallet/kinds/mint.ts'
import type { PrepareReceive } from '../wallet/kinds/receive.ts'
import type { PrepareRestore, RestoredFunds } from '../wallet/kinds/restore.ts'
import type { PrepareSend, SentToken } from '../wallet/kinds/send.ts'
import type { PrepareSwap } from '../wallet/kinds/swap.ts'
import type { KnownKeyset, KnownMint } from '../wallet/mints.ts'
import type { OperationsFilter, OperationSummary } from '../wallet/wallet-operations.ts'
import {
  amount,
  amountLike,
  flag,
  json,
  list,
  nullable,
  number,
  oneOf,
  optional,
  part,
  record,
  text,
  type Fields,
  type Shape,
} from './shapes.ts'

const status = oneOf('active', 'done', 'quarantined')
const seenStatus: Shape<OperationSummary['status']> = oneOf('active', 'done', 'quarantined', 'unloadable')
const storedStatus: Shape<OperationStatus> = status

/** The role of the process beside the money. */
export const role: Shape<Role> = oneOf('owner', 'follower', 'pending', 'client')

// What calls take. Signals do not cross, nor does a key: neither is here.

export const prepareMint = record<Omit<PrepareMint, 'signal' | 'privateKey'>>({
  mintUrl: text,
  amount: amountLike,
  unit: optional(text),
  method: optional(text),
  quoteId: optional(text),
  key: optional(text),
})
export const prepareMelt = record<Omit<PrepareMelt, 'signal'>>({
  mintUrl: text,
  request: text,
  unit: optional(text),
  maxFee: optional(amountLike),
  key: optional(text),
})
export const prepareReceive = record<PrepareReceive>({
  token: text,
  atLeast: optional(amountLike),
  requireDleq: optional(flag),
  key: optional(text),
})
export const prepareRestore = record<PrepareRestore>({ mintUrl: text, unit: optional(text), key: optional(text) })
export const prepareSend = record<PrepareSend>({
  mintUrl: text,
  amount: amountLike,
  unit: optional(text),
  memo: optional(text),
  key: optional(text),
})
export const prepareSwap = record<PrepareSwap>({
  mintUrl: text,
  amounts: list(amountLike),
  unit: optional(text),
  key: optional(text),
})
export const operationsFilter = record<OperationsFilter>({
  kind: optional(text),
  state: optional(text),
  status: optional(storedStatus),
  mintUrl: optional(text),
  quoteId: optional(text),
  stuckForMs: optional(number),
  changedSince: optional(number),
  limit: optional(number),
})
const direction: Shape<HistoryRecord['direction']> = oneOf('in', 'out', 'self')
const outcome: Shape<HistoryRecord['status']> = oneOf('pending', 'done', 'failed')
export const historyPage = record<HistoryPage>({
  kind: optional(text),
  mintUrl: optional(text),
  unit: optional(text),
  direction: optional(direction),
  status: optional(outcome),
  limit: optional(number),
  before: optional(part<Pick<HistoryRecord, 'createdAt' | 'id'>>({ createdAt: number, id: text })),
})
const space = { primary: optional(text), secondary: optional(text) }
export const namespace = record<Namespace>(space)
export const kvName = record<KvName>({ ...space, key: text })
export const kvChanges = list(
  record<KvName & { readonly value: Json | undefined }>({ ...space, key: text, value: optional(json) }),
)

// What calls give.

export const balances = list(
  record<Balance>({
    mintUrl: text,
    unit: text,
    spendable: amount,
    reserved: amount,
    outstanding: amount,
    held: amount,
    owed: amount,
  }),
)

const finishedFields: Fields<Finished> = {
  id: text,
  kind: text,
  state: text,
  mintUrl: text,
  unit: text,
  amount,
  asked: amount,
  spentElsewhere: amount,
  fee: amount,
  owed: amount,
}
export const finished = record(finishedFields)
export const sentToken = record<SentToken>({ ...finishedFields, token: text })
export const paidMelt = record<PaidMelt>({
  ...finishedFields,
  preimage: optional(text),
  evidence: optional(oneOf('preimage', 'mint')),
  change: amount,
})
export const unavailableKeysets = list(record<RestoredFunds['unavailable'][number]>({ keysetId: text, reason: text }))
export const restoredFunds = record<RestoredFunds>({ ...finishedFields, unavailable: unavailableKeysets })
export const shownQuote = record<ShownQuote>({
  quote: text,
  request: text,
  expiry: nullable(number),
  state: oneOf('UNPAID', 'PENDING', 'PAID', 'ISSUED'),
})

export const operationSummary = record<OperationSummary>({
  id: text,
  kind: text,
  state: text,
  status: seenStatus,
  version: number,
  mintUrl: text,
  unit: text,
  amount,
  asked: amount,
  fee: amount,
  owed: amount,
  quoteId: nullable(text),
  createdAt: number,
  updatedAt: number,
})
export const explanation = record<Explanation>({
  id: text,
  kind: text,
  state: text,
  status: seenStatus,
  why: text,
  lastError: optional(record<NonNullable<Explanation['lastError']>>({ error: text, attempt: number, atMs: number })),
  lastAnswer: optional(
    record<NonNullable<Explanation['lastAnswer']>>({ src: text, answer: text, state: text, atMs: number }),
  ),
  underWay: list(text),
  watching: optional(text),
  timers: list(record<Explanation['timers'][number]>({ name: text, atMs: number, inMs: number })),
  takes: list(text),
  needsHuman: flag,
  laneClosed: flag,
  lanePaused: optional(record<NonNullable<Explanation['lanePaused']>>({ why: text, untilMs: number, inMs: number })),
})
export const stepsPage = record<StepsPage>({ after: optional(number), limit: optional(number) })
const localStep = record<LocalStep>({ src: text, answer: text })
export const stepRecord = record<StepRecord>({
  operation: text,
  version: number,
  atMs: number,
  event: text,
  src: nullable(text),
  answer: nullable(text),
  delay: nullable(text),
  from: nullable(text),
  to: text,
  attempt: number,
  owner: text,
  tookMs: nullable(number),
  detail: nullable(
    record<StepDetail>({
      because: optional(text),
      locals: optional(list(localStep)),
      emitted: optional(list(text)),
      children: optional(number),
      forkedFrom: optional(record<NonNullable<StepDetail['forkedFrom']>>({ id: text, version: number })),
      trace: optional(text),
    }),
  ),
})
export const resumed = list(
  record<Resumed>({
    id: text,
    kind: text,
    state: text,
    outcome: oneOf('resumed', 'waiting', 'elsewhere', 'unloadable', 'quarantined'),
    reason: optional(text),
  }),
)
export const historyRecord = record<HistoryRecord>({
  id: text,
  kind: text,
  direction,
  status: outcome,
  state: text,
  mintUrl: text,
  unit: text,
  amount,
  asked: amount,
  spentElsewhere: amount,
  fee: amount,
  owed: amount,
  method: nullable(text),
  quoteId: nullable(text),
  request: nullable(text),
  paymentProof: nullable(text),
  evidence: nullable(oneOf('preimage', 'mint')),
  memo: nullable(text),
  ys: list(text),
  error: nullable(record<NonNullable<HistoryRecord['error']>>({ code: text, detail: text })),
  createdAt: number,
  updatedAt: number,
})

const ways = record<MintInfo['mint']>({
  disabled: flag,
  methods: list(
    record<MintInfo['mint']['methods'][number]>({
      method: text,
      unit: text,
      min_amount: optional(number),
      max_amount: optional(number),
    }),
  ),
})
const mintInfo = record<MintInfo>({
  name: optional(text),
  version: optional(text),
  mint: ways,
  melt: ways,
  supported: list(number),
  cached: optional(record<NonNullable<MintInfo['cached']>>({ ttlMs: nullable(number), paths: list(text) })),
  maxArrayLength: optional(number),
})
export const knownMint = record<KnownMint>({
  mintUrl: text,
  trusted: flag,
  info: optional(mintInfo),
  keysets: list(
    record<KnownKeyset>({
      id: text,
      unit: text,
      active: flag,
      feePpk: number,
      finalExpiry: optional(number),
      reason: optional(text),
    }),
  ),
  address: text,
  movedTo: optional(nullable(text)),
  waitsUntilMs: optional(number),
})

/** What listeners get, by the event's name. */
export const events: { readonly [E in keyof WalletEvents]: Shape<WalletEvents[E]> } = {
  operation: record<OperationEvent>({
    id: text,
    kind: text,
    what: oneOf('created', 'changed', 'finished', 'failed'),
    state: text,
    status: storedStatus,
    tags: list(text),
    version: number,
    mintUrl: text,
    unit: text,
    amount,
    asked: amount,
    fee: amount,
    owed: amount,
  }),
  balance: record<WalletEvents['balance']>({ mintUrl: text, unit: text }),
  quote: record<WalletEvents['quote']>({ operationId: text, mintUrl: text, quoteId: text, state: text }),
}
