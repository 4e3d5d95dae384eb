/**
 * A shop without any Cashu, for tests of the kernel: orders reserve stock, charge a card and wait for a parcel. Its
 * processes can be killed, its clock stands still until told to go on, and its card and its store can be scripted.
 */
import { assign, emit, setup } from 'xstate'
import {
  answered,
  backoff,
  defineOperation,
  effect,
  local,
  openOperations,
  operationsTable,
  tx,
  until,
  type EffectArgs,
  type KindOperations,
  type LocalArgs,
  type OperationKind,
  type OperationRow,
  type Operations,
  type OperationsOptions,
} from '../../src/kernel/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import type { Row, Schema, Store, Write } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { Mortal } from './mortal.ts'

export const START_MS = 1_750_000_000_000

export const shopSchema: Schema = {
  version: 1,
  tables: {
    operations: operationsTable({ item: 'text' }, { byItem: { columns: ['item'] } }),
    stock: { columns: { item: 'text', left: 'integer' }, key: ['item'] },
    parcels: {
      columns: { orderId: 'text', item: 'text', label: 'text', weight: 'integer' },
      key: ['orderId'],
      indexes: { byItem: { columns: ['item', 'label'] } },
      total: { of: 'weight', by: ['item'] },
    },
    log: { columns: { id: 'text', state: 'text', status: 'text' }, key: ['id'] },
  },
}

export interface OrderInput {
  readonly id: string
  readonly item: string
}
export interface OrderContext extends OrderInput {
  readonly receipt: string
  readonly tries: number
  readonly promisedAt: number
}
type Charged = { answer: 'ok'; receipt: string } | { answer: 'declined' } | { answer: 'unknown' }
type Writes = { readonly writes: readonly Write[] }

export const PAY_WITHIN_MS = 600_000

export const orderMachine = setup({
  types: {} as {
    context: OrderContext
    input: OrderInput
    events:
      | { type: 'pay' }
      | { type: 'cancel' }
      | { type: 'resume' }
      | { type: 'note' }
      | { type: 'parcel.updated'; at: string }
    emitted: { type: 'charged'; id: string; receipt: string }
    meta: { poll?: string }
    tags: 'local'
  },
  actors: {
    'stock.take': local<({ answer: 'ok' } & Writes) | { answer: 'short' }, { item: string }>({
      answers: { ok: true, short: true },
    }),
    'parcel.pack': local<{ answer: 'ok' } & Writes, { id: string; item: string }>({ answers: { ok: true } }),
    'parcel.label': local<{ answer: 'ok' } & Writes, { id: string; item: string }>({ answers: { ok: true } }),
    'card.charge': effect<Charged, { id: string }>({ answers: { ok: true, declined: true, unknown: true } }),
  },
  actions: { tx },
  delays: {
    payDeadline: PAY_WITHIN_MS,
    cardBackoff: backoff<OrderContext>({ firstMs: 1_000, maxMs: 60_000, tries: ({ tries }) => tries }),
    promised: until<OrderContext>(({ promisedAt }) => promisedAt),
  },
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ ...input, receipt: '', tries: 0, promisedAt: START_MS + 86_400_000 }),
  initial: 'taking',
  states: {
    taking: {
      tags: ['local'],
      invoke: {
        src: 'stock.take',
        input: ({ context: { item } }) => ({ item }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'placed',
            actions: { type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) },
          },
          { target: 'soldOut' },
        ],
      },
    },
    placed: {
      description: 'Waits to be paid.',
      on: { pay: 'charging', cancel: 'cancelled' },
      after: { payDeadline: 'cancelled' },
    },
    charging: {
      description: 'The card is being charged.',
      invoke: {
        src: 'card.charge',
        input: ({ context: { id } }) => ({ id }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'packing',
            actions: [
              assign(({ event: { output } }) => (output.answer === 'ok' ? { receipt: output.receipt } : {})),
              emit(({ context }) => ({ type: 'charged' as const, id: context.id, receipt: context.receipt })),
            ],
          },
          { guard: answered('declined'), target: 'declined' },
          { target: 'waiting', actions: assign({ tries: ({ context }) => context.tries + 1 }) },
        ],
      },
      on: {
        note: {
          actions: {
            type: 'tx',
            params: ({ context }) => [{ put: 'stock', row: { item: `note ${context.id}`, left: 0 } }],
          },
        },
      },
    },
    waiting: {
      description: 'The bank did not answer; asks again.',
      after: { cardBackoff: 'charging' },
      on: { resume: 'charging' },
    },
    packing: {
      tags: ['local'],
      invoke: {
        src: 'parcel.pack',
        input: ({ context: { id, item } }) => ({ id, item }),
        onDone: { target: 'labelling', actions: { type: 'tx', params: ({ event }) => event.output.writes } },
      },
    },
    labelling: {
      tags: ['local'],
      invoke: {
        src: 'parcel.label',
        input: ({ context: { id, item } }) => ({ id, item }),
        onDone: { target: 'shipping', actions: { type: 'tx', params: ({ event }) => event.output.writes } },
      },
    },
    shipping: {
      description: 'The parcel is on its way.',
      meta: { poll: 'parcel' },
      on: { 'parcel.updated': [{ guard: ({ event }) => event.at === 'door', target: 'delivered' }, {}] },
      after: { promised: 'late' },
    },
    late: { meta: { poll: 'parcel' }, on: { 'parcel.updated': 'delivered' } },
    delivered: { type: 'final' },
    soldOut: { type: 'final' },
    declined: {
      type: 'final',
      entry: {
        type: 'tx',
        params: ({ context }) => [{ put: 'stock', row: { item: `returned ${context.item}`, left: 1 } }],
      },
    },
    cancelled: { type: 'final' },
  },
})

