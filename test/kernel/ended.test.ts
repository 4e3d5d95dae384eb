/**
 * Goal: an operation that has ended stays as it is. Method: an event that waits behind the one that ends it, for a chart
 * that takes it in every state.
 */
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { defineOperation } from '../../src/kernel/index.ts'
import { Shop } from '../kits/owners-kit.ts'

const kind = defineOperation({
  kind: 'door',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string }; events: { type: 'shut' } },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'open',
    on: { shut: '.shut' },
    states: { open: {}, shut: { type: 'final' } },
  }),
  effects: () => ({}),
})

test('an event behind the one that ends an operation is not taken', async () => {
  const shop = new Shop()
  const { operations } = await shop.open(undefined, { kind, ports: {} })
  const { id } = await operations.of(kind).create({})
  const taken = [1, 2, 3].map(() => operations.of(kind).send(id, { type: 'shut' }))
  expect(await Promise.all(taken)).toEqual([true, false, false])
  expect(shop.row(id)).toMatchObject({ state: 'shut', status: 'done', version: 2 })
})
