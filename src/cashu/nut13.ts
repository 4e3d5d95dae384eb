import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { parseScalar, scalarHex, type Curve } from './curve.ts'
import { usableVersion } from './keyset-id.ts'

/** The secret and the blinding factor of one output. */
export interface Derived {
  readonly secret: string
  readonly r: string
}

/**
 * Secrets and blinding factors of one keyset, by counter (NUT-13).
 * @throws {CashuError} `KEYSET_UNSUPPORTED`
 */
export function deriver<P>(curve: Curve<P>, seed: Uint8Array, keysetId: string): (counter: number) => Derived {
  return usableVersion(keysetId) === '00' ? bip32Deriver(curve, seed, keysetId) : hmacDeriver(curve, seed, keysetId)
}

/**
 * Names the place from which a keyset's secrets are derived: keysets with the same name have the same secrets. Of version
 * 00 it is a number of 31 bits, so that two keysets may have one.
 * @throws {CashuError} `KEYSET_UNSUPPORTED`
 */
export const derivationName = (keysetId: string): string =>
  usableVersion(keysetId) === '00' ? `${keysetNumber(keysetId)}` : keysetId

const keysetNumber = (keysetId: string): number => Number(BigInt(`0x${keysetId}`) % BigInt(HARDENED - 1))

/** Version 01: one HMAC each for secret and blinding factor. */
function hmacDeriver(
  { order }: Pick<Curve<unknown>, 'order'>,
  seed: Uint8Array,
  keysetId: string,
): (counter: number) => Derived {
  // The key's two blocks, the purpose and the keyset id are hashed once.
  const prefix = hmac.create(sha256, seed).update(utf8ToBytes('Cashu_KDF_HMAC_SHA256')).update(hexToBytes(keysetId))
  const tail = new Uint8Array(9)
  const view = new DataView(tail.buffer)
  return (counter) => {
    checkCounter(counter, Number.MAX_SAFE_INTEGER)
    view.setBigUint64(0, BigInt(counter))
    tail[8] = 0
    const secret = bytesToHex(prefix.clone().update(tail).digest())
    tail[8] = 1
    const r = BigInt(`0x${bytesToHex(prefix.clone().update(tail).digest())}`) % order
    return { secret, r: scalarHex(nonZero(r)) }
  }
}

/** A node of a BIP32 tree: private key and chain code. */
interface Node {
  readonly key: bigint
  readonly chain: Uint8Array
}

const HARDENED = 2 ** 31

/** Version 00: m/129372'/0'/keyset'/counter'/{0,1}. The last step is not hardened, so it takes the public key. */
function bip32Deriver<P>(curve: Curve<P>, seed: Uint8Array, keysetId: string): (counter: number) => Derived {
  /** The left half of a digest is added to the parent's key, the right half is the chain code. */
  const node = (digest: Uint8Array, parentKey: bigint): Node => {
    const tweak = parseScalar(bytesToHex(digest.subarray(0, 32)), curve)
    return { key: nonZero((tweak + parentKey) % curve.order), chain: digest.slice(32) }
  }
  const child = (parent: Node, material: string, index: number): Node => {
    const data = concatBytes(hexToBytes(material), new Uint8Array(4))
    new DataView(data.buffer).setUint32(data.length - 4, index)
    return node(hmac(sha512, parent.chain, data), parent.key)
  }
  const hardened = (parent: Node, index: number): Node => child(parent, `00${scalarHex(parent.key)}`, HARDENED + index)
  const root = node(hmac(sha512, utf8ToBytes('Bitcoin seed'), seed), 0n)
  const parent = [129372, 0, keysetNumber(keysetId)].reduce(hardened, root)
  return (counter) => {
    checkCounter(counter, HARDENED - 1)
    const output = hardened(parent, counter)
    const publicKey = curve.hex(curve.timesG(output.key))
    return {
      secret: scalarHex(child(output, publicKey, 0).key),
      r: scalarHex(child(output, publicKey, 1).key),
    }
  }
}

function nonZero(scalar: bigint): bigint {
  if (scalar === 0n) throw new Error('derived zero; this happens once in 2^256')
  return scalar
}

function checkCounter(counter: number, max: number): void {
  if (!Number.isInteger(counter) || counter < 0 || counter > max) {
    throw new TypeError(`counter: an integer from 0 to ${max} expected`)
  }
}
