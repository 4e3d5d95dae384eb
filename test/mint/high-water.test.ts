/**
 * How far a seed has signed: a mint does not start on a database that has forgotten some of it. Tried on a mint in process,
 * whose mark and whose commits fail or end at every point there is.
 */
import { setTimeout } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { systemClock } from '../../src/kernel/util/ports.ts'
import type { HighWaterMark, Mark, MintOptions } from '../../src/mint-server/index.ts'
import { mintSchema, WrongDatabase } from '../../src/mint-server/index.ts'
import { memoryStore, type Dump } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { client, simulated } from '../kits/mint-server-client.ts'

/** A clock whose timers ring when they are told to. */
function handClock() {
  const timers = new Set<() => void>()
  return {
    clock: {
      ...systemClock,
      now: () => 1_800_000_000_000,
      setTimeout: (call: () => void, delayMs: number): unknown => {
        // Others' timers are of no interest here.
        if (delayMs !== 1000) return systemClock.setTimeout(call, delayMs)
        timers.add(call)
        return call
      },
      clearTimeout: (timer: unknown) => {
        timers.delete(timer as () => void)
        systemClock.clearTimeout(timer)
      },
    },
    ring() {
      for (const call of [...timers]) if (timers.delete(call)) call()
    },
  }
}

/** Keeps a mark in memory. */
function keptMark(first?: Mark | 'unknown') {
  const kept: { mark: Mark | 'unknown' | undefined; writes: number } = { mark: first, writes: 0 }
  const port: HighWaterMark = {
    read: () => Promise.resolve(kept.mark),
    write: async (mark) => {
      kept.mark = mark
      kept.writes++
    },
  }
  return { kept, port }
}

/** Each wallet has coins of its own. */
let wallets = 1

async function started(dump: Dump, options: Partial<MintOptions>, process = 0) {
  const adapter = memoryStore()
  adapter.load(dump)
  const time = handClock()
  const store = await adapter.open(mintSchema)
  const world = await simulated({ store, clock: time.clock, ...options }, undefined, process)
  const close = () => world.mint.close({ deadlineMs: 0 })
  const wallet = client((method, path, body) => world.mint.handle(method, path, body), stubCrypto, ++wallets)
  return { ...world, ...time, client: wallet, adapter, close, dump: () => structuredClone(adapter.dump()) }
}

const refusal = async (dump: Dump, options: Partial<MintOptions>): Promise<string> => {
  const error: unknown = await started(dump, options).then(
    async ({ close }) => close(),
    (reason: unknown) => reason,
  )
  if (error === undefined) return 'starts'
  expect(error).toBeInstanceOf(WrongDatabase)
  return (error as Error).message
}

test('a mint does not start on an empty database, an older one or another one, unless it is told to', async () => {
  const { kept, port: highWaterMark } = keptMark()
  const first = await started({}, { highWaterMark })
  const proofs = await first.client.mint([1, 8])
  const older = first.dump()
  await first.close()
  const whole = first.dump()

  const second = await started(whole, { highWaterMark })
  await second.client.keyset()
  await second.client.swap(proofs)
  await second.close()
  const newest = second.dump()
  const other = await started({}, { highWaterMark: keptMark().port }, 1)
  await other.client.mint([1])
  await other.close()

  const before = { ...kept }
  expect(await refusal({}, { highWaterMark })).toContain('this one is empty')
  expect(await refusal(older, { highWaterMark })).toContain('older')
  expect(await refusal(whole, { highWaterMark })).toContain('older')
  expect(await refusal(other.dump(), { highWaterMark })).toContain('another database')
  expect(kept).toEqual(before)
  expect(await refusal(newest, { highWaterMark })).toBe('starts')

  // Told to, it starts on the older one, takes the coins again, and no longer on the newest.
  const told = await started(whole, { highWaterMark, acceptEmptyDatabase: true }, 2)
  await told.client.keyset()
  await told.client.swap(proofs)
  await told.close()
  expect(await refusal(told.dump(), { highWaterMark })).toBe('starts')
  expect(await refusal(newest, { highWaterMark })).toContain('another database')
})

test('a refused start changes neither the database nor the mark', async () => {
  const { kept, port: highWaterMark } = keptMark()
  const first = await started({}, { highWaterMark })
  await first.close()
  const mark = kept.mark
  const adapter = memoryStore()
  const store = await adapter.open(mintSchema)
  const empty = adapter.dump()
  await expect(simulated({ store, highWaterMark })).rejects.toThrow(WrongDatabase)
  expect(adapter.dump()).toEqual(empty)
  expect(kept.mark).toEqual(mark)
})

test('a seed of which nobody knows whether it has signed is not taken for a new one', async () => {
  const highWaterMark = keptMark('unknown').port
  expect(await refusal({}, { highWaterMark })).toContain('nothing says that the seed has never signed')
  const first = await started({}, {})
  await first.client.mint([1])
  await first.close()
  expect(await refusal(first.dump(), { highWaterMark })).toBe('starts')
  expect(await refusal({}, { highWaterMark: keptMark('unknown').port, acceptEmptyDatabase: true })).toBe('starts')
  expect(await refusal({}, { highWaterMark: keptMark({ database: null, tick: 0, nonce: 'none', atMs: 0 }).port })).toBe(
    'starts',
  )
})

