/** Files with secrets: a mint's seed, the token that it shares with its signatory. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isMissing, makeFile } from '../db/durable-files.ts'

const BYTES = 32

/** What a secret file says, without the white space around it. @throws Error It cannot be read, or is empty. */
export function readSecret(path: string): string {
  const text = readFileSync(path, 'utf8').trim()
  if (text === '') throw new Error(`${path} is empty`)
  return text
}

/** What a secret file says; where there is none, one is made. @throws Error It cannot be read or made. */
export function readOrMakeSecret(path: string): string {
  try {
    return readSecret(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  makeFile(path, `${randomBytes(BYTES).toString('hex')}\n`)
  return readSecret(path)
}

/** A seed as its file says it. @throws Error It is not 32 bytes in hex. */
export function seedOf(text: string, path: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Error(`${path} is not a seed: 64 characters of hex expected`)
  return new Uint8Array(Buffer.from(text, 'hex'))
}
