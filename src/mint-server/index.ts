/** An embedded Cashu mint: in process, over HTTP, with a fake Lightning backend. */
export {
  fakeBackend,
  type FakeBackend,
  type FakeBackendOptions,
  type Outgoing,
  type PaymentBackend,
} from './backend.ts'
export { bolt11, plainInvoice, type Invoice, type InvoiceCodec } from './bolt11.ts'
export type { Books, UnitBooks } from './books.ts'
export { createMintServer, type MintServer, type MintServerOptions } from './http.ts'
export { jsonLines, type Failure, type Log, type LogEntry } from './log.ts'
export type { MintOptions, OptionalNut } from './context.ts'
export { createMint, type Mint } from './mint.ts'
export { MintError } from './request.ts'
export {
  localSignatory,
  SignatoryRefusal,
  type BlindSignature,
  type KeysetPath,
  type Signatory,
  type SignedProof,
  type UnsignedOutput,
} from './signatory.ts'
export {
  remoteSignatory,
  signatoryServer,
  type RemoteSignatoryOptions,
  type SignatoryServer,
} from './signatory-http.ts'
export { mintSchema } from './tables.ts'
export { WEBSOCKET_LIMITS, type WebsocketLimits } from './websocket.ts'
