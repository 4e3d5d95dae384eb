/**
 * Goal: who asks gets what the step replied, and with a key the step happens once. Method: a tab whose processes are killed,
 * fail in doubt, follow and come again, on one store and one virtual clock; then every crash point of it.
 */
import { setup } from 'xstate'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineOperation, openOperations, operationsTable, reply, type ReplyOf } from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError } from '../../src/store/port.ts'
import { exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { queue, Shop } from '../kits/owners-kit.ts'
import { tab, tabTables, type Ordered, type Till } from '../kits/tab.ts'

const ports: Till = { charge: async () => {} }
const TEA = { type: 'order', item: 'tea' } as const
const CAKE = { type: 'order', item: 'cake' } as const

async function opened(shop = new Shop(tabTables), ownership?: Parameters<Shop['open']>[0]) {
  const process = await shop.open(ownership, { kind: tab, ports })
  await process.operations.resumed
  const { operations } = process
  return { shop, operations, tabs: operations.of(tab), die: () => process.die() }
}

/** Whatever is under way comes to its end. */
const rest = (shop: Shop): Promise<void> => shop.pass(10)

describe('a reply', () => {
  test('is what the step replied; undefined where it replied nothing', async () => {
    const { tabs } = await opened()
    const { id } = await tabs.create({})
    const ordered = await tabs.ask(id, TEA)
    expectTypeOf(ordered).toEqualTypeOf<Ordered | undefined>()
    expect(ordered).toEqual({ number: 1, item: 'tea' })
    await tabs.until(id, ({ state }) => (state === 'open' ? true : undefined))
    expect(await tabs.ask(id, { type: 'praise' })).toBe(undefined)
    // @ts-expect-error: there is no such event
    await expect(tabs.ask(id, { type: 'ordre' })).rejects.toThrow(TypeError)
    // @ts-expect-error: there is no such option
    await expect(tabs.ask(id, TEA, { kee: 'tea' })).rejects.toThrow('kee: not among key, signal')
  })

  test('has the type that the chart declares; a chart that declares none replies nothing', () => {
    expectTypeOf<ReplyOf<typeof tab.machine>>().toEqualTypeOf<Ordered>()
    const silent = setup({ types: {} as { context: {} } }).createMachine({ context: {} })
    expectTypeOf<ReplyOf<typeof silent>>().toEqualTypeOf<undefined>()
    const parts = setup({ types: {} as { context: { id: string } }, actions: { reply: reply<{ seat: number }> } })
    parts.createMachine({
      context: { id: '' },
      // @ts-expect-error: a seat is a number
      entry: { type: 'reply', params: ({ context }) => ({ seat: context.id }) },
    })
    expect(silent.id).toBeTypeOf('string')
  })

  test('comes once in a step, and is JSON', async () => {
    const replying = (...replies: readonly unknown[]) =>
      defineOperation({
        kind: 'oracle',
        version: 1,
        machine: setup({
          types: {} as { context: {}; events: { type: 'go' } },
          actions: { reply },
        }).createMachine({
          context: {},
          initial: 'open',
          states: { open: { on: { go: { actions: replies.map((params) => ({ type: 'reply' as const, params })) } } } },
        }),
        effects: () => ({}),
      })
    const asked = async (...replies: readonly unknown[]): Promise<unknown> => {
      const kind = replying(...replies)
      const { operations } = await new Shop(tabTables).open(undefined, { kind, ports: {} })
      const { id } = await operations.of(kind).create({})
      return operations.of(kind).ask(id, { type: 'go' })
    }
    expect(await asked(null)).toBe(null)
    await expect(asked(1, 2)).rejects.toMatchObject({ code: 'DEFECT', message: 'oracle: a step replies 2 times' })
    await expect(asked(new Date())).rejects.toMatchObject({
      code: 'DEFECT',
      message: 'the reply is a Date, which cannot be stored as JSON',
    })
  })

  test('under another name than reply is refused', () => {
    const machine = setup({ types: {} as { context: {} }, actions: { answerBack: reply } }).createMachine({
      context: {},
      entry: { type: 'answerBack', params: 1 },
    })
    expect(() => defineOperation({ kind: 'k', version: 1, machine, effects: () => ({}) })).toThrow(
      "has reply under the name 'answerBack'; its name must be 'reply'",
    )
  })
})

describe('a refused event', () => {
  test('is told from one that is taken, with the reason', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    const refused = (message: string) => ({ code: 'INVALID_STATE', operationId: id, message })
    await expect(tabs.ask(id, { type: 'close' })).rejects.toMatchObject(
      refused("'open' takes 'close', but not now: a condition of the chart does not hold"),
    )
    const [first, second] = await Promise.allSettled([tabs.ask(id, TEA), tabs.ask(id, CAKE)])
    expect(first).toMatchObject({ status: 'fulfilled', value: { number: 1 } })
    expect(second).toMatchObject({ reason: refused("'charging' takes no 'order'; it takes no events") })
    await rest(shop)
    await tabs.ask(id, { type: 'close' })
    await expect(tabs.ask(id, TEA)).rejects.toMatchObject(refused("it has ended in 'closed'"))
    expect(await tabs.send(id, TEA)).toBe(false)
  })

  test('leaves its key free', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    await expect(tabs.ask(id, { type: 'close' }, { key: 'k' })).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect(shop.rows.dump()['replies']).toEqual([])
    expect(await tabs.ask(id, TEA, { key: 'k' })).toEqual({ number: 1, item: 'tea' })
  })
})

