/**
 * Goal: of several processes on one database the right one runs effects, and another follows when that one dies.
 * Method: processes of a little shop on one store and one virtual clock; the store's ownership goes by a lock that tests
 * hand out, or by heartbeats. Real processes on a real file: see store-sqlite-owner.test.ts.
 */
import { describe, expect, test } from 'vitest'
import { StoreError, type Ownership, type Store, type Write } from '../../src/store/port.ts'
import { order, queue, Shop, tables } from '../kits/owners-kit.ts'

describe('by a lock', () => {
  test('a follower commits, and the owner runs the effects, once and not as a replay', async () => {
    const shop = new Shop()
    const { lock } = queue()
    const first = await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    expect([first.operations.role, second.operations.role]).toEqual(['owner', 'follower'])
    const { id } = await second.orders.create({})
    expect(await second.orders.send(id, { type: 'pay' })).toBe(true)
    const paid = second.operations.until(id, ({ state }) => (state === 'paid' ? state : undefined))
    await shop.pass(1_000)
    expect(await paid).toBe('paid')
    expect(shop.charges).toEqual(['first'])
  })

  test('a follower hears of what the owner commits', async () => {
    const shop = new Shop()
    const { lock } = queue()
    const first = await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    const heard: string[] = []
    second.operations.on(({ before, row }) => heard.push(`${before?.state ?? 'new'} ${row.state}`))
    const { id } = await first.orders.create({})
    await shop.pass(100)
    await first.orders.send(id, { type: 'cancel' })
    await shop.pass(100)
    expect(heard).toEqual(['new open', 'open cancelled'])
  })

  test('the owner runs the timers of what a follower began', async () => {
    const shop = new Shop()
    const { lock } = queue()
    await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    const { id } = await second.orders.create({})
    await shop.pass(601_000)
    expect(shop.row(id).state).toBe('cancelled')
  })

  test('a follower becomes the owner when the lock is released, and goes on with unfinished work', async () => {
    const shop = new Shop()
    const { lock } = queue()
    let opens = (): void => {}
    shop.bankOpens = new Promise((resolve) => (opens = resolve))
    const first = await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.pass(10)
    const roles: string[] = []
    second.operations.onRole((role) => roles.push(role))
    first.operations.close()
    await first.operations.closed
    await shop.pass(10)
    opens()
    await shop.pass(10)
    expect(roles).toEqual(['owner'])
    expect(shop.charges).toEqual(['first', 'second again'])
    expect(shop.row(id).state).toBe('paid')
  })

  test('a process that lost the lock without knowing is refused, and becomes a follower', async () => {
    const shop = new Shop()
    const { lock, takeAway } = queue()
    let opens = (): void => {}
    shop.bankOpens = new Promise((resolve) => (opens = resolve))
    const first = await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.pass(10)
    takeAway()
    await shop.pass(10)
    expect([first.operations.role, second.operations.role]).toEqual(['follower', 'owner'])
    opens()
    await shop.pass(10)
    expect(shop.row(id)).toMatchObject({ state: 'paid', attempt: 1 })
    expect(shop.charges).toEqual(['first', 'second again'])
  })

  test('a follower reads an operation again if it has moved on', async () => {
    const shop = new Shop()
    const { lock } = queue()
    const first = await shop.process('first', { by: 'lock', lock })
    const second = await shop.process('second', { by: 'lock', lock })
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.pass(100)
    const late = second.orders.send(id, { type: 'cancel' })
    await shop.pass(100)
    expect(await late).toBe(false)
    expect(shop.row(id).state).toBe('paid')
  })
})

test('a process that cannot ask for the lock stays a follower, and asks again', async () => {
  const shop = new Shop()
  const { lock } = queue()
  let broken = true
  const first = await shop.process('first', {
    by: 'lock',
    lock: (options) => (broken ? Promise.reject(new Error('read-only')) : lock(options)),
  })
  expect(first.operations.role).toBe('follower')
  broken = false
  await shop.pass(2_000)
  expect(first.operations.role).toBe('owner')
})

