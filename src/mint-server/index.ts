/** A Cashu mint: embedded in a program or over HTTP, with a fake Lightning backend for where nobody pays. */
export { nobleMintCrypto } from '../cashu/noble-mint-crypto.ts'
export type { CryptoInUse, MintCrypto, SignatoryCrypto } from '../cashu/crypto.ts'
export { bolt11, plainInvoice, type Invoice, type InvoiceCodec } from './lightning/bolt11.ts'
export type { BalanceSheet, UnitBalance } from './db/balance-sheet.ts'
export { fakeBackend, type FakeBackend, type FakeBackendOptions } from './lightning/fake-backend.ts'
export { WrongDatabase, type HighWaterMark, type Mark } from './db/high-water.ts'
export { createMintServer, type MintServer, type MintServerOptions } from './http/run-server.ts'
export { jsonLines, type LogEntry, type ServerLog, type ServerLogEvent } from './cli/log.ts'
export type { MetricsOptions } from './http/metrics.ts'
export type { LogLevel } from '../kernel/inspect/log.ts'
export type { Failure } from '../kernel/util/failure.ts'
export { markFile } from './db/mark-file.ts'
export type { Mint } from './mint-api.ts'
export { createMint, type RunningMint } from './mint.ts'
export type { MintOptions } from './mint-options.ts'
export type {
  Incoming,
  Outgoing,
  Payment,
  PaymentBackend,
  PaymentMethod,
  Readable,
  Wanted,
} from './lightning/payment-backend.ts'
export type { MintSettings, OptionalNut } from './ports.ts'
export { MintError } from './http/request.ts'
export {
  localSignatory,
  SignatoryRefusal,
  type BlindSignature,
  type KeysetPath,
  type Signatory,
  type SignedProof,
  type UnsignedOutput,
} from './signatory/signatory.ts'
export {
  remoteSignatory,
  signatoryServer,
  type RemoteSignatoryOptions,
  type SignatoryServer,
} from './signatory/signatory-http.ts'
export { mintSchema } from './db/tables.ts'
export type { Topic } from './http/topics.ts'
export { WEBSOCKET_LIMITS, type WebsocketLimits } from './http/websocket.ts'
