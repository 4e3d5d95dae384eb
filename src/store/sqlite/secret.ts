/**
 * Turns what opens an encrypted database into a key. The cipher takes exactly 32 bytes. They come from bytes, from
 * their text in hexadecimal or base64, or from a passphrase through scrypt.
 *
 * A passphrase needs a salt, and a lost salt is a lost database. The salt is in a file beside the database. The file is
 * written whole and synced before a database depends on it, and never changed or deleted again. So a crash between two
 * writes leaves a salt on which nothing depends yet. A change of the key from or to a passphrase uses an existing salt.
 */
import { createHash, randomBytes, scrypt } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../port.ts'
import { fileAt, IN_MEMORY } from './file.ts'

/** 32 bytes, or their text in hexadecimal or base64; or a passphrase of at least 12 characters. */
export type EncryptionKey = string | Uint8Array | { readonly passphrase: string }

/** A key of an earlier version: a text, of which the first 32 bytes counted. */
export interface FormerKey {
  /** The text that was the key in an earlier version. */
  readonly text: string
}

/** 32 bytes. */
export interface HexKey {
  readonly hex: string
}

/** A caller's key, checked and copied. */
export type Secret = HexKey | { readonly passphrase: string }

/** A key in the form that the cipher takes. */
export type CipherKey = HexKey | FormerKey

const KEY_BYTES = 32
const LEAST_CHARACTERS = 12

/** @throws {TypeError} naming the argument, and never showing it */
export function secretOf(key: unknown, name: string): Secret {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return { hex: hexOf(key) }
  if (typeof key === 'string') {
    if (/^[0-9a-f]{64}$/i.test(key)) return { hex: key.toLowerCase() }
    // The last character may carry unused bits: then two texts would stand for the same key.
    const bytes = /^[\w+/-]{43}=?$/.test(key) ? Buffer.from(key, 'base64') : Buffer.of()
    const again = bytes.toString('base64url')
    if (bytes.length === KEY_BYTES && again === key.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_'))
      return { hex: hexOf(bytes) }
  }
  if (typeof key === 'object' && key !== null && 'passphrase' in key) {
    const { passphrase } = key
    if (
      typeof passphrase !== 'string' ||
      !passphrase.isWellFormed() ||
      Array.from(passphrase).length < LEAST_CHARACTERS
    )
      throw new TypeError(`${name}.passphrase: a text of at least ${LEAST_CHARACTERS} characters`)
    // Keyboards encode the same character in several ways.
    return { passphrase: passphrase.normalize('NFKC') }
  }
  throw new TypeError(`${name}: ${KEY_BYTES} bytes, their text in hexadecimal or base64, or { passphrase }`)
}

/** @throws {TypeError} naming the argument */
export function formerSecretOf(key: unknown, name: string): Secret | FormerKey {
  if (typeof key !== 'object' || key === null || !('text' in key)) return secretOf(key, name)
  const { text } = key
  if (typeof text !== 'string' || text === '' || text.includes('\0') || !text.isWellFormed())
    throw new TypeError(`${name}.text: a text that is not empty`)
  return { text }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * The key for the cipher. With `makes`, a missing salt is made. Without it, a salt is made only for a new database.
 *
 * @throws {StoreError} `SALT_MISSING`, `FULL`, `UNAVAILABLE`
 */
export async function hexKey(path: string, secret: Secret, makes = false): Promise<HexKey> {
  if (!('passphrase' in secret)) return secret
  const salt = path === IN_MEMORY ? randomBytes(SALT_BYTES) : saltAt(path, makes)
  return { hex: hexOf(await derived(secret.passphrase, salt)) }
}

export const cipherKey = async (path: string, secret: Secret | FormerKey): Promise<CipherKey> =>
  'text' in secret ? secret : hexKey(path, secret)

/** It costs 128 MB of memory and a large part of a second. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }

const derived = (passphrase: string, salt: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(passphrase, salt, KEY_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key))),
  )

const SALT_BYTES = 16
/** The version names the parameters of scrypt. The check distinguishes a damaged salt from a wrong passphrase. */
const lineOf = (salt: string): string =>
  `hardshell-salt 1 ${salt} ${createHash('sha256').update(`hardshell-salt 1 ${salt}`).digest('hex').slice(0, 16)}\n`

function saltAt(path: string, makes: boolean): Buffer {
  const at = `${path}-salt`
  const found = read(at)
  const [, salt = ''] = /^hardshell-salt 1 ([0-9a-f]{32}) /.exec(found ?? '') ?? []
  if (found !== undefined && found === lineOf(salt)) return Buffer.from(salt, 'hex')
  if (found !== undefined) throw new StoreError('SALT_MISSING', `${at} is damaged: without it no passphrase opens the database`) // prettier-ignore
  if (!makes && (fileAt(path)?.size ?? 0n) > 0n)
    throw new StoreError('SALT_MISSING', `${at} is not there: the database has another kind of key, or its salt is lost`) // prettier-ignore
  make(at)
  return saltAt(path, makes)
}

function read(at: string): string | undefined {
  try {
    return readFileSync(at, 'latin1')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new StoreError('UNAVAILABLE', 'the salt cannot be read', { cause })
  }
}

/** Creates the file whole, or not at all. Whoever comes second reads the first one's salt. */
function make(at: string): void {
  const draft = `${at}-${hexOf(randomBytes(8))}`
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeSync(file, lineOf(hexOf(randomBytes(SALT_BYTES))))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    try {
      linkSync(draft, at)
    } catch {
      // It is there already. Or these files have one name each, and a name is given by moving it.
      if (!fileAt(at)) renameSync(draft, at)
    }
    const folder = openSync(dirname(at), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (cause) {
    const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
    throw new StoreError(isFull ? 'FULL' : 'UNAVAILABLE', 'the salt cannot be written', { cause })
  } finally {
    rmSync(draft, { force: true })
  }
}
