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
export type { MintOptions, OptionalNut } from './context.ts'
export { createMint, type Mint } from './mint.ts'
export { MintError } from './request.ts'
export { mintSchema } from './tables.ts'
