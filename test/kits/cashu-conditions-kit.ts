/** Locks, people who sign, and what is said to their attempts. */
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { conditionChecks, ConditionUnmet, type Spending } from '../../src/cashu/conditions.ts'

export const NOW = 1_790_000_000
export const PAST = String(NOW - 1)
export const FUTURE = String(NOW + 1)
export const hash = (text: string) => sha256(utf8ToBytes(text))

export const privateKeys = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map(hash)
export const publicKeys = privateKeys.map((key) => bytesToHex(secp256k1.getPublicKey(key)))
export const [alice, bob, carol, dave] = publicKeys as [string, string, string, string]
/** The other point with the same x. */
export const twin = (key: string) => (key.startsWith('02') ? '03' : '02') + key.slice(2)
export const sign = (message: string, ...signers: string[]) =>
  signers.map((key) => bytesToHex(schnorr.sign(hash(message), privateKeys[publicKeys.indexOf(key)]!)))

export const PREIMAGE = bytesToHex(hash('preimage'))
export const HASH = bytesToHex(sha256(hexToBytes(PREIMAGE)))
export const point = (seed: string) => bytesToHex(secp256k1.getPublicKey(hash(seed)))

export type Tag = readonly unknown[]
export const tag = (name: string, ...values: unknown[]): Tag => [name, ...values]
export const nonce = 'c7f280eb55c1e856'
const lockOf =
  (kind: 'P2PK' | 'HTLC') =>
  (data: string, ...tags: Tag[]) =>
    JSON.stringify([kind, { nonce, data, ...(tags.length > 0 && { tags }) }])
export const p2pk = lockOf('P2PK')
export const htlc = lockOf('HTLC')

export const spendingOf = (secret: string, witness?: unknown): Spending => ({
  inputs: [
    {
      id: '00bfa73302d12ffd',
      amount: 4,
      secret,
      C: point(secret),
      witness: typeof witness === 'string' ? witness : JSON.stringify(witness),
    },
  ],
  outputs: [],
  nowMs: NOW * 1000,
})

/** `spent`, or what was said against it. */
export function verdict(spending: Spending): string {
  try {
    Array.from(conditionChecks(spending))
    return 'spent'
  } catch (error) {
    if (!(error instanceof ConditionUnmet)) throw error
    return error.message
  }
}
export const isSpent = (spending: Spending) => verdict(spending) === 'spent'
