// examples/prove.ts: every crash point of a kind of your own, in a world whose books you keep.
import { assign, setup } from 'xstate'
import { answered, backoff, defineOperation, effect } from 'hardshell/kernel'
import { exploreCrashes, kindSubject, type KindStage } from 'hardshell/testing'

type Bank = { charge(id: string): Promise<void> }
const machine = setup({
  types: {} as { context: { id: string; tries: number }; input: { id: string } },
  actors: { charge: effect<{ answer: 'ok' | 'unknown' }, { id: string }>({ answers: { ok: true, unknown: true } }) },
  delays: { pause: backoff<{ tries: number }>({ firstMs: 1_000, maxMs: 60_000, tries: ({ tries }) => tries }) },
}).createMachine({
  context: ({ input: { id } }) => ({ id, tries: 0 }),
  initial: 'charging',
  states: {
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context: { id } }) => ({ id }),
        onDone: [
          { guard: answered('ok'), target: 'paid' },
          { target: 'pausing', actions: assign({ tries: ({ context }) => context.tries + 1 }) },
        ],
      },
    },
    pausing: { after: { pause: 'charging' } },
    paid: { type: 'final' },
  },
})
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine,
  effects: (bank: Bank) => ({
    charge: ({ input }) => bank.charge(input.id).then(() => ({ answer: 'ok' }) as const, () => ({ answer: 'unknown' }) as const), // prettier-ignore
  }),
})

/** Explores orders at a bank that charges each id once, or as often as it is asked. */
export function proof(chargesOnce: boolean) {
  const subject = kindSubject({
    kinds: [order],
    outside: () => ({ charged: {} as Record<string, number> }),
    ports: ({ charged }): Bank => ({
      charge: async (id) => void (charged[id] = chargesOnce ? 1 : (charged[id] ?? 0) + 1),
    }),
    judge: ({ outside: { charged }, operations }) =>
      operations.flatMap(({ id, state }) => {
        const times = charged[id] ?? 0
        return times === (state === 'paid' ? 1 : 0) ? [] : [`payment: '${state}', and charged ${times} times`]
      }),
  })
  const drive = async ({ operations }: KindStage<object>): Promise<void> => {
    const orders = operations.of(order)
    const { id } = await orders.create({}, { key: 'basket 7' })
    await orders.until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
  return exploreCrashes({ kind: 'order', name: 'paid', subject, drive })
}

const { lives, worlds, closed } = await proof(true)
console.log({ lives, worlds, closed })
const [found] = (await proof(false)).violations
console.log(found)
