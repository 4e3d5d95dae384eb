/**
 * `hardshell/kernel`: durable operations of any kind. Define a kind from an XState chart, open a store's operations,
 * and every state that anybody can see is already on disk.
 */
export {
  answered,
  backoff,
  effect,
  from,
  isAnswered,
  keeps,
  local,
  on,
  reply,
  such,
  tx,
  until,
  when,
  write,
  writes,
  type Answer,
  type Declaration,
  type Declared,
  type Keep,
} from './define/authoring.ts'
export { retrying, type Branch, type Retrying } from './define/retrying.ts'
export { join } from './children/join.ts'
export { start, starts, type Named, type Starting } from './children/start.ts'
export type { Child, Joined, Joining, Start } from './define/children.ts'
export type { EventOf, InputOf, OutputOf, ReplyOf, StateOf } from './define/typed.ts'
export { TAGS, type Tag } from './define/tags.ts'
export { HardshellError, type ErrorCode } from './util/errors.ts'
export type { Explanation } from './inspect/explain.ts'
export type {
  Inspect,
  InspectedActor,
  InspectedEvent,
  InspectedEventEvent,
  InspectedMicrostep,
  InspectedSnapshot,
  InspectedSnapshotEvent,
  InspectionBase,
  InspectionEvent,
} from './inspect/inspect.ts'
export type { Log, LogLevel, OperationLogEvent } from './inspect/log.ts'
export type {
  CommitBegun,
  Committing,
  Measured,
  Probe,
  RequestBegun,
  SeenOperation,
  Telemetry,
} from './inspect/telemetry.ts'
export type { LaneLoad } from './run/request-limiter.ts'
export type { Failure } from './util/failure.ts'
export type { Change } from './kernel.ts'
export {
  defineOperation,
  lanesTable,
  operationsTable,
  ownersTable,
  repliesTable,
  type ColumnsOf,
  type EffectArgs,
  type LocalArgs,
  type LocalReader,
  type LoadedOperation,
  type OperationKind,
  type OperationRow,
  type OperationStatus,
  type OperationView,
  type OwnerRow,
  type PersistedSnapshot,
  type Projection,
  type Reader,
  type Runs,
  type Poll,
  type UnloadableOperation,
} from './define/operation.ts'
export {
  stepsTable,
  type LastAnswer,
  type LocalStep,
  type StepDetail,
  type StepRecord,
  type StepSnapshot,
  type StepsKept,
  type StepsPage,
} from './define/steps.ts'
export type { BulkOutcome } from './run/bulk.ts'
export type { CancelFilter, KindFilter, KindOf, KindOperations } from './kind-operations.ts'
export { openClient, openOperations, type Listener, type Operations } from './operations.ts'
export type {
  ClientOptions,
  CloseOptions,
  CountFilter,
  CreateOptions,
  ForkOptions,
  ListFilter,
  OnError,
  OperationError,
  OperationsOptions,
  Page,
  SendOptions,
  WatchFilter,
} from './options.ts'
export {
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
export type { Role } from './share/ownership.ts'
export { laneRates, type LaneRate, type LaneRates } from './run/lane-rates.ts'
export { systemClock, systemRandom, type Clock, type Random } from './util/ports.ts'
export type { Resumed } from './run/supervisor.ts'
export type { Json, Key, Query, Row, Store, Table, Total, Write } from '../store/port.ts'