describe('an event with a key', () => {
  test('has one step and one reply: while it is under way, later, in the next process, and after the end', async () => {
    const { shop, tabs, die } = await opened()
    const { id } = await tabs.create({})
    const both = await Promise.all([tabs.ask(id, TEA, { key: 'tea' }), tabs.ask(id, TEA, { key: 'tea' })])
    const number1 = { number: 1, item: 'tea' }
    expect(both).toEqual([number1, number1])
    await rest(shop)
    // The order of an event's fields is no difference.
    expect(await tabs.ask(id, { item: 'tea', type: 'order' }, { key: 'tea' })).toEqual(number1)
    expect(await tabs.send(id, TEA, { key: 'tea' })).toBe(true)
    expect(await tabs.ask(id, CAKE, { key: 'cake' })).toEqual({ number: 2, item: 'cake' })
    await rest(shop)
    expect(await tabs.ask(id, { type: 'praise' }, { key: 'praise' })).toBe(undefined)
    die()
    const next = await opened(shop)
    expect(await next.tabs.ask(id, TEA, { key: 'tea' })).toEqual(number1)
    await next.tabs.ask(id, { type: 'close' }, { key: 'close' })
    expect(await next.tabs.ask(id, TEA, { key: 'tea' })).toEqual(number1)
    expect(await next.tabs.ask(id, { type: 'close' }, { key: 'close' })).toBe(undefined)
    expect(await next.tabs.ask(id, { type: 'praise' }, { key: 'praise' })).toBe(undefined)
    expect(JSON.parse(shop.row(id).snapshot)).toMatchObject({ context: { orders: ['tea', 'cake'] } })
  })

  test('leaves a row, in the commit of its step', async () => {
    const { shop, tabs } = await opened()
    const { id } = await tabs.create({})
    await tabs.ask(id, TEA, { key: 'tea' })
    expect(shop.rows.dump()['replies']).toEqual([
      {
        operation: id,
        key: 'tea',
        event: '{"item":"tea","type":"order"}',
        reply: '{"number":1,"item":"tea"}',
        at: shop.clock.now(),
      },
    ])
  })

  test('is its operation’s own; with another event it is refused', async () => {
    const { shop, operations, tabs } = await opened()
    const [a, b] = [await tabs.create({}), await tabs.create({})]
    await tabs.ask(a.id, TEA, { key: 'k' })
    expect(await tabs.ask(b.id, CAKE, { key: 'k' })).toEqual({ number: 1, item: 'cake' })
    const reused = { code: 'KEY_REUSED', operationId: a.id, message: "key 'k' was used for another event" }
    await expect(tabs.ask(a.id, CAKE, { key: 'k' })).rejects.toMatchObject(reused)
    await expect(tabs.send(a.id, CAKE, { key: 'k' })).rejects.toMatchObject(reused)
    await rest(shop)
    await tabs.ask(a.id, { type: 'close' })
    await expect(tabs.ask(a.id, CAKE, { key: 'k' })).rejects.toMatchObject(reused)
    expect((await operations.explain(b.id)).lastError).toBe(undefined)
  })

  test('is JSON, and needs the table', async () => {
    const { tabs } = await opened()
    const { id } = await tabs.create({})
    const odd = { type: 'order', item: new Date() as unknown as string } as const
    await expect(tabs.ask(id, odd, { key: 'k' })).rejects.toThrow(
      new TypeError('event.item is a Date, which cannot be stored as JSON'),
    )
    const tables = { operations: operationsTable() }
    const store = await memoryStore().open({ version: 1, tables })
    const without = openOperations({ store, tables, kinds: [tab], ports })
    const { id: other } = await without.of(tab).create({})
    const lacks = /^key: the tables lack 'replies'/
    await expect(without.of(tab).ask(other, TEA, { key: 'k' })).rejects.toThrow(lacks)
    await expect(without.of(tab).send(other, TEA, { key: 'k' })).rejects.toThrow(lacks)
    expect(await without.of(tab).ask(other, TEA)).toEqual({ number: 1, item: 'tea' })
    without.close()
  })

  test('gets its reply where its commit was in doubt, landed, and another process has moved on', async () => {
    const shop = new Shop(tabTables)
    const late = Promise.withResolvers<void>()
    let doubts = 1
    const first = await shop.open(undefined, {
      kind: tab,
      ports,
      commit: async (store, writes) => {
        await store.commit(writes)
        const isOrder = writes.some((write) => 'put' in write && write.put === 'replies')
        if (!isOrder || doubts-- <= 0) return
        await late.promise
        throw new StoreError('IN_DOUBT', 'the connection broke')
      },
    })
    const { id } = await first.operations.of(tab).create({})
    const asked = first.operations.of(tab).ask(id, TEA, { key: 'tea' })
    await rest(shop)
    const second = await opened(shop)
    await rest(shop)
    await second.tabs.ask(id, CAKE, { key: 'cake' })
    late.resolve()
    await shop.pass(60_000)
    expect(await asked).toEqual({ number: 1, item: 'tea' })
    expect(JSON.parse(shop.row(id).snapshot)).toMatchObject({ context: { orders: ['tea', 'cake'] } })
  })

  test('has one step where followers and the owner send it at once', async () => {
    const shop = new Shop(tabTables)
    const { lock } = queue()
    const processes = await Promise.all([1, 2, 3].map(() => opened(shop, { by: 'lock', lock })))
    const { id } = await processes[1]!.tabs.create({})
    const asked = Promise.all(processes.map(({ tabs }) => tabs.ask(id, TEA, { key: 'tea' })))
    await shop.pass(5_000)
    expect(await asked).toEqual([1, 2, 3].map(() => ({ number: 1, item: 'tea' })))
    expect(JSON.parse(shop.row(id).snapshot)).toMatchObject({ context: { orders: ['tea'] } })
  })

  test('deletes replies of its operation that are too old, some at a time', async () => {
    const shop = new Shop(tabTables)
    const kind = { ...tab, keepRepliesMs: 60_000 }
    const { operations } = await shop.open(undefined, { kind, ports })
    const tabs = operations.of(kind)
    const [{ id }, { id: other }] = [await tabs.create({}), await tabs.create({})]
    await tabs.send(other, { type: 'praise' }, { key: 'other' })
    for (let at = 0; at < 25; at++) await tabs.send(id, { type: 'praise' }, { key: `praise ${at}` })
    const kept = (): number => shop.rows.dump()['replies']?.length ?? 0
    const praiseLater = async (): Promise<void> => {
      shop.clock.setTimeout(() => {}, 59_999)
      await shop.pass(59_999)
      await tabs.ask(id, TEA, { key: 'tea' })
      await rest(shop)
    }
    await praiseLater()
    expect(kept()).toBe(27)
    await praiseLater()
    // The same key still has its reply.
    expect([kept(), JSON.parse(shop.row(id).snapshot)]).toMatchObject([27, { context: { orders: ['tea'] } }])
    shop.clock.setTimeout(() => {}, 60_000)
    await shop.pass(60_000)
    await tabs.ask(id, CAKE, { key: 'cake' })
    await rest(shop)
    expect(kept()).toBe(8)
    await tabs.send(id, { type: 'praise' }, { key: 'again' })
    expect(kept()).toBe(3)
    // Tea was among the last that were too old: it is another order now.
    expect(await tabs.ask(id, TEA, { key: 'tea' })).toEqual({ number: 3, item: 'tea' })
  })

  test('leaves the operation alone where its reply cannot be read', async () => {
    const shop = new Shop(tabTables)
    const store = await shop.store()
    let broken = false
    const get: typeof store.get = (table, key) =>
      broken && table === 'replies' ? Promise.reject(new StoreError('BUSY', 'locked')) : store.get(table, key)
    const { clock } = shop
    const operations = openOperations({ store: { ...store, get }, tables: tabTables, kinds: [tab], ports, clock })
    const { id } = await operations.of(tab).create({})
    broken = true
    await expect(operations.of(tab).ask(id, TEA, { key: 'tea' })).rejects.toMatchObject({ code: 'BUSY' })
    expect((await operations.explain(id)).lastError).toBe(undefined)
    broken = false
    expect(await operations.of(tab).ask(id, TEA, { key: 'tea' })).toEqual({ number: 1, item: 'tea' })
  })
})

