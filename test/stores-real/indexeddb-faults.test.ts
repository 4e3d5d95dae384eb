/**
 * Goal: whatever befalls a database in a browser ends in a coded error or in waiting; nothing is lost, nothing half done,
 * and it goes on when the fault is over.
 * Method: a real Chromium and its real faults: quota, tabs in each other's way, databases that are deleted or closed
 * under a store, processes killed.
 */
import { once } from 'node:events'
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve, startChromium, type Chromium, type Site } from '../../scripts/kill-lab/browser/chromium.ts'

const stack = new AsyncDisposableStack()
let dir: string
let site: Site
let chromium: Chromium

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'indexeddb-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  site = stack.use(await serve(new URL('./indexeddb-page.ts', import.meta.url)))
  chromium = await startChromium(join(dir, 'profile'))
  stack.defer(() => chromium[Symbol.asyncDispose]())
})
afterAll(() => stack.disposeAsync())

const tab = (): Promise<Page> => chromium.open(site.url)

test('a full quota refuses a commit as FULL, none of it lands, and it goes on when there is room', async () => {
  // One of its own: a browser that has once seen much room believes in it for a while.
  await using small = await startChromium(join(dir, 'small'))
  const page = await small.open(site.url)
  const devtools = await small.context.newCDPSession(page)
  const origin = new URL(site.url).origin
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 })
  await page.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'quota' })
    await window.store.commit(window.kit.notes(1, 2))
  })
  const refused = await page.evaluate(async () => {
    const { kit, store } = window
    const codes: string[] = []
    for (let from = 10; from < 100; from += 10) {
      // One small row goes with the large ones, and must not land without them.
      const writes = [...kit.notes(from, 1), ...kit.notes(from + 1, 4, kit.noise())]
      codes.push(await kit.codeOf(store.commit(writes)))
    }
    return { codes, ids: await kit.ids(store), sum: (await store.sum('notes')).reduce((n, { count }) => n + count, 0) }
  })
  expect(refused.codes).toContain('FULL')
  expect(refused.codes).toContain('fine')
  expect(refused.codes.filter((code) => code !== 'FULL' && code !== 'fine')).toEqual([])
  const landed = refused.codes.flatMap((code, i) =>
    code === 'fine' ? [0, 1, 2, 3, 4].map((n) => 10 * (i + 1) + n) : [],
  )
  expect(refused.ids).toEqual([1, 2, ...landed])
  expect(refused.sum).toBe(refused.ids.length)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  const after = await page.evaluate(async () => {
    const { kit, store } = window
    await store.commit(kit.notes(1_000, 5, kit.noise()))
    return kit.ids(store)
  })
  expect(after).toEqual([...refused.ids, 1_000, 1_001, 1_002, 1_003, 1_004])
})

test('a text that is too large for a key is UNSTORABLE, as is one that the browser does not take, and what comes next lands', async () => {
  const page = await tab()
  const seen = await page.evaluate(async () => {
    const { kit } = window
    const store = await kit.open(1, { name: 'large' })
    const codes = [await kit.codeOf(store.commit(kit.notes(1, 1, 'x'.repeat(70_000_000))))]
    codes.push(await kit.codeOf(store.commit(kit.notes(2, 1))))
    const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put')!
    const refuse = (): never => {
      throw new DOMException('not a key', 'DataError')
    }
    Object.defineProperty(IDBObjectStore.prototype, 'put', { ...put, value: refuse })
    codes.push(await kit.codeOf(store.commit(kit.notes(3, 1))))
    Object.defineProperty(IDBObjectStore.prototype, 'put', put)
    codes.push(await kit.codeOf(store.commit(kit.notes(4, 1))))
    return { codes, ids: await kit.ids(store) }
  })
  expect(seen).toEqual({ codes: ['UNSTORABLE', 'fine', 'UNSTORABLE', 'fine'], ids: [2, 4] })
  await page.close()
})

test('that the browser may evict the database is told; where it was kept, nothing is', async () => {
  const page = await tab()
  const told = (): Promise<number> =>
    page.evaluate(async () => {
      let told = 0
      const store = await window.kit.open(1, { name: 'kept', onEvictable: () => told++ })
      // Asked after the store asked: its answer is there by then, and what it calls is called in the same turn.
      await navigator.storage.persist()
      await new Promise((resolve) => setTimeout(resolve, 0))
      await store.close()
      return told
    })
  expect(await told()).toBe(1)
  const origin = new URL(site.url).origin
  await chromium.devtools.send('Browser.grantPermissions', { origin, permissions: ['durableStorage'] })
  expect(await told()).toBe(0)
  await page.close()
})

