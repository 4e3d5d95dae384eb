/** Base64 in both alphabets, piece by piece where it is long. */
import type { Pieces } from '../time-slices.ts'

/** Characters of one piece: whole groups of four. */
const PIECE = 1 << 16

/** Reads either alphabet, without padding. What is less than a byte at the end is left over. @throws {DOMException} for what is no base64 */
export function* bytesOfBase64(given: string): Pieces<Uint8Array<ArrayBuffer>> {
  const text = given.length % 4 === 1 ? given.slice(0, -1) : given
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let end = 0
  for (let from = 0; from < text.length; from += PIECE) {
    if (from > 0) yield
    const binary = atob(
      text
        .slice(from, from + PIECE)
        .replaceAll('-', '+')
        .replaceAll('_', '/'),
    )
    for (let at = 0; at < binary.length; at++) bytes[end++] = binary.charCodeAt(at)
  }
  return bytes.subarray(0, end)
}

/** Writes the alphabet for URLs, without padding. */
export function* base64UrlOf(bytes: Uint8Array): Pieces<string> {
  let text = ''
  // Three bytes are four characters.
  const step = (PIECE / 4) * 3
  for (let from = 0; from < bytes.length; from += step) {
    if (from > 0) yield
    let binary = ''
    for (const byte of bytes.subarray(from, from + step)) binary += String.fromCharCode(byte)
    text += btoa(binary)
  }
  return urlAlphabet(text)
}

/** The same base64 in the alphabet for URLs, without padding. */
export const urlAlphabet = (text: string): string =>
  text
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '')
