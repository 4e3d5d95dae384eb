/** A shipment of parcels: a parent that starts a child for each item, joins them, and has the rest cancelled where one fails. */
import { assign, setup } from 'xstate'
import {
  answered,
  backoff,
  defineOperation,
  effect,
  isAnswered,
  join,
  on,
  start,
  starts,
  type Child,
} from '../../src/kernel/index.ts'

export interface Carrier {
  /** Takes a parcel, once for each id; `refused` where it cannot carry the item. */
  send(parcel: string, item: string): Promise<'ok' | 'refused'>
}

interface Parcel {
  readonly id: string
  readonly item: string
  readonly tries: number
}

const parcelMachine = setup({
  types: {} as {
    context: Parcel
    input: { id: string; item: string }
    events: { type: 'cancel' }
    output: { item: string }
    tags: 'failed'
  },
  actors: {
    send: effect<{ answer: 'ok' | 'refused' | 'unknown' }, { id: string; item: string }>({
      answers: { ok: true, refused: true, unknown: true },
    }),
  },
  delays: {
    packed: 5_000,
    pause: backoff<Parcel>({ firstMs: 1_000, maxMs: 60_000, tries: ({ tries }) => tries }),
  },
}).createMachine({
  context: ({ input: { id, item } }) => ({ id, item, tries: 0 }),
  initial: 'packing',
  output: ({ context: { item } }) => ({ item }),
  states: {
    packing: { on: { cancel: 'cancelled' }, after: { packed: 'sending' } },
    sending: {
      invoke: {
        src: 'send',
        input: ({ context: { id, item } }) => ({ id, item }),
        onDone: [
          { guard: answered('ok'), target: 'sent' },
          { guard: answered('refused'), target: 'refused' },
          { target: 'pausing', actions: assign({ tries: ({ context }) => context.tries + 1 }) },
        ],
      },
    },
    pausing: { after: { pause: 'sending' } },
    sent: { type: 'final' },
    refused: { type: 'final', tags: 'failed' },
    cancelled: { type: 'final' },
  },
})

export const parcel = defineOperation({
  kind: 'parcel',
  version: 1,
  machine: parcelMachine,
  effects: (carrier: Carrier) => ({
    send: async ({ input: { id, item } }) => ({
      answer: await carrier.send(id, item).catch(() => 'unknown' as const),
    }),
  }),
  cancel: { type: 'cancel' },
})

interface Shipment {
  readonly id: string
  readonly items: readonly string[]
  readonly children: readonly Child[]
}

const shipmentMachine = setup({
  types: {} as {
    context: Shipment
    input: { id: string; items: readonly string[] }
    events: { type: 'go' } | { type: 'cancel' } | { type: 'leave' } | { type: 'add'; item: string; name: string }
    tags: 'failed' | 'human'
  },
  actors: { join: join() },
  actions: { start, keep: assign((_, kept: Partial<Shipment>) => kept) },
  guards: { answered: isAnswered },
}).createMachine({
  context: ({ input: { id, items } }) => ({ id, items, children: [] }),
  initial: 'open',
  states: {
    open: { tags: 'human', on: { go: 'shipping', cancel: 'cancelled' } },
    shipping: {
      description: 'Its parcels are on their way.',
      entry: starts(parcel, ({ items }: Shipment) => items.map((item) => ({ name: item, input: { item } }))),
      on: {
        cancel: 'cancelling',
        leave: 'left',
        add: {
          actions: {
            type: 'start',
            params: ({ event: { item, name } }) => [{ kind: 'parcel', name, input: { item } }],
          },
        },
      },
      invoke: {
        src: 'join',
        input: { until: 'failed' },
        onDone: [
          on({ answer: 'ended', target: 'shipped', keep: ({ output: { children } }) => ({ children }) }),
          on({ answer: 'failed', target: 'cancelling' }),
        ],
      },
    },
    cancelling: {
      invoke: {
        src: 'join',
        input: { cancel: true },
        onDone: on({ target: 'cancelled', keep: ({ output: { children } }) => ({ children }) }),
      },
    },
    shipped: { type: 'final' },
    cancelled: { type: 'final', tags: 'failed' },
    left: { type: 'final' },
  },
})

export const shipment = defineOperation({
  kind: 'shipment',
  version: 1,
  machine: shipmentMachine,
  effects: (_: Carrier) => ({}),
  cancel: { type: 'cancel' },
})
