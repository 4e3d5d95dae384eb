/**
 * Goal: a client commits its callers' steps and runs nothing, and an owner goes on with them at once. Method: clients beside
 * owners by lock and by heartbeats, on one store and one virtual clock; then on a real SQLite file.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setup } from 'xstate'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  answered,
  defineOperation,
  local,
  openClient,
  openOperations,
  type ClientOptions,
  type OperationKind,
  type Operations,
} from '../../src/kernel/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import type { Ownership, Store, Write } from '../../src/store/port.ts'
import { order, queue, Shop, tables } from '../kits/owners-kit.ts'
import { tab, tabTables } from '../kits/tab.ts'

/** A client of a shop, and what it wrote. */
async function clientOf(shop: Shop, ownership: Ownership | undefined, more: Partial<ClientOptions<never>> = {}) {
  const written: Write[] = []
  const store = await shop.store()
  const mine: Store = {
    ...store,
    ...(ownership && { ownership }),
    commit: (writes) => (written.push(...writes), store.commit(writes)),
  }
  const { clock, random } = shop
  const kinds: readonly OperationKind<never>[] = [order]
  const client = openClient({ store: mine, tables, kinds, clock, random, ...more })
  await client.resumed
  return { client, orders: client.of(order), written }
}

describe.each(['lock', 'heartbeats'] as const)('beside an owner by %s', (by) => {
  const policy = (lock: ReturnType<typeof queue>['lock']): Ownership => (by === 'lock' ? { by, lock } : { by })

  test('it commits, and the owner goes on at once', async () => {
    const shop = new Shop()
    const { lock } = queue()
    let asked = 0
    const { client, orders, written } = await clientOf(
      shop,
      policy((options) => (asked++, lock(options))),
    )
    await shop.pass(5_000)
    expect(client.role).toBe('client')
    expect(await client.resumed).toEqual([])
    const { id } = await orders.create({})
    expect(await orders.send(id, { type: 'pay' })).toBe(true)
    await shop.pass(60_000)
    expect(shop.row(id)).toMatchObject({ state: 'charging', owner: '', attempt: 0 })
    expect((await client.explain(id)).why).toContain('another process runs it')
    expect(shop.charges).toEqual([])
    // The owner comes later, and finds it; then it hears of the next one.
    const owner = await shop.process('owner', policy(lock))
    expect(owner.operations.role).toBe('owner')
    await shop.pass(1_000)
    const { id: next } = await orders.create({})
    await shop.pass(1_000)
    await Promise.all([orders.send(next, { type: 'pay' }), orders.send(next, { type: 'pay' })])
    const finished = orders.finished(next)
    await shop.pass(1_000)
    await finished
    expect([shop.row(id).state, shop.row(next).state]).toEqual(['paid', 'paid'])
    expect(shop.charges).toEqual(['owner', 'owner'])
    expect(asked).toBe(0)
    expect(written.filter((write) => !('put' in write && write.put === 'operations'))).toEqual([])
    client.close()
    await client.closed
    expect(shop.rows.dump()['owners']).toHaveLength(by === 'heartbeats' ? 1 : 0)
  })

  test('it runs no timers, and hears of what the owner does', async () => {
    const shop = new Shop()
    const { lock } = queue()
    const { client, orders } = await clientOf(shop, policy(lock))
    const { id } = await orders.create({})
    // Time goes on where somebody waits for it, and a client waits for nothing.
    shop.clock.setTimeout(() => {}, 700_000)
    await shop.pass(700_000)
    expect(shop.row(id).state).toBe('open')
    const heard: string[] = []
    client.on(({ row }) => heard.push(row.state))
    await shop.process('owner', policy(lock))
    await shop.pass(1_000)
    expect(shop.row(id).state).toBe('cancelled')
    expect(heard.at(-1)).toBe('cancelled')
  })

  test('it takes an operation away from the state in which the owner is at it', async () => {
    const shop = new Shop()
    const { lock } = queue()
    const owners = [await shop.process('first', policy(lock)), await shop.process('second', policy(lock))]
    const { orders } = await clientOf(shop, policy(lock))
    const { id } = await owners[0]!.orders.create({})
    await shop.pass(1_000)
    await orders.send(id, { type: 'pay' })
    await shop.pass(1_000)
    expect(shop.row(id).state).toBe('paid')
    expect(shop.charges).toHaveLength(1)
  })
})

