/** What an encrypted store asks of its key, and what a change of the key must keep. Wallets on one are in `test/wallet/encrypted.test.ts`. Processes that die in one are in `test/stores-real/`. */
import crypto, { type ScryptOptions } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Store, StoreError } from '../../src/store/port.ts'
import { changeKey, encryptedSqliteStore, type EncryptionKey } from '../../src/store/sqlite/encrypted.ts'
import { LibsqlConnection } from '../../src/store/sqlite/libsql.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { COUNT, filesOf, inFolder, NEW, note, notes, OLD, puts, readable, schema } from '../kits/encrypted-kit.ts'

const code = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code })

/** Passphrases cost next to nothing here; what they would cost is kept. */
const costs: ScryptOptions[] = []
beforeAll(() => {
  const { scrypt } = crypto
  vi.spyOn(crypto, 'scrypt').mockImplementation((passphrase, salt, length, options, done) => {
    costs.push(options)
    scrypt(passphrase, salt, length, { N: 2, r: 1, p: 1 }, done)
  })
  syncBuiltinESMExports()
})
afterAll(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

let directory: string
let path: string

inFolder((made) => {
  directory = made
  path = join(made, 'store.db')
})

const open = (
  key: EncryptionKey,
  more: { path?: string; busyTimeoutMs?: number; formerKey?: string } = {},
): Promise<Store> => encryptedSqliteStore({ path, key, ...more }).open(schema)

async function filled(key: EncryptionKey): Promise<void> {
  const store = await open(key)
  await store.commit(puts)
  await store.close()
}

describe('the key', () => {
  test('is checked: another key, or a file that is not encrypted, is refused, and no file changes', async () => {
    await filled(OLD)
    await expect(open(NEW)).rejects.toEqual(code('WRONG_KEY'))
    await expect(changeKey({ path, from: NEW, to: OLD })).rejects.toEqual(code('WRONG_KEY'))
    await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('CORRUPT'))
    const store = await open(OLD)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    await store.close()
    await writeFile(path, 'no database, but text '.repeat(400))
    await expect(open(OLD)).rejects.toEqual(code('WRONG_KEY'))
    const plain = join(directory, 'plain.db')
    const db = new DatabaseSync(plain)
    db.exec('CREATE TABLE t (x)')
    db.close()
    await expect(open(OLD, { path: plain })).rejects.toEqual(code('WRONG_KEY'))
  })

  /** Makes a database as it was left, with the rows of the notes. */
  const left: Readonly<Record<string, () => Promise<void>>> = {
    'closed in order': () => filled(OLD),
    'with a log': () => abandoned(async () => (await open(OLD)).commit(puts)),
    'with a log, and without its index': async () => {
      await left['with a log']!()
      await rm(`${path}-shm`)
    },
    'with a journal': async () => {
      await filled(OLD)
      await abandoned(async () => {
        const db = new LibsqlConnection(path, { hex: OLD })
        // So small a cache that the transaction has to write what it may have to take back.
        db.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x)')
        db.exec("UPDATE notes SET text = text || ', and more'")
      })
    },
    'with a journal, and its first page torn': async () => {
      await left['with a journal']!()
      await writeFile(path, (await readFile(path)).fill(7, 0, 512))
    },
  }

  /** Leaves in the folder what was in it while a process had the database open. */
  async function abandoned(process: () => Promise<void>): Promise<void> {
    const there = path
    path = join(directory, 'process', 'store.db')
    await mkdir(dirname(path))
    if (existsSync(there)) await rename(there, path)
    await process()
    for (const name of await readdir(dirname(path))) await copyFile(join(dirname(path), name), join(directory, name))
    await rm(dirname(path), { recursive: true })
    path = there
  }

  test.each(Object.keys(left))('is tried without changing a byte of a database %s', async (how) => {
    await left[how]!()
    const suffixes = (await readdir(directory)).map((name) => name.slice('store.db'.length))
    const parts = ['-wal', '-journal'].filter((part) => suffixes.includes(part))
    expect(parts).toEqual(how.includes('log') ? ['-wal'] : how.includes('journal') ? ['-journal'] : [])
    const bytes = (): Promise<Buffer[]> =>
      Promise.all(suffixes.filter((it) => !['-shm', '-owner'].includes(it)).map((suffix) => readFile(path + suffix)))
    const before = await bytes()
    for (let round = 0; round < 2; round++) {
      await expect(open(NEW)).rejects.toEqual(code('WRONG_KEY'))
      await expect(changeKey({ path, from: NEW, to: OLD })).rejects.toEqual(code('WRONG_KEY'))
      await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('CORRUPT'))
    }
    expect((await bytes()).map((now, i) => now.equals(before[i]!))).toEqual(before.map(() => true))
    const store = await open(OLD)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    await store.close()
    expect(await filesOf(directory)).toEqual(['store.db'])
  })

  const bytes = (key: string): Uint8Array => Uint8Array.from(Buffer.from(key, 'hex'))
  const PASSPHRASE = { passphrase: 'correct horse battery staple' }

  test('is 32 bytes, however they are written', async () => {
    await filled(OLD)
    const base64 = Buffer.from(OLD, 'hex').toString('base64')
    const forms = [bytes(OLD), OLD.toUpperCase(), base64, base64.replace('=', ''), Buffer.from(OLD, 'hex').toString('base64url')] // prettier-ignore
    for (const key of forms) await (await open(key)).close()
    // Of a base64 text, too, all counts.
    await expect(open(`${base64.slice(0, -2)}I=`)).rejects.toEqual(code('WRONG_KEY'))
  })

  test('is wrong if any one of its bytes differs', async () => {
    await filled(OLD)
    for (let at = 0; at < 32; at++) await expect(open(bytes(OLD).with(at, 0xff))).rejects.toEqual(code('WRONG_KEY'))
  })

  test('is copied: a caller may overwrite its own', async () => {
    const key = bytes(OLD)
    const adapter = encryptedSqliteStore({ path, key })
    key.fill(0)
    await (await adapter.open(schema)).close()
    const store = await open(OLD)
    expect(await store.query({ table: 'notes' })).toEqual([])
    await store.close()
  })

  test('is refused with the argument’s name if it is weak or malformed', async () => {
    const weak: unknown[] = ['', 'a key', 'a\0b', '\ud800', 'ab'.repeat(31), 'ab'.repeat(33), 'gg'.repeat(32), 'x'.repeat(43), `${'A'.repeat(42)}B=`, new Uint8Array(31), new Uint8Array(64), undefined, null, 5, {}] // prettier-ignore
    for (const key of weak) await expect(changeKey({ path, from: key as string, to: OLD })).rejects.toThrow(/^from: /)
    // A key of former versions can only be left.
    for (const key of [...weak, { text: 'a former key' }]) {
      expect(() => encryptedSqliteStore({ path, key: key as string })).toThrow(/^key: /)
      await expect(changeKey({ path, from: OLD, to: key as string })).rejects.toThrow(/^to: /)
    }
    for (const passphrase of ['', 'eleven char', '\ud800'.repeat(12), 5, undefined]) {
      const key = { passphrase } as { passphrase: string }
      expect(() => encryptedSqliteStore({ path, key })).toThrow(/^key\.passphrase: /)
      await expect(changeKey({ path, from: OLD, to: key })).rejects.toThrow(/^to\.passphrase: /)
    }
    for (const text of ['', 'a\0b', '\ud800', 5]) {
      expect(() => encryptedSqliteStore({ path, key: OLD, formerKey: text as string })).toThrow(/^formerKey\.text: /)
      await expect(changeKey({ path, from: { text: text as string }, to: OLD })).rejects.toThrow(/^from\.text: /)
    }
    expect(await readdir(directory)).toEqual([])
  })

  test('may be a passphrase, every character of which counts; only its user can read the salt beside the database', async () => {
    await filled(PASSPHRASE)
    const salt = await readFile(`${path}-salt`, 'latin1')
    expect((await stat(`${path}-salt`)).mode & 0o777).toBe(0o600)
    for (const passphrase of [
      `${PASSPHRASE.passphrase}!`,
      'correct horse battery staplE',
      'Correct horse battery staple',
    ])
      await expect(open({ passphrase })).rejects.toEqual(code('WRONG_KEY'))
    await expect(open(OLD)).rejects.toEqual(code('WRONG_KEY'))
    const store = await open(PASSPHRASE)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    await store.close()
    expect(await readFile(`${path}-salt`, 'latin1')).toBe(salt)
    // Another database has another salt: one guess is no guess for both.
    const other = join(directory, 'other.db')
    await (await open(PASSPHRASE, { path: other })).close()
    expect(await readFile(`${other}-salt`, 'latin1')).not.toBe(salt)
  })

  test('of a passphrase costs 128 MB and a large part of a second to try', async () => {
    costs.length = 0
    await (await open(PASSPHRASE)).close()
    expect(costs).toEqual([expect.objectContaining({ N: 2 ** 17, r: 8, p: 1 })])
  })

  test('of a passphrase whose salt is missing or damaged is SALT_MISSING, and no new salt is made', async () => {
    await filled(PASSPHRASE)
    const salt = await readFile(`${path}-salt`, 'latin1')
    for (const damaged of [undefined, '', salt.slice(0, -9), salt.replace(/[0-9a-f]{32}/, '0'.repeat(32))]) {
      await rm(`${path}-salt`)
      if (damaged !== undefined) await writeFile(`${path}-salt`, damaged)
      const names = await readdir(directory)
      await expect(open(PASSPHRASE)).rejects.toEqual(code('SALT_MISSING'))
      await expect(changeKey({ path, from: PASSPHRASE, to: OLD })).rejects.toEqual(code('SALT_MISSING'))
      expect(await readdir(directory)).toEqual(names)
      await writeFile(`${path}-salt`, salt)
    }
    await (await open(PASSPHRASE)).close()
  })

  test('of a passphrase survives a crash between the writes of its salt and of the database', async () => {
    // A draft that was never given its name, and then a salt without a database.
    await writeFile(`${path}-salt-0011223344556677`, 'hardshell-salt 1 00')
    await (await open(PASSPHRASE)).close()
    const salt = await readFile(`${path}-salt`, 'latin1')
    await rm(path)
    await (await open(PASSPHRASE)).close()
    expect(await readFile(`${path}-salt`, 'latin1')).toBe(salt)
    // A change of the key that went no further than the salt.
    await rm(path)
    await filled(OLD)
    await (await open(OLD)).close()
    await changeKey({ path, from: OLD, to: PASSPHRASE })
    await (await open(PASSPHRASE)).close()
  })

  test('of a passphrase is the same for two that open a new database at once', async () => {
    const stores = await Promise.all([open(PASSPHRASE), open(PASSPHRASE)])
    for (const store of stores) await store.close()
    await (await open(PASSPHRASE)).close()
    expect(await filesOf(directory)).toEqual(['store.db', 'store.db-salt'])
  })

  test('is changed between any of its forms, and only the new one opens', async () => {
    await filled(OLD)
    const forms = [OLD, bytes(NEW), PASSPHRASE, { passphrase: 'another passphrase' }, OLD]
    for (const [at, to] of forms.entries()) {
      if (at === 0) continue
      await changeKey({ path, from: forms[at - 1]!, to })
      await expect(open(forms[at - 1]!)).rejects.toEqual(code('WRONG_KEY'))
      const store = await open(to)
      expect(await store.query({ table: 'notes' })).toEqual(notes)
      await store.close()
    }
  })

  describe('of an earlier version, a text with 32 significant bytes', () => {
    const text = "the old key, with a ' in it; DROP TABLE notes"

    beforeEach(async () => {
      const db = new LibsqlConnection(path, { text })
      db.exec('CREATE TABLE t (x)')
      await db.close()
      await rm(path)
      const { openStore } = await import('../../src/store/sqlite/store.ts')
      const store = await openStore(() => new LibsqlConnection(path, { text }), schema, { path })
      await store.commit(puts)
      await store.close()
    })

    test.each([OLD, PASSPHRASE])('is changed to a full key when the file is opened with formerKey', async (key) => {
      await expect(open(key)).rejects.toEqual(expect.objectContaining({ name: 'StoreError' }))
      await expect(open(key, { formerKey: 'another text' })).rejects.toEqual(expect.objectContaining({ name: 'StoreError' })) // prettier-ignore
      for (let round = 0; round < 2; round++) {
        const store = await open(key, { formerKey: text })
        expect(await store.query({ table: 'notes' })).toEqual(notes)
        await store.close()
      }
      await (await open(key)).close()
      await expect(changeKey({ path, from: { text }, to: NEW })).rejects.toEqual(code('WRONG_KEY'))
    })

    test('is changed by changeKey as well', async () => {
      await changeKey({ path, from: { text }, to: NEW })
      const store = await open(NEW)
      expect(await store.query({ table: 'notes' })).toEqual(notes)
      await store.close()
    })
  })

  test('stands in no error', async () => {
    await filled(OLD)
    const error = (await open(NEW).catch((reason: unknown) => reason)) as Error
    expect(`${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`).not.toContain(NEW.slice(-32))
  })
})

