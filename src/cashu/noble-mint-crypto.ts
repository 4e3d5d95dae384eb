/** The mint's half of the crypto port, on noble-curves. Whatever touches a private key takes the constant-time way. */
import { normalizeZ } from '@noble/curves/abstract/curve.js'
import { schnorr } from '@noble/curves/secp256k1.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { MintCrypto, SignatoryCrypto } from './crypto.ts'
import {
  dleqChallenge,
  Fn,
  keeping,
  parsePoint,
  parseScalar,
  Point,
  pointHex,
  scalarHex,
  secretPoint,
} from './curve.ts'
import { deriveKeysetId } from './keyset-id.ts'
import { mintRequestDigest } from './mint-request.ts'
import { nobleCrypto, publicKey } from './noble-crypto.ts'

/** The nonce comes from the key and the points: a bad random generator cannot leak the key (NUT-12). */
function dleqNonce(a: string, A: Point, B_: Point, C_: Point): bigint {
  const points = [A, B_, C_].map((point) => point.toBytes(false))
  const message = concatBytes(utf8ToBytes('Cashu_DLEQ_R_v1'), ...points, new Uint8Array(1))
  for (let tries = 0; tries < 256; tries++) {
    message[message.length - 1] = tries
    const nonce = BigInt(`0x${bytesToHex(hmac(sha256, hexToBytes(a), message))}`)
    if (Fn.isValidNot0(nonce)) return nonce
  }
  throw new Error('no nonce found; this happens once in 2^32768')
}

/** A private key and what belongs to it: a mint signs with few, again and again. */
const keyPair = keeping(256, (a) => {
  const key = parseScalar(a)
  return { key, A: Point.BASE.multiply(key) }
})
/** A mint names an input by its Y, and its signatory verifies it, in one request. */
const inputPoint = keeping(1024, secretPoint)

/** The crypto of a mint and of its signatory in JavaScript. */
export const nobleMintCrypto: MintCrypto & SignatoryCrypto = {
  publicKey,
  hashToCurve: (secret) => pointHex(inputPoint(secret)),
  verifyDleq: (...signed) => nobleCrypto.verifyDleq(...signed),
  isPoint(hex) {
    try {
      return !parsePoint(hex).is0()
    } catch {
      return false
    }
  },
  sign(B_hex, a) {
    const B_ = parsePoint(B_hex)
    const { key, A } = keyPair(a)
    const C_ = B_.multiply(key)
    const nonce = dleqNonce(a, A, B_, C_)
    const [R1, R2] = normalizeZ(Point, [Point.BASE.multiply(nonce), B_.multiply(nonce)]) as [Point, Point]
    const e = dleqChallenge([R1, R2, A, C_])
    return { C_: pointHex(C_), dleq: { e, s: scalarHex(Fn.add(nonce, Fn.mul(parseScalar(e), key))) } }
  },
  verify: (secret, C, a) => pointHex(inputPoint(secret).multiply(keyPair(a).key)) === C.toLowerCase(),
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
      return scalarHex(Fn.create(BigInt(`0x${bytesToHex(digest)}`)))
    }
    return Object.fromEntries(amounts.map((amount) => [String(amount), key(amount)]))
  },
  keysetId: (keyset, version = '01') => deriveKeysetId(version, keyset),
}
