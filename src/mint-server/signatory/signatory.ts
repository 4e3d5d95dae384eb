/** Who signs for a mint: the only one that has its private keys. */
import { checkBytes, checkNames } from '../../arguments.ts'
import type { Dleq, SignatoryCrypto } from '../../cashu/crypto.ts'
import { field, point, record, scalar, type Parse } from '../../cashu/shape.ts'
import { checkSignatoryCrypto } from '../port-checks.ts'

/** What a keyset's private keys follow from, beside the seed and the amount. */
export interface KeysetPath {
  /** The unit, `sat` say. */
  readonly unit: string
  /** Counts the unit's keysets, from 0. */
  readonly generation: number
}

/** An input to be verified (NUT-00). */
export interface SignedProof extends KeysetPath {
  /** What it is worth, in the unit. */
  readonly amount: number
  /** The public key that it is taken for; a signatory with another one for this keyset and amount does nothing. */
  readonly key?: string | undefined
  /** The secret that was signed. */
  readonly secret: string
  /** The mint's signature, unblinded. */
  readonly C: string
}

/** An output to be signed (NUT-00). `amount` says with which key. */
export interface UnsignedOutput extends KeysetPath {
  /** What the signature is to be worth, in the unit. */
  readonly amount: number
  /** As a proof's. */
  readonly key?: string | undefined
  /** Hex. */
  readonly B_: string
}

/** A blind signature and its proof (NUT-00, NUT-12). */
export interface BlindSignature {
  /** Hex. */
  readonly C_: string
  /** The proof of equal logarithms (NUT-12). */
  readonly dleq: Dleq
}

/** Reads what a signatory that is elsewhere, or somebody else's, calls a signature. */
export const blindSignature: Parse<BlindSignature> = (value, at) => {
  const from = record(value, at)
  const dleq = field(from, 'dleq', record, at)
  return {
    C_: field(from, 'C_', point, at),
    dleq: { e: field(dleq, 'e', scalar, `${at}.dleq`), s: field(dleq, 's', scalar, `${at}.dleq`) },
  }
}

/**
 * A signatory holds the seed and no state: a mint tells it each time which keyset it means. It may be in another
 * process or on another machine. Every call may be made again, and gives the same then. A call that rejects with a
 * `SignatoryRefusal` will never be answered otherwise; any other rejection says nothing.
 */
export interface Signatory {
  /**
   * The public keys of a keyset, by amount.
   *
   * @throws {SignatoryRefusal} where it will not sign; {Error} where it is away
   */
  publicKeys(
    keyset: KeysetPath,
    amounts: readonly number[],
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>
  /**
   * Which of the proofs are genuine, in their order. A `C` that is no point is not.
   *
   * @throws {SignatoryRefusal} where it will not sign; {Error} where it is away
   */
  verify(proofs: readonly SignedProof[], signal?: AbortSignal): Promise<readonly boolean[]>
  /** Signs all outputs, in their order. @throws {SignatoryRefusal} A `B_` is not on the curve. */
  sign(outputs: readonly UnsignedOutput[], signal?: AbortSignal): Promise<readonly BlindSignature[]>
}

/** The signatory will not do it, now or later. */
export class SignatoryRefusal extends Error {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'SignatoryRefusal'
}

/** The keysets in the store were made with other keys than the signatory's. */
export class WrongKeys extends Error {
  override readonly name = 'WrongKeys'
}

/** The signatory signs with other keys than it shows. Nothing of that is given out. */
export class WrongSignatures extends Error {
  override readonly name = 'WrongSignatures'
}

/** A signatory in this process. Keys are derived from the seed when they are first used, and kept in memory only. */
export function localSignatory(options: {
  /** All private keys follow from it. */
  readonly seed: Uint8Array
  readonly crypto: SignatoryCrypto
}): Signatory {
  checkNames(options, 'options', ['seed', 'crypto'])
  checkBytes(options.seed, 'seed')
  const { crypto } = options
  checkSignatoryCrypto(crypto)
  // The caller may overwrite its own.
  const seed = Uint8Array.from(options.seed)
  const derived = new Map<string, { readonly privateKey: string; readonly publicKey: string }>()

  function keysOf({ unit, generation }: KeysetPath, amount: number) {
    const name = `${generation}\0${amount}\0${unit}`
    let keys = derived.get(name)
    if (!keys) {
      const privateKey = crypto.keysetKeys(seed, unit, generation, [amount])[amount]!
      derived.set(name, (keys = { privateKey, publicKey: crypto.publicKey(privateKey) }))
    }
    return keys
  }

  /** @throws {WrongKeys} */
  function privateKeyFor(asked: SignedProof | UnsignedOutput): string {
    const { privateKey, publicKey } = keysOf(asked, asked.amount)
    if (asked.key !== undefined && asked.key !== publicKey)
      throw new WrongKeys('the keyset was made with other keys, of another seed')
    return privateKey
  }

  function isGenuine(proof: SignedProof): boolean {
    const key = privateKeyFor(proof)
    try {
      return crypto.verify(proof.secret, proof.C, key)
    } catch {
      return false
    }
  }

  function sign(output: UnsignedOutput): BlindSignature {
    const key = privateKeyFor(output)
    try {
      return crypto.sign(output.B_, key)
    } catch {
      throw new SignatoryRefusal('B_ is not on the curve')
    }
  }

  return {
    publicKeys: async (keyset, amounts) =>
      Object.fromEntries(amounts.map((amount) => [String(amount), keysOf(keyset, amount).publicKey])),
    verify: async (proofs) => proofs.map(isGenuine),
    sign: async (outputs) => outputs.map(sign),
  }
}
