/** A depot of shipments, for tests of children: its processes share one store and one clock that stands still until told to go on. */
import { assign, setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  isAnswered,
  join,
  on,
  openOperations,
  operationsTable,
  ownersTable,
  start,
  starts,
  type OperationKind,
  type OperationRow,
  type Operations,
  type OperationsOptions,
} from '../../src/kernel/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import type { Ownership, Query, Row, Store, Write } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { operationsIn } from '../../src/testing/invariants/rows.ts'
import { parcel, shipment, type Carrier } from './parcels.ts'

const tables = { operations: operationsTable(), owners: ownersTable() }

/** Processes on one store, whose carrier refuses anvils and counts what it is sent. */
export class Depot {
  readonly rows: MemoryStore = memoryStore()
  readonly clock = new VirtualClock(1_750_000_000_000)
  readonly #random = worldRandom({ entropy: 0 })
  readonly sent: string[] = []
  readonly commits: (readonly Write[])[] = []
  /** In place of the commit. */
  meets: (land: () => Promise<void>, writes: readonly Write[]) => Promise<void> = (land) => land()
  /** In place of the query. */
  asks: <R>(ask: () => Promise<R>, query: Query) => Promise<R> = (ask) => ask()
  readonly carrier: { send: Carrier['send'] } = {
    send: async (_, item) => {
      this.sent.push(item)
      return item.startsWith('anvil') ? 'refused' : 'ok'
    },
  }

  async process(
    ownership?: Ownership,
    kinds: readonly OperationKind<Carrier>[] = [shipment, parcel],
    more: Pick<OperationsOptions<Carrier>, 'telemetry'> = {},
  ): Promise<Operations<Carrier>> {
    const store = await this.rows.open({ version: 1, tables })
    const mine: Store = {
      ...store,
      ...(ownership && { ownership }),
      query: <R extends Row>(query: Query) => this.asks(() => store.query<R>(query), query),
      commit: async (writes) => {
        this.commits.push(writes)
        await this.meets(() => store.commit(writes), writes)
      },
    }
    const { clock, carrier } = this
    const operations = openOperations({
      ...{ store: mine, tables, kinds, ports: carrier, clock, random: this.#random },
      onError: ({ error }) => void this.errors.push(error),
      ...more,
    })
    await operations.resumed
    return operations
  }

  readonly errors: unknown[] = []

  /** id → state, without the parent's id. */
  states(parent: string): Record<string, string> {
    const rows = operationsIn(this.rows.dump())
    const ours = rows.filter(({ id }) => id.startsWith(parent))
    return Object.fromEntries(ours.map(({ id, state }) => [id.slice(parent.length), state]))
  }

  /** Somebody deletes a row. */
  async remove(id: string): Promise<void> {
    await (await this.#others()).commit([{ delete: 'operations', key: [id] }])
  }

  /** Another program writes a row. */
  async patch(id: string, set: Row, [from, to]: readonly [string, string]): Promise<void> {
    const store = await this.#others()
    const row = await store.get<OperationRow & Row>('operations', [id])
    const snapshot = row?.snapshot.replace(from, to).replace('"active"', '"done"')
    await store.commit([
      { patch: 'operations', key: [id], set: { ...set, snapshot, version: (row?.version ?? 0) + 1 } },
    ])
  }

  #others(): Promise<Store> {
    return this.rows.open({ version: 1, tables })
  }

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

export const begun = async (operations: Operations<Carrier>, items: readonly string[]): Promise<string> => {
  const { id } = await operations.of(shipment).create({ items })
  await operations.of(shipment).send(id, { type: 'go' })
  return id
}

export const sheep = defineOperation({
  kind: 'sheep',
  version: 1,
  machine: setup({
    types: {} as {
      context: { tired: boolean }
      input: { id: string }
      events: { type: 'call' } | { type: 'stray' } | { type: 'tire' }
    },
  }).createMachine({
    context: { tired: false },
    initial: 'grazing',
    states: {
      grazing: {
        on: {
          stray: 'straying',
          tire: { actions: assign({ tired: true }) },
          call: { guard: ({ context: { tired } }) => tired, target: 'home' },
        },
      },
      straying: { on: { call: 'home' } },
      home: { type: 'final' },
    },
  }),
  effects: (_: Carrier) => ({}),
  cancel: { type: 'call' },
})

export const flock = defineOperation({
  kind: 'flock',
  version: 1,
  machine: setup({
    types: {} as { context: { cancel: boolean }; input: { id: string; cancel: boolean }; events: { type: 'note' } },
    actors: { join: join() },
    actions: { start },
  }).createMachine({
    context: ({ input: { cancel } }) => ({ cancel }),
    entry: starts(sheep, () => [{ name: 'a', input: {} }]),
    initial: 'calling',
    states: {
      calling: {
        on: { note: { actions: assign({}) } },
        invoke: { src: 'join', input: ({ context: { cancel } }) => ({ cancel }), onDone: 'done' },
      },
      done: { type: 'final' },
    },
  }),
  effects: (_: Carrier) => ({}),
})

/** Starts three parcels, and joins those that are named. */
export const family = defineOperation({
  kind: 'family',
  version: 1,
  machine: setup({
    types: {} as {
      context: { names: string[] }
      input: { id: string; names: string[] }
      output: { names: string[] }
    },
    actors: { join: join() },
    actions: { start, keep: assign((_, kept: { names?: string[] }) => kept) },
    guards: { answered: isAnswered },
  }).createMachine({
    context: ({ input: { names } }) => ({ names }),
    entry: starts(parcel, () => ['a', 'b', 'c'].map((name) => ({ name, input: { item: name } }))),
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          src: 'join',
          input: ({ context: { names } }) => ({ names }),
          onDone: on({
            target: 'done',
            keep: ({ output: { children } }) => ({ names: children.map(({ name }) => name) }),
          }),
        },
      },
      done: { type: 'final' },
    },
    output: ({ context: { names } }) => ({ names }),
  }),
  effects: (_: Carrier) => ({}),
})

