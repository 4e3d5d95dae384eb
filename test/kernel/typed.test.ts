/** Goal: what is right of a kind compiles, and what is wrong does not. Method: the compiler reads this file, too. */
import { assign, setup } from 'xstate'
import { expect, expectTypeOf, test } from 'vitest'
import {
  answered,
  defineOperation,
  effect,
  isAnswered,
  local,
  on,
  openOperations,
  operationsTable,
  type EffectArgs,
  type EventOf,
  type InputOf,
  type LocalArgs,
  type LocalReader,
  type OperationKind,
  type OperationView,
  type Reader,
  type ReaderOf,
  type StateOf,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

type Plan = 'free' | 'pro'
interface Context {
  readonly id: string
  readonly plan: Plan
  readonly paid: number
}
type Charged = { answer: 'ok'; cents: number } | { answer: 'declined' | 'unknown' }
const charge = effect<Charged, { plan: Plan }>({ answers: { ok: true, declined: true, unknown: true } })

const parts = setup({
  types: {} as {
    context: Context
    input: { id: string; plan: Plan }
    events: { type: 'changePlan'; plan: Plan } | { type: 'cancel' }
    output: { cents: number }
    tags: 'human'
  },
  actors: { charge },
  actions: { keep: assign((_, kept: Partial<Context>) => kept) },
  guards: { answered: isAnswered },
})
const machine = parts.createMachine({
  context: ({ input: { id, plan } }) => ({ id, plan, paid: 0 }),
  initial: 'active',
  states: {
    active: {
      on: {
        changePlan: { actions: assign({ plan: ({ event }) => event.plan }), target: 'billing' },
        cancel: 'cancelled',
      },
    },
    billing: {
      initial: 'charging',
      states: {
        charging: {
          invoke: {
            src: 'charge',
            input: ({ context: { plan } }) => ({ plan }),
            onDone: [
              { guard: answered('ok'), target: '#billed' },
              on({ answer: 'declined', target: 'asking' }),
              on({ target: 'asking' }),
            ],
          },
        },
        asking: { tags: ['human'], on: { cancel: '#cancelled' } },
      },
    },
    billed: { id: 'billed', type: 'final' },
    cancelled: { id: 'cancelled', type: 'final' },
  },
  output: ({ context: { paid } }) => ({ cents: paid }),
})
const subscription = defineOperation({
  kind: 'subscription',
  version: 1,
  machine,
  effects: (cents: number) => ({
    charge: ({ input: { plan } }) => ({ answer: 'ok', cents: plan === 'pro' ? cents : 0 }),
  }),
})
type M = typeof machine

/** A chart that declares no events and no input. */
const tick = defineOperation({
  kind: 'tick',
  version: 1,
  machine: setup({ types: {} as { context: {} } }).createMachine({ context: {}, initial: 'a', states: { a: {} } }),
  effects: () => ({}),
})

async function opened() {
  const tables = { operations: operationsTable() }
  const store = await memoryStore().open({ version: 1, tables })
  return openOperations({ store, tables, kinds: [subscription, tick], ports: 100 })
}

test('an operation is created with the input of its chart, and no other', async () => {
  const operations = await opened()
  const subscriptions = operations.of(subscription)
  const { id } = await subscriptions.create({ plan: 'free' }, { key: 'ada' })
  expect((await subscriptions.create(async () => ({ plan: 'free' }), { key: 'ada', request: { plan: 'free' } })).id).toBe(id) // prettier-ignore
  expectTypeOf<InputOf<M>>().toEqualTypeOf<{ plan: Plan }>()
  expect(await operations.of(tick).create({})).toMatchObject({ state: 'a' })
  // @ts-expect-error: there is no such input
  void subscriptions.create({ plna: 1 }).catch(() => {})
  // @ts-expect-error: there is no such plan
  void subscriptions.create({ plan: 'por' }).catch(() => {})
  // @ts-expect-error: the plan is missing
  void subscriptions.create({}).catch(() => {})
  // @ts-expect-error: the kernel gives the id
  void subscriptions.create({ plan: 'pro', id: 'mine' }).catch(() => {})
  // @ts-expect-error: there is no such plan
  void subscriptions.create(async () => ({ plan: 'por' })).catch(() => {})
  // @ts-expect-error: there is no such option
  void subscriptions.create({ plan: 'pro' }, { kee: 'ada' }).catch(() => {})
  const ticks = operations.of(tick)
  // @ts-expect-error: it takes no input
  void ticks.create({ plna: 1 }).catch(() => {})
  // @ts-expect-error: a kind is an object, so that its name cannot be misspelt
  expect(() => operations.of('subscripton')).toThrow(/^kind: one of subscription, tick$/)
  operations.close()
})

test('a kind that was not opened, or another chart of its name, is refused', async () => {
  const operations = await opened()
  expect(() => operations.of({ ...subscription, kind: 'subscripton' })).toThrow(/^kind: one of subscription, tick$/)
  expect(() => operations.of({ ...subscription, machine: tick.machine })).toThrow(/^kind: /)
  operations.close()
})

test('an operation takes the events of its chart, and no others', async () => {
  const operations = await opened()
  const subscriptions = operations.of(subscription)
  const { id } = await subscriptions.create({ plan: 'free' })
  expectTypeOf<EventOf<M>>().toEqualTypeOf<{ type: 'changePlan'; plan: Plan } | { type: 'cancel' }>()
  expectTypeOf<EventOf<(typeof tick)['machine']>>().toBeNever()
  // @ts-expect-error: there is no such event
  await expect(subscriptions.send(id, { type: 'cancle' })).rejects.toThrow(
    "event: one of changePlan, cancel of 'subscription', not 'cancle'",
  )
  // @ts-expect-error: the kernel's own events are nobody else's to send
  await expect(subscriptions.send(id, { type: 'xstate.done.actor.0.subscription.billing' })).rejects.toThrow(
    /^event(\.type)?: /,
  )
  // @ts-expect-error: the chart declares no events
  await expect(operations.of(tick).send(id, { type: 'go' })).rejects.toThrow(/^event(\.type)?: /)
  const wrong = (): unknown => [
    // @ts-expect-error: the plan is missing
    subscriptions.send(id, { type: 'changePlan' }),
    // @ts-expect-error: there is no such plan
    subscriptions.send(id, { type: 'changePlan', plan: 'por' }),
    // @ts-expect-error: it has no plan
    subscriptions.send(id, { type: 'cancel', plan: 'pro' }),
  ]
  expect(wrong).toBeTypeOf('function')
  expect(await subscriptions.send(id, { type: 'changePlan', plan: 'pro' })).toBe(true)
  await subscriptions.until(id, ({ status }) => (status === 'done' ? true : undefined))
  expect(await subscriptions.send(id, { type: 'cancel' })).toBe(false)
  operations.close()
})

test('what is told of an operation has the types of its chart', async () => {
  const operations = await opened()
  const subscriptions = operations.of(subscription)
  const { id } = await subscriptions.create({ plan: 'free' })
  const view = await subscriptions.get(id)
  expectTypeOf(view).toEqualTypeOf<OperationView<M>>()
  expectTypeOf<StateOf<M>>().toEqualTypeOf<'active' | 'billing.charging' | 'billing.asking' | 'billed' | 'cancelled'>()
  if (view.status === 'unloadable') throw new Error('it can be loaded')
  expectTypeOf(view.state).toEqualTypeOf<StateOf<M>>()
  expectTypeOf(view.snapshot.context).toEqualTypeOf<Context>()
  expectTypeOf(view.snapshot.output).toEqualTypeOf<{ cents: number } | undefined>()
  expect(view.snapshot.context.plan).toBe('free')
  // @ts-expect-error: there is no such tag
  expect(view.snapshot.hasTag('humna')).toBe(false)
  // @ts-expect-error: there is no such state
  expect(view.state === 'billing.chraging').toBe(false)
  expect((await subscriptions.list({ state: 'active' })).map((each) => each.id)).toEqual([id])
  expect(await subscriptions.list({ state: 'billing' })).toEqual([])
  // @ts-expect-error: there is no such state
  expect(await subscriptions.list({ state: 'biling' })).toEqual([])
  await subscriptions.send(id, { type: 'cancel' })
  const cents = await subscriptions.until(id, (it) => (it.status === 'done' ? it.snapshot.output?.cents : undefined))
  expectTypeOf(cents).toEqualTypeOf<number>()
  expect(cents).toBe(0)
  // @ts-expect-error: there is no such state
  void subscriptions.until(id, ({ state }) => (state === 'acitve' ? true : undefined)).catch(() => {})
  operations.close()
})

test('a kind of which nothing is known takes what its chart takes, when it runs', async () => {
  const operations = await opened()
  const some: OperationKind<number> = subscription
  const { id } = await operations.of(some).create({ plan: 'free' })
  expectTypeOf<StateOf<typeof some.machine>>().toEqualTypeOf<string>()
  await expect(operations.of(some).send(id, { type: 'cancle' })).rejects.toThrow(/^event(\.type)?: /)
  expect(await operations.of(some).send(id, { type: 'cancel' })).toBe(true)
  operations.close()
})

test('a local step reads safely, or says that it does not; an effect has the store’s own reader', () => {
  const tables = {
    operations: operationsTable(),
    stock: { columns: { item: 'text', left: 'integer' }, key: ['item'], indexes: { byLeft: { columns: ['left'] } } },
  } as const
  type Read = ReaderOf<typeof tables>
  const counts = local<{ answer: 'ok' }, { item: string }>({ answers: { ok: true } })
  const chart = setup({ types: {} as { context: Context }, actors: { charge, counts } }).createMachine({
    context: { id: '', plan: 'free', paid: 0 },
  })
  const steps = {
    charge: async ({ read }: EffectArgs<{ plan: Plan }, Read>) => {
      await read.query({ table: 'stock', index: 'byLeft', prefix: [1] })
      // @ts-expect-error an effect's reads are no conditions of anything
      void read.loose
      return { answer: 'unknown' as const }
    },
    counts: async ({ input, read }: LocalArgs<{ item: string }, Read>) => {
      expectTypeOf((await read.get('stock', [input.item]))?.left).toEqualTypeOf<number | undefined>()
      expectTypeOf(read.loose('for show').query({ table: 'stock' })).resolves.items.toHaveProperty('left')
      // @ts-expect-error a query does not say why it is safe
      void read.query
      // @ts-expect-error no reason
      void (() => read.loose())
      // @ts-expect-error there is no such table
      void (() => read.get('shelf', ['tea']))
      return { answer: 'ok' as const }
    },
  }
  defineOperation({ kind: 'typed', version: 1, machine: chart, effects: () => steps })
  // Without types of its own, too, each gets its own reader.
  const told = defineOperation({
    kind: 'told',
    version: 1,
    machine: chart,
    effects: () => ({
      async charge({ read }) {
        expectTypeOf(read).toEqualTypeOf<Reader>()
        return { answer: 'unknown' as const }
      },
      async counts({ read }) {
        expectTypeOf(read).toEqualTypeOf<LocalReader>()
        return { answer: 'ok' as const }
      },
    }),
  })
  expect(told.kind).toBe('told')
})

test('lists, pages, counts and watched lists are asked for by the states of the chart', async () => {
  const chart = parts.createMachine({
    context: ({ input }) => ({ ...input, paid: 0 }),
    initial: 'open',
    states: { open: {}, over: { type: 'final' } },
  })
  const kind = defineOperation({ kind: 'typed', version: 1, machine: chart, effects: () => ({ charge: async () => ({ answer: 'unknown' as const }) }) }) // prettier-ignore
  const tables = { operations: operationsTable() }
  const store = await memoryStore().open({ version: 1, tables })
  const operations = openOperations({ store, tables, kinds: [kind], ports: undefined })
  const calls = operations.of(kind)
  const { operations: found, next } = await calls.page({ state: 'open', limit: 1 })
  expectTypeOf(found).items.toEqualTypeOf<OperationView<typeof chart>>()
  expectTypeOf(next).toEqualTypeOf<string | undefined>()
  expect(await calls.count({ state: 'over' })).toBe(0)
  for await (const list of calls.watch({ state: 'open' })) {
    expectTypeOf(list).items.toEqualTypeOf<OperationView<typeof chart>>()
    break
  }
  // @ts-expect-error there is no such state
  const wrong = [() => calls.page({ state: 'opne' }), () => calls.watch({ state: 'opne' })]
  // @ts-expect-error all are counted
  const limited = () => calls.count({ limit: 1 })
  expect([...wrong, limited]).toHaveLength(3)
  operations.close()
})

test('an operation of another kind is not found', async () => {
  const operations = await opened()
  const { id } = await operations.of(tick).create({})
  const subscriptions = operations.of(subscription)
  const notFound = { code: 'NOT_FOUND', message: `operation '${id}' is a tick, not a subscription` }
  await expect(subscriptions.get(id)).rejects.toMatchObject(notFound)
  await expect(subscriptions.send(id, { type: 'cancel' })).rejects.toMatchObject(notFound)
  await expect(subscriptions.until(id, () => true)).rejects.toMatchObject(notFound)
  expect(await subscriptions.list()).toEqual([])
  expect(await operations.get(id)).toMatchObject({ kind: 'tick', status: 'active' })
  operations.close()
})

test('answers are those that are declared, all of them', () => {
  expect(charge.answers).toEqual(['ok', 'declined', 'unknown'])
  // @ts-expect-error: `unknown` is missing
  effect<Charged, {}>({ answers: { ok: true, declined: true } })
  // @ts-expect-error: there is no such answer
  effect<Charged, {}>({ answers: { ok: true, declined: true, unknown: true, okk: true } })
  parts.createMachine({
    context: ({ input: { id, plan } }) => ({ id, plan, paid: 0 }),
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: { plan: 'pro' },
          onDone: [
            { guard: answered('ok', 'declined'), target: 'paid' },
            // @ts-expect-error: there is no such answer
            { guard: answered('okk'), target: 'paid' },
            // @ts-expect-error: there is no such answer
            on({ answer: 'okk', target: 'paid' }),
            on({ answer: 'ok', target: 'paid', keep: ({ output }) => ({ paid: output.cents }) }),
          ],
        },
      },
      paid: {},
    },
  })
  // @ts-expect-error: an effect gives only what it has declared
  defineOperation({ kind: 'k', version: 1, machine, effects: () => ({ charge: () => ({ answer: 'okk' }) }) })
})
