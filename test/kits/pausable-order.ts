/** An order that its caller may pause while it is charged, at a bank that charges each order once. */
import { assign, setup } from 'xstate'
import { answered, defineOperation, effect } from '../../src/kernel/index.ts'
import type { KindStage, KindSubjectOptions } from '../../src/testing/index.ts'

export type Pause = { readonly type: 'pause'; readonly why: string }
interface Context {
  readonly id: string
  readonly why: string
  readonly wasPaused: boolean
}
export type Bank = { charge(id: string): Promise<'ok' | 'declined'> }
export interface Ledger {
  readonly charged: string[]
  readonly declines: boolean
}

const machine = setup({
  types: {} as {
    context: Context
    input: { id: string }
    events: Pause | { type: 'resume' }
    tags: 'human'
  },
  actors: {
    charge: effect<{ answer: 'ok' | 'declined' | 'unknown' }, { id: string }>({
      answers: { ok: true, declined: true, unknown: true },
    }),
  },
  actions: { keepWhy: assign(({ event }) => ({ why: (event as Pause).why, wasPaused: true })) },
  delays: { soon: 1_000 },
}).createMachine({
  id: 'order',
  context: ({ input: { id } }) => ({ id, why: '', wasPaused: false }),
  initial: 'charging',
  states: {
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context: { id } }) => ({ id }),
        onDone: [
          { guard: answered('ok'), target: 'paid' },
          { guard: answered('declined'), target: 'declined' },
          { target: 'waiting' },
        ],
      },
      on: { pause: { target: 'paused', actions: 'keepWhy' } },
    },
    waiting: { after: { soon: 'charging' }, on: { pause: { target: 'paused', actions: 'keepWhy' } } },
    paused: { tags: ['human'], on: { resume: 'charging' } },
    paid: { type: 'final' },
    declined: { type: 'final' },
  },
})

export const pausable = defineOperation({
  kind: 'order',
  version: 1,
  machine,
  effects: (bank: Bank) => ({
    charge: ({ input }) => bank.charge(input.id).then((answer) => ({ answer }), () => ({ answer: 'unknown' }) as const), // prettier-ignore
  }),
})

export const pausableOptions = (ledger: Ledger): KindSubjectOptions<Bank, Ledger> => ({
  kinds: [pausable],
  outside: () => structuredClone(ledger),
  ports: ({ charged, declines }): Bank => ({
    charge: async (id) => {
      if (declines) return 'declined'
      if (!charged.includes(id)) charged.push(id)
      return 'ok'
    },
  }),
  judge: ({ outside: { charged }, operations }) =>
    operations.flatMap(({ state }) =>
      charged.length === (state === 'paid' ? 1 : 0) ? [] : [`payment: '${state}', and charged ${charged.length} times`],
    ),
})

/** Resumes what was paused, until the order is over. */
export async function drive({ operations }: KindStage<Ledger>): Promise<void> {
  const orders = operations.of(pausable)
  const { id } = await orders.create({}, { key: 'basket 7' })
  for (;;) {
    const state = await orders.until(id, (it) => (it.status === 'done' || it.state === 'paused' ? it.state : undefined))
    if (state !== 'paused') return
    await orders.send(id, { type: 'resume' })
  }
}
