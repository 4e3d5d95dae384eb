/** Writes CBOR (RFC 8949) as payment requests and frames of QR codes use it. */

/** What can be written. A key whose value is undefined is left out. */
export type CborValue =
  | string
  | number
  | boolean
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue | undefined }

/** Keys keep their order. */
export function writeCbor(value: CborValue): Uint8Array {
  const bytes: number[] = []
  write(value, bytes)
  return Uint8Array.from(bytes)
}

const KIND = { count: 0, bytes: 2, text: 3, list: 4, map: 5 }

function write(value: CborValue, to: number[]): void {
  if (typeof value === 'boolean') to.push(value ? 0xf5 : 0xf4)
  else if (typeof value === 'number') head(KIND.count, value, to)
  else if (typeof value === 'string') {
    const utf8 = new TextEncoder().encode(value)
    head(KIND.text, utf8.length, to)
    for (const byte of utf8) to.push(byte)
  } else if (value instanceof Uint8Array) {
    head(KIND.bytes, value.length, to)
    for (const byte of value) to.push(byte)
  } else if (isList(value)) {
    head(KIND.list, value.length, to)
    for (const item of value) write(item, to)
  } else {
    const entries = Object.entries(value).filter((entry): entry is [string, CborValue] => entry[1] !== undefined)
    head(KIND.map, entries.length, to)
    for (const [key, item] of entries) {
      write(key, to)
      write(item, to)
    }
  }
}

const isList = (value: object): value is readonly CborValue[] => Array.isArray(value)

/** A kind and a whole number, in as few bytes as can be. */
function head(kind: number, count: number, to: number[]): void {
  const first = kind << 5
  if (count < 24) to.push(first | count)
  else {
    const size = count < 2 ** 8 ? 0 : count < 2 ** 16 ? 1 : count < 2 ** 32 ? 2 : 3
    to.push(first | (24 + size))
    for (let byte = 2 ** size - 1; byte >= 0; byte--) to.push(Math.floor(count / 256 ** byte) % 256)
  }
}
