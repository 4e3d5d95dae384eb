/** The wallet's half of the crypto port, on noble-curves. */
import { normalizeZ } from '@noble/curves/abstract/curve.js'
import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Dleq, WalletCrypto } from './crypto.ts'
import {
  dleqChallenge,
  Fn,
  parseKey,
  parsePoint,
  parseScalar,
  Point,
  pointHex,
  secretPoint,
  timesG,
  timesKey,
} from './curve.ts'
import { deriveKeysetId, usableVersion } from './keyset-id.ts'
import { mintRequestDigest } from './mint-request.ts'
import { deriver } from './nut13.ts'

/** R1 = sG − eA, R2 = sB_ − eC_, and e must be their hash. All of it is public, so the quick ways will do. */
function dleqHolds(B_: Point, C_: Point, A: Point, dleq: Dleq): boolean {
  const s = parseScalar(dleq.s)
  const e = parseScalar(dleq.e)
  const R1 = timesG(s).subtract(timesKey(A, e))
  const R2 = B_.mulAddUnsafe(s, C_, Fn.neg(e))
  if (R1.is0() || R2.is0()) return false
  return dleqChallenge([...normalizeZ(Point, [R1, R2]), A, C_]) === dleq.e.toLowerCase()
}

/** A check that meets bytes which are no point or scalar fails; that is an answer, not an error. */
function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

/** The wallet's crypto in JavaScript: runs everywhere, three to four times as fast as cashu-ts. */
export const nobleCrypto: WalletCrypto = {
  hashToCurve: (secret) => pointHex(secretPoint(secret)),
  deriver,
  blind: (secret, r) => pointHex(secretPoint(secret).add(timesG(parseScalar(r)))),
  unblind: (C_, r, A) => pointHex(parsePoint(C_).subtract(timesKey(parseKey(A), parseScalar(r)))),
  verifyDleq: (B_, C_, A, dleq) => holds(() => dleqHolds(parsePoint(B_), parsePoint(C_), parseKey(A), dleq)),
  verifyProofDleq: (secret, C, A, dleq) =>
    holds(() => {
      const key = parseKey(A)
      const r = parseScalar(dleq.r)
      const [B_, C_] = normalizeZ(Point, [secretPoint(secret).add(timesG(r)), parsePoint(C).add(timesKey(key, r))]) as [
        Point,
        Point,
      ]
      return dleqHolds(B_, C_, key, dleq)
    }),
  keysetId: (id, keyset) => deriveKeysetId(usableVersion(id), keyset),
  publicKey,
  privateKey(random) {
    if (random.length !== 32) throw new TypeError('random: 32 bytes expected')
    const key = bytesToHex(random)
    parseScalar(key)
    return key
  },
  signMintRequest(privateKey, quoteId, outputs, form) {
    // Without auxiliary randomness, so that the port stays pure: a quote's key signs one quote, at our own request.
    const digest = mintRequestDigest(quoteId, outputs, form)
    return bytesToHex(schnorr.sign(digest, hexToBytes(privateKey), new Uint8Array(32)))
  },
}

/** The public key of a private one. */
export function publicKey(privateKey: string): string {
  return pointHex(Point.BASE.multiply(parseScalar(privateKey)))
}