describe('a change of the key', () => {
  test('keeps all rows, totals and permissions of the file, and leaves nothing under the former key', async () => {
    await filled(OLD)
    await chmod(path, 0o600)
    await changeKey({ path, from: OLD, to: NEW })
    expect(await readdir(directory)).toEqual(['store.db'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await expect(open(OLD)).rejects.toEqual(code('WRONG_KEY'))
    const store = await open(NEW)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    expect(await store.sum('notes', ['n0007'])).toEqual([{ key: ['n0007'], sum: 7, count: 1 }])
    await expect(store.commit([{ put: 'notes', row: { ...note(1), id: 'x' } }])).rejects.toEqual(code('CONFLICT'))
    await store.commit([{ put: 'notes', row: note(COUNT) }])
    await store.close()
    expect(await readable(directory, ['a secret thing', 'CREATE TABLE'])).toEqual([])
  })

  test('waits while another connection has the database open, and rejects with BUSY when the time is over', async () => {
    const store = await open(OLD)
    await expect(changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 30 })).rejects.toEqual(code('BUSY'))
    await store.commit(puts)
    const changing = changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 20_000 })
    await store.close()
    await changing
    const after = await open(NEW)
    expect(await after.query({ table: 'notes' })).toEqual(notes)
    await after.close()
  })

  test('is refused if there is no database', async () => {
    await expect(changeKey({ path, from: OLD, to: NEW })).rejects.toEqual(code('UNAVAILABLE'))
    expect(await readdir(directory)).toEqual([])
  })

  test('cannot lose a write: a process that opens the database during the change does not write into the replaced file', async () => {
    await filled(OLD)
    // It has to wait for the lock, with the file open that is about to be replaced.
    const results: string[] = []
    const opening = (key: string, n: number): Promise<void> =>
      open(key, { busyTimeoutMs: 20_000 }).then(
        async (store) => {
          await store.commit([{ put: 'notes', row: note(COUNT + n) }])
          results.push('written')
          await store.close()
        },
        (error: unknown) => void results.push((error as StoreError).code),
      )
    await Promise.all([
      changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 20_000 }),
      opening(OLD, 0),
      opening(OLD, 1),
    ])
    const store = await open(NEW)
    const written = results.filter((result) => result === 'written').length
    expect(await store.query({ table: 'notes' })).toHaveLength(COUNT + written)
    await store.close()
  })
})