/** How the card answers a charge; the arguments are those of the effect. */
export type Card = (args: EffectArgs<{ id: string }>) => Promise<Charged>

export interface ShopPorts {
  readonly card: Card
  /** Where parcels are, several asked about at once; undefined where nothing is known. */
  readonly parcel?: (ids: readonly string[]) => Promise<string | undefined>
  /** Called by each local step with what it is about to read. */
  readonly stepping?: (step: string) => void
}

export const orderKind = defineOperation({
  kind: 'order',
  version: 1,
  machine: orderMachine,
  effects: ({ card, stepping }: ShopPorts) => ({
    'card.charge': card,
    'stock.take': async ({ input, read }: LocalArgs<{ item: string }>) => {
      stepping?.('stock.take')
      const row = await read.get<{ item: string; left: number }>('stock', [input.item])
      if (!row || row.left < 1) return { answer: 'short' as const }
      const writes: Write[] = [
        { patch: 'stock', key: [input.item], set: { left: row.left - 1 }, if: { left: row.left } },
      ]
      return { answer: 'ok' as const, writes }
    },
    'parcel.pack': ({ input: { id, item } }: LocalArgs<{ id: string; item: string }>) => {
      stepping?.('parcel.pack')
      const row = { orderId: id, item, label: '', weight: 7 }
      return { answer: 'ok' as const, writes: [{ put: 'parcels', row, if: 'absent' as const }] }
    },
    'parcel.label': async ({ input: { id, item }, read }: LocalArgs<{ id: string; item: string }>) => {
      stepping?.('parcel.label')
      const packed = await read
        .loose('a label is for people')
        .query({ table: 'parcels', index: 'byItem', prefix: [item] })
      const mine = await read.get<{ orderId: string; weight: number }>('parcels', [id])
      const label = `one of ${packed.length}, ${mine?.weight} kg`
      return { answer: 'ok' as const, writes: [{ patch: 'parcels', key: [id], set: { label } }] }
    },
  }),
  because: ({ tries }) => (tries > 0 ? `It was tried ${tries} times.` : null),
  polls: ({ parcel }: ShopPorts) => ({
    parcel: {
      firstMs: 10_000,
      maxMs: 60_000,
      most: 3,
      sends: ['parcel.updated'],
      async ask({ contexts }) {
        const at = await parcel?.(contexts.map(({ id }) => id))
        return contexts.map(() => (at === undefined ? undefined : { type: 'parcel.updated', at }))
      },
    },
  }),
  lane: ({ item }) => item,
  columns: ({ item }) => ({ item }),
  project: ({ id, state, status }) => [{ put: 'log', row: { id, state, status } }],
})

