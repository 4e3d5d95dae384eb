import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { KeysetContents } from './crypto.ts'
import { CashuError } from './errors.ts'

/** The keyset versions that we know: `00` has ids of 8 bytes, `01` of 33. */
export type KeysetVersion = '00' | '01'

/** The version of a keyset id, or undefined for one that we cannot use: base64 from long ago, BLS, a short id. */
export function keysetVersion(id: string): KeysetVersion | undefined {
  if (/^00[0-9a-f]{14}$/.test(id)) return '00'
  if (/^01[0-9a-f]{64}$/.test(id)) return '01'
  return undefined
}

/** As `keysetVersion`, for where only a usable id will do. @throws {CashuError} `KEYSET_UNSUPPORTED` */
export function usableVersion(id: string): KeysetVersion {
  const version = keysetVersion(id)
  if (version === undefined) throw new CashuError('KEYSET_UNSUPPORTED', `cannot use keyset ${id.slice(0, 66)}`)
  return version
}

/** The id that a keyset's contents give (NUT-02). A fee or an expiry of zero counts as none. */
export function deriveKeysetId(
  version: KeysetVersion,
  { keys, unit, inputFeePpk, finalExpiry }: KeysetContents,
): string {
  // Amounts go up to 2^63, so they are ordered as digits and never as numbers.
  const byAmount = Object.entries(keys).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
  if (version === '00') {
    const digest = sha256(hexToBytes(byAmount.map(([, key]) => key).join('')))
    return `00${bytesToHex(digest).slice(0, 14)}`
  }
  const preimage = [
    byAmount.map(([amount, key]) => `${amount}:${key.toLowerCase()}`).join(','),
    `unit:${unit}`,
    ...(inputFeePpk ? [`input_fee_ppk:${inputFeePpk}`] : []),
    ...(finalExpiry ? [`final_expiry:${finalExpiry}`] : []),
  ]
  return `01${bytesToHex(sha256(utf8ToBytes(preimage.join('|'))))}`
}
