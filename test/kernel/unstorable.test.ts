/**
 * Goal: a commit that the store refuses for good is awaited by nobody: its step is dropped, who asked for it is told, the
 * operation says why, and goes on once the database takes it. Method: a shop whose store refuses some commits.
 */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { StoreError, type Write } from '../../src/store/port.ts'
import {
  goodCard,
  left,
  newWorld,
  orderRow,
  pass,
  settled,
  silentCard,
  start,
  stocked,
  type Meddle,
} from '../kits/kernel-shop.ts'
import { Shop } from '../kits/owners-kit.ts'

const refused = (): StoreError => new StoreError('UNSTORABLE', 'a CHECK is in the way')
const unstorable = expect.objectContaining({ name: 'StoreError', code: 'UNSTORABLE' }) as unknown

/** The operation's row as a commit leaves it. */
const rowIn = (writes: readonly Write[]): Readonly<Record<string, unknown>> => {
  for (const write of writes) {
    if ('put' in write && write.put === 'operations') return write.row
    if ('patch' in write && write.patch === 'operations') return write.set
  }
  return {}
}

/** A store that refuses what `when` names, until it is mended. */
function administered(when: (row: Readonly<Record<string, unknown>>) => boolean): {
  meddle: Meddle
  mend: () => void
  met: number
} {
  const database = {
    met: 0,
    mend: () => void (isMended = true),
    meddle: async (writes: readonly Write[], land: () => Promise<void>) => {
      if (isMended || !when(rowIn(writes))) return land()
      database.met++
      throw refused()
    },
  }
  let isMended = false
  return database
}

describe('what a caller asks for', () => {
  test('creating rejects at once, and nothing is stored', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const { meddle, mend } = administered(({ state }) => state === 'placed')
    const { operations, orders } = await start(world, { meddle })
    await expect(orders.create({ item: 'tea' }, { key: 'mine' })).rejects.toEqual(unstorable)
    expect(await operations.list()).toEqual([])
    mend()
    await orders.create({ item: 'tea' }, { key: 'mine' })
    expect(await operations.list()).toHaveLength(1)
  })

  test('an event rejects, those behind it are handled, and the operation is as it was', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const database = administered(({ state }) => state === 'charging')
    const { orders } = await start(world, { meddle: database.meddle })
    const { id } = await orders.create({ item: 'tea' })
    const paying = orders.send(id, { type: 'pay' })
    const behind = orders.send(id, { type: 'cancel' })
    await expect(paying).rejects.toEqual(unstorable)
    expect(await behind).toBe(true)
    expect(orderRow(world, id)).toMatchObject({ state: 'cancelled', status: 'done' })
    expect(database.met).toBe(1)
  })

  test('the same event is taken once the database is mended, by the actor that runs', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const { meddle, mend } = administered(({ state }) => state === 'charging')
    const { orders } = await start(world, { meddle, ports: { card: goodCard } })
    const { id } = await orders.create({ item: 'tea' })
    await expect(orders.send(id, { type: 'pay' })).rejects.toEqual(unstorable)
    mend()
    expect(await orders.send(id, { type: 'pay' })).toBe(true)
    await settled()
    expect(orderRow(world, id).state).toBe('shipping')
  })
})

