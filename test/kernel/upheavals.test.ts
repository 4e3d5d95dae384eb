/**
 * Goal: as in `kernel-interleavings.test.ts`, with a chart that has everything a chart may have (effects one after the
 * other, local steps, timers, back-off, a watch), with processes that are killed, close, freeze and go on, are of an older
 * version, and whose clocks are wrong, and with callers who cancel, look, resume and wait in all of them. Everything must
 * come to its end, no effect be begun twice without being told, and no caller of a process that lives or closed wait on.
 * `SEED` draws other runs, `RUNS` more of them.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prng } from '../../scripts/kill-lab/prng.ts'
import { assign, setup } from 'xstate'
import {
  answered,
  backoff,
  defineOperation,
  effect,
  HardshellError,
  local,
  tx,
  type Clock,
  type EffectArgs,
  type LocalArgs,
  type OperationKind,
  type Operations,
} from '../../src/kernel/index.ts'
import { StoreError, type Ownership, type Store, type Write } from '../../src/store/port.ts'
import type { VirtualClock } from '../../src/testing/explorer/life.ts'
import { queue, Shop, tables, whileAlive, type Process } from '../kits/owners-kit.ts'

const { SEED = '7', RUNS = '25' } = process.env

const PROCESSES = 3
const ORDERS = 6
const FAULT_MS = 20_000
const CALM_MS = 240_000
const STOCK = 1_000

interface Context {
  readonly id: string
  readonly tries: number
}
type Reply = { answer: 'ok' | 'unknown' }
type Taken = { answer: 'ok'; writes: readonly Write[] }
const input = ({ context: { id, tries } }: { context: Context }) => ({ id, tries })
const machine = setup({
  types: {} as {
    context: Context
    input: { id: string }
    events: { type: 'pay' } | { type: 'cancel' } | { type: 'resume' } | { type: 'arrived' }
    meta: { poll?: string }
    tags: 'local'
  },
  actors: {
    quote: effect<Reply, Context>({ answers: { ok: true, unknown: true } }),
    charge: effect<Reply, Context>({ answers: { ok: true, unknown: true } }),
    pack: local<Taken, Context>({ answers: { ok: true } }),
    seal: effect<Reply, Context>({ answers: { ok: true, unknown: true } }),
  },
  actions: { tx },
  delays: {
    tooLate: 60_000,
    late: 15_000,
    again: backoff<Context>({ firstMs: 500, maxMs: 4_000, tries: ({ tries }) => tries }),
  },
}).createMachine({
  context: ({ input: { id } }) => ({ id, tries: 0 }),
  initial: 'quoting',
  states: {
    quoting: { invoke: { src: 'quote', input, onDone: 'open' } },
    open: { on: { pay: 'charging', cancel: 'cancelled' }, after: { tooLate: 'cancelled' } },
    charging: {
      invoke: {
        src: 'charge',
        input,
        onDone: [
          { guard: answered('ok'), target: 'packing' },
          { target: 'waiting', actions: assign({ tries: ({ context }) => context.tries + 1 }) },
        ],
      },
    },
    waiting: { after: { again: 'charging' }, on: { resume: 'charging' } },
    packing: {
      tags: ['local'],
      invoke: {
        src: 'pack',
        input,
        onDone: { target: 'shipping', actions: { type: 'tx', params: ({ event }) => event.output.writes } },
      },
    },
    shipping: { meta: { poll: 'parcel' }, on: { arrived: 'sealing' }, after: { late: 'late' } },
    late: { meta: { poll: 'parcel' }, on: { arrived: 'sealing' } },
    sealing: { invoke: { src: 'seal', input, onDone: 'delivered' } },
    delivered: { type: 'final' },
    cancelled: { type: 'final' },
  },
})

interface World {
  ask(src: string, of: EffectArgs<Context>): Promise<Reply>
  arrived(contexts: readonly Context[]): Promise<boolean[]>
}
const kind = (version: 1 | 2): OperationKind<World> =>
  defineOperation({
    kind: 'order',
    version,
    machine,
    effects: (world: World) => ({
      quote: (of) => world.ask('quote', of),
      charge: (of) => world.ask('charge', of),
      seal: (of) => world.ask('seal', of),
      pack: async ({ read }: LocalArgs<Context>) => {
        const stock = (await read.get<{ id: string; left: number }>('stock', ['tea']))!
        const writes: Write[] = [{ patch: 'stock', key: ['tea'], set: { left: stock.left - 1 }, if: { left: stock.left } }] // prettier-ignore
        return { answer: 'ok' as const, writes }
      },
    }),
    polls: (world: World) => ({
      parcel: {
        ...{ firstMs: 1_000, maxMs: 10_000, most: 2, sends: ['arrived'] },
        ask: async ({ contexts }) =>
          (await world.arrived(contexts)).map((arrived) => (arrived ? { type: 'arrived' } : undefined)),
      },
    }),
    lane: () => 'shop',
    ...(version === 2 && { migrate: { 1: (snapshot) => snapshot } }),
  }) as OperationKind<World>

/** A process' share of the world's time: it stands still while the process is frozen, and its clock may be wrong. */
class Life {
  readonly clock: Clock
  readonly end = new AbortController()
  #thawed: Promise<void> | undefined