describe('by heartbeats', () => {
  const heartbeats: Ownership = { by: 'heartbeats' }

  test('a process that was paused before its first heartbeat, and taken for dead, counts as alive once it goes on', async () => {
    const shop = new Shop()
    let held = Promise.resolve()
    const around = async <T>(call: () => Promise<T>): Promise<T> => {
      await held
      return call()
    }
    await shop.process('held', heartbeats, { around })
    await shop.process('heir', heartbeats)
    // It joins again before the heir looks again, and sees no gap.
    held = shop.clock.pause(2_700)
    await shop.pass(4_000)
    const living: number[] = []
    for (let looks = 0; looks < 20; looks++) {
      await shop.pass(100)
      living.push(shop.rows.dump()['owners']!.length)
    }
    expect(living).toEqual(living.map(() => 2))
  })

  test('each process runs the operations that it began, and no others', async () => {
    const shop = new Shop()
    let opens = (): void => {}
    shop.bankOpens = new Promise((resolve) => (opens = resolve))
    const first = await shop.process('first', heartbeats)
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    const second = await shop.process('second', heartbeats)
    expect(await second.operations.resumed).toMatchObject([{ id, outcome: 'elsewhere' }])
    await shop.pass(60_000)
    opens()
    await shop.pass(10)
    expect(shop.charges).toEqual(['first'])
    expect(shop.row(id).state).toBe('paid')
  })

  test('one other process takes over within five seconds when a process dies', async () => {
    const shop = new Shop()
    let opens = (): void => {}
    shop.bankOpens = new Promise((resolve) => (opens = resolve))
    const first = await shop.process('first', heartbeats)
    await shop.process('second', heartbeats)
    await shop.process('third', heartbeats)
    const ids: string[] = []
    for (let at = 0; at < 5; at++) {
      const { id } = await first.orders.create({})
      await first.orders.send(id, { type: 'pay' })
      ids.push(id)
    }
    await shop.pass(2_500)
    first.die()
    await shop.pass(5_000)
    opens()
    await shop.pass(10)
    expect(ids.map((id) => shop.row(id).state)).toEqual(ids.map(() => 'paid'))
    const [heir] = shop.charges.slice(5)
    expect(shop.charges.slice(5)).toEqual(ids.map(() => heir))
    expect(heir).toMatch(/^(second|third) again$/)
    expect(shop.rows.dump()['owners']).toHaveLength(2)
  })

  test('another process takes over at its next poll when a process closes', async () => {
    const shop = new Shop()
    const first = await shop.process('first', heartbeats)
    const second = await shop.process('second', heartbeats)
    const { id } = await first.orders.create({})
    first.operations.close()
    await first.operations.closed
    await shop.pass(1_500)
    expect(shop.row(id).owner).not.toBe('')
    expect(shop.rows.dump()['owners']).toHaveLength(1)
    await second.orders.send(id, { type: 'pay' })
    await shop.pass(10)
    expect(shop.charges).toEqual(['second'])
  })

  test('an adopter that dies has an adopter', async () => {
    const shop = new Shop()
    const first = await shop.process('first', heartbeats)
    const second = await shop.process('second', heartbeats)
    const { id } = await first.orders.create({})
    await shop.pass(1_500)
    first.die()
    second.die()
    await shop.process('third', heartbeats)
    await shop.pass(10_000)
    expect(shop.rows.dump()['owners']).toEqual([expect.objectContaining({ heir: '' })])
    expect(shop.row(id).owner).toBe(shop.rows.dump()['owners']![0]!['id'])
  })

  test('a process whose adopter dies gets its operations back, and takes over those of the adopter', async () => {
    const shop = new Shop()
    const store = await shop.rows.open({ version: 1, tables })
    const first = await shop.process('first', heartbeats)
    const second = await shop.process('second', heartbeats)
    const mine = await first.orders.create({})
    const its = await second.orders.create({})
    await shop.pass(1_500)
    const heir = shop.row(its.id).owner
    await store.commit([{ patch: 'owners', key: [shop.row(mine.id).owner], set: { heir } }])
    second.die()
    await shop.pass(10_000)
    expect(shop.rows.dump()['owners']).toMatchObject([{ id: shop.row(mine.id).owner, heir: '' }])
    expect(shop.row(its.id).owner).toBe(shop.row(mine.id).owner)
    await first.orders.send(its.id, { type: 'pay' })
    await shop.pass(10)
    expect(shop.charges).toEqual(['first'])
  })

  test('an adopter of a later version takes everything over at once, and does not take it over again', async () => {
    const shop = new Shop()
    const first = await shop.process('first', heartbeats)
    const open = await first.orders.create({})
    const charging = await first.orders.create({})
    shop.bankOpens = new Promise(() => {})
    await first.orders.send(charging.id, { type: 'pay' })
    await shop.process('second', heartbeats, { kind: { ...order, version: 2, migrate: { 1: (snapshot) => snapshot } } })
    await shop.pass(1_000)
    first.die()
    await shop.pass(10_000)
    expect(shop.rows.dump()['owners']).toHaveLength(1)
    const versions = [open, charging].map(({ id }) => shop.row(id).version)
    expect([open, charging].map(({ id }) => shop.row(id).owner)).toEqual(Array(2).fill(shop.rows.dump()['owners']![0]!['id'])) // prettier-ignore
    expect(shop.charges).toEqual(['first', 'second again'])
    await shop.pass(10_000)
    expect([open, charging].map(({ id }) => shop.row(id).version)).toEqual(versions)
  })

  test('a slow adopter renews its heartbeat, and nobody takes it for dead', async () => {
    const shop = new Shop()
    shop.bankOpens = new Promise(() => {})
    const takesLong = async (store: Store, writes: readonly Write[]): Promise<void> => {
      if (writes.some((write) => 'patch' in write && write.patch === 'operations')) await shop.clock.pause(20_000)
      return store.commit(writes)
    }
    const first = await shop.process('first', heartbeats)
    await shop.process('second', heartbeats, { commit: takesLong })
    await shop.process('third', heartbeats, { commit: takesLong })
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.pass(1_000)
    const dead = shop.row(id).owner
    first.die()
    await shop.pass(15_000)
    const inherited = shop.rows.dump()['owners']!.flatMap(({ id, heir }) => (heir === '' ? [] : [id]))
    expect(inherited).toEqual([dead])
    await shop.pass(15_000)
    expect(shop.row(id)).toMatchObject({ version: 3, attempt: 2 })
    expect(shop.charges).toHaveLength(2)
    expect(shop.rows.dump()['owners']).toMatchObject([{ heir: '' }, { heir: '' }])
  })

  test('a process that finds the store busy or in doubt at its start joins when the store answers', async () => {
    const shop = new Shop()
    const errors = [new StoreError('BUSY', 'locked'), new StoreError('IN_DOUBT', 'cut')]
    const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
      const error = errors.shift()
      if (error) throw error
      return store.commit(writes)
    }
    const starting = shop.process('first', heartbeats, { commit })
    await shop.pass(1_000)
    const first = await starting
    expect(errors).toEqual([])
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.pass(10)
    expect(shop.row(id).state).toBe('paid')
    expect(shop.rows.dump()['owners']).toHaveLength(1)
  })

  test('a commit of a process that was taken for dead, and died before it knew, is found', async () => {
    const shop = new Shop()
    const store = await shop.rows.open({ version: 1, tables })
    const first = await shop.process('first', heartbeats)
    await shop.process('second', heartbeats)
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    first.die()
    await store.commit([{ delete: 'owners', key: [shop.row(id).owner] }])
    await shop.pass(65_000)
    expect(shop.charges).toEqual(['first', 'second again'])
    expect(shop.row(id).state).toBe('paid')
  })

  test('a process that slept and was taken for dead joins again, and leaves its former operations to the adopter', async () => {
    const shop = new Shop()
    let opens = (): void => {}
    shop.bankOpens = new Promise((resolve) => (opens = resolve))
    const store = await shop.rows.open({ version: 1, tables })
    const first = await shop.process('first', heartbeats)
    const { id } = await first.orders.create({})
    await first.orders.send(id, { type: 'pay' })
    await shop.process('second', heartbeats)
    await shop.pass(1_500)
    const [sleeper] = shop.rows.dump()['owners'] as unknown as { id: string }[]
    // As an adopter does with one whose heartbeat stands still.
    await store.commit([{ delete: 'owners', key: [sleeper!.id] }])
    await shop.pass(3_000)
    expect(shop.rows.dump()['owners']).toHaveLength(2)
    opens()
    await shop.pass(10)
    expect(shop.row(id).state).toBe('paid')
  })
})
