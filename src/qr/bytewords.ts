/** Bytes as letters (BCR-2020-012, minimal): two for each, and a checksum at the end. */

/** The first and the last letter of each byte's word. */
const PAIRS =
  'aeadaoaxaaahamatayasbkbdbnbtbabsbebybgbwbbbzcmchcscfcycwcecackctcxclcpcndkdadsdidedtdrdndwdpdmdldyeheyeo' +
  'eeecenemetesftfrfnfsfmfhfzfpfwfxfyfefgflfdgagegrgsgtglgwgdgygmgughgohfhghdhkhthphhhlhyhehnhsidiaieihiyio' +
  'isinimjejzjnjtjljojsjpjkjykpkoktkskkknkgkekikblblalylflslrlplnltloldlelulklgmnmymhmemomumwmdmtmsmknlnynd' +
  'nsntnnnenboyoeotoxonolospdptpkpypspmplpepfpaprqdqzrerprlrorhrdrkrfryrnrsrtsesasrssskswstspsosgsbsfsntotk' +
  'titttdtetytltbtstptatnuyuoutueurvtvyvovlvevwvavdvswlwdwmwpwewywswtwnwzwfwkykynylyaytzszoztzczezm'

const BYTES = new Map(Array.from({ length: 256 }, (_, byte) => [PAIRS.slice(2 * byte, 2 * byte + 2), byte]))

const CHECKSUM_BYTES = 4

/** In capitals, for which QR codes have a denser mode. */
export const lettersOf = (bytes: Uint8Array): string =>
  [...bytes, ...u32(crc32(bytes))]
    .map((byte) => PAIRS.slice(2 * byte, 2 * byte + 2))
    .join('')
    .toUpperCase()

/** The bytes; undefined where the letters or the checksum are wrong. */
export function bytesOfLetters(letters: string): Uint8Array<ArrayBuffer> | undefined {
  const lower = letters.toLowerCase()
  if (lower.length % 2 !== 0 || lower.length <= 2 * CHECKSUM_BYTES) return undefined
  const bytes = new Uint8Array(lower.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    const byte = BYTES.get(lower.slice(2 * at, 2 * at + 2))
    if (byte === undefined) return undefined
    bytes[at] = byte
  }
  const body = bytes.subarray(0, -CHECKSUM_BYTES)
  const checksum = u32(crc32(body))
  return checksum.every((byte, at) => bytes[body.length + at] === byte) ? body : undefined
}

/** Four bytes, the highest first. */
export const u32 = (number: number): number[] => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255)

/** CRC-32 as in ISO-HDLC. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
