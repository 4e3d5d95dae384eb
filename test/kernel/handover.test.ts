/** Goal: no operation falls between two processes at the moment when one of them gives way to the other. Virtual clock. */
import { expect, test } from 'vitest'
import { setup } from 'xstate'
import { defineOperation } from '../../src/kernel/index.ts'
import { StoreError, type OwnerLock, type Store, type Write } from '../../src/store/port.ts'
import { order, queue, Shop, whileAlive } from '../kits/owners-kit.ts'

function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
test('a late commit of the last owner is found, however long the operation waited before', async () => {
  const shop = new Shop()
  const locks = queue()
  const late = gate()
  let isSlow = false
  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    if (isSlow) await late.opened
    await store.commit(writes)
  }
  const last = await shop.process('last', { by: 'lock', lock: locks.lock }, { commit })
  const { id } = await last.orders.create({})
  shop.clock.sleep(60_000)
  const next = await shop.process('next', { by: 'lock', lock: locks.lock })
  await shop.pass(1_000)
  isSlow = true
  const paid = last.orders.send(id, { type: 'pay' })
  await shop.pass(1_000)
  locks.takeAway()
  await shop.pass(1_000)
  expect(next.operations.role).toBe('owner')
  late.open()
  await paid
  last.die()
  await shop.pass(60_000)
  expect(shop.row(id).state).toBe('paid')
})

test('a listener hears of another process’s step on an operation that waited long', async () => {
  const shop = new Shop()
  const locks = queue()
  const owner = await shop.process('owner', { by: 'lock', lock: locks.lock })
  const { id } = await owner.orders.create({})
  shop.clock.sleep(60_000)
  const follower = await shop.process('follower', { by: 'lock', lock: locks.lock })
  const heard: string[] = []
  follower.operations.on(({ row }) => heard.push(row.state))
  await shop.pass(1_000)
  await owner.orders.send(id, { type: 'pay' })
  await shop.pass(1_000)
  expect(heard).toEqual(['charging', 'paid'])
})

test('a process that starts reads everything that the owner did until it lost the lock', async () => {
  const shop = new Shop()
  const locks = queue()
  shop.bankOpens = new Promise(() => {})
  const death = new AbortController()
  const own = whileAlive(locks.lock, death.signal)
  const last = await shop.process('last', { by: 'lock', lock: own })
  const { id } = await last.orders.create({})
  let reads = 0
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    const result = await call()
    if (++reads <= 2) await shop.clock.pause(1_000)
    return result
  }
  const starting = shop.process('next', { by: 'lock', lock: locks.lock }, { around })
  await shop.pass(100)
  await last.orders.send(id, { type: 'pay' })
  last.die()
  death.abort()
  shop.bankOpens = Promise.resolve()
  await shop.pass(60_000)
  await starting
  expect(shop.row(id).state).toBe('paid')
})

test('a process that is closed while it starts keeps no lock', async () => {
  const shop = new Shop()
  const locks = queue()
  const first = await shop.open({ by: 'lock', lock: locks.lock }, { kind: order, ports: { charge: async () => {} } })
  first.operations.close()
  await shop.pass(1_000)
  const second = await shop.process('second', { by: 'lock', lock: locks.lock })
  expect(second.operations.role).toBe('owner')
})

test('a process that resumes an operation owns it, and has an adopter', async () => {
  const shop = new Shop()
  shop.bank = () => Promise.reject(new Error('the bank broke'))
  const broken = await shop.process('broken', { by: 'heartbeats' })
  const { id } = await broken.orders.create({})
  await broken.orders.send(id, { type: 'pay' })
  await shop.pass(60_000)
  expect(shop.row(id).status).toBe('quarantined')
  shop.bank = () => Promise.resolve()
  const die = (): void => resuming.die()
  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    await store.commit(writes)
    if (writes.some((write) => 'patch' in write && write.patch === 'operations')) die()
  }
  const resuming = await shop.process('resuming', { by: 'heartbeats' }, { commit })
  void resuming.operations.resume(id)
  await shop.pass(60_000)
  expect(shop.row(id).state).toBe('paid')
})

test('an operation that a commit in doubt set aside goes on when it is resumed', async () => {
  const shop = new Shop()
  shop.bank = () => Promise.reject(new Error('the bank broke'))
  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    await store.commit(writes)
    if (writes.some((write) => 'patch' in write && write.set['status'] === 'quarantined'))
      throw new StoreError('IN_DOUBT', 'cut')
  }
  const { operations, orders } = await shop.process('one', undefined, { commit })
  const { id } = await orders.create({})
  await orders.send(id, { type: 'pay' })
  await shop.pass(60_000)
  expect(shop.row(id).status).toBe('quarantined')
  shop.bank = () => Promise.resolve()
  await operations.resume(id)
  await shop.pass(60_000)
  expect(shop.row(id).state).toBe('paid')
})

test.each(['heartbeats', 'lock'] as const)(
  'more than one batch is taken up, while callers are at it, by %s',
  async (by) => {
    const shop = new Shop()
    const locks = queue()
    const death = new AbortController()
    const own = whileAlive(locks.lock, death.signal)
    const ownership = (lock: OwnerLock) => (by === 'heartbeats' ? { by } : ({ by: 'lock', lock } as const))
    shop.bankOpens = new Promise(() => {})
    const last = await shop.process('last', ownership(own))
    const ids = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const { id } = await last.orders.create({})
        if (n % 2 === 0) await last.orders.send(id, { type: 'pay' })
        return id
      }),
    )
    shop.bank = () => shop.clock.pause(50)
    const around = async <T>(call: () => Promise<T>): Promise<T> => {
      await shop.clock.pause(20)
      return call()
    }
    const starting = shop.process('next', ownership(locks.lock), { around })
    await shop.pass(1_000)
    const next = await starting
    last.die()
    death.abort()
    const paid = ids.map(async (id, n) => {
      await shop.clock.pause(n * 20)
      await next.orders.send(id, { type: 'pay' })
    })
    await shop.pass(120_000)
    await Promise.all(paid)
    expect(ids.filter((id) => shop.row(id).state !== 'paid')).toEqual([])
  },
)

const patient = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: object; events: { type: 'resume' } },
    delays: { longAgain: 3_600_000 },
  }).createMachine({
    context: {},
    initial: 'pausing',
    states: {
      pausing: { on: { resume: 'paid' }, after: { longAgain: 'paid' } },
      paid: { type: 'final' },
    },
  }),
  effects: () => ({}),
})

test.each(['heartbeats', 'lock'] as const)(
  'what pauses goes on at once when another process resumes it, by %s',
  async (by) => {
    const shop = new Shop()
    const locks = queue()
    const ownership = by === 'heartbeats' ? { by } : { by, lock: locks.lock }
    const one = await shop.process('one', ownership, { kind: patient })
    const other = await shop.process('other', ownership, { kind: patient })
    const { id } = await one.operations.of(patient).create({})
    await shop.pass(1_000)
    await other.operations.resume(id)
    expect(shop.row(id).state).toBe('paid')
  },
)