test('a tab that holds on to an older version: BUSY, and nothing is migrated behind the caller’s back', async () => {
  const page = await tab()
  const seen = await page.evaluate(async () => {
    const { kit } = window
    const name = 'held'
    // No timer of the platform is that long: one that overflows fires at once.
    const first = await kit.open(1, { name, busyTimeoutMs: 2 ** 31 })
    await first.commit(kit.notes(1, 3))
    await first.close()
    // As a page would that knows nothing of newer versions.
    const request = indexedDB.open(name, 1)
    const holder = await new Promise<IDBDatabase>((resolve) =>
      request.addEventListener('success', () => resolve(request.result)),
    )
    const codes = [await kit.codeOf(kit.open(2, { name, busyTimeoutMs: 300 }))]
    holder.close()
    const old = await kit.open(1, { name })
    codes.push(await kit.codeOf(old.commit(kit.notes(4, 1))))
    const next = await kit.open(2, { name, busyTimeoutMs: 300 })
    codes.push(await kit.codeOf(old.commit(kit.notes(5, 1))))
    const rows = await next.query({ table: 'notes', from: 3 })
    codes.push(await kit.codeOf(kit.open(1, { name })))
    return { codes, rows }
  })
  expect(seen).toEqual({
    codes: ['BUSY', 'fine', 'NEWER', 'NEWER'],
    rows: [
      { id: 3, text: '', size: 0 },
      { id: 4, text: '', size: 0 },
    ],
  })
  await page.close()
})

test('a newer program in another tab migrates under an open store, which then says NEWER', async () => {
  const [older, newer] = await Promise.all([tab(), tab()])
  await older.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'shared' })
    await window.store.commit(window.kit.notes(1, 100, 'text'))
  })
  // Commits are under way while the other one migrates: each lands before, or is refused.
  const committing = older.evaluate(async () => {
    const { kit, store } = window
    const codes: string[] = []
    for (let id = 1_000; id < 1_400 && !codes.includes('NEWER'); id++)
      codes.push(await kit.codeOf(store.commit(kit.notes(id, 1, 'text'))))
    return codes
  })
  const rows = await newer.evaluate(async () => {
    const store = await window.kit.open(2, { name: 'shared' })
    return store.query({ table: 'notes' })
  })
  const codes = await committing
  expect(codes.at(-1)).toBe('NEWER')
  expect(codes.slice(0, -1).filter((code) => code !== 'fine')).toEqual([])
  expect(rows).toHaveLength(100 + codes.length - 1)
  expect(rows.every((row) => row['size'] === 4)).toBe(true)
  await Promise.all([older.close(), newer.close()])
})

