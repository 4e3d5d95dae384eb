/**
 * Spending conditions as a mint enforces them: NUT-10, NUT-11 (P2PK) and NUT-14 (HTLC). Where the NUTs are silent, a doubtful
 * case is refused: a refusal can be corrected, a coin given to the wrong party cannot.
 */
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { conditionOf, parseWellKnownSecret, type Condition, type Pathway } from './conditions-secret.ts'
import { Malformed } from './shape.ts'

/** One input of a request, with its witness as it came: a JSON text. */
export interface ConditionedInput {
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly witness?: string | undefined
}

/** One output of a request. */
export interface ConditionedOutput {
  readonly id: string
  readonly amount: number
  readonly B_: string
}

/** A swap, or with a `quoteId` a melt, whose outputs are the blank ones for the change. */
export interface Spending {
  readonly inputs: readonly ConditionedInput[]
  readonly outputs: readonly ConditionedOutput[]
  readonly quoteId?: string
  readonly nowMs: number
}

/** An input may not be spent like this, or never. The message says which and why, and shows nothing of its secret. */
export class ConditionUnmet extends Error {
  override readonly name = 'ConditionUnmet'
}

/** Longer witnesses count as none. Room for two signatures of each of the keys that a secret can name, and more. */
const MAX_WITNESS_LENGTH = 8192

/**
 * Checks the conditions of all inputs, in steps with one signature at most in each: only the end of the last one says
 * that they are met, and others can have their turn in between. It costs nothing for inputs without conditions and up to
 * seconds for others, so it comes after the inputs have proven to be genuine.
 * @throws {ConditionUnmet}
 */
export function* conditionChecks(spending: Spending): Generator<void> {
  const { inputs, nowMs } = spending
  const conditions = inputs.map(({ secret }, index) => readCondition(secret, index))
  const isSigner = signatureChecker(inputs.length)
  const check = function* (index: number, message: string): Generator<void> {
    const reason = yield* obstacle(conditions[index]!, inputs[index]!.witness, message, nowMs, isSigner)
    if (reason) throw unmet(index, reason)
  }
  if (conditions.some((condition) => condition?.signsAll)) {
    // The witness of the first input is for all of them (NUT-11), so all of them must ask for the same.
    const odd = conditions.findIndex((condition) => condition?.terms !== conditions[0]?.terms)
    if (odd >= 0) throw unmet(odd, 'SIG_ALL goes with inputs of one condition only')
    yield* check(0, sigAllMessage(spending))
    return
  }
  for (const [index, { secret }] of inputs.entries()) if (conditions[index]) yield* check(index, secret)
}

/**
 * What a `SIG_ALL` signature covers: for a swap its inputs and outputs, for a melt the quote's id after them (NUT-11).
 * It is what cdk since 0.14, Nutshell after 0.20.2 and cashu-ts 4 agree on. What older wallets sign leaves out every C
 * and amount: that is refused, as it lets others change the amounts. A proposal of 2026 puts lengths between the
 * parts (`Cashu_SigAllSig_v1`); wallets are to send such signatures beside these, so not counting them harms nobody.
 */
export function sigAllMessage({ inputs, outputs, quoteId = '' }: Omit<Spending, 'nowMs'>): string {
  const spent = inputs.map(({ secret, C }) => secret + C)
  const made = outputs.map(({ amount, B_ }) => `${amount}${B_}`)
  return [...spent, ...made, quoteId].join('')
}

const unmet = (index: number, reason: string) => new ConditionUnmet(`input ${index}: ${reason}`)

function readCondition(secret: string, index: number): Condition | undefined {
  try {
    const known = parseWellKnownSecret(secret)
    return known && conditionOf(known)
  } catch (error) {
    throw error instanceof Malformed ? unmet(index, error.message) : error
  }
}

type IsSigner = (signature: string, digest: Uint8Array, key: string) => boolean

/**
 * BIP-340. A check takes about a millisecond, and signatures that fit no key cost as much as others: so there is a
 * limit. It leaves room for eleven keys, which wallets use at most (NUT-28), that have all signed in two forms; or for
 * 300 inputs by three signers of five in any order.
 */
function signatureChecker(inputs: number): IsSigner {
  const most = Math.min(200 + 16 * inputs, 4000)
  let checks = 0
  return (signature, digest, key) => {
    if (++checks > most) throw new ConditionUnmet(`more than ${most} signatures to check`)
    return schnorr.verify(hexToBytes(signature), digest, hexToBytes(key))
  }
}

/**
 * What keeps an input from being spent. The main pathway is always open, the refund beside it once the locktime is
 * over, each with signatures of its own keys (NUT-11).
 */
function* obstacle(
  { hash, main, refund, locktime }: Condition,
  witness: string | undefined,
  message: string,
  nowMs: number,
  isSigner: IsSigner,
): Generator<void, string | undefined> {
  const isOver = locktime !== undefined && nowMs > locktime * 1000
  if (isOver && !refund) return undefined
  const { signatures, preimage } = parseWitness(witness)
  const digest = sha256(utf8ToBytes(message))
  const isUnlocked = hash === undefined || (preimage !== undefined && bytesToHex(sha256(hexToBytes(preimage))) === hash)
  if (isUnlocked && (yield* hasSigned(main, signatures, digest, isSigner))) return undefined
  if (isOver && refund && (yield* hasSigned(refund, signatures, digest, isSigner))) return undefined
  return isUnlocked ? 'too few valid signatures' : 'no preimage of the hash'
}

/** Counts keys, not signatures: one key can sign the same as often as it likes (NUT-11). */
function* hasSigned(
  { keys, needed }: Pathway,
  signatures: Iterable<string>,
  digest: Uint8Array,
  isSigner: IsSigner,
): Generator<void, boolean> {
  const signers = new Set<string>()
  for (const signature of signatures) {
    if (signers.size >= needed) break
    for (const key of keys) {
      if (signers.has(key)) continue
      yield
      if (!isSigner(signature, digest, key)) continue
      signers.add(key)
      break
    }
  }
  return signers.size >= needed
}

interface Witness {
  readonly signatures: ReadonlySet<string>
  readonly preimage?: string
}

/** The readable parts of a witness. Unknown fields are ignored: wallets add fields for other mints. */
function parseWitness(witness: string | undefined): Witness {
  const { signatures, preimage } = parsedObject(witness)
  return {
    signatures: new Set((Array.isArray(signatures) ? signatures : []).filter(isHex(64))),
    ...(isHex(32)(preimage) && { preimage }),
  }
}

function parsedObject(json: string | undefined): { readonly signatures?: unknown; readonly preimage?: unknown } {
  if (json === undefined || json.length > MAX_WITNESS_LENGTH) return {}
  try {
    return (JSON.parse(json) as object | null) ?? {}
  } catch {
    return {}
  }
}

const isHex =
  (bytes: number) =>
  (value: unknown): value is string =>
    typeof value === 'string' && value.length === bytes * 2 && /^[0-9a-fA-F]+$/.test(value)
