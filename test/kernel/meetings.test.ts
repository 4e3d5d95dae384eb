/**
 * Goal: what the kernel does for children, replies, safe reads and clients holds also where they meet. Method: parents whose
 * children read what their parent's step wrote, on one store in memory and one virtual clock; commits that conflict.
 */
import { assign, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import {
  defineOperation,
  join,
  local,
  openClient,
  openOperations,
  operationsTable,
  ownersTable,
  repliesTable,
  reply,
  start,
  starts,
  tx,
  type LocalArgs,
  type OperationKind,
  type ReaderOf,
  type WriteOf,
} from '../../src/kernel/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import type { Ownership, Store, Write } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { operationsIn } from '../../src/testing/invariants/rows.ts'
import { queue } from '../kits/owners-kit.ts'

const tables = {
  operations: operationsTable(),
  owners: ownersTable(),
  replies: repliesTable(),
  stock: { columns: { item: 'text', left: 'integer' }, key: ['item'] },
} as const
type Tables = typeof tables
type Args = LocalArgs<{ id: string }, ReaderOf<Tables>>
type Taken = { answer: 'ok'; saw: string; writes: readonly WriteOf<Tables>[] }

/** A line of an order takes one of the stock, in its first step. It sees its parent, the stock, and that it is new itself. */
const line = defineOperation({
  kind: 'line',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string; saw: string }; input: { id: string } },
    actors: { take: local<Taken, { id: string }>({ answers: { ok: true } }) },
    actions: { tx: tx<WriteOf<Tables>>, keep: assign((_, kept: { saw: string }) => kept) },
  }).createMachine({
    context: ({ input: { id } }) => ({ id, saw: '' }),
    initial: 'taking',
    states: {
      taking: {
        tags: ['local'],
        invoke: {
          src: 'take',
          input: ({ context: { id } }) => ({ id }),
          onDone: {
            target: 'taken',
            actions: [
              { type: 'tx', params: ({ event }) => event.output.writes },
              { type: 'keep', params: ({ event: { output } }) => ({ saw: output.saw }) },
            ],
          },
        },
      },
      taken: { type: 'final' },
    },
  }),
  effects: (_: unknown) => ({
    async take({ input: { id }, read }: Args): Promise<Taken> {
      const parent = await read.get('operations', [id.slice(0, id.lastIndexOf('/'))])
      const self = await read.get('operations', [id])
      const stock = await read.get('stock', ['tea'])
      const left = (stock?.left ?? 0) - 1
      return {
        answer: 'ok',
        saw: `${parent?.state} ${self?.state} ${left}`,
        writes: [{ put: 'stock', row: { item: 'tea', left } }],
      }
    },
  }),
})

type Set = { answer: 'ok'; writes: readonly WriteOf<Tables>[] }

/** An order sets the stock in the step that starts its lines. */
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as {
      context: { id: string; lines: string[] }
      input: { id: string; lines: string[]; at?: 'once' }
      events: { type: 'go' }
    },
    actors: { join: join(), fill: local<Set, { id: string; lines: string[] }>({ answers: { ok: true } }) },
    actions: { start, tx: tx<WriteOf<Tables>>, reply: reply<{ lines: number }> },
  }).createMachine({
    context: ({ input: { id, lines } }) => ({ id, lines }),
    initial: 'open',
    states: {
      open: { tags: 'human', on: { go: { target: 'filling', actions: { type: 'reply', params: { lines: 2 } } } } },
      filling: {
        tags: ['local'],
        invoke: {
          src: 'fill',
          input: ({ context: { id, lines } }) => ({ id, lines }),
          onDone: {
            target: 'waiting',
            actions: [
              { type: 'tx', params: ({ event }) => event.output.writes },
              starts(line, ({ lines }: { lines: string[] }) => lines.map((name) => ({ name, input: {} }))),
            ],
          },
        },
      },
      waiting: { invoke: { src: 'join', input: {}, onDone: 'done' } },
      done: { type: 'final' },
    },
  }),
  effects: (_: unknown) => ({
    async fill({
      input: { id, lines },
      read,
    }: LocalArgs<{ id: string; lines: string[] }, ReaderOf<Tables>>): Promise<Set> {
      for (const name of lines)
        if (await read.get('operations', [`${id}/${name}`])) throw new Error('it is there already')
      const stock = await read.get('stock', ['tea'])
      return { answer: 'ok', writes: [{ put: 'stock', row: { item: 'tea', left: (stock?.left ?? 0) + 10 } }] }
    },
  }),
})

