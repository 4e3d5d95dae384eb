/** Files with secrets: a mint's seed, the token that it shares with its signatory. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const BYTES = 32

const isThere = (error: unknown): boolean => (error as { code?: unknown }).code === 'EEXIST'
const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT'

/** Has the name of a new file on disk, too. Windows knows no such call. */
function syncFolderOf(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Makes a file with 32 random bytes in hex, for its owner only, on disk when it returns. One that is there stays. */
function make(path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(BYTES).toString('hex')}\n`)
    fsyncSync(file)
    // Under its name the file is whole, or it is not there; and of two processes one makes it.
    linkSync(draft, path)
  } catch (error) {
    if (!isThere(error)) throw error
  } finally {
    closeSync(file)
    rmSync(draft)
  }
  syncFolderOf(path)
}

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
  make(path)
  return readSecret(path)
}

/** A seed as its file says it. @throws Error It is not 32 bytes in hex. */
export function seedOf(text: string, path: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Error(`${path} is not a seed: 64 characters of hex expected`)
  return new Uint8Array(Buffer.from(text, 'hex'))
}
