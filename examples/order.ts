// examples/order.ts: a kind of operation of your own, on a store in memory.
import { assign, setup } from 'xstate'
import { answered, backoff, defineOperation, effect, openOperations, operationsTable, tx } from 'hardshell/kernel'
import { memoryStore } from 'hardshell/store/memory'

interface Order {
  readonly id: string
  readonly sats: number
}
type Charged = { answer: 'ok'; receipt: string } | { answer: 'declined' } | { answer: 'unknown' }

const machine = setup({
  types: {} as { context: Order & { receipt: string; tries: number }; input: Order; events: { type: 'pay' } },
  actors: { charge: effect<Charged, Order>({ answers: ['ok', 'declined', 'unknown'] }) },
  actions: { tx, tried: assign({ tries: ({ context }) => context.tries + 1 }) },
  delays: { pause: backoff<{ tries: number }>({ firstMs: 100, maxMs: 60_000, tries: ({ tries }) => tries }) },
}).createMachine({
  context: ({ input }) => ({ ...input, receipt: '', tries: 0 }),
  initial: 'open',
  states: {
    open: { on: { pay: 'charging' } },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context: { id, sats } }) => ({ id, sats }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'paid',
            actions: assign(({ event: { output } }) => (output.answer === 'ok' ? { receipt: output.receipt } : {})),
          },
          { guard: answered('declined'), target: 'declined' },
          { target: 'pausing', actions: 'tried' },
        ],
      },
    },
    pausing: { after: { pause: 'charging' } },
    // The receipt lands in the same commit as the state.
    paid: {
      type: 'final',
      entry: { type: 'tx', params: ({ context: { id, receipt } }) => [{ put: 'receipts', row: { id, receipt } }] },
    },
    declined: { type: 'final' },
  },
})

type Card = (order: Order, replay: boolean) => Promise<Charged>
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine,
  // One request; `replay` says that it may have been made before, with the same input.
  effects: (card: Card) => ({ charge: ({ input, replay }) => card(input, replay) }),
})

const receipts = { columns: { id: 'text', receipt: 'text' }, key: ['id'] } as const
const tables = { operations: operationsTable(), receipts }
const store = await memoryStore().open({ version: 1, tables })

// A process whose card never answers ends in the middle of the charge.
const first = openOperations<Card>({ store, tables, kinds: [order], ports: () => new Promise(() => {}) })
const { id } = await first.create('order', { sats: 21 }, { key: 'basket 7' })
await first.send(id, { type: 'pay' })
first.close()

// The next one takes the order up by itself, and tells the card that it may be asked again.
const card: Card = async ({ sats }, replay) => ({ answer: 'ok', receipt: `${sats} sat, ${replay ? 'asked again' : 'first time'}` })
const second = openOperations<Card>({ store, tables, kinds: [order], ports: card })
await second.until(id, ({ state }) => (state === 'paid' ? state : undefined))
console.log(await store.query({ table: 'receipts' }))
second.close()