class World {
  readonly rows: MemoryStore = memoryStore()
  readonly clock = new VirtualClock(1_750_000_000_000)
  readonly #random = worldRandom({ entropy: 0 })
  /** Before each commit. */
  before: (writes: readonly Write[]) => Promise<void> = async () => {}
  commits = 0

  store(): Promise<Store> {
    return this.rows.open({ version: 1, tables })
  }

  async #mine(ownership: Ownership | undefined): Promise<Store> {
    const store = await this.store()
    const commit: Store['commit'] = async (writes) => {
      this.commits++
      await this.before(writes)
      await store.commit(writes)
    }
    return { ...store, ...(ownership && { ownership }), commit }
  }

  async open(ownership?: Ownership, kinds: readonly OperationKind[] = [order, line]) {
    const { clock } = this
    const store = await this.#mine(ownership)
    const operations = openOperations({ store, tables, kinds, ports: {}, clock, random: this.#random })
    await operations.resumed
    return operations
  }

  async client(ownership?: Ownership, kinds: readonly OperationKind[] = [order, line]) {
    const { clock } = this
    const client = openClient({ store: await this.#mine(ownership), tables, kinds, clock, random: this.#random })
    await client.resumed
    return client
  }

  states = (): Record<string, string> =>
    Object.fromEntries(operationsIn(this.rows.dump()).map(({ id, state }) => [id, state]))

  left = (): unknown => this.rows.dump()['stock']?.[0]?.['left']

  async pass(forMs = 0): Promise<void> {
    const endMs = this.clock.now() + forMs
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (!(Math.min(...this.clock.ringsMs) <= endMs)) break
      this.clock.advance()
    }
    this.clock.sleep(endMs - this.clock.now())
  }
}

const lines = ['a', 'b']
const ENDED = { o: 'done', 'o/a': 'taken', 'o/b': 'taken' }

describe('children and safe reads', () => {
  test('a child reads its parent as the step leaves it, and what that and the children before it wrote', async () => {
    const world = new World()
    const operations = await world.open()
    await operations.of(order).create({ lines }, { id: 'o' })
    await operations.of(order).send('o', { type: 'go' })
    await world.pass()
    expect(world.states()).toEqual(ENDED)
    expect((await operations.of(line).get('o/a')).snapshot?.context.saw).toBe('waiting undefined 9')
    expect((await operations.of(line).get('o/b')).snapshot?.context.saw).toBe('waiting undefined 8')
    expect(world.left()).toBe(8)
  })

  test('a row that changes between has the parent and its children computed again', async () => {
    const world = new World()
    const operations = await world.open()
    await operations.of(order).create({ lines }, { id: 'o' })
    const other = await world.store()
    let turns = 3
    world.before = async () => {
      if (turns-- > 0) await other.commit([{ put: 'stock', row: { item: 'tea', left: 100 * turns } }])
    }
    const asked = operations.of(order).ask('o', { type: 'go' }, { key: 'k' })
    await world.pass(1_000)
    expect(await asked).toEqual({ lines: 2 })
    expect(await operations.of(order).ask('o', { type: 'go' }, { key: 'k' })).toEqual({ lines: 2 })
    expect(world.states()).toEqual(ENDED)
    expect(world.left()).toBe(8)
    expect(world.rows.dump()['replies']).toHaveLength(1)
  })

  test('a row that changes while children read it has the step computed again', async () => {
    const world = new World()
    const inner = await world.store()
    const other = await world.store()
    let changes = 1
    const store: Store = {
      ...inner,
      get: (async (table: string, key: [string]) => {
        // The first child reads its parent just before the stock.
        if (table === 'stock' && ++reads === 2 && changes-- > 0)
          await other.commit([{ put: 'stock', row: { item: 'tea', left: 50 } }])
        return inner.get(table, key)
      }) as Store['get'],
    }
    let reads = 0
    const errors: unknown[] = []
    const { clock } = world
    const operations = openOperations({ store, tables, kinds: [order, line], ports: {}, clock, onError: ({ error }) => void errors.push(error) }) // prettier-ignore
    await operations.resumed
    await operations.of(order).create({ lines }, { id: 'o' })
    const sent = operations.of(order).send('o', { type: 'go' })
    await world.pass(1_000)
    expect(await sent).toBe(true)
    expect(errors).toEqual([])
    expect(world.states()).toEqual(ENDED)
    expect(world.left()).toBe(58)
  })
})

describe.each(['lock', 'heartbeats'] as const)('children of a client, beside an owner by %s', (by) => {
  test('are run, and joined, by the owner', async () => {
    const world = new World()
    const { lock } = queue()
    const policy: Ownership = by === 'lock' ? { by, lock } : { by }
    const owner = await world.open(policy)
    const client = await world.client(policy)
    await client.of(order).create({ lines }, { id: 'o' })
    const asked = client.of(order).ask('o', { type: 'go' }, { key: 'k' })
    const finished = client.of(order).finished('o')
    await world.pass(5_000)
    expect(await asked).toEqual({ lines: 2 })
    expect(world.states()).toEqual(ENDED)
    await finished
    owner.close()
    client.close()
  })
})

describe('two local steps of one step', () => {
  type Seen = { answer: 'ok'; left: number }
  /** The first takes one of the stock by a condition of its own; the second looks what is left. */
  const twice = defineOperation({
    kind: 'twice',
    version: 1,
    machine: setup({
      types: {} as {
        context: { left: number; asked: boolean }
        input: { id: string; asked: boolean }
        events: { type: 'go' }
      },
      actors: {
        take: local<Set, object>({ answers: { ok: true } }),
        look: local<Seen, object>({ answers: { ok: true } }),
      },
      actions: { tx: tx<WriteOf<Tables>>, keep: assign((_, kept: { left: number }) => kept) },
      guards: { asked: ({ context: { asked } }) => asked },
    }).createMachine({
      context: ({ input: { asked } }) => ({ left: 0, asked }),
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'asked', target: 'open' }, { target: 'taking' }] },
        open: { tags: 'human', on: { go: 'taking' } },
        taking: {
          tags: ['local'],
          invoke: {
            src: 'take',
            input: {},
            onDone: { target: 'looking', actions: { type: 'tx', params: ({ event }) => event.output.writes } },
          },
        },
        looking: {
          tags: ['local'],
          invoke: {
            src: 'look',
            input: {},
            onDone: { target: 'done', actions: { type: 'keep', params: ({ event }) => ({ left: event.output.left }) } },
          },
        },
        done: { type: 'final' },
      },
    }),
    effects: (meets: () => Promise<void>) => ({
      async take({ read }: LocalArgs<object, ReaderOf<Tables>>): Promise<Set> {
        const [stock] = await read.loose('the write has a condition').query({ table: 'stock' })
        const left = stock?.left ?? 0
        await meets()
        return { answer: 'ok', writes: [{ put: 'stock', row: { item: 'tea', left: left - 1 }, if: { left } }] }
      },
      async look({ read }: LocalArgs<object, ReaderOf<Tables>>): Promise<Seen> {
        return { answer: 'ok', left: (await read.get('stock', ['tea']))?.left ?? 0 }
      },
    }),
  })

  test.each([false, true])(
    'a condition of the first that no longer holds has both run again (by an event: %s)',
    async (asked) => {
      const world = new World()
      const other = await world.store()
      await other.commit([{ put: 'stock', row: { item: 'tea', left: 10 } }])
      let changes = 1
      const meets = async (): Promise<void> => {
        if (changes-- > 0) await other.commit([{ put: 'stock', row: { item: 'tea', left: 5 } }])
      }
      const { clock } = world
      const errors: unknown[] = []
      const operations = openOperations({ store: other, tables, kinds: [twice], ports: meets, clock, onError: ({ error }) => void errors.push(error) }) // prettier-ignore
      await operations.resumed
      const { id } = await operations.of(twice).create({ asked })
      expect(await operations.of(twice).send(id, { type: 'go' })).toBe(asked)
      expect((await operations.of(twice).get(id)).snapshot?.context.left).toBe(4)
      expect([errors, world.left()]).toEqual([[], 4])
    },
  )
})
