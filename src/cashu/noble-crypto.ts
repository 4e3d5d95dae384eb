import type { WalletCrypto } from './crypto.ts'
import { nobleCurve } from './noble-curve.ts'
import { walletCrypto } from './wallet-crypto.ts'

/** The wallet's crypto in JavaScript: runs everywhere, five times as fast as cashu-ts. */
export const nobleCrypto: WalletCrypto = /* @__PURE__ */ walletCrypto(nobleCurve)
