/**
 * Goal: whatever befalls the file under a wallet ends in a coded error or a wait, nothing is lost, and the operation goes
 * on when it is over. Method: a real wallet on a real file swaps with a real mint; the fault begins once the request is
 * on its way, so that the mint has signed what the wallet cannot write down. In the end wallet and mint must agree, and
 * the mint must have been asked for one swap only.
 *
 * A disk is a tmpfs of a megabyte where that may be mounted; elsewhere SQLite is told that there is no more room, or that
 * it must not write.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore, type SlowCall, type SqliteStoreOptions } from '../../src/store/sqlite/index.ts'
import { bench, eventually, failure, money, type Bench } from '../kits/wallet-kit.ts'

let directory: string
let isMounted: boolean
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'faults-'))
  path = join(directory, 'wallet.db')
  isMounted = process.platform === 'linux' && tried(() => mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory))
})

afterEach(() => {
  if (isMounted) execFileSync('umount', ['--lazy', directory])
  rmSync(directory, { recursive: true })
})

const mount = (...args: string[]): unknown => execFileSync('mount', args, { stdio: 'ignore' })

function tried(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** Something that goes wrong, until it is over. */
interface Fault {
  readonly begin: () => Promise<void> | void
  readonly end: () => Promise<void> | void
}

/** A swap whose answer comes while the fault lasts. Gives the code that another caller meets meanwhile. */
async function swappedThrough(
  fault: Fault,
  options: Omit<SqliteStoreOptions, 'path'> = {},
): Promise<string | undefined> {
  const on = await bench({ stub: true })
  const alice = await on.funded(100, 'alice', { store: sqliteStore({ path, busyTimeoutMs: 40, ...options }) })
  const { wallet, wire } = alice
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [32, 16, 8] })
  let begun = false
  const before = wire.traffic.length
  wire.before = async (what) => {
    if (begun || what !== 'POST /v1/swap') return
    begun = true
    await fault.begin()
  }
  const executed = swap.execute().catch((error: unknown) => error)
  await eventually('the mint has swapped', () => wire.traffic.slice(before).some((text) => text.includes('signatures')))
  const { code } = await failure(wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] }))
  // What was committed can still be read, and it is what was there before the answer.
  expect((await wallet.operations.get(swap.id)).status).toBe('active')
  await fault.end()
  await executed
  expect((await (await wallet.swap.get(swap.id)).finished()).state).toBe('swapped')
  expect((await money(alice)).spendable).toBe(await on.outstanding())
  await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] })
  await wallet.close()
  return code
}

describe('an operation outlasts', () => {
  test('a full disk', async () => {
    const ballast = join(directory, 'ballast')
    let db: DatabaseSync | undefined
    const pages = (count: number): void => db!.exec(`PRAGMA max_page_count = ${count}`)
    const disk: Fault = isMounted
      ? { begin: () => void tried(() => writeFileSync(ballast, new Uint8Array(2 ** 21))), end: () => rmSync(ballast) }
      : { begin: () => pages(1), end: () => pages(2 ** 20) }
    expect(await swappedThrough(disk, { prepare: (fresh) => (db = fresh) })).toBe('FULL')
  })

  test('a read-only disk', async () => {
    let db: DatabaseSync | undefined
    const query = (only: number): void => db!.exec(`PRAGMA query_only = ${only}`)
    await expect(
      swappedThrough({ begin: () => query(1), end: () => query(0) }, { prepare: (fresh) => (db = fresh) }),
    ).resolves.toBe('UNAVAILABLE')
  })

  test('another process that holds the lock for longer than the busy time-out', async () => {
    const source = `
      const { DatabaseSync } = await import('node:sqlite')
      const db = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000 })
      db.exec('BEGIN IMMEDIATE')
      process.stdout.write('held')
      process.stdin.once('data', () => (db.exec('ROLLBACK'), process.exit()))`
    const slow: SlowCall[] = []
    let other: ReturnType<typeof holder> | undefined
    const holder = () => spawn(process.execPath, ['--input-type=module', '-e', source])
    const fault: Fault = {
      async begin() {
        other = holder()
        await once(other.stdout, 'data')
      },
      async end() {
        const ended = once(other!, 'exit')
        other!.stdin.write('let go')
        await ended
      },
    }
    expect(await swappedThrough(fault, { slowMs: 30, onSlow: (call) => slow.push(call) })).toBe('BUSY')
    // The time that was spent waiting counts, and it is told where.
    expect(slow).toContainEqual(expect.objectContaining({ call: 'commit', tables: expect.arrayContaining(['operations']) as unknown })) // prettier-ignore
  })
})

describe('bytes that were overwritten', () => {
  /** A wallet that was left in the middle of two swaps. */
  async function left(): Promise<{ on: Bench; store: () => ReturnType<typeof sqliteStore>; ids: readonly string[] }> {
    const on = await bench({ stub: true })
    const store = () => sqliteStore({ path, busyTimeoutMs: 40 })
    const first = await on.funded(100, 'alice', { store: store() })
    const { wallet } = first
    const swaps = [
      await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [16] }),
      await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] }),
    ]
    first.drop()
    await wallet.close()
    return { on, store, ids: swaps.map(({ id }) => id) }
  }

  test('in one row make its operation unloadable and stay stored; the others go on, and so does it after a repair', async () => {
    const { on, store, ids } = await left()
    const [bad, good] = ids as [string, string]
    const write = (snapshot: string): string => {
      const db = new DatabaseSync(path)
      const before = db.prepare('SELECT snapshot FROM operations WHERE id = ?').get(bad)!['snapshot'] as string
      db.prepare('UPDATE operations SET snapshot = ? WHERE id = ?').run(snapshot, bad)
      db.close()
      return before
    }
    const bytes = write('{"value": "prep')
    const alice = await on.open('alice', { store: store() })
    const { wallet } = alice
    expect((await wallet.operations.resumed()).map(({ id, outcome }) => [id, outcome])).toContainEqual([
      bad,
      'unloadable',
    ])
    expect(await wallet.operations.list()).toContainEqual(
      expect.objectContaining({ id: bad, status: 'unloadable', state: 'prepared' }),
    )
    expect((await failure(wallet.swap.get(bad).then((swap) => swap.execute()))).code).toBe('UNLOADABLE')
    await (await wallet.swap.get(good)).execute()
    await wallet.close()
    expect(write(bytes)).toBe('{"value": "prep')
    const again = await on.open('alice', { store: store() })
    await (await again.wallet.swap.get(bad)).execute()
    expect((await money(again)).spendable).toBe(await on.outstanding())
    await again.wallet.close()
  })

  test.each(['plain', 'encrypted'])(
    'all over the %s file are detected, and a copy of the file goes on',
    async (how) => {
      const on = await bench({ stub: true })
      const store = () =>
        how === 'plain' ? sqliteStore({ path }) : encryptedSqliteStore({ path, key: '0a'.repeat(32) })
      const first = await on.funded(100, 'alice', { store: store() })
      const { wallet } = first
      const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [16] })
      first.drop()
      await wallet.close()
      const bytes = readFileSync(path)
      // From the second page on: the first one says that it is a database.
      writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]))
      const error = await failure(on.open('alice', { store: store() }).then((opened) => opened.wallet.balances()))
      expect(error).toMatchObject({ name: 'StoreError', code: 'CORRUPT' })
      writeFileSync(path, bytes)
      const again = await on.open('alice', { store: store() })
      await (await again.wallet.swap.get(swap.id)).execute()
      expect((await money(again)).spendable).toBe(await on.outstanding())
      await again.wallet.close()
    },
  )
})