test('while it runs, what happened is marked within a second, and once where much happens', async () => {
  const { kept, port: highWaterMark } = keptMark()
  const world = await started({}, { highWaterMark })
  const writes = kept.writes
  await world.client.mint([1])
  await world.client.mint([2])
  expect(kept.writes).toBe(writes)
  const before = world.dump()
  world.ring()
  await expect.poll(() => kept.writes).toBe(writes + 1)
  expect(await refusal(before, { highWaterMark })).toContain('older')
  // Killed here, the mint starts on its database.
  expect(await refusal(world.dump(), { highWaterMark })).toBe('starts')
})

test('of two copies that go on with one seed, one notices, and moves no more ecash', async () => {
  const { port: highWaterMark } = keptMark()
  const first = await started({}, { highWaterMark })
  const proofs = await first.client.mint([4])
  await started(first.dump(), { highWaterMark }, 1)
  const logged = vi.fn<(error: unknown) => void>()
  vi.stubGlobal('reportError', logged)
  try {
    first.ring()
    await expect.poll(() => logged).toHaveBeenCalled()
    await expect(first.client.swap(proofs)).rejects.toThrow(/another mint has this seed/)
    expect(await first.client.states(proofs)).toEqual(['UNSPENT'])
  } finally {
    vi.unstubAllGlobals()
  }
})

test('several mints on one database keep one mark, or one each', async () => {
  const [one, two] = [keptMark(), keptMark()]
  for (const marks of [
    [one.port, one.port],
    [one.port, two.port],
  ]) {
    const adapter = memoryStore()
    const times = [handClock(), handClock()]
    one.kept.mark = two.kept.mark = undefined
    const worlds = await Promise.all(
      marks.map(async (highWaterMark, at) =>
        simulated({ store: await adapter.open(mintSchema), clock: times[at]!.clock, highWaterMark }, undefined, at),
      ),
    )
    for (const amount of [1, 2, 3])
      for (const { client } of worlds) {
        await client.post('/v1/mint/quote/bolt11', { amount, unit: 'sat' })
        for (const time of times) time.ring()
        await client.keyset()
      }
    for (const { mint } of worlds) await mint.close({ deadlineMs: 0 })
    for (const { kept } of [one, two]) {
      const highWaterMark = keptMark(kept.mark).port
      expect(await refusal(adapter.dump(), { highWaterMark })).toBe('starts')
    }
  }
})

test('wherever a mint dies, at a commit or while it keeps its mark, it starts again on its database', async () => {
  /** Lives until its n-th commit or mark, of which nothing or all is done; true where there were so many. */
  async function life(dump: Dump, mark: Mark | 'unknown' | undefined, dieAt: number, isDone: boolean) {
    let at = 0
    let died = false
    const never = new Promise<never>(() => {})
    const inject = async (step: () => Promise<void>): Promise<void> => {
      if (died) return never
      if (++at < dieAt) return step()
      died = true
      if (isDone) await step()
      return never
    }
    const { kept, port } = keptMark(mark)
    const highWaterMark: HighWaterMark = { read: () => port.read(), write: (next) => inject(() => port.write(next)) }
    const adapter = memoryStore()
    adapter.load(dump)
    const store = await adapter.open(mintSchema)
    const time = handClock()
    const faulty: Store = { ...bound(store), commit: (writes) => inject(() => store.commit(writes)) }
    const over = (async () => {
      const { client, mint } = await simulated({ store: faulty, clock: time.clock, highWaterMark })
      await client.mint([1])
      time.ring()
      for (;;) {
        if (kept.writes === 2 || died) break
        await setTimeout(1)
      }
      await client.mint([2])
      await mint.close({ deadlineMs: 0 })
    })().catch(() => {})
    void over.then(() => (died = true))
    await expect.poll(() => died, { interval: 5 }).toBe(true)
    return { wasKilled: at >= dieAt, dump: structuredClone(adapter.dump()), mark: kept.mark }
  }
  for (const isDone of [false, true])
    for (let dieAt = 1; ; dieAt++) {
      const { wasKilled, dump, mark } = await life({}, undefined, dieAt, isDone)
      const { port: highWaterMark } = keptMark(mark)
      expect([dieAt, isDone, await refusal(dump, { highWaterMark })]).toEqual([dieAt, isDone, 'starts'])
      if (!wasKilled) break
      expect(dieAt).toBeLessThan(60)
    }
}, 60_000)

/** A store whose methods can be called without it. */
const bound = (store: Store): Store => ({
  get: (table, key) => store.get(table, key),
  query: (query) => store.query(query),
  sum: (table, prefix) => store.sum(table, prefix),
  commit: (writes) => store.commit(writes),
  watch: (table, changed) => store.watch(table, changed),
  close: () => store.close(),
})
