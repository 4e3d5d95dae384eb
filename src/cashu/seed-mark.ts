/** A mark by which a seed is known again, and which tells nothing else about it. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

export interface SeedMark {
  /** Hex. Two databases of one seed do not look alike. */
  readonly salt: string
  /** HMAC-SHA256 of the salt, keyed by the seed; hex. */
  readonly mac: string
}

const PURPOSE = utf8ToBytes('hardshell seed mark')

export const markSeed = (seed: Uint8Array, salt: Uint8Array): SeedMark => ({
  salt: bytesToHex(salt),
  mac: bytesToHex(hmac.create(sha256, seed).update(PURPOSE).update(salt).digest()),
})

/** Whether the mark is that of the seed. */
export const isMarkOf = (mark: SeedMark, seed: Uint8Array): boolean =>
  markSeed(seed, hexToBytes(mark.salt)).mac === mark.mac