describe('what nobody asks for', () => {
  test('the answer of an effect: the operation is set aside at once, says why, and a resume goes on', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const charges: boolean[] = []
    const { meddle, mend } = administered(({ state }) => state === 'shipping')
    const card: typeof goodCard = (args) => {
      charges.push(args.replay)
      return goodCard(args)
    }
    const { operations, orders } = await start(world, { meddle, ports: { card } })
    const { id } = await orders.create({ item: 'tea' })
    await orders.send(id, { type: 'pay' })
    await pass(world, 1)
    expect(charges).toEqual([false])
    expect(orderRow(world, id)).toMatchObject({ state: 'charging', status: 'quarantined' })
    const { why, needsHuman, underWay } = await operations.explain(id)
    expect(why).toBe('its next step cannot be stored: a CHECK is in the way')
    expect([needsHuman, underWay]).toEqual([true, []])
    mend()
    await operations.resume(id)
    await pass(world, 1)
    expect(charges).toEqual([false, true])
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', status: 'active' })
  })

  test('a timer that is over: the same', async () => {
    const { world, id } = await left('placed')
    const { meddle, mend } = administered(({ state }) => state === 'cancelled')
    const { operations } = await start(world, { meddle })
    await pass(world, 700_000)
    expect(orderRow(world, id)).toMatchObject({ state: 'placed', status: 'quarantined' })
    mend()
    await operations.resume(id)
    await pass(world, 1_000)
    expect(orderRow(world, id)).toMatchObject({ state: 'cancelled', status: 'done' })
  })

  test('where it cannot even be set aside, it waits with its reason, events reject, and a resume goes on', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const database = administered(({ state, status }) => state === 'shipping' || status === 'quarantined')
    const { operations, orders } = await start(world, { meddle: database.meddle, ports: { card: goodCard } })
    const { id } = await orders.create({ item: 'tea' })
    await orders.send(id, { type: 'pay' })
    await pass(world, 600_000)
    expect(database.met).toBeLessThan(20)
    expect(orderRow(world, id)).toMatchObject({ state: 'charging', status: 'active' })
    const { why, needsHuman, underWay } = await operations.explain(id)
    expect(why).toBe('The card is being charged. (it does not go on: a CHECK is in the way)')
    expect([needsHuman, underWay]).toEqual([true, []])
    await expect(orders.send(id, { type: 'note' })).rejects.toEqual(unstorable)
    database.mend()
    await operations.resume(id)
    await pass(world, 1)
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', status: 'active' })
  })

  test('taking up what another process left', async () => {
    const { world, id } = await left('charging')
    const { meddle, mend } = administered(({ attempt, status }) => attempt === 2 && status !== 'quarantined')
    const { operations } = await start(world, { meddle, ports: { card: goodCard } })
    await pass(world, 1)
    expect(orderRow(world, id)).toMatchObject({ state: 'charging', status: 'quarantined' })
    mend()
    await operations.resume(id)
    await pass(world, 1)
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', status: 'active' })
  })

  test('a refusal of a second try, whose first had landed unheard, is none', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    let tries = 0
    let late = (): Promise<void> => Promise.resolve()
    const meddle: Meddle = async (writes, land) => {
      if (rowIn(writes)['state'] !== 'charging') return land()
      // The first one is on its way still when the row is read back, and lands before the second one is refused.
      if (++tries === 1) {
        late = land
        throw new StoreError('IN_DOUBT', 'the connection broke')
      }
      if (tries === 2) await late()
      throw refused()
    }
    const { orders } = await start(world, { meddle })
    const { id } = await orders.create({ item: 'tea' })
    const paying = orders.send(id, { type: 'pay' })
    await pass(world, 1_000)
    expect(await paying).toBe(true)
    expect(orderRow(world, id).state).toBe('charging')
  })
})

describe('what an operation waits for', () => {
  test('a disk that is full is said while it lasts', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    let isFull = true
    const meddle: Meddle = async (writes, land) => {
      if (isFull && rowIn(writes)['state'] === 'shipping') throw new StoreError('FULL', 'no space is left')
      return land()
    }
    const { operations, orders } = await start(world, { meddle, ports: { card: goodCard } })
    const { id } = await orders.create({ item: 'tea' })
    await orders.send(id, { type: 'pay' })
    await pass(world, 60_000)
    expect((await operations.explain(id)).why).toBe('The card is being charged. (it does not go on: no space is left)')
    isFull = false
    await pass(world, 10_000)
    expect((await operations.explain(id)).why).toBe('The parcel is on its way.')
  })

  test('what is under way is what runs: nothing of an operation that pauses', async () => {
    const { world, id } = await left('charging')
    const { operations } = await start(world, {
      ports: { card: () => Promise.reject(new Error('the card reader is gone')) },
    })
    await settled()
    expect(await operations.explain(id)).toMatchObject({
      underWay: [],
      why: 'The card is being charged. (it does not go on: the card reader is gone)',
    })
  })

  test('and of one that runs, its request', async () => {
    const { world, id } = await left('charging')
    const { operations } = await start(world, { ports: { card: silentCard } })
    expect(await operations.explain(id)).toMatchObject({ underWay: ['card.charge'], why: 'The card is being charged.' })
  })
})

describe('keys and ids', () => {
  test('longer ones than any store can index are refused at the door', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const { operations, orders } = await start(world)
    const long = 'ü'.repeat(257)
    for (const name of ['key', 'id', 'parent'])
      await expect(orders.create({ item: 'tea' }, { [name]: long })).rejects.toThrow(
        new TypeError(`${name}: at most 512 bytes of UTF-8`),
      )
    await orders.create({ item: 'tea' }, { key: 'ü'.repeat(256), id: 'i'.repeat(512), parent: 'p'.repeat(512) })
    expect(await operations.list()).toHaveLength(1)
  })
})

test('a process whose heartbeats are refused for good says so, once', async () => {
  const told: unknown[] = []
  const spy = vi.spyOn(console, 'error').mockImplementation((error: unknown) => void told.push(error))
  onTestFinished(() => spy.mockRestore())
  const shop = new Shop()
  await shop.process(
    'first',
    { by: 'heartbeats' },
    {
      commit: (store, writes) =>
        writes.some((write) => 'patch' in write && write.patch === 'owners')
          ? Promise.reject(refused())
          : store.commit(writes),
    },
  )
  await shop.pass(10_000)
  expect(told).toEqual([unstorable])
})