test('a signal stops the waiting, and never the event', async () => {
  const { shop, tabs } = await opened()
  const { id } = await tabs.create({})
  const waiting = new AbortController()
  const asked = tabs.ask(id, TEA, { key: 'tea', signal: waiting.signal })
  waiting.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
  await rest(shop)
  expect(await tabs.ask(id, TEA, { key: 'tea' })).toEqual({ number: 1, item: 'tea' })
  // Whose signal has aborted before sends nothing.
  await expect(tabs.send(id, CAKE, { signal: waiting.signal })).rejects.toThrow('enough')
  await rest(shop)
  expect(JSON.parse(shop.row(id).snapshot)).toMatchObject({ context: { orders: ['tea'] } })
})

describe('explored', () => {
  /** Somebody orders tea, then cake, and asks for tea's number once more, in every life from the beginning. */
  const explored = (keyed: boolean, faults = 1) => {
    const subject = kindSubject({
      kinds: [tab],
      tables: tabTables,
      outside: () => ({ charged: [] as number[] }),
      ports: ({ charged }): Till => ({
        charge: async (number) => void (charged.includes(number) || charged.push(number)),
      }),
      judge: ({ outside: { charged } }) => (charged.length === 2 ? [] : [`payment: charged for ${charged.join(', ')}`]),
    })
    const drive = async (stage: KindStage<object>): Promise<void> => {
      const tabs = stage.operations.of(tab)
      const { id } = await tabs.create({}, { key: 'table 7' })
      const ordered = async (event: typeof TEA | typeof CAKE): Promise<void> => {
        await tabs.until(id, ({ state }) => (state === 'open' ? true : undefined))
        const given = JSON.stringify(await tabs.ask(id, event, keyed ? { key: event.item } : {}))
        const before = stage.notes[event.item]
        if (before !== undefined && before !== given)
          stage.violated(`replies: ${given} after ${JSON.stringify(before)}`)
        stage.note(event.item, given)
      }
      await ordered(TEA)
      await ordered(CAKE)
      if (keyed) await ordered(TEA)
      await tabs.until(id, ({ state }) => (state === 'open' ? true : undefined))
    }
    return exploreCrashes({ kind: 'tab', name: 'orders', subject, drive }, { faults })
  }

  test('with a key each order is charged once, and its reply is always the same', async () => {
    const { violations, closed, lives } = await explored(true)
    expect(violations).toEqual([])
    expect(closed).toBe(true)
    expect(lives).toBeGreaterThan(20)
  })

  test('without a key an order is charged twice, and the explorer finds it', async () => {
    const { violations } = await explored(false)
    expect(violations.map(({ what }) => what.slice(0, 7))).toContain('payment')
  })
})
