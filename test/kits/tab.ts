/** A tab that is kept open: each order on it is charged for, and gets a number as the reply. For tests of replies. */
import { assign, setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  operationsTable,
  ownersTable,
  repliesTable,
  reply,
} from '../../src/kernel/index.ts'

export const tabTables = { operations: operationsTable(), owners: ownersTable(), replies: repliesTable() }

export interface Ordered {
  readonly number: number
  readonly item: string
}
export interface Till {
  /** Charges once for each number. */
  charge(number: number, replay: boolean): Promise<void>
}

const machine = setup({
  types: {} as {
    context: { id: string; orders: readonly string[] }
    input: { id: string }
    events: { type: 'order'; item: string } | { type: 'praise' } | { type: 'close' }
    output: { orders: number }
  },
  actors: {
    charge: effect<{ answer: 'ok' | 'unknown' }, { number: number }>({ answers: { ok: true, unknown: true } }),
  },
  actions: { reply: reply<Ordered> },
  guards: { hasOrders: ({ context }) => context.orders.length > 0 },
  delays: { pause: 1_000 },
}).createMachine({
  context: ({ input: { id } }) => ({ id, orders: [] }),
  initial: 'open',
  states: {
    open: {
      tags: 'human',
      on: {
        order: {
          target: 'charging',
          actions: [
            assign({ orders: ({ context, event }) => [...context.orders, event.item] }),
            {
              type: 'reply',
              params: ({ context, event }) => ({ number: context.orders.length, item: event.item }),
            },
          ],
        },
        praise: { actions: assign({}) },
        close: { guard: 'hasOrders', target: 'closed' },
      },
    },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context }) => ({ number: context.orders.length }),
        onDone: [{ guard: answered('ok'), target: 'open' }, { target: 'pausing' }],
      },
    },
    pausing: { after: { pause: 'charging' } },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ orders: context.orders.length }),
})

export const tab = defineOperation({
  kind: 'tab',
  version: 1,
  machine,
  cancel: { type: 'close' },
  effects: (till: Till) => ({
    charge: ({ input, replay }) =>
      till.charge(input.number, replay).then(
        () => ({ answer: 'ok' }) as const,
        () => ({ answer: 'unknown' }) as const,
      ),
  }),
})
