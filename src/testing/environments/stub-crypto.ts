/**
 * Crypto for the explorer: the formulas of NUT-00, -12 and -20 over a group with cheap arithmetic, the integers modulo
 * a prime under addition. A discrete logarithm is a division there, so nothing is secret. But the algebra is the real
 * one: a wrong r, a wrong key, a signature paired with the wrong output or a wrong DLEQ proof gives points that
 * `verify` and `verifyDleq` refuse. Every result depends only on its arguments. There are no tables, so only stored
 * strings survive a crash.
 */
import type {
  Dleq,
  KeysetContents,
  MintCrypto,
  SignatoryCrypto,
  SignedOutput,
  WalletCrypto,
} from '../../cashu/crypto.ts'
import { CashuError } from '../../cashu/errors.ts'

/** The order of the group, 2^61 − 1. */
const N = 2n ** 61n - 1n
/** The generator. Any element but zero is one; not 1, so that a key never looks like its public key. */
const G = 0x9e3779b97f4a7c15n % N

const mod = (value: bigint): bigint => {
  const rest = value % N
  return rest < 0n ? rest + N : rest
}

/** A quick 53-bit hash of some strings, never zero. Not cryptographic: nobody attacks the explorer. */
function hash(...parts: readonly string[]): bigint {
  let low = 0x2545f491
  let high = 0x6c8e9cf5
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i)
      low = Math.imul(low ^ code, 0x5bd1e995)
      high = Math.imul(high ^ code, 0x1b873593)
      low ^= high >>> 15
      high ^= low >>> 13
    }
    // The end of each part is hashed too, so that ('a', 'bc') differs from ('ab', 'c').
    low = Math.imul(low ^ part.length ^ 0x7fff, 0x85ebca6b)
    high = Math.imul(high ^ low, 0xc2b2ae35)
  }
  low ^= low >>> 16
  high ^= Math.imul(low ^ (high >>> 16), 0x27d4eb2f)
  return BigInt((high & 0x1fffff) * 2 ** 32 + (low >>> 0)) || 1n
}

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0')
const scalar = (value: bigint): string => hex(value, 64)
/** Points look like compressed ones: 33 bytes that start with 02. */
const point = (value: bigint): string => `02${hex(value, 64)}`

function parseScalar(text: string): bigint {
  const value = /^0{48}[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text.slice(48)}`) : 0n
  if (value === 0n || value >= N) throw new CashuError('SCALAR_MALFORMED', 'not a scalar of the stub')
  return value
}

function parsePoint(text: string): bigint {
  const value = /^020{48}[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text.slice(50)}`) : N
  if (value >= N) throw new CashuError('POINT_MALFORMED', 'not a point of the stub')
  return value
}

const isPoint = (text: string): boolean => /^020{48}[0-9a-f]{16}$/.test(text)
const isScalar = (text: string): boolean => /^0{48}[0-9a-f]{16}$/.test(text) && !/^0+$/.test(text)

const secretPoint = (secret: string): bigint => hash('Y', secret)
const challenge = (R1: bigint, R2: bigint, A: string, C_: string): bigint => hash('e', point(R1), point(R2), A, C_)

function dleqHolds(B_: string, C_: string, A: string, { e, s }: Dleq): boolean {
  if (![B_, C_, A].every(isPoint) || ![e, s].every(isScalar)) return false
  const [eValue, sValue] = [parseScalar(e), parseScalar(s)]
  const R1 = mod(sValue * G - eValue * parsePoint(A))
  const R2 = mod(sValue * parsePoint(B_) - eValue * parsePoint(C_))
  return challenge(R1, R2, A, C_) === eValue
}

const publicKey = (privateKey: string): string => point(mod(parseScalar(privateKey) * G))
const bytesText = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

const requestHash = (R: string, publicKey: string, quoteId: string, outputs: readonly SignedOutput[]): bigint =>
  hash('request', R, publicKey, quoteId, ...outputs.flatMap(({ amount, B_ }) => [String(amount), B_]))

