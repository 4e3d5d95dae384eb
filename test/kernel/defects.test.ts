/**
 * Goal: a mistake in a kind speaks at once: nothing outside is asked twice for it, its operation is set aside with the
 * reason, and whoever looks after errors hears of it. Method: subscriptions that charge a card, each with one mistake.
 */
import { describe, expect, test, vi } from 'vitest'
import { assign, setup } from 'xstate'
import {
  answered,
  backoff,
  defineOperation,
  effect,
  openOperations,
  operationsTable,
  tx,
  type OperationError,
} from '../../src/kernel/index.ts'
import { isDefect, textOf } from '../../src/kernel/run/defects.ts'
import { HardshellError } from '../../src/kernel/util/errors.ts'
import { notJson } from '../../src/kernel/util/json.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { pass, settled } from '../kits/kernel-shop.ts'

interface Context {
  readonly id: string
  readonly paid: unknown
  readonly tries: number
}
type Charged = { answer: 'ok' | 'unknown' }

const plans = { columns: { id: 'text', title: 'text' }, key: ['id'] } as const
const tables = { operations: operationsTable(), plans }

interface Mistake {
  readonly writes?: (context: Context) => readonly { readonly put: string; readonly row: object }[]
  readonly keeps?: () => unknown
  readonly charge?: () => Promise<Charged> | Charged
}

const nowhere = (): Charged => {
  throw new ReferenceError('charger is not defined')
}

/** A subscription with a mistake in it. */
const subscriptionOf = ({ writes = () => [], keeps = () => true, charge = () => ({ answer: 'ok' }) }: Mistake) =>
  defineOperation({
    kind: 'subscription',
    version: 1,
    machine: setup({
      types: {} as {
        context: Context
        input: { id: string }
        events: { type: 'charge' } | { type: 'cancel' } | { type: 'break' }
      },
      actors: { charge: effect<Charged, { id: string }>({ answers: { ok: true, unknown: true } }) },
      actions: { tx },
      delays: { pause: backoff<Context>({ firstMs: 1_000, maxMs: 1_000, tries: ({ tries }) => tries }) },
    }).createMachine({
      context: ({ input: { id } }) => ({ id, paid: false, tries: 0 }),
      initial: 'open',
      states: {
        open: { on: { charge: 'charging', cancel: 'cancelled', break: 'broken' } },
        broken: { entry: { type: 'tx', params: [{ put: 'plns', row: {} }] } },
        charging: {
          invoke: {
            src: 'charge',
            input: ({ context: { id } }) => ({ id }),
            onDone: [
              { guard: answered('ok'), target: 'paid', actions: assign({ paid: keeps }) },
              { target: 'pausing', actions: assign({ tries: ({ context }) => context.tries + 1 }) },
            ],
          },
          on: { cancel: 'cancelled' },
        },
        pausing: { after: { pause: 'charging' } },
        paid: { type: 'final', entry: { type: 'tx', params: ({ context }) => writes(context) as never } },
        cancelled: { type: 'final' },
      },
    }),
    effects: (charged: () => void) => ({
      charge: async ({ input: _ }) => {
        charged()
        return charge()
      },
    }),
  })

/** A process with one subscription that is being charged, and what it told of errors. */
async function charging(mistake: Mistake, { quiet = false } = {}) {
  const rows = memoryStore()
  const clock = new VirtualClock(1_750_000_000_000)
  const errors: OperationError[] = []
  const charges = { count: 0 }
  const kind = subscriptionOf(mistake)
  const open = async (of = kind) =>
    openOperations({
      ...{ store: await rows.open({ version: 1, tables }), tables, kinds: [of], clock },
      random: worldRandom({ entropy: 0 }),
      ports: () => void charges.count++,
      ...(!quiet && { onError: (error: OperationError) => void errors.push(error) }),
    })
  const operations = await open()
  const told: string[] = []
  operations.on(({ row: { state, status } }) => told.push(`${state} ${status}`))
  const subscriptions = operations.of(kind)
  const { id } = await subscriptions.create({})
  expect(await subscriptions.send(id, { type: 'charge' })).toBe(true)
  await settled()
  return { id, clock, charges, errors, told, operations, subscriptions, open }
}

describe('a defect is met once: the operation is set aside with the reason, and nothing outside is asked again,', () => {
  test.each<[string, Mistake, RegExp]>([
    [
      'a table that is not there',
      { writes: ({ id }) => [{ put: 'plns', row: { id } }] },
      /^TypeError: there is no table plns$/,
    ],
    [
      'a column that is missing',
      { writes: ({ id }) => [{ put: 'plans', row: { id } }] },
      /^TypeError: plans\.title is missing$/,
    ],
    [
      'a value of another type',
      { writes: ({ id }) => [{ put: 'plans', row: { id, title: 7 } }] },
      /^TypeError: plans\.title must be text/,
    ],
    [
      'a context with a date',
      { keeps: () => new Date(0) },
      /^DEFECT: context\.paid is a Date, which cannot be stored as JSON$/,
    ],
    ['a context with a number that is none', { keeps: () => [{ at: NaN }] }, /context\.paid\[0\]\.at is NaN/],
    ['a context with a bigint', { keeps: () => 7n }, /context\.paid is a bigint/],
    [
      'a chart that throws',
      { keeps: () => (undefined as never as { at: number }).at },
      /^TypeError: Cannot read properties of undefined/,
    ],
    ['an effect that throws', { charge: () => nowhere() }, /^ReferenceError: /],
  ])('%s', async (_, mistake, why) => {
    const { id, clock, charges, errors, told, operations, subscriptions } = await charging(mistake)
    const aside = await operations.get(id)
    expect(aside).toMatchObject({ status: 'quarantined', state: 'charging' })
    expect(aside.row.reason).toMatch(why)
    expect(errors).toMatchObject([{ id, kind: 'subscription', state: 'charging', attempt: 1 }])
    await pass({ clock }, 600_000)
    expect([charges.count, errors.length]).toEqual([1, 1])
    expect(told).toEqual(['open active', 'charging active', 'charging quarantined'])
    const { lastError, why: said, needsHuman } = await operations.explain(id)
    expect(lastError).toEqual({ error: aside.row.reason, attempt: 1, atMs: 1_750_000_000_000 })
    expect([said, needsHuman]).toEqual([aside.row.reason, true])
    await expect(subscriptions.send(id, { type: 'cancel' })).rejects.toMatchObject({ code: 'QUARANTINED' })
  })
})

