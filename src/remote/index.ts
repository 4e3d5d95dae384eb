/**
 * hardshell/remote: a wallet beside the money, and its interface in another page, thread or process. What crosses is checked on the
 * side of the money; no seed, no key and no proof ever does.
 */
export { connectWallet, type ConnectOptions, type RemoteWallet } from './connect.ts'
export type { Allow, AmountLimit, KvLimit, Limits, Verb } from './limits.ts'
export type { ConnectionState } from './link.ts'
export type { Port } from './port.ts'
export { serveWallet, type ServedWallet, type ServeOptions } from './serve.ts'