test('a migration that is killed anywhere leaves the database as it was, or done', async () => {
  /** The page asks this server when it stops; it is not answered. */
  const server = createServer()
  await using _ = {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

  const setUp = await tab()
  const calls = await setUp.evaluate(async () => {
    const { kit } = window
    const filled = async (name: string, count: number): Promise<void> => {
      const store = await kit.open(1, { name })
      for (let from = 0; from < count; from += 500) await store.commit(kit.notes(from, 500, 'text'))
      await store.close()
    }
    await filled('counted', 2_000)
    await filled('migrated', 2_000)
    kit.countMigration()
    await (await kit.open(2, { name: 'counted' })).close()
    return window.calls
  })
  await setUp.close()
  expect(calls).toBeGreaterThan(2_000)

  const killedAt = async (stop: () => Promise<void>): Promise<void> => {
    const stopped = once(server, 'request')
    const migrating = stop().then(
      () => 'done',
      () => 'killed',
    )
    await stopped
    await chromium.kill('renderers')
    expect(await migrating).toBe('killed')
  }
  const found = async (): Promise<unknown> => {
    const page = await tab()
    const seen = await page.evaluate(async () => {
      const info = (await indexedDB.databases()).find(({ name }) => name === 'migrated')
      // Read as it is: a store would migrate it.
      const request = indexedDB.open('migrated')
      const db = await new Promise<IDBDatabase>((resolve) =>
        request.addEventListener('success', () => resolve(request.result)),
      )
      const all = db.transaction('hardshell').objectStore('hardshell').getAll()
      const records = await new Promise<unknown[]>((resolve) =>
        all.addEventListener('success', () => resolve(all.result)),
      )
      db.close()
      const rows = records.flatMap((each) =>
        typeof each === 'object' && each && 'row' in each ? [each.row as { size?: number }] : [],
      )
      return { version: info!.version, rows: rows.length, sizes: [...new Set(rows.map(({ size }) => size ?? null))] }
    })
    await page.close()
    return seen
  }

  const points = [1, 2, 3, 4, 5, calls >> 2, calls >> 1, calls - 1, calls].map((n) => [n, 'before'] as const)
  for (const [n, when] of [...points, [1, 'after'], [calls, 'after']] as const) {
    const page = await tab()
    await killedAt(() =>
      page.evaluate(
        async ([n, when, url]) => {
          window.kit.countMigration({ n, when, url })
          await window.kit.open(2, { name: 'migrated' })
        },
        [n, when, url] as const,
      ),
    )
    await page.close()
    expect(await found(), `killed ${when} call ${n}`).toEqual({ version: 1, rows: 2_000, sizes: [null] })
  }
  const page = await tab()
  await killedAt(() =>
    page.evaluate(async (url) => {
      await window.kit.open(2, { name: 'migrated' })
      window.kit.stop(url)
    }, url),
  )
  await page.close()
  expect(await found()).toEqual({ version: 2, rows: 2_000, sizes: [4] })
  const last = await tab()
  const sum = await last.evaluate(async () => (await window.kit.open(2, { name: 'migrated' })).sum('notes'))
  expect(sum).toEqual([{ key: ['text'], sum: (2_000 * 1_999) / 2, count: 2_000 }])
  await last.close()
})

test('a database that is deleted under a store is missed, not begun anew', async () => {
  const [page, other] = await Promise.all([tab(), tab()])
  await page.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'deleted' })
    await window.store.commit(window.kit.notes(1, 1))
  })
  await other.evaluate(() => window.kit.deleted('deleted'))
  const seen = await page.evaluate(async () => {
    const { kit, store } = window
    const codes = [await kit.codeOf(store.commit(kit.notes(2, 1))), await kit.codeOf(kit.ids(store))]
    return { codes, left: (await indexedDB.databases()).filter(({ name }) => name === 'deleted') }
  })
  expect(seen).toEqual({ codes: ['UNAVAILABLE', 'UNAVAILABLE'], left: [] })
  await Promise.all([page.close(), other.close()])
})

test('a connection that the browser closes is opened again; each commit landed as it said', async () => {
  const page = await tab()
  await page.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'closed' })
    window.calls = 0
    const open = indexedDB.open.bind(indexedDB)
    IDBFactory.prototype.open = (...args) => {
      window.calls++
      return open(...args)
    }
  })
  // A page for developers of Chromium; it lists what is there when it is opened.
  const internals = await chromium.context.newPage()
  await internals.goto('chrome://indexeddb-internals')
  const over = new AbortController()
  const committing = page.evaluate(async () => {
    const { kit, store } = window
    const codes: string[] = []
    const reads: string[] = []
    // Several at once, so that the end always hits one.
    for (let from = 0; window.calls < 6; from += 4) {
      const reading = kit.codeOf(store.get('notes', [0]))
      codes.push(...(await Promise.all([0, 1, 2, 3].map((i) => kit.codeOf(store.commit(kit.notes(from + i, 1)))))))
      reads.push(await reading)
    }
    return { codes, reads, ids: await kit.ids(store) }
  })
  const closing = (async () => {
    while (!over.signal.aborted) {
      for (const button of await internals.locator('.force-close').all()) await button.click()
      await delay(50)
    }
  })()
  const { codes, reads, ids } = await committing
  over.abort()
  await closing
  const landed = new Set(ids)
  expect(codes.filter((code, id) => (code === 'fine') !== landed.has(id) && code !== 'IN_DOUBT')).toEqual([])
  expect(codes.filter((code) => !['fine', 'UNAVAILABLE', 'IN_DOUBT'].includes(code))).toEqual([])
  expect(codes).toContain('fine')
  // A read is asked again, of a new connection.
  expect(reads.filter((code) => code !== 'fine')).toEqual([])
  await Promise.all([page.close(), internals.close()])
})

