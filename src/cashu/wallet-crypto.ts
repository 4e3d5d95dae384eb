/** The wallet's half of the crypto port, over any curve. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { WalletCrypto } from './crypto.ts'
import { Kept, parseScalar, type Curve } from './curve.ts'
import { dleqHolds } from './dleq.ts'
import { deriveKeysetId, usableVersion } from './keyset-id.ts'
import { mintRequestDigest } from './mint-request.ts'
import { deriver } from './nut13.ts'

/** A check that meets bytes which are no point or scalar fails; that is an answer, not an error. */
export function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

/** How many points of outputs are kept: those of some rounds of requests. */
const POINTS = 1024
/** How many keys of mints are kept, with what a curve keeps with each: those of some keysets. */
const KEYS = 256

/** What a wallet needs, on the arithmetic of a curve. */
export function walletCrypto<P extends object>(curve: Curve<P>): WalletCrypto {
  // Blinding makes a B_ and the point of a secret that unblinding asks for again; an answer's C_ is named twice.
  const secrets = new Kept(POINTS, (secret) => curve.hashToCurve(utf8ToBytes(secret)))
  const points = new Kept(POINTS, (hex) => curve.parse(hex))
  const keys = new Kept(KEYS, (hex) => curve.parse(hex))
  const scalar = (hex: string): bigint => parseScalar(hex, curve)
  return {
    name: curve.name,
    hashToCurve: (secret) => curve.hex(secrets.get(secret)),
    deriver: (seed, keysetId) => deriver(curve, seed, keysetId),
    blind(secret, r) {
      const B_ = curve.plusG(secrets.get(secret), scalar(r))
      const hex = curve.hex(B_)
      points.keep(hex, B_)
      return hex
    },
    unblind: (C_, r, A) => curve.hex(curve.plusKey(points.get(C_), keys.get(A), curve.order - scalar(r))),
    verifyDleq: (B_, C_, A, dleq) => holds(() => dleqHolds(curve, points.get(B_), points.get(C_), keys.get(A), dleq)),
    verifyProofDleq: (secret, C, A, dleq) =>
      holds(() => {
        const [key, r] = [keys.get(A), scalar(dleq.r)]
        const B_ = curve.plusG(secrets.get(secret), r)
        return dleqHolds(curve, B_, curve.plusKey(points.get(C), key, r), key, dleq)
      }),
    keysetId: (id, keyset) => deriveKeysetId(usableVersion(id), keyset),
    publicKey: (privateKey) => curve.hex(curve.secretTimesG(scalar(privateKey))),
    privateKey(random) {
      if (random.length !== 32) throw new TypeError('random: 32 bytes expected')
      const key = bytesToHex(random)
      scalar(key)
      return key
    },
    signMintRequest(privateKey, quoteId, outputs, form) {
      // Without auxiliary randomness, so that the port stays pure: a quote's key signs one quote, at our own request.
      const digest = mintRequestDigest(quoteId, outputs, form)
      return bytesToHex(schnorr.sign(digest, hexToBytes(privateKey), new Uint8Array(32)))
    },
  }
}
