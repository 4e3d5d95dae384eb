/**
 * hardshell: a Cashu wallet whose operations cannot be lost. Every state that anybody can see is already on disk; open
 * the wallet again after a crash and it goes on.
 */
export type { Amount, AmountLike } from '@cashu/cashu-ts'
export type { CryptoHalves, CryptoInUse, WalletCrypto } from './cashu/crypto.ts'
export { CashuError, type CashuErrorCode } from './cashu/errors.ts'
export type { MintInfo } from './cashu/parse.ts'
export { fetchTransport, type Transport, type TransportAnswer } from './cashu/transport.ts'
export { HardshellError, type ErrorCode } from './kernel/util/errors.ts'
export type { Explanation } from './kernel/inspect/explain.ts'
export type { Inspect, InspectionEvent } from './kernel/inspect/inspect.ts'
export type { OperationStatus } from './kernel/define/operation.ts'
export type { CloseOptions } from './kernel/options.ts'
export type { Role } from './kernel/share/ownership.ts'
export type { Clock, Random } from './kernel/util/ports.ts'
export type { Resumed } from './kernel/run/supervisor.ts'
export type { KeyValues, KvName, Namespace } from './store/kv.ts'
export {
  StoreError,
  type ColumnType,
  type Condition,
  type HeldLock,
  type Json,
  type Key,
  type MigrationStep,
  type OwnerLock,
  type Ownership,
  type Query,
  type Row,
  type Scalar,
  type Schema,
  type Store,
  type StoreAdapter,
  type StoreErrorCode,
  type Table,
  type Total,
  type Write,
} from './store/port.ts'
export type {
  MeltOperations,
  MintOperations,
  ReceiveOperations,
  RestoreOperations,
  SendOperations,
  SwapOperations,
} from './wallet/api.ts'
export type { Balance } from './wallet/balances.ts'
export type { ExecutableHandle, Finished, OperationHandle, ShownHandle, Waiting } from './wallet/handle.ts'
export type { OperationEvent, WalletEvents } from './wallet/events.ts'
export type { History, HistoryPage, HistoryRecord } from './wallet/history-records.ts'
export type { Evidence, MeltHandle, PaidMelt, PrepareMelt } from './wallet/kinds/melt.ts'
export type { MintHandle, PrepareMint } from './wallet/kinds/mint.ts'
export type { PrepareReceive, ReceiveHandle } from './wallet/kinds/receive.ts'
export type { PrepareRestore, RestoredFunds, RestoreHandle } from './wallet/kinds/restore.ts'
export type { PrepareSend, SendHandle, SentToken } from './wallet/kinds/send.ts'
export type { PrepareSwap, SwapHandle } from './wallet/kinds/swap.ts'
export type { KnownKeyset, KnownMint } from './wallet/mints.ts'
export type { WalletMints } from './wallet/wallet-mints.ts'
export type { OperationsFilter, OperationSummary, WalletOperations } from './wallet/wallet-operations.ts'
export { openWallet, type Wallet, type WalletOptions } from './wallet/wallet.ts'
