/** The mint's half of the crypto port, over any curve. Whatever touches a private key takes the curve's ways for those. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { MintCrypto, SignatoryCrypto } from './crypto.ts'
import { Kept, parseScalar, scalarHex, type Curve } from './curve.ts'
import { dleqHolds, signWithDleq } from './dleq.ts'
import { deriveKeysetId } from './keyset-id.ts'
import { mintRequestDigest } from './mint-request.ts'
import { holds } from './wallet-crypto.ts'

/** What a mint and its signatory need, on the arithmetic of a curve. */
export function mintCrypto<P extends object>(curve: Curve<P>): MintCrypto & SignatoryCrypto {
  /** Private keys and what belongs to them: a mint signs with few, again and again. */
  const pairs = new Kept(256, (a) => {
    const key = parseScalar(a, curve)
    return { key, A: curve.secretTimesG(key) }
  })
  /** A mint names an input by its Y, and its signatory verifies it, in one request. */
  const secrets = new Kept(1024, (secret) => curve.hashToCurve(utf8ToBytes(secret)))
  /** A B_ is looked at before it is signed. */
  const points = new Kept(1024, (hex) => curve.parse(hex))
  const keys = new Kept(256, (hex) => curve.parse(hex))
  return {
    name: curve.name,
    publicKey: (privateKey) => curve.hex(curve.secretTimesG(parseScalar(privateKey, curve))),
    hashToCurve: (secret) => curve.hex(secrets.get(secret)),
    verifyDleq: (B_, C_, A, dleq) => holds(() => dleqHolds(curve, points.get(B_), points.get(C_), keys.get(A), dleq)),
    isPoint: (hex) => holds(() => points.get(hex) !== undefined),
    sign(B_, a) {
      const { C_, dleq } = signWithDleq(curve, points.get(B_), pairs.get(a))
      return { C_: curve.hex(C_), dleq }
    },
    verify: (secret, C, a) => curve.hex(curve.secretTimes(secrets.get(secret), pairs.get(a).key)) === C.toLowerCase(),
    verifyMintRequest(publicKey, quoteId, outputs, signature) {
      if (!/^0[23][0-9a-fA-F]{64}$/.test(publicKey) || !/^[0-9a-fA-F]{128}$/.test(signature)) return false
      const [bytes, x] = [hexToBytes(signature), hexToBytes(publicKey.slice(2))]
      return (['framed', 'plain'] as const).some((form) =>
        schnorr.verify(bytes, mintRequestDigest(quoteId, outputs, form), x),
      )
    },
    keysetKeys(seed, unit, index, amounts) {
      const key = (amount: number) => {
        const digest = hmac(sha512, seed, utf8ToBytes(`hardshell/keyset\0${unit}\0${index}\0${amount}`))
        // 64 bytes, so that the remainder is uniform.
        return scalarHex(BigInt(`0x${bytesToHex(digest)}`) % curve.order)
      }
      return Object.fromEntries(amounts.map((amount) => [String(amount), key(amount)]))
    },
    keysetId: (keyset, version = '01') => deriveKeysetId(version, keyset),
  }
}
