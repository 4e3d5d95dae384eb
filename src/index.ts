/**
 * hardshell: a Cashu wallet whose operations cannot be lost. Every state that anybody can see is already on disk; open
 * the wallet again after a crash and it goes on.
 */
export type { Amount, AmountLike } from '@cashu/cashu-ts'
export type { CryptoHalves, CryptoInUse, WalletCrypto } from './cashu/crypto.ts'
export { CashuError, type CashuErrorCode } from './cashu/errors.ts'
export type { MintInfo } from './cashu/parse.ts'
export type {
  CashuText,
  Found,
  FoundBitcoin,
  FoundInvoice,
  FoundLightningAddress,
  FoundLnurl,
  FoundMintUrl,
  FoundOffer,
  FoundPaymentRequest,
  FoundToken,
  Unreadable,
} from './cashu/text/found.ts'
export type { LnurlPay, ResolveLnurl } from './cashu/text/lnurl.ts'
export { parseCashu, type ParseCashuOptions } from './cashu/text/parse-cashu.ts'
export {
  decodePaymentRequest,
  encodePaymentRequest,
  type PaymentRequest,
  type PaymentRequestTerms,
} from './cashu/text/payment-request.ts'
export type { PaymentAsked, PaymentLock, PaymentTransport } from './cashu/text/payment-terms.ts'
export { fetchTransport, type Transport, type TransportAnswer } from './cashu/transport.ts'
export { HardshellError, type ErrorCode } from './kernel/util/errors.ts'
export type { Explanation } from './kernel/inspect/explain.ts'
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
} from './kernel/inspect/inspect.ts'
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
  History,
  MeltOperations,
  MintOperations,
  ReceiveOperations,
  RestoreOperations,
  SendOperations,
  SwapOperations,
  Wallet,
  WalletMints,
  WalletOperations,
} from './wallet/api.ts'
export type {
  ExecutableHandle,
  MeltHandle,
  MintHandle,
  OperationHandle,
  ReceiveHandle,
  RestoreHandle,
  SendHandle,
  ShownQuote,
  SwapHandle,
} from './wallet/api-handles.ts'
export type { Balance } from './wallet/balances.ts'
export type { Finished, ShownHandle, Waiting } from './wallet/handle.ts'
export type { OperationEvent, WalletEvents } from './wallet/events.ts'
export type { HistoryPage, HistoryRecord } from './wallet/history-records.ts'
export type { Evidence, PaidMelt, PrepareMelt } from './wallet/kinds/melt.ts'
export type { PrepareMint } from './wallet/kinds/mint.ts'
export type { PrepareReceive } from './wallet/kinds/receive.ts'
export type { PrepareRestore, RestoredFunds } from './wallet/kinds/restore.ts'
export type { PrepareSend, SentToken } from './wallet/kinds/send.ts'
export type { PrepareSwap } from './wallet/kinds/swap.ts'
export type { KnownKeyset, KnownMint } from './wallet/mints.ts'
export type { OperationsFilter, OperationSummary } from './wallet/wallet-operations.ts'
export { openWallet, type WalletOptions } from './wallet/wallet.ts'
