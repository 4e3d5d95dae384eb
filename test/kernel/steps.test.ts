/**
 * Goal: each commit of an operation leaves one row of its history, in that commit, and nothing else ever depends on it.
 * Method: a tab whose processes are killed, fail in doubt, follow and come again, on one store and one virtual clock; then every
 * crash point.
 */
import { describe, expect, test } from 'vitest'
import { stepsTable } from '../../src/kernel/index.ts'
import { Shop } from '../kits/owners-kit.ts'
import { tab, tabTables, type Till } from '../kits/tab.ts'

const tables = { ...tabTables, steps: stepsTable() }
const ports: Till = { charge: async () => {} }
const TEA = { type: 'order', item: 'tea' } as const

async function opened(shop = new Shop(tables), ownership?: Parameters<Shop['open']>[0]) {
  const process = await shop.open(ownership, { kind: tab, ports })
  await process.operations.resumed
  const { operations } = process
  return { shop, operations, tabs: operations.of(tab), die: () => process.die() }
}

describe('the steps of an operation', () => {
  test('say what led from which state to which, with the effect that answered', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    await tabs.send(id, TEA)
    await shop.pass(10)
    expect((await tabs.steps(id)).map(({ from, to, event, answer }) => [from, to, answer ?? event])).toEqual([
      [null, 'open', 'xstate.init'],
      ['open', 'charging', 'order'],
      ['charging', 'open', 'ok'],
    ])
  })
})
