// examples/order.ts: a kind of operation of your own, on a store in memory.
import { assign, setup } from 'xstate'
import {
  defineOperation,
  effect,
  isAnswered,
  on,
  openOperations,
  operationsTable,
  tx,
  type WriteOf,
} from 'hardshell/kernel'
import { memoryStore } from 'hardshell/store/memory'

type Charged = { answer: 'ok'; receipt: string } | { answer: 'unknown' }
type Card = (order: string, replay: boolean) => Promise<Charged>

const receipts = { columns: { id: 'text', receipt: 'text' }, key: ['id'] } as const
const tables = { operations: operationsTable(), receipts }

const machine = setup({
  types: {} as { context: { id: string; receipt: string }; input: { id: string }; events: { type: 'pay' } },
  actors: { charge: effect<Charged, { order: string }>({ answers: { ok: true, unknown: true } }) },
  actions: { tx: tx<WriteOf<typeof tables>>, keep: assign((_, kept: { receipt?: string }) => kept) },
  guards: { answered: isAnswered },
  delays: { pause: 1_000 },
}).createMachine({
  context: ({ input: { id } }) => ({ id, receipt: '' }),
  initial: 'open',
  states: {
    open: { on: { pay: 'charging' } },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context }) => ({ order: context.id }), // committed before the request goes out
        onDone: [
          on({ answer: 'ok', target: 'paid', keep: ({ output }) => ({ receipt: output.receipt }) }),
          on({ target: 'pausing' }),
        ],
      },
    },
    pausing: { after: { pause: 'charging' } },
    paid: {
      type: 'final', // the receipt is written in the commit that says so
      entry: { type: 'tx', params: ({ context: { id, receipt } }) => [{ put: 'receipts', row: { id, receipt } }] },
    },
  },
})

const order = defineOperation({
  kind: 'order',
  version: 1,
  machine,
  effects: (card: Card) => ({ charge: ({ input, replay }) => card(input.order, replay) }),
})

const store = await memoryStore().open({ version: 1, tables })

// A process whose card never answers ends in the middle of the charge.
const first = openOperations<Card>({ store, tables, kinds: [order], ports: () => new Promise(() => {}) })
const { id } = await first.of(order).create({}, { key: 'basket 7' })
await first.of(order).send(id, { type: 'pay' })
first.close()

// The next one takes the order up by itself, and tells the card that it may have been asked before.
const card: Card = async (_, replay) => ({ answer: 'ok', receipt: replay ? 'looked up' : 'new' })
const second = openOperations<Card>({ store, tables, kinds: [order], ports: card })
await second.of(order).until(id, ({ state }) => (state === 'paid' ? state : undefined))
console.log(await store.query({ table: 'receipts' }))
second.close()
