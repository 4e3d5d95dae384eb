import { sha256 } from '@noble/hashes/sha2.js'
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { MintRequestForm, SignedOutput } from './crypto.ts'

/** The digest that a mint request's signature signs: the quote id and the outputs in the request's order (NUT-20). */
export function mintRequestDigest(
  quoteId: string,
  outputs: readonly SignedOutput[],
  form: MintRequestForm,
): Uint8Array {
  if (form === 'plain') return sha256(utf8ToBytes(quoteId + outputs.map((output) => output.B_).join('')))
  const hash = sha256.create().update(utf8ToBytes('Cashu_MintQuoteSig_v1'))
  const framed = (bytes: Uint8Array) => {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, bytes.length)
    hash.update(length).update(bytes)
  }
  framed(utf8ToBytes(quoteId))
  for (const { amount, B_ } of outputs) {
    framed(minimalBytes(amount))
    framed(hexToBytes(B_))
  }
  return hash.digest()
}

/** Big-endian, without leading zero bytes; zero is no byte at all. */
function minimalBytes(amount: number): Uint8Array {
  const hex = amount === 0 ? '' : amount.toString(16)
  return hexToBytes(hex.length % 2 ? `0${hex}` : hex)
}