/**
 * The wallet's half passes an id of the wanted version first. The mint's half passes only the contents, and makes short
 * ids. Ids of version 00 depend on the keys alone, those of version 01 on all contents, as in NUT-02.
 */
function keysetId(first: string | KeysetContents, second: string | KeysetContents = '00'): string {
  const [version, contents] =
    typeof first === 'string' ? [first.slice(0, 2), second as KeysetContents] : [second as string, first]
  const keys = Object.entries(contents.keys).sort(([a], [b]) => Number(a) - Number(b))
  if (version === '00') return `00${hex(hash('keyset', ...keys.flat()), 14)}`
  const { unit, inputFeePpk, finalExpiry = 0 } = contents
  return `01${hex(hash('keyset', ...keys.flat(), unit, `${inputFeePpk}`, `${finalExpiry}`), 64)}`
}

/** Both halves of the crypto port, a few hundred times cheaper than the real ones and as strict about mistakes. */
export const stubCrypto: WalletCrypto & MintCrypto & SignatoryCrypto = {
  isPoint,
  hashToCurve: (secret) => point(secretPoint(secret)),
  deriver(seed, keysetId) {
    const origin = `${hex(hash('seed', bytesText(seed)), 14)}.${keysetId}`
    // A secret contains its origin, so secrets are unique and traces are readable.
    return (counter) => {
      const secret = `${origin}.${counter}`
      return { secret, r: scalar(hash('r', secret)) }
    }
  },
  blind: (secret, r) => point(mod(secretPoint(secret) + parseScalar(r) * G)),
  unblind: (C_, r, A) => point(mod(parsePoint(C_) - parseScalar(r) * parsePoint(A))),
  verifyDleq: dleqHolds,
  verifyProofDleq(secret, C, A, dleq) {
    if (![C, A].every(isPoint) || !isScalar(dleq.r)) return false
    const r = parseScalar(dleq.r)
    const B_ = point(mod(secretPoint(secret) + r * G))
    const C_ = point(mod(parsePoint(C) + r * parsePoint(A)))
    return dleqHolds(B_, C_, A, dleq)
  },
  publicKey,
  privateKey: (random) => scalar(hash('key', bytesText(random))),
  signMintRequest(privateKey, quoteId, outputs) {
    const nonce = hash('nonce', privateKey, quoteId, ...outputs.map(({ B_ }) => B_))
    const R = point(mod(nonce * G))
    const e = requestHash(R, publicKey(privateKey), quoteId, outputs)
    return R.slice(2) + scalar(mod(nonce + e * parseScalar(privateKey)))
  },
  sign(B_, a) {
    const key = parseScalar(a)
    const A = publicKey(a)
    const C_ = point(mod(key * parsePoint(B_)))
    const nonce = hash('nonce', a, B_)
    const e = challenge(mod(nonce * G), mod(nonce * parsePoint(B_)), A, C_)
    return { C_, dleq: { e: scalar(e), s: scalar(mod(nonce + e * key)) } }
  },
  verify: (secret, C, a) => point(mod(parseScalar(a) * secretPoint(secret))) === C,
  verifyMintRequest(publicKey, quoteId, outputs, signature) {
    const [R, s] = [`02${signature.slice(0, 64)}`, signature.slice(64)]
    if (!isPoint(R) || !isScalar(s) || !isPoint(publicKey)) return false
    const e = requestHash(R, publicKey, quoteId, outputs)
    return mod(parseScalar(s) * G) === mod(parsePoint(R) + e * parsePoint(publicKey))
  },
  keysetKeys: (seed, unit, index, amounts) =>
    Object.fromEntries(
      amounts.map((amount) => [String(amount), scalar(hash('key', bytesText(seed), unit, `${index}`, `${amount}`))]),
    ),
  keysetId,
}
