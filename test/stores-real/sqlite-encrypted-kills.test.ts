/**
 * What a change of the key must survive. Processes really die here: a child counts every call that its change of the key
 * makes to the disk and to SQLite, and ends itself with SIGKILL before the n-th of them, for every n.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Row, Store, StoreError } from '../../src/store/port.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { filesOf, inFolder, NEW, notes, OLD, puts, schema } from '../kits/encrypted-kit.ts'

let directory: string
let path: string

inFolder((made) => {
  directory = made
  path = join(made, 'store.db')
})

const open = (key: string): Promise<Store> => encryptedSqliteStore({ path, key }).open(schema)

async function filled(key: string): Promise<void> {
  const store = await open(key)
  await store.commit(puts)
  await store.close()
}

/** A process that changes the key, and ends itself before its n-th call; it prints how many there were. */
async function changing(from: string, to: string, dieBefore: number): Promise<string> {
  const source = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    import Database from 'libsql'
    let calls = 0
    const counted = (owner, names) => {
      for (const name of names) {
        const original = owner[name]
        owner[name] = function (...args) {
          if (++calls === ${dieBefore}) process.kill(process.pid, 'SIGKILL')
          return original.apply(this, args)
        }
      }
    }
    counted(fs, ['statSync', 'rmSync', 'chmodSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync'])
    counted(Database.prototype, ['exec', 'prepare', 'close'])
    counted(Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1')), ['all', 'run'])
    syncBuiltinESMExports()
    calls = 0
    const { changeKey } = await import(${JSON.stringify(new URL('../../src/store/sqlite/encrypted.ts', import.meta.url).href)})
    await changeKey(${JSON.stringify({ path, from, to })})
    process.stdout.write(String(calls))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const [exit, signal] = await closed
  expect([0, 'SIGKILL']).toContain(signal ?? exit)
  return printed
}

/** The one key that opens the database; all rows must be there, and no file beside it. */
async function whole(): Promise<string> {
  const ends: string[] = []
  const rows: Row[] = []
  for (const key of [OLD, NEW])
    try {
      const store = await open(key)
      rows.push(...(await store.query({ table: 'notes' })))
      await store.close()
      ends.push(key)
    } catch (error) {
      ends.push((error as StoreError).code)
    }
  expect([`${OLD},WRONG_KEY`, `WRONG_KEY,${NEW}`]).toContain(ends.join())
  expect(rows).toEqual(notes)
  expect(await filesOf(directory)).toEqual(['store.db'])
  return ends.find((end) => end !== 'WRONG_KEY')!
}

test('killed before any of its calls leaves the database whole under one key', async () => {
  await filled(OLD)
  let before = OLD
  const ends: string[] = []
  for (let n = 1; ; n++) {
    const to = before === OLD ? NEW : OLD
    const calls = await changing(before, to, n)
    const after = await whole()
    ends.push(after === before ? 'before' : 'after')
    before = after
    if (calls !== '') break
  }
  // First nothing has changed, and from one call on all has.
  const first = ends.indexOf('after')
  expect(first).toBeGreaterThan(10)
  expect(ends.slice(first)).toEqual(ends.slice(first).fill('after'))
  expect(ends.length - first).toBeGreaterThan(3)
})
