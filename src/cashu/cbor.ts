/** Reads CBOR (RFC 8949) as tokens use it: definite lengths, no tags. One pass, and no deeper than a token is. */
import { expected } from './shape.ts'

const DEEPEST = 8
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The one value that the bytes are; objects by their keys, which are texts. @throws {Malformed}; {TypeError} for wrong UTF-8 */
export function readCbor(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  return reader.isAtEnd ? value : expected('token', 'nothing after its end')
}

/** Reads short ASCII texts by hand, because the platform's decoder is slow for them. */
function textOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (byte > 127 || text.length > 256) return UTF8.decode(bytes)
    text += String.fromCharCode(byte)
  }
  return text
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): unknown {
    if (depth > DEEPEST) expected('token', 'less depth')
    const first = this.#take(1)[0]!
    const kind = first >> 5
    if (kind === 7) return this.#simple(first & 31)
    const count = this.#count(first & 31)
    if (kind === 0) return count
    if (kind === 1) return -1 - count
    if (kind === 2) return this.#take(count)
    if (kind === 3) return textOf(this.#take(count))
    // Every entry takes at least one byte, so a larger count is malformed.
    if (count > this.#bytes.length - this.#at) expected('token', 'its whole')
    if (kind === 4) {
      const list: unknown[] = []
      for (let entry = 0; entry < count; entry++) list.push(this.value(depth + 1))
      return list
    }
    if (kind !== 5) return expected('token', 'no tags')
    const entries: [string, unknown][] = []
    for (let entry = 0; entry < count; entry++) {
      const key = this.value(depth + 1)
      entries.push([typeof key === 'string' ? key : expected('token', 'keys that are texts'), this.value(depth + 1)])
    }
    return Object.fromEntries(entries)
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count
    if (end > this.#bytes.length) expected('token', 'its whole')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** The number may exceed the safe integers. It is then rejected as an amount. */
  #count(short: number): number {
    if (short < 24) return short
    if (short > 27) return expected('token', 'definite lengths')
    const at = this.#at
    const size = 2 ** (short - 24)
    this.#take(size)
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at)
    if (size === 4) return this.#view.getUint32(at)
    return Number(this.#view.getBigUint64(at))
  }

  #simple(short: number): unknown {
    if (short === 20 || short === 21) return short === 21
    if (short === 22) return null
    if (short === 23) return undefined
    return expected('token', 'no fractions')
  }
}