export const egg = defineOperation({
  kind: 'egg',
  version: 1,
  machine: setup({ types: {} as { context: {}; input: { id: string } } }).createMachine({
    context: {},
    initial: 'hatched',
    states: { hatched: { type: 'final' } },
  }),
  effects: (_: Carrier) => ({}),
})

export const nest = defineOperation({
  kind: 'nest',
  version: 1,
  machine: setup({
    types: {} as { context: { eggs: number }; input: { id: string; eggs: number } },
    actors: { join: join() },
    actions: { start },
  }).createMachine({
    context: ({ input: { eggs } }) => ({ eggs }),
    entry: starts('egg', ({ eggs }: { eggs: number }) =>
      Array.from({ length: eggs }, (_, at) => ({ name: String(at), input: {} })),
    ),
    initial: 'waiting',
    states: { waiting: { invoke: { src: 'join', input: {}, onDone: 'done' } }, done: { type: 'final' } },
  }),
  effects: (_: Carrier) => ({}),
})

/** Is sent at once. */
export const letter = defineOperation({
  kind: 'letter',
  version: 1,
  machine: setup({
    types: {} as { context: {}; input: { id: string } },
    actors: { send: effect<{ answer: 'ok' }, {}>({ answers: { ok: true } }) },
  }).createMachine({
    context: {},
    initial: 'sending',
    states: {
      sending: { invoke: { src: 'send', input: {}, onDone: { guard: answered('ok'), target: 'sent' } } },
      sent: { type: 'final' },
    },
  }),
  effects: (carrier: Carrier) => ({
    send: async ({ replay }) => {
      await carrier.send('letter', replay ? 'again' : 'letter')
      return { answer: 'ok' as const }
    },
  }),
})
