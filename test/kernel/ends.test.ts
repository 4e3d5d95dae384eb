/**
 * Goal: an operation can be cancelled, and its end waited for, by its types. Method: tabs that are closed, that break, and
 * that go on, on one store and one virtual clock.
 */
import { setup } from 'xstate'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineOperation, openOperations, type OperationKind } from '../../src/kernel/index.ts'
import { Shop } from '../kits/owners-kit.ts'
import { tab, tabTables, type Till } from '../kits/tab.ts'

const TEA = { type: 'order', item: 'tea' } as const
const door = defineOperation({
  kind: 'door',
  version: 1,
  machine: setup({ types: {} as { context: {}; events: { type: 'shut' } } }).createMachine({
    context: {},
    initial: 'open',
    states: { open: { on: { shut: 'shut' } }, shut: { type: 'final' } },
  }),
  effects: () => ({}),
})

async function opened(charge: Till['charge'] = async () => {}) {
  const shop = new Shop(tabTables)
  const { clock } = shop
  const kinds = [tab, door]
  const ports = { charge }
  const operations = openOperations({ store: await shop.store(), tables: tabTables, kinds, ports, clock, onError() {} })
  return { shop, operations, tabs: operations.of(tab) }
}

describe('cancel', () => {
  test('sends the event that the kind names', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    expect(await tabs.cancel(id)).toBe(false)
    await tabs.send(id, TEA)
    await shop.pass(10)
    expect(await tabs.cancel(id, { key: 'enough' })).toBe(true)
    expect((await tabs.get(id)).state).toBe('closed')
    expect(await tabs.cancel(id, { key: 'enough' })).toBe(true)
    expect(await tabs.cancel(id)).toBe(false)
    // @ts-expect-error: there is no such option
    await expect(tabs.cancel(id, { kee: 'enough' })).rejects.toThrow('kee: not among key, signal')
  })

  test('is no call of a kind that names none', async () => {
    const { operations } = await opened()
    const { id } = await operations.of(door).create({})
    // @ts-expect-error: doors cannot be cancelled
    await expect(operations.of(door).cancel(id)).rejects.toThrow(
      new TypeError("kind: 'door' names no event that cancels it"),
    )
    const some: OperationKind = door
    await expect(operations.of(some).cancel(id)).rejects.toThrow(TypeError)
  })
})

describe('finished', () => {
  test('resolves with the output of the chart', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    const finished = tabs.finished(id)
    expectTypeOf(finished).resolves.toEqualTypeOf<{ orders: number }>()
    await tabs.send(id, TEA)
    await shop.pass(10)
    await tabs.cancel(id)
    expect(await finished).toEqual({ orders: 1 })
    expect(await tabs.finished(id)).toEqual({ orders: 1 })
  })

  test('stops waiting where it is told, and where the operation is set aside, until that is resumed', async () => {
    let broken = true
    const { shop, operations, tabs } = await opened(() => {
      if (broken) throw new TypeError('no such till')
      return Promise.resolve()
    })
    const { id } = await tabs.create({})
    const waiting = new AbortController()
    const stopped = tabs.finished(id, waiting.signal)
    waiting.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    const finished = tabs.finished(id)
    finished.catch(() => {})
    await tabs.send(id, TEA)
    await shop.pass(10)
    const message = "tab in 'charging': TypeError: no such till"
    await expect(finished).rejects.toMatchObject({ code: 'QUARANTINED', operationId: id, message })
    broken = false
    await operations.resume(id)
    await shop.pass(10)
    await tabs.cancel(id)
    expect(await tabs.finished(id)).toEqual({ orders: 1 })
  })

  test('tells of a row that cannot be loaded, and of none', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    const dump = shop.rows.dump()
    shop.rows.load({ ...dump, operations: dump['operations']!.map((row) => ({ ...row, snapshot: '' })) })
    await expect(tabs.finished(id)).rejects.toMatchObject({ code: 'UNLOADABLE', operationId: id })
    await expect(tabs.finished('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
