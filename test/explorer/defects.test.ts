/** Goal: a kind with a mistake in it is told what the mistake is. Method: an order whose receipt goes to a table that is not there. */
import { expect, test } from 'vitest'
import { setup } from 'xstate'
import { answered, defineOperation, effect, tx } from '../../src/kernel/index.ts'
import { exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'

const order = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string } },
    actors: { charge: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
    actions: { tx },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context: { id } }) => ({ id }),
          onDone: { guard: answered('ok'), target: 'paid' },
        },
      },
      paid: { type: 'final', entry: { type: 'tx', params: [{ put: 'recipts', row: {} }] } },
    },
  }),
  effects: (bank: { charge(id: string): Promise<void> }) => ({
    charge: async ({ input: { id } }) => {
      await bank.charge(id)
      return { answer: 'ok' } as const
    },
  }),
})

test('the explorer says that it is quarantined, and why', async () => {
  const charged: string[] = []
  const subject = kindSubject({
    kinds: [order],
    outside: () => ({}),
    ports: () => ({ charge: async (id: string) => void charged.push(id) }),
    judge: () => [],
  })
  const drive = async ({ operations }: KindStage<object>): Promise<void> => {
    const orders = operations.of(order)
    const { id } = await orders.create({}, { key: 'basket 7' })
    await orders.until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
  const { violations } = await exploreCrashes({ kind: 'order', name: 'paid', subject, drive }, { faults: 0 })
  const why = "quarantined: order in 'charging': TypeError: there is no table recipts"
  expect(new Set(violations.map(({ what }) => what))).toEqual(new Set([why]))
})
