/**
 * Goal: what several processes do at once to the same operations comes to its end, in whatever order their calls of the
 * store begin and return. Method: fast-check draws how long calls take, what fails and which processes die and when; the
 * clock is virtual. From a certain moment on nothing fails any more, and everything must come to its end by itself.
 * `SEED` draws other runs, `RUNS` more of them.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prng } from '../../scripts/kill-lab/prng.ts'
import { HardshellError } from '../../src/kernel/index.ts'
import { StoreError, type Ownership, type Store, type Write } from '../../src/store/port.ts'
import { queue, Shop, whileAlive, type Process } from '../kits/owners-kit.ts'

const { SEED = '7', RUNS = '50' } = process.env

const PROCESSES = 3
const ORDERS = 5
/** For so long processes die, and the store is slow, away and in doubt. */
const FAULT_MS = 8_000
/** Twice as long as it takes to look for operations of processes that nobody knows. */
const CALM_MS = 120_000

async function live(by: Ownership['by'] | 'none', seed: number): Promise<void> {
  const random = prng(seed)
  const chance = (): number => random.next()
  const locks = queue()
  const shop = new Shop()
  const { clock } = shop
  const pause = (longestMs: number): Promise<void> => clock.pause(Math.round(chance() * longestMs))
  const endMs = clock.now() + FAULT_MS
  const isFault = (): boolean => clock.now() < endMs
  const firstCharges = new Map<string, number>()
  shop.bank = (id, replay) => {
    if (!replay) firstCharges.set(id, (firstCharges.get(id) ?? 0) + 1)
    return pause(1_500)
  }
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    await pause(40)
    if (isFault() && chance() < 0.03) {
      await pause(1_000)
      throw new StoreError(chance() < 0.5 ? 'BUSY' : 'UNAVAILABLE', 'away')
    }
    const result = await call()
    await pause(isFault() && chance() < 0.1 ? 800 : 40)
    return result
  }
  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    const isInDoubt = isFault() && chance() < 0.03
    if (isInDoubt && chance() < 0.5) throw new StoreError('IN_DOUBT', 'cut')
    await store.commit(writes)
    if (isInDoubt) throw new StoreError('IN_DOUBT', 'cut')
  }

  const running: (Process | undefined)[] = Array.from({ length: PROCESSES })
  const lives = running.map(async (_, who) => {
    for (let born = 1; ; born++) {
      const life = new AbortController()
      const lock = whileAlive(locks.lock, life.signal)
      const ownership: Ownership | undefined = by === 'none' ? undefined : by === 'heartbeats' ? { by } : { by, lock }
      const process = await shop.process(`process ${who}, life ${born}`, ownership, { around, commit })
      running[who] = process
      await pause(FAULT_MS)
      // Somebody else may get its lock while it lives on.
      if (by === 'lock' && isFault() && chance() < 0.4) {
        locks.takeAway()
        await pause(FAULT_MS)
      }
      if (!isFault()) return
      process.die()
      life.abort()
      running[who] = undefined
      await pause(500)
    }
  })

  /** Asks some process or other until one answers, and has not died before. */
  async function insist<T>(ask: (process: Process) => Promise<T>): Promise<T> {
    for (;;) {
      const process = running[random.below(PROCESSES)]
      const answer = process && ask(process).then((value) => ({ value }), failed)
      const found = answer && (await Promise.race([answer, clock.pause(3_000)]))
      if (found) return found.value
      await clock.pause(20)
    }
  }
  const failed = (error: unknown): undefined => {
    if (!(error instanceof HardshellError)) throw error
  }
  const orders = Array.from({ length: ORDERS }, async (_, n) => {
    const { id } = await insist(({ orders }) => orders.create({}, { key: `order ${n}` }))
    const pay = () => insist(({ orders }) => orders.send(id, { type: 'pay' }))
    await pause(FAULT_MS)
    await Promise.all([pay(), pay()])
    return id
  })
  await shop.pass(FAULT_MS + CALM_MS)
  const ids = await Promise.all(orders)
  await Promise.all(lives)
  expect(ids.map((id) => shop.row(id).state)).toEqual(ids.map(() => 'paid'))
  expect([...firstCharges.values()].filter((count) => count > 1)).toEqual([])
  for (const process of running) process!.operations.close()
}

test.each(['heartbeats', 'lock', 'none'] as const)(
  'whatever they do at once comes to its end, with ownership by %s',
  async (by) => {
    const lives = fc.asyncProperty(fc.integer({ min: 1 }), (seed) => live(by, seed))
    await fc.assert(lives, { seed: Number(SEED), numRuns: Number(RUNS) })
  },
)