test('it is still set aside, and says why, after a restart; resumed by a mended program it goes on', async () => {
  const { id, charges, operations, open } = await charging({ writes: ({ id }) => [{ put: 'plns', row: { id } }] })
  operations.close()
  const mended = subscriptionOf({ writes: ({ id }) => [{ put: 'plans', row: { id, title: 'pro' } }] })
  const after = await open(mended)
  await after.resumed
  expect(await after.explain(id)).toMatchObject({
    status: 'quarantined',
    lastError: { error: 'TypeError: there is no table plns', attempt: 1 },
  })
  expect(charges.count).toBe(1)
  await after.resume(id)
  await settled()
  expect(await after.get(id)).toMatchObject({ status: 'done', state: 'paid' })
  expect((await after.explain(id)).lastError).toBeUndefined()
  after.close()
})

test('an event that meets a defect is refused to its caller, and the operation stays as it was', async () => {
  const { id, errors, operations, subscriptions, charges } = await charging({ charge: () => new Promise(() => {}) })
  const other = await subscriptions.create({})
  await expect(subscriptions.send(other.id, { type: 'break' })).rejects.toThrow('there is no table plns')
  expect(errors).toMatchObject([{ id: other.id, state: 'open', error: { message: 'there is no table plns' } }])
  expect(await operations.get(other.id)).toMatchObject({ status: 'active', state: 'open', version: 1 })
  expect(await subscriptions.send(other.id, { type: 'cancel' })).toBe(true)
  expect(await operations.get(id)).toMatchObject({ status: 'active', state: 'charging' })
  expect(charges.count).toBe(1)
})

test('an error that may pass is tried again, each time is told, and `explain` says what it was', async () => {
  const error = new Error('the card reader is on fire; the token was "cashuBo2F0gaJ" and the key 00ff00ff00ff00ff00ff')
  const { id, clock, charges, errors, operations } = await charging({ charge: () => Promise.reject(error) })
  const said = 'Error: the card reader is on fire; the token was "…" and the key …'
  expect(await operations.explain(id)).toMatchObject({ status: 'active', lastError: { error: said, attempt: 1 } })
  await pass({ clock }, 60_000)
  expect([charges.count, errors.length]).toEqual([6, 6])
  expect(errors.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6])
  expect(errors.every((each) => each.error === error)).toBe(true)
  const reason = `crashed 6 times: ${said}`
  expect(await operations.get(id)).toMatchObject({ status: 'quarantined', row: { reason } })
  expect((await operations.explain(id)).lastError).toMatchObject({ error: reason, attempt: 6 })
})

test('where nobody listens to errors, the platform hears of what is set aside', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => {})
  const { id } = await charging({ writes: () => [{ put: 'plns', row: {} }] }, { quiet: true })
  await settled()
  expect(told.mock.calls).toMatchObject([
    [
      {
        code: 'QUARANTINED',
        operationId: id,
        message: `subscription ${id} in 'charging': TypeError: there is no table plns`,
      },
    ],
  ])
  told.mockRestore()
})

test('what is a defect, and what may pass', () => {
  const defects = [new TypeError('x'), new RangeError('x'), new ReferenceError('x'), new HardshellError('DEFECT', 'x')]
  expect(defects.map(isDefect)).toEqual([true, true, true, true])
  const passing = [
    new Error('x'),
    new StoreError('BUSY', 'x'),
    new HardshellError('SUPERSEDED', 'x'),
    new TypeError('fetch failed'),
    new TypeError('Failed to fetch'),
    new TypeError('NetworkError when attempting to fetch resource.'),
    new TypeError('Load failed'),
    'TypeError',
  ]
  expect(passing.map(isDefect)).toEqual(passing.map(() => false))
})

test('an error as text has no secrets, and is short', () => {
  expect(textOf(new StoreError('BUSY', 'plans is busy'))).toBe('BUSY: plans is busy')
  expect(textOf(new SyntaxError(`Unexpected token 'a', "abandon ability able" is not valid JSON`))).toBe(
    `SyntaxError: Unexpected token 'a', "…" is not valid JSON`,
  )
  expect(textOf(new Error(`no ${'ab12'.repeat(16)} here`))).toBe('Error: no … here')
  expect(textOf(new Error('x '.repeat(1_000))).length).toBeLessThan(320)
  expect(textOf('secret')).toBe('not an error, but string')
})

test('what JSON carries as it is', () => {
  const right = { a: [1, 'x', null, true, -0, 2 ** 53, { b: undefined }], c: Object.create(null) as object }
  expect(notJson(right, 'it')).toBeUndefined()
  const wrong = [new Map(), () => {}, Infinity, [1, undefined], { a: { b: new Set() } }, Symbol('x')]
  expect(wrong.map((each) => notJson(each, 'it'))).toEqual([
    'it is a Map',
    'it is a function',
    'it is Infinity',
    'it[1] is undefined',
    'it.a.b is a Set',
    'it is a symbol',
  ])
})
