/** Locked coins that a mint must refuse (NUT-10, NUT-11, NUT-14). What others' signatures open, `conditions.py` tries. */
import { randomBytes } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { row, swapping, TAKEN, type Row } from './rows.ts'
import type { Question, World } from './world.ts'

const KEY = nobleCrypto.privateKey(randomBytes(32))
const OTHER = nobleCrypto.privateKey(randomBytes(32))
const HASH = bytesToHex(sha256(randomBytes(32)))

const secretOf = (kind: string, data: string): string =>
  JSON.stringify([kind, { nonce: randomBytes(16).toString('hex'), data, tags: [] }])
const p2pk = (): string => secretOf('P2PK', nobleCrypto.publicKey(KEY))

/** A swap of a coin with this secret. */
const spending =
  (secret: string, witness?: string) =>
  async (w: World): Promise<Question> => {
    const coin = await w.coinOf(secret)
    return swapping([{ ...coin, witness }], await w.change(coin))
  }

/** A swap of a coin that is locked to the key, signed by this one. */
function signedBy(key: string): (w: World) => Promise<Question> {
  const secret = p2pk()
  const signature = bytesToHex(schnorr.sign(sha256(utf8ToBytes(secret)), hexToBytes(key)))
  return spending(secret, JSON.stringify({ signatures: [signature] }))
}

export const lockRows: readonly Row[] = [
  row('swap: P2PK without a witness', codes.signatureInvalid, spending(p2pk())),
  row('swap: P2PK with a witness that is not JSON', codes.signatureInvalid, spending(p2pk(), 'no JSON')),
  row('swap: P2PK, signed by another key', codes.signatureInvalid, signedBy(OTHER)),
  row('swap: P2PK, signed by its key', TAKEN, signedBy(KEY)),
  row('swap: P2PK to what is no key', codes.signatureInvalid, spending(secretOf('P2PK', 'no key'))),
  row('swap: HTLC without the preimage', codes.signatureInvalid, spending(secretOf('HTLC', HASH))),
  row(
    'swap: HTLC with another preimage',
    codes.signatureInvalid,
    spending(secretOf('HTLC', HASH), JSON.stringify({ preimage: '00'.repeat(32) })),
  ),
  row('swap: a lock of a kind that no NUT knows', TAKEN, spending(secretOf('OTHER', HASH)), {
    why: 'what a mint does not know, it cannot enforce (NUT-10)',
  }),
]