test('it runs nothing either where the store says nothing of owners', async () => {
  const shop = new Shop()
  const { client, orders } = await clientOf(shop, undefined)
  const { id } = await orders.create({})
  await orders.send(id, { type: 'pay' })
  await client.poll(id)
  shop.clock.setTimeout(() => {}, 700_000)
  await shop.pass(700_000)
  expect(shop.row(id)).toMatchObject({ state: 'charging', owner: '' })
  expect(client.role).toBe('client')
})

interface Urn {
  readonly urn: { readonly draw: () => void }
}

test('its local steps get ports where it has some, and say so where it has none', async () => {
  const kind = defineOperation({
    kind: 'lot',
    version: 1,
    machine: setup({
      types: {} as { context: {} },
      actors: { draw: local<{ answer: 'drawn' }, {}>({ answers: { drawn: true } }) },
    }).createMachine({
      context: {},
      initial: 'drawing',
      states: {
        drawing: {
          tags: ['local'],
          invoke: { src: 'draw', input: {}, onDone: { guard: answered('drawn'), target: 'drawn' } },
        },
        drawn: { type: 'final' },
      },
    }),
    effects: ({ urn: { draw } }: Urn) => ({
      draw() {
        draw()
        return { answer: 'drawn' } as const
      },
    }),
  })
  const store = await new Shop().store()
  const without = openClient({ store, tables, kinds: [kind] })
  await expect(without.of(kind).create({})).rejects.toThrow(
    new TypeError('a client has no ports: give it those that its local steps use'),
  )
  const drawn = openClient({ store, tables, kinds: [kind], ports: { urn: { draw() {} } } })
  expect((await drawn.of(kind).create({})).state).toBe('drawn')
  expectTypeOf(drawn).toEqualTypeOf<Operations<Urn>>()
  // @ts-expect-error: they are other ports
  const wrong = (): unknown => openClient({ store, tables, kinds: [kind], ports: { urn: 7 } })
  expect(wrong).toBeTypeOf('function')
  // @ts-expect-error: a client makes no requests
  expect(() => openClient({ store, tables, kinds: [kind], laneLimit: 7 })).toThrow(/^laneLimit: not among store, /)
})

test('on a SQLite file the owner goes on with what a client commits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'client-'))
  const adapter = sqliteStore({ path: join(folder, 'shop.db') })
  const schema = { version: 1, tables: tabTables }
  const [ours, theirs] = [await adapter.open(schema), await adapter.open(schema)]
  // The client comes first, and does not have the lock.
  const client = openClient({ store: ours, tables: tabTables, kinds: [tab] })
  await client.resumed
  const charged: number[] = []
  const ports = { charge: async (number: number) => void charged.push(number) }
  const owner = openOperations({ store: theirs, tables: tabTables, kinds: [tab], ports })
  await owner.resumed
  expect([client.role, owner.role]).toEqual(['client', 'owner'])
  const tabs = client.of(tab)
  const { id } = await tabs.create({})
  expect(await tabs.ask(id, { type: 'order', item: 'tea' }, { key: 'tea' })).toEqual({ number: 1, item: 'tea' })
  await tabs.until(id, ({ state }) => (state === 'open' ? true : undefined))
  expect(charged).toEqual([1])
  expect(await tabs.ask(id, { type: 'order', item: 'tea' }, { key: 'tea' })).toEqual({ number: 1, item: 'tea' })
  expect(await tabs.cancel(id)).toBe(true)
  expect(await owner.of(tab).finished(id)).toEqual({ orders: 1 })
  for (const operations of [client, owner]) operations.close()
  await Promise.all([client.closed, owner.closed])
  for (const store of [ours, theirs]) await store.close()
  await rm(folder, { recursive: true })
})