test('that the browser found a database damaged is told once, and never taken for a new one', async () => {
  const profile = join(dir, 'damaged')
  const open = async (): Promise<string> => {
    await using own = await startChromium(profile)
    const page = await own.open(site.url)
    return await page.evaluate(async () => {
      const { kit } = window
      const opened = kit.open(1, { name: 'damaged' })
      const code = await kit.codeOf(opened)
      if (code !== 'fine') return code
      await (await opened).commit(kit.notes((await kit.ids(await opened)).length, 1))
      return `${(await kit.ids(await opened)).length} rows`
    })
  }
  expect([await open(), await open()]).toEqual(['1 rows', '2 rows'])
  const found = glob('**/*.indexeddb.leveldb/*', { cwd: profile })
  for await (const file of found) if (!file.endsWith('LOCK')) await writeFile(join(profile, file), 'damage')
  expect([await open(), await open()]).toEqual(['CORRUPT', '1 rows'])
})

test('a database of others is refused as CORRUPT and left as it was', async () => {
  const page = await tab()
  const seen = await page.evaluate(async () => {
    const request = indexedDB.open('theirs', 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore('things').put('a', 'thing'))
    const db = await new Promise<IDBDatabase>((resolve) =>
      request.addEventListener('success', () => resolve(request.result)),
    )
    db.close()
    const { kit } = window
    const codes = [await kit.codeOf(kit.open(1, { name: 'theirs' })), await kit.codeOf(kit.open(2, { name: 'theirs' }))]
    const again = indexedDB.open('theirs')
    const left = await new Promise<IDBDatabase>((resolve) =>
      again.addEventListener('success', () => resolve(again.result)),
    )
    return { codes, version: left.version, stores: [...left.objectStoreNames] }
  })
  expect(seen).toEqual({ codes: ['CORRUPT', 'CORRUPT'], version: 1, stores: ['things'] })
  await page.close()
})

test('commits of another tab are noticed, also those of a tab that died before it could tell', async () => {
  const [page, other] = await Promise.all([tab(), tab()])
  await page.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'watched' })
    window.store.watch('notes', () => window.calls++)
    window.calls = 0
  })
  const calls = (): Promise<number> => page.evaluate(() => window.calls)
  await other.evaluate(async () => {
    window.store = await window.kit.open(1, { name: 'watched' })
    await window.store.commit(window.kit.notes(1, 1))
  })
  await expect.poll(calls).toBeGreaterThan(0)
  // It has also looked by then, and sees nothing new any more.
  // It looks once a second, too; then it has heard of the first commit for the last time.
  await delay(3_000)
  const before = await calls()
  await other.evaluate(async () => {
    BroadcastChannel.prototype.postMessage = () => {}
    await window.store.commit(window.kit.notes(2, 1))
  })
  await expect.poll(calls).toBeGreaterThan(before)
  await Promise.all([page.close(), other.close()])
})

test('what a commit resolved for is there when the whole browser is killed in that moment', async () => {
  for (let round = 0; round < 5; round++) {
    const page = await tab()
    await page.evaluate(async () => {
      window.store = await window.kit.open(1, { name: 'durable' })
    })
    let last = -1
    await page.exposeFunction('landed', (id: number) => {
      last = id
    })
    const dying = page
      .evaluate(async (from) => {
        const landed = (window as unknown as { landed: (id: number) => void }).landed
        for (let id = from; ; id++) {
          await window.store.commit(window.kit.notes(id, 1))
          landed(id)
        }
      }, round * 10_000)
      .catch(() => {})
    await expect.poll(() => last).toBeGreaterThan(round * 10_000 + 5 * round)
    await chromium.kill('browser')
    await dying
    chromium = await startChromium(join(dir, 'profile'))
    const after = await tab()
    const ids = await after.evaluate(async (from) => {
      const store = await window.kit.open(1, { name: 'durable' })
      const rows = await store.query<{ id: number }>({ table: 'notes', from })
      const [total] = await store.sum('notes')
      const all = await window.kit.ids(store)
      return { ids: rows.map(({ id }) => id), isCounted: total!.count === all.length }
    }, round * 10_000)
    expect(ids.isCounted).toBe(true)
    expect(ids.ids).toEqual(Array.from(ids.ids, (_, i) => round * 10_000 + i))
    expect(ids.ids.length).toBeGreaterThan(last - round * 10_000)
    await after.close()
  }
})
