/**
 * Goal: a log tells what operations do, at the right level, by ids and codes alone. Method: a shop whose processes log, fail, die and
 * share a lock.
 */
import { describe, expect, test } from 'vitest'
import type { Log, LogLevel, OperationLogEvent } from '../../src/kernel/index.ts'
import { queue, Shop } from '../kits/owners-kit.ts'

const PAY = { type: 'pay' } as const

interface Logged {
  readonly level: LogLevel
  readonly event: OperationLogEvent
}

function logging() {
  const logged: Logged[] = []
  const log: Log = (level, event) => void logged.push({ level, event })
  /** Those of a level. */
  const of = (...levels: readonly LogLevel[]): OperationLogEvent[] =>
    logged.flatMap(({ level, event }) => (levels.includes(level) ? [event] : []))
  return { log, of }
}

test('each step is told for those who debug', async () => {
  const { log, of } = logging()
  const shop = new Shop()
  const { orders } = await shop.process('only', undefined, { log })
  const { id } = await orders.create({})
  await orders.send(id, PAY)
  await shop.pass(0)
  const step = { event: 'step', operation: id, kind: 'order' }
  expect(of('debug')).toEqual([
    { ...step, version: 1, from: null, to: 'open', status: 'active', attempt: 1 },
    { ...step, version: 2, from: 'open', to: 'charging', status: 'active', attempt: 1 },
    { ...step, version: 3, from: 'charging', to: 'paid', status: 'done', attempt: 1 },
  ])
  expect(of('info', 'warn', 'error')).toEqual([])
})

describe('a start', () => {
  test('tells what became of the unfinished operations, and nothing where there are none', async () => {
    const [empty, found] = [logging(), logging()]
    const shop = new Shop()
    shop.bankOpens = new Promise(() => {})
    const first = await shop.process('first', undefined, { log: empty.log })
    expect(empty.of('info')).toEqual([])
    const { id } = await first.orders.create({})
    await first.orders.create({})
    await first.orders.send(id, PAY)
    await shop.pass(0)
    first.die()
    await shop.process('second', undefined, { log: found.log })
    expect(found.of('info')).toEqual([{ event: 'resumed', resumed: 1, waiting: 1 }])
  })

  test('of a follower says nothing of steps that others make, and tells when it becomes the owner', async () => {
    const { log, of } = logging()
    const shop = new Shop()
    const { lock, takeAway } = queue()
    const first = await shop.process('first', { by: 'lock', lock })
    await shop.process('second', { by: 'lock', lock }, { log })
    await first.orders.create({})
    await shop.pass(1_000)
    expect(of('debug', 'info', 'warn', 'error')).toEqual([])
    takeAway()
    await shop.pass(1_000)
    expect(of('info')).toContainEqual({ event: 'role', role: 'owner' })
  })
})

test('an error is a warning, what is set aside for it an error, and neither quotes anything', async () => {
  const { log, of } = logging()
  const shop = new Shop()
  shop.bank = async () => {
    throw new TypeError('card 4242 is not a function')
  }
  const { orders } = await shop.process('only', undefined, { log })
  const { id } = await orders.create({})
  await orders.send(id, PAY)
  await shop.pass(0)
  expect(of('warn')).toEqual([
    {
      ...{ event: 'failure', at: 'order charging', operation: id, error: 'TypeError' },
      where: expect.stringMatching(/^log\.test\.ts:\d+$/) as string,
    },
  ])
  expect(of('error')).toEqual([{ event: 'quarantined', operation: id, kind: 'order', state: 'charging' }])
  expect(JSON.stringify(of('debug', 'info', 'warn', 'error'))).not.toContain('4242')
})

test('a log that throws harms nothing', async () => {
  const shop = new Shop()
  const platform = Object.getOwnPropertyDescriptor(globalThis, 'reportError')
  const reported: unknown[] = []
  Object.defineProperty(globalThis, 'reportError', {
    configurable: true,
    value: (error: unknown) => reported.push(error),
  })
  const log: Log = () => {
    throw new Error('the disk is full')
  }
  try {
    const { orders } = await shop.process('only', undefined, { log })
    const { id } = await orders.create({})
    await orders.send(id, PAY)
    await shop.pass(0)
    expect((await orders.get(id)).state).toBe('paid')
  } finally {
    if (platform) Object.defineProperty(globalThis, 'reportError', platform)
    else Reflect.deleteProperty(globalThis, 'reportError')
  }
  expect(reported).toHaveLength(3)
})
