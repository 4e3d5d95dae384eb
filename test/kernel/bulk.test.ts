/**
 * Goal: many operations are resumed or cancelled by one call, which tells what came of each. Method: more tabs than a page, some of
 * which refuse, are broken, or fail, on one store and one virtual clock.
 */
import { expect, expectTypeOf, test } from 'vitest'
import { openOperations, type BulkOutcome } from '../../src/kernel/index.ts'
import { StoreError, type Store } from '../../src/store/port.ts'
import { Shop } from '../kits/owners-kit.ts'
import { tab, tabTables, type Till } from '../kits/tab.ts'

const TEA = { type: 'order', item: 'tea' } as const

async function opened(charge: Till['charge'] = async () => {}, around?: (store: Store) => Partial<Store>) {
  const shop = new Shop(tabTables)
  const { clock, random } = shop
  const store = await shop.store()
  const mine = { ...store, ...around?.(store) }
  const ports = { charge }
  const operations = openOperations({
    store: mine,
    tables: tabTables,
    kinds: [tab],
    ports,
    clock,
    random,
    onError() {},
  })
  return { shop, operations, tabs: operations.of(tab) }
}

const counted = (outcomes: readonly BulkOutcome[]) => {
  const count: Record<string, number> = {}
  for (const { outcome } of outcomes) count[outcome] = (count[outcome] ?? 0) + 1
  return count
}
const idsOf = (outcomes: readonly { readonly id: string }[]): string[] => outcomes.map(({ id }) => id).toSorted()

test('what was set aside goes on, page after page, and what fails is told', async () => {
  let broken = true
  let refusing = ''
  const { shop, operations, tabs } = await opened(
    () => {
      if (broken) throw new TypeError('no such till')
      return Promise.resolve()
    },
    (store) => ({
      commit: async (writes) => {
        if (writes.some((write) => 'patch' in write && write.key[0] === refusing))
          throw new StoreError('FULL', 'no space')
        return store.commit(writes)
      },
    }),
  )
  const all = await Promise.all(Array.from({ length: 300 }, () => tabs.create({})))
  const aside = all.slice(0, 290)
  await Promise.all(aside.map(({ id }) => tabs.send(id, TEA)))
  await shop.pass(100)
  broken = false
  refusing = aside[270]!.id
  const outcomes = await operations.resumeAll({ kind: 'tab' })
  expect(idsOf(outcomes)).toEqual(idsOf(aside))
  expect(outcomes.filter(({ outcome }) => outcome !== 'done')).toEqual([
    { id: refusing, kind: 'tab', state: 'charging', outcome: 'failed', error: new StoreError('FULL', 'no space') },
  ])
  await shop.pass(100)
  refusing = ''
  expect(await operations.resumeAll({ limit: 3 })).toHaveLength(1)
  await shop.pass(100)
  expect(await operations.resumeAll()).toEqual([])
  expect((await tabs.list({ status: 'active', state: 'open' })).length).toBe(300)
  await expect(operations.resumeAll({ status: 'done' })).rejects.toThrow('status: one of active, quarantined')
  // @ts-expect-error: there is no such field
  await expect(operations.resumeAll({ kid: 'tab' })).rejects.toThrow(/^kid: not among /)
})

test('what goes on is cancelled where the chart lets it, again and again with the same key', async () => {
  const { shop, operations, tabs } = await opened()
  const all = await Promise.all(Array.from({ length: 40 }, () => tabs.create({})))
  await Promise.all(all.slice(0, 30).map(({ id }) => tabs.send(id, TEA)))
  await shop.pass(10)
  const few = await tabs.cancelAll({ state: 'open', limit: 20 }, { key: 'closing time' })
  expectTypeOf(few).toEqualTypeOf<BulkOutcome[]>()
  const rest = await tabs.cancelAll({}, { key: 'closing time' })
  expect([few.length, rest.length, counted([...few, ...rest])]).toEqual([20, 30, { done: 30, refused: 20 }])
  expect(new Set(idsOf([...few, ...rest])).size).toBe(40)
  expect(rest.find(({ outcome }) => outcome === 'refused')?.error).toMatchObject({ code: 'INVALID_STATE' })
  expect(counted(await tabs.cancelAll())).toEqual({ refused: 10 })
  // @ts-expect-error: there is no such state
  expect(await tabs.cancelAll({ state: 'opne' })).toEqual([])
  // @ts-expect-error: what has ended cannot be cancelled
  await expect(tabs.cancelAll({ status: 'done' })).rejects.toThrow(/^status: /)
  const waiting = new AbortController()
  const stopped = tabs.cancelAll({}, { signal: waiting.signal })
  waiting.abort(new Error('enough'))
  await expect(stopped).rejects.toThrow('enough')
  operations.close()
  await expect(tabs.cancelAll()).rejects.toMatchObject({ code: 'CLOSED' })
})
