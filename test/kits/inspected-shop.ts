/** Operations for a browser to look at: an order that is paid in steps, and as many others as are asked for. */
import { assign, setup } from 'xstate'
import { serve, type Inspector } from '../../src/inspector/serve.ts'
import {
  backoff,
  defineOperation,
  effect,
  isAnswered,
  on,
  openOperations,
  operationsTable,
  stepsTable,
  type KindOperations,
  type OperationRow,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { builtPage } from '../../scripts/inspector-page.ts'

type Charged = { readonly answer: 'ok' | 'unknown' }

const machine = setup({
  types: {} as {
    context: { tries: number }
    input: object
    events: { type: 'execute' } | { type: 'cancel' }
    tags: 'human'
  },
  actors: { 'card.charge': effect<Charged, { tries: number }>({ answers: { ok: true, unknown: true } }) },
  actions: {
    keep: assign((_, kept: Partial<{ tries: number }>) => kept),
    count: assign({ tries: ({ context }) => context.tries + 1 }),
  },
  guards: { answered: isAnswered },
  delays: { pause: backoff<{ tries: number }>({ firstMs: 30_000, maxMs: 60_000, tries: ({ tries }) => tries }) },
}).createMachine({
  id: 'order',
  context: { tries: 0 },
  initial: 'prepared',
  states: {
    prepared: {
      tags: 'human',
      description: 'Nothing was charged. Waits for execute or cancel.',
      on: { execute: 'paying', cancel: 'cancelled' },
    },
    paying: {
      initial: 'charging',
      states: {
        charging: {
          description: 'The card is charged.',
          invoke: {
            src: 'card.charge',
            input: ({ context: { tries } }) => ({ tries }),
            onDone: [on({ answer: 'ok', target: '#order.paid' }), { target: 'pausing', actions: 'count' }],
          },
        },
        pausing: {
          description: 'The card did not answer.',
          after: { pause: 'charging' },
          on: { cancel: '#order.cancelled' },
        },
      },
    },
    paid: { type: 'final', description: 'It is paid.' },
    cancelled: { type: 'final', description: 'Nothing is charged any more.' },
  },
})

export interface InspectedShop extends AsyncDisposable {
  readonly inspector: Inspector
  readonly orders: KindOperations<typeof machine>
  /** What the card answers, from now on; it waits while this is undefined. */
  answer(next: Charged['answer']): void
}

const KIND = 'order'

/** `count` orders are there already, most of them ended. */
export async function inspectedShop({ count = 0, write = false } = {}): Promise<InspectedShop> {
  let gate = Promise.withResolvers<Charged['answer']>()
  const kind = defineOperation({
    ...{ kind: KIND, version: 1, machine, cancel: { type: 'cancel' } },
    lane: () => 'https://card.example',
    columns: () => ({ unit: 'sat', amount: 21 }),
    effects: (card: () => Promise<Charged['answer']>) => ({ 'card.charge': async () => ({ answer: await card() }) }),
  })
  const tables = { operations: operationsTable({ unit: 'text', amount: 'integer' }), steps: stepsTable() }
  const store = await memoryStore().open({ version: 1, tables })
  for (let from = 0; from < count; from += 500)
    await store.commit(
      Array.from({ length: Math.min(500, count - from) }, (_, at) => ({ put: 'operations', row: rowOf(from + at) })),
    )
  const operations = openOperations({ store, tables, kinds: [kind], ports: () => gate.promise })
  await operations.resumed
  const inspector = await serve({ inspectable: { operations }, write, title: 'shop.db', page: await builtPage() })
  return {
    inspector,
    orders: operations.of(kind),
    answer(next) {
      gate.resolve(next)
      gate = Promise.withResolvers()
    },
    async [Symbol.asyncDispose]() {
      await inspector.close()
      operations.close()
    },
  }
}

/** An order as it is stored: one of a hundred is set aside, and of the others one of ten waits. */
function rowOf(at: number): OperationRow {
  const status = at % 100 === 7 ? 'quarantined' : at % 10 === 0 ? 'active' : 'done'
  const state = { quarantined: 'paying.pausing', active: 'prepared', done: at % 3 === 0 ? 'cancelled' : 'paid' }[status]
  const createdAt = Date.now() - 1000 * (at + 60)
  const value = state === 'paying.pausing' ? { paying: 'pausing' } : state
  return {
    ...{
      id: `order-${String(at).padStart(5, '0')}`,
      kind: KIND,
      kindVersion: 1,
      version: 3,
      commitId: `c${at}`,
      owner: 'nobody',
    },
    ...{ attempt: 1, status, state, lane: `https://card-${at % 4}.example`, dueAt: null, timers: '{}' },
    reason: status === 'quarantined' ? 'DEFECT: the card answered nonsense' : null,
    ...{
      parent: null,
      key: null,
      request: null,
      createdAt,
      updatedAt: createdAt + 500,
      unit: 'sat',
      amount: (at * 7) % 500,
    },
    snapshot: JSON.stringify({ status: status === 'done' ? 'done' : 'active', value, context: { tries: 0 } }),
  }
}
