import type { MintCrypto, SignatoryCrypto } from './crypto.ts'
import { mintCrypto } from './mint-crypto.ts'
import { nobleCurve } from './noble-curve.ts'

/** The crypto of a mint and of its signatory in JavaScript. */
export const nobleMintCrypto: MintCrypto & SignatoryCrypto = /* @__PURE__ */ mintCrypto(nobleCurve)
