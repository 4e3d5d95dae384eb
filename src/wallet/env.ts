/** What the parts of one open wallet share. */
import type { Operations } from '../kernel/operations.ts'
import type { CryptoInUse } from '../cashu/crypto.ts'
import type { Mints } from './mints.ts'
import type { WalletPorts } from './ports.ts'
import type { Store } from './tables.ts'

export interface WalletEnv {
  readonly operations: Operations<WalletPorts>
  /** Tells an operation of whatever kind to give up; false where it cannot any more. */
  readonly cancel: (id: string) => Promise<boolean>
  readonly store: Store
  readonly ports: WalletPorts
  readonly mints: Mints
  readonly crypto: CryptoInUse
}
