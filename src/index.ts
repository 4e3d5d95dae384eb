/**
 * hardshell: a Cashu wallet whose operations cannot be lost. Every state that anybody can see is already on disk; open
 * the wallet again after a crash and it goes on.
 */
export type { Amount, AmountLike } from '@cashu/cashu-ts'
export { CashuError, type CashuErrorCode } from './cashu/errors.ts'
export { fetchTransport, type Transport } from './cashu/transport.ts'
export { HardshellError, type ErrorCode } from './kernel/errors.ts'
export type { Explanation } from './kernel/explain.ts'
export type { Inspect, InspectionEvent } from './kernel/inspect.ts'
export type { Resumed } from './kernel/supervisor.ts'
export { StoreError, type Store, type StoreAdapter, type StoreErrorCode } from './store/port.ts'
export type { Balance } from './wallet/balances.ts'
export type { Finished, OperationHandle, Waiting } from './wallet/handle.ts'
export type { PrepareReceive, ReceiveHandle } from './wallet/kinds/receive.ts'
export type { KnownMint, Mints } from './wallet/mints.ts'
export type { OperationsFilter, OperationSummary } from './wallet/wallet-operations.ts'
export { openWallet, type Wallet, type WalletOptions } from './wallet/wallet.ts'