  constructor(world: VirtualClock, skewMs: number) {
    const call = async (late: () => void): Promise<void> => {
      await this.thawed()
      if (!this.end.signal.aborted) late()
    }
    this.clock = {
      longestWaitMs: Infinity,
      now: () => world.now() + skewMs,
      monotonicMs: () => world.monotonicMs(),
      setTimeout: (late, delayMs) => world.setTimeout(() => (this.#thawed ? void call(late) : this.end.signal.aborted || late()), delayMs), // prettier-ignore
      clearTimeout: (timer) => world.clearTimeout(timer),
    }
  }

  async freeze(forMs: Promise<void>): Promise<void> {
    this.#thawed = forMs
    await forMs
    this.#thawed = undefined
  }

  async thawed(): Promise<void> {
    while (this.#thawed) await this.#thawed
  }
}

const ordersOf = (operations: Operations<World>) => operations.of({ kind: 'order', machine })

/** Promises that callers wait for, by what they asked. */
class Callers {
  readonly waiting = new Set<string>()
  dead = false
  wait(what: string, call: Promise<unknown>): void {
    this.waiting.add(what)
    call.then(
      () => this.waiting.delete(what),
      (error: unknown) => {
        this.waiting.delete(what)
        allowed(error)
      },
    )
  }
}
function allowed(error: unknown): undefined {
  if (!(error instanceof HardshellError) || error.code === 'DEFECT') throw error
}

async function live(by: Ownership['by'] | 'none', seed: number): Promise<void> {
  const random = prng(seed)
  const chance = (): number => random.next()
  const locks = queue()
  const shop = new Shop({ ...tables, stock: { columns: { id: 'text', left: 'integer' }, key: ['id'] } })
  await (await shop.store()).commit([{ put: 'stock', row: { id: 'tea', left: STOCK } }])
  const { clock } = shop
  const pause = (longestMs: number): Promise<void> => clock.pause(Math.round(chance() * longestMs))
  const startMs = clock.now()
  const endMs = startMs + FAULT_MS
  // No two runs are alike: what rescues one would hide what is wrong with another.
  const oneOf = (...of: readonly number[]): number => of[random.below(of.length)]!
  const [slowMs, skewMs, callEveryMs] = [oneOf(400, 800, 3_000), oneOf(0, 4_000, 30_000), oneOf(4_000, 60_000)]
  const isFault = (): boolean => clock.now() < endMs
  const begun = new Map<string, number>()
  const first = new Set<string>()
  const twice: string[] = []
  const crowds: Callers[] = []
  const running: ({ process: Process<World>; callers: Callers } | undefined)[] = Array.from({ length: PROCESSES })

  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    const isInDoubt = isFault() && chance() < 0.03
    if (isInDoubt && chance() < 0.5) throw new StoreError('IN_DOUBT', 'cut')
    await store.commit(writes)
    if (isInDoubt) throw new StoreError('IN_DOUBT', 'cut')
  }
  async function begin(
    who: number,
    version: 1 | 2,
    life: Life,
  ): Promise<{ process: Process<World>; callers: Callers }> {
    const around = async <T>(call: () => Promise<T>): Promise<T> => {
      await pause(40)
      await life.thawed()
      if (isFault() && chance() < 0.03) {
        await pause(1_000)
        throw new StoreError(chance() < 0.5 ? 'BUSY' : 'UNAVAILABLE', 'away')
      }
      const result = await call()
      await pause(isFault() && chance() < 0.1 ? slowMs : 40)
      await life.thawed()
      return result
    }
    const lock = whileAlive(locks.lock, life.end.signal)
    const ports: World = {
      async ask(src, { input: { id, tries }, replay }) {
        const asked = `${src} ${tries} of ${id}`
        // Who lost it a moment ago cannot know yet.
        const isLate = clock.now() - (begun.get(asked) ?? Infinity) > 1_000
        if (!replay && (first.has(asked) || isLate)) twice.push(asked)
        if (!replay) first.add(asked)
        if (!begun.has(asked)) begun.set(asked, clock.now())
        await pause(700)
        await life.thawed()
        if (life.end.signal.aborted) return new Promise(() => {})
        if (isFault() && chance() < 0.2) throw new Error('the bank broke')
        return { answer: isFault() && chance() < 0.3 ? 'unknown' : 'ok' }
      },
      async arrived(contexts) {
        await pause(500)
        await life.thawed()
        if (isFault() && chance() < 0.1) throw new StoreError('UNAVAILABLE', 'the parcel service is away')
        return contexts.map(() => chance() < 0.3)
      },
    }
    const ownership: Ownership | undefined = by === 'none' ? undefined : by === 'heartbeats' ? { by } : { by, lock }
    const options = { kind: kind(version), ports, clock: life.clock, laneLimit: 1, around, commit }
    const process = await shop.open<World>(ownership, options)
    const callers = new Callers()
    crowds.push(callers)
    return (running[who] = { process, callers })
  }

  const lives = running.map(async (_, who) => {
    for (;;) {
      const version = clock.now() < startMs + FAULT_MS * chance() ? 1 : 2
      const life = new Life(clock, Math.round((chance() - 0.5) * skewMs))
      const { process, callers } = await begin(who, version, life)
      for (let turns = random.below(3); turns >= 0; turns--) {
        await pause(FAULT_MS / 3)
        if (!isFault()) break
        // Somebody else may get its lock while it lives on.
        if (by === 'lock' && chance() < 0.3) locks.takeAway()
        if (chance() < 0.3) await life.freeze(clock.pause(3_000 + Math.round(chance() * 7_000)))
      }
      if (!isFault() && version === 2) return
      running[who] = undefined
      if (chance() < 0.4) {
        process.operations.close(chance() < 0.5 ? {} : { deadlineMs: 1_000 })
        if (chance() < 0.5) await process.operations.closed
      } else {
        callers.dead = true
        process.die()
        life.end.abort()
      }
      await pause(500)
    }
  })

  /** Asks some process or other until one answers, and has not died before. */
  async function insist<T>(what: string, ask: (operations: Operations<World>) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const it = running[random.below(PROCESSES)]
      if (it) {
        const answer = ask(it.process.operations)
        it.callers.wait(`${what}, try ${tries}`, answer)
        const found = await Promise.race([answer.then((value) => ({ value }), allowed), clock.pause(3_000)])
        if (found) return found.value
      }
      await clock.pause(20)
    }
  }
  const orders = Array.from({ length: ORDERS }, async (_, n) => {
    await pause(FAULT_MS / 2)
    const { id } = await insist(`create ${n}`, (operations) => ordersOf(operations).create({}, { key: `order ${n}` }))
    const tell = (type: 'pay' | 'cancel' | 'resume') =>
      insist(`${type} ${n}`, (operations) => ordersOf(operations).send(id, { type }))
    const disturb = async (): Promise<void> => {
      while (isFault()) {
        await pause(callEveryMs)
        const which = chance()
        if (which < 0.3) await insist(`look ${n}`, (operations) => operations.poll(id))
        else if (which < 0.5) await insist(`resume ${n}`, (operations) => operations.resume(id))
        else if (which < 0.6) await tell('resume')
        for (const it of running) {
          const ended = it?.process.operations.until(id, ({ status }) => (status === 'done' ? true : undefined))
          if (ended) it!.callers.wait(`until ${n} at ${clock.now() - startMs}`, ended)
        }
      }
    }
    const disturbed = disturb()
    await pause(FAULT_MS)
    await insist(`quoted ${n}`, (operations) =>
      operations.until(id, ({ state }) => (state === 'quoting' ? undefined : true)),
    )
    if (n % 3 !== 0) await Promise.all([tell('pay'), tell('pay'), ...(n % 3 === 1 ? [tell('cancel')] : [])])
    await disturbed
    return { n, id }
  })
  const doctor = async (): Promise<void> => {
    for (;;) {
      await clock.pause(2_000)
      const ill = await insist('list', (operations) => operations.list({ status: 'quarantined' }))
      for (const { id } of ill) await insist(`resume ${id}`, (operations) => operations.resume(id))
      if (clock.now() > endMs + CALM_MS / 2) return
    }
  }
  const doctored = doctor()
  await shop.pass(FAULT_MS + CALM_MS)
  const stillWaiting = crowds.flatMap(({ dead, waiting }) => (dead ? [] : [...waiting]))
  const rows = shop.rows.dump()['operations']! as unknown as { key: string; state: string; status: string }[]
  const stuck = rows.filter(({ status }) => status !== 'done').map((row) => `${row.key}: ${row.state}, ${row.status}`)
  expect({ stuck, stillWaiting }).toEqual({ stuck: [], stillWaiting: [] })
  await Promise.all([...lives, doctored])
  for (const { n, id } of await Promise.all(orders))
    expect(n % 3 === 0 ? ['cancelled'] : n % 3 === 1 ? ['cancelled', 'delivered'] : ['delivered']).toContain(shop.row(id).state) // prettier-ignore
  expect(rows.length).toBe(ORDERS)
  expect(twice).toEqual([])
  const delivered = rows.filter(({ state }) => state === 'delivered').length
  expect(shop.rows.dump()['stock']).toEqual([{ id: 'tea', left: STOCK - delivered }])
  for (const it of running) it!.process.operations.close()
}

test.each(['heartbeats', 'lock', 'none'] as const)(
  'whatever befalls them they come to their end, with ownership by %s',
  async (by) => {
    const lives = fc.asyncProperty(fc.integer({ min: 1 }), (seed) => live(by, seed))
    await fc.assert(lives, { seed: Number(SEED), numRuns: Number(RUNS), endOnFailure: true })
  },
)
