/**
 * Goal: what has ended is deleted when its time is over, and nothing else ever is. Method: operations of kinds that are kept for a
 * while, for ever, and below others, on one store and one virtual clock; then every crash point.
 */
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { defineOperation, effect, openClient, openOperations, type OperationKind } from '../../src/kernel/index.ts'
import { StoreError, type Ownership, type Store } from '../../src/store/port.ts'
import { exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { queue, Shop } from '../kits/owners-kit.ts'
import { tabTables } from '../kits/tab.ts'

const KEPT_MS = 3_600_000

/** A box is shut, or breaks when it is kicked. */
const boxOf = (kind: string, keepMs?: number) =>
  defineOperation({
    kind,
    version: 1,
    machine: setup({
      types: {} as { context: {}; events: { type: 'shut' } | { type: 'kick' } },
      actors: { kick: effect<{ answer: 'ok' }, {}>({ answers: { ok: true } }) },
    }).createMachine({
      context: {},
      initial: 'open',
      states: {
        open: { tags: 'human', on: { shut: 'shut', kick: 'kicked' } },
        kicked: { invoke: { src: 'kick', input: {}, onDone: 'shut' } },
        shut: { type: 'final' },
      },
    }),
    effects: () => ({
      kick(): never {
        throw new TypeError('broken')
      },
    }),
    ...(keepMs !== undefined && { keepMs }),
  })
const box = boxOf('box', KEPT_MS)
const chest = boxOf('chest')
const bag = boxOf('bag', 0)

async function start(
  shop: Shop,
  more: { ownership?: Ownership; store?: Partial<Store>; kinds?: readonly OperationKind[] } = {},
) {
  const { clock, random } = shop
  const ownership = more.ownership && { ownership: more.ownership }
  const store = { ...(await shop.store()), ...ownership, ...more.store }
  const kinds = more.kinds ?? [box, chest]
  const operations = openOperations({ store, tables: tabTables, kinds, ports: {}, clock, random, onError() {} })
  await operations.resumed
  return operations
}

const idsIn = (shop: Shop, table = 'operations'): unknown[] =>
  (shop.rows.dump()[table] ?? []).map((row) => row['id'] ?? row['operation']).toSorted(inOrder)
const inOrder = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

test('what ended long enough ago is deleted with its replies, and its key is free', async () => {
  const shop = new Shop(tabTables)
  const boxes = (await start(shop)).of(box)
  const old = await boxes.create({}, { key: 'k' })
  await boxes.ask(old.id, { type: 'shut' }, { key: 'shut' })
  await shop.pass(KEPT_MS / 2)
  const young = await boxes.create({})
  await boxes.ask(young.id, { type: 'shut' }, { key: 'shut' })
  await shop.pass(KEPT_MS / 2 - 1)
  expect(idsIn(shop)).toEqual([old.id, young.id].toSorted())
  await shop.pass(KEPT_MS / 5)
  expect([idsIn(shop), idsIn(shop, 'replies')]).toEqual([[young.id], [young.id]])
  await expect(boxes.get(old.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const next = await boxes.create({}, { key: 'k' })
  expect(next.id).not.toBe(old.id)
  await shop.pass(KEPT_MS)
  expect([idsIn(shop), idsIn(shop, 'replies')]).toEqual([[next.id], []])
})

test('what goes on, was set aside, is of a kind that is kept for ever, or below what is not over, stays', async () => {
  const shop = new Shop(tabTables)
  const operations = await start(shop)
  const [boxes, chests] = [operations.of(box), operations.of(chest)]
  const active = await boxes.create({})
  const aside = await boxes.create({})
  await boxes.send(aside.id, { type: 'kick' })
  const forEver = await chests.create({})
  await chests.send(forEver.id, { type: 'shut' })
  const below = await Promise.all(
    [active, aside, forEver, { id: 'nobody' }].map(({ id }) => boxes.create({}, { parent: id })),
  )
  for (const { id } of below) await boxes.send(id, { type: 'shut' })
  await shop.pass(10 * KEPT_MS)
  expect(shop.row(aside.id).status).toBe('quarantined')
  expect(idsIn(shop)).toEqual([active, aside, forEver, below[0]!, below[1]!].map(({ id }) => id).toSorted())
  await boxes.send(active.id, { type: 'shut' })
  await shop.pass(2 * KEPT_MS)
  expect(idsIn(shop)).toEqual([aside, forEver, below[1]!].map(({ id }) => id).toSorted())
})

test('thousands that ended at one moment are deleted, a few in each commit', async () => {
  const shop = new Shop(tabTables)
  let most = 0
  const store = await shop.store()
  const commit: Store['commit'] = (writes) => {
    most = Math.max(most, writes.filter((write) => 'delete' in write).length)
    return store.commit(writes)
  }
  const operations = await start(shop, { store: { commit } })
  const [first] = await Promise.all(Array.from({ length: 3 }, () => operations.of(box).create({})))
  await operations.of(box).send(first!.id, { type: 'shut' })
  const row = shop.row(first!.id)
  const copies = Array.from({ length: 1_500 }, (_, at) => ({ ...row, id: `copy ${at}`, commitId: `${at}` }))
  await store.commit(copies.map((copy) => ({ put: 'operations', row: copy })))
  await shop.pass(1.2 * KEPT_MS)
  expect(idsIn(shop)).toHaveLength(2)
  expect(most).toBe(200)
})

test('owners delete beside each other, and nobody else does', async () => {
  const shop = new Shop(tabTables)
  const { lock } = queue()
  const store = await shop.store()
  const deleted: string[] = []
  const noting = (who: string): Partial<Store> => ({
    commit: (writes) => {
      if (writes.some((write) => 'delete' in write && write.delete === 'operations')) deleted.push(who)
      return store.commit(writes)
    },
  })
  const owner = await start(shop, { ownership: { by: 'lock', lock }, store: noting('owner') })
  await start(shop, { ownership: { by: 'lock', lock }, store: noting('follower') })
  const { clock, random } = shop
  openClient({ store: { ...store, ...noting('client') }, tables: tabTables, kinds: [box], clock, random })
  const { id } = await owner.of(box).create({})
  await owner.of(box).send(id, { type: 'shut' })
  await shop.pass(1.2 * KEPT_MS)
  expect([idsIn(shop), deleted]).toEqual([[], ['owner']])

  const peers = new Shop(tabTables)
  const brief = boxOf('box', 60_000)
  const each = { ownership: { by: 'heartbeats' }, kinds: [brief] } as const
  const both = [await start(peers, each), await start(peers, each)]
  for (const operations of both) {
    const { id: theirs } = await operations.of(brief).create({})
    await operations.of(brief).send(theirs, { type: 'shut' })
  }
  await peers.pass(180_000)
  expect(idsIn(peers)).toEqual([])
})

test('a store that is away is asked again the next time', async () => {
  const shop = new Shop(tabTables)
  const store = await shop.store()
  let away = false
  const query: Store['query'] = (asked) =>
    away ? Promise.reject(new StoreError('BUSY', 'locked')) : store.query(asked)
  const operations = await start(shop, { store: { query } })
  const { id } = await operations.of(box).create({})
  await operations.of(box).send(id, { type: 'shut' })
  away = true
  await shop.pass(2 * KEPT_MS)
  expect(idsIn(shop)).toEqual([id])
  away = false
  await shop.pass(KEPT_MS)
  expect(idsIn(shop)).toEqual([])
})

test('what a later version ended is left to that', async () => {
  const shop = new Shop(tabTables)
  const before = await start(shop, { kinds: [{ ...box, version: 2 }] })
  const { id } = await before.of(box).create({})
  await before.of(box).send(id, { type: 'shut' })
  before.close()
  await start(shop)
  await shop.pass(3 * KEPT_MS)
  expect(idsIn(shop)).toEqual([id])
})

test('a time that is none is refused', () => {
  for (const keepMs of [-1, NaN, Infinity])
    expect(() => boxOf('box', keepMs)).toThrow("kind 'box': keepMs must be milliseconds from 0")
  expect(() => defineOperation({ ...box, keepRepliesMs: -1 })).toThrow('keepRepliesMs must be milliseconds from 0')
})

test('explored: a bag in a chest goes when the chest is shut, with its replies, and not before', async () => {
  const subject = kindSubject({
    kinds: [bag, chest],
    tables: tabTables,
    outside: () => ({}),
    ports: () => ({}),
    judge: ({ rows, operations }) => {
      const left = operations.map(({ kind }) => kind)
      return left.join() === 'chest' && rows['replies']?.length === 1 ? [] : [`rows: ${left.join()} is left`]
    },
  })
  const drive = async (stage: KindStage<object>): Promise<void> => {
    const [bags, chests] = [stage.operations.of(bag), stage.operations.of(chest)]
    const { id: parent } = await chests.create({}, { key: 'chest' })
    if (stage.notes['packed'] === undefined) {
      const { id } = await bags.create({}, { key: 'bag', parent })
      await bags.ask(id, { type: 'shut' }, { key: 'shut' })
      stage.note('packed', id)
    }
    const id = String(stage.notes['packed'])
    if (stage.notes['shut'] === undefined) {
      await stage.clock.pause(200_000)
      await bags.get(id)
      stage.note('shut', true)
    }
    await chests.ask(parent, { type: 'shut' }, { key: 'shut' })
    while ((await bags.list()).length > 0) await stage.clock.pause(10_000)
  }
  const { violations, closed } = await exploreCrashes({ kind: 'bag', name: 'kept', subject, drive }, { faults: 1 })
  expect(violations).toEqual([])
  expect(closed).toBe(true)
})