/** What is made of a commit before the store gets it; `land` lets it through. */
export type Meddle = (writes: readonly Write[], land: () => Promise<void>) => Promise<void>

export interface Process {
  readonly operations: Operations<ShopPorts>
  /** Of those, the orders. */
  readonly orders: KindOperations<typeof orderMachine>
  readonly store: Store
  /** SIGKILL: nothing of the process goes on. */
  kill(): void
}

export interface World {
  readonly rows: MemoryStore
  readonly clock: VirtualClock
  readonly entropy: { entropy: number }
}

export const newWorld = (): World => ({
  rows: memoryStore(),
  clock: new VirtualClock(START_MS),
  entropy: { entropy: 0 },
})

type Options = Partial<Omit<OperationsOptions<ShopPorts>, 'store' | 'tables' | 'ports'>> & {
  readonly ports?: Partial<ShopPorts>
  readonly meddle?: Meddle
}

/** A card that is never done. */
export const silentCard: Card = () => new Promise(() => {})
export const goodCard: Card = async ({ input }) => ({ answer: 'ok', receipt: `receipt of ${input.id}` })

/** Starts a process of the shop. */
export async function start(
  world: World,
  { ports, meddle, kinds = [orderKind], ...options }: Options = {},
): Promise<Process> {
  const rows = await world.rows.open(shopSchema)
  const mortal = new Mortal()
  const commit: Store['commit'] = (writes) => (meddle ? meddle(writes, () => rows.commit(writes)) : rows.commit(writes))
  const store = mortal.store({ ...rows, commit })
  const card = ports?.card ?? silentCard
  const operations = openOperations<ShopPorts>({
    store,
    tables: shopSchema.tables,
    kinds,
    clock: world.clock,
    random: worldRandom(world.entropy),
    onError: () => {},
    ports: { ...ports, card: (args) => mortal.call(() => card(args)) },
    ...options,
  })
  await settled()
  return {
    operations,
    get orders() {
      return operations.of(orderKind)
    },
    store,
    kill: () => mortal.kill(),
  }
}

/** Where a parcel is, as an event. */
export const arrivedAt = (at: string) => ({ type: 'parcel.updated', at }) as const

/** All that can happen without time going on has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time go on, timer by timer. */
export async function pass({ clock }: Pick<World, 'clock'>, ms: number): Promise<void> {
  const end = { over: false }
  // Twice, so that everything else that is due at its end has come before it.
  clock.setTimeout(() => clock.setTimeout(() => (end.over = true), 0), ms)
  while (!end.over) {
    await settled()
    clock.advance()
  }
  await settled()
}

/** Puts an item on the shelf. */
export async function stocked(world: World, item: string, left: number): Promise<void> {
  const store = await world.rows.open(shopSchema)
  await store.commit([{ put: 'stock', row: { item, left } }])
  await store.close()
}

/** An order as stored. */
export const orderRow = ({ rows }: World, id: string): OperationRow =>
  (rows.dump()['operations'] as unknown as OperationRow[]).find((row) => row.id === id)!

export const rowsOf = ({ rows }: World, table: string): readonly Row[] => rows.dump()[table] ?? []

/** Writes to an order's row behind everybody's back. */
export async function tamper(world: World, id: string, set: Row): Promise<void> {
  const store = await world.rows.open(shopSchema)
  await store.commit([{ patch: 'operations', key: [id], set }])
  await store.close()
}

/** A world with an order in a state: `placed`, or `charging` with a card that does not answer, killed. */
export async function left(
  state: 'placed' | 'charging' | 'shipping',
  kind: OperationKind<ShopPorts> = orderKind,
): Promise<{ world: World; id: string }> {
  const world = newWorld()
  await stocked(world, 'tea', 5)
  const shop = await start(world, { kinds: [kind], ports: { card: state === 'shipping' ? goodCard : silentCard } })
  const { id } = await shop.orders.create({ item: 'tea' })
  if (state !== 'placed') await shop.orders.send(id, { type: 'pay' })
  await settled()
  shop.kill()
  return { world, id }
}
