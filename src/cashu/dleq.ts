/** Proofs that a mint signed with the key that it shows (NUT-12), over any curve. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Dleq } from './crypto.ts'
import { parseScalar, scalarHex, type Curve } from './curve.ts'

/** e = hash(R1, R2, A, C_), over the hex of the points' plain encodings. */
export const dleqChallenge = <P>(curve: Pick<Curve<P>, 'plain'>, points: readonly P[]): string =>
  bytesToHex(sha256(utf8ToBytes(points.map((point) => curve.plain(point)).join(''))))

/** R1 = sG − eA, R2 = sB_ − eC_, and e must be their hash. All of it is public, so the quick ways will do. */
export function dleqHolds<P>(curve: Curve<P>, B_: P, C_: P, A: P, dleq: Dleq): boolean {
  const s = parseScalar(dleq.s, curve)
  const minusE = curve.order - parseScalar(dleq.e, curve)
  const R1 = curve.sumWithKey(s, minusE, A)
  const R2 = curve.sum(s, B_, minusE, C_)
  return dleqChallenge(curve, [R1, R2, A, C_]) === dleq.e.toLowerCase()
}

/** The nonce comes from the key and the points: a bad random generator cannot leak the key. */
function nonceOf<P>(curve: Curve<P>, key: bigint, points: readonly P[]): bigint {
  const encodings = points.map((point) => hexToBytes(curve.plain(point)))
  const message = concatBytes(utf8ToBytes('Cashu_DLEQ_R_v1'), ...encodings, new Uint8Array(1))
  for (let tries = 0; tries < 256; tries++) {
    message[message.length - 1] = tries
    const nonce = BigInt(`0x${bytesToHex(hmac(sha256, hexToBytes(scalarHex(key)), message))}`)
    if (nonce > 0n && nonce < curve.order) return nonce
  }
  throw new Error('no nonce found; this happens once in 2^32768')
}

/** C_ = aB_, with its proof. The same arguments give the same. */
export function signWithDleq<P>(curve: Curve<P>, B_: P, { key, A }: { key: bigint; A: P }): { C_: P; dleq: Dleq } {
  const C_ = curve.secretTimes(B_, key)
  const nonce = nonceOf(curve, key, [A, B_, C_])
  const e = dleqChallenge(curve, [curve.secretTimesG(nonce), curve.secretTimes(B_, nonce), A, C_])
  return { C_, dleq: { e, s: scalarHex((nonce + parseScalar(e, curve) * key) % curve.order) } }
}
