/**
 * Goal: the two states of `retrying` are those that one would write by hand. Method: charts with them run on a virtual clock, the
 * compiler reads what is wrong, and what it cannot read is refused.
 */
import { assign, setup } from 'xstate'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  backoff,
  defineOperation,
  effect,
  isAnswered,
  local,
  openOperations,
  operationsTable,
  retrying,
  tx,
  type StateOf,
  type WriteOf,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'

interface Sale {
  readonly id: string
  readonly tries: number
  readonly receipt: string
}
type Charged = { answer: 'ok'; receipt: string } | { answer: 'declined' | 'busy' | 'unknown' }
type Asked = { order: string }
const charge = effect<Charged, Asked>({ answers: { ok: true, declined: true, busy: true, unknown: true } })
const ship = effect<{ answer: 'sent' | 'unknown' }, Asked>({ answers: { sent: true, unknown: true } })
const input = ({ context: { id } }: { context: Sale }): Asked => ({ order: id })

const receipts = { columns: { id: 'text', receipt: 'text' }, key: ['id'] } as const
const tables = { operations: operationsTable(), receipts }
const parts = setup({
  types: {} as { context: Sale; input: { id: string } },
  actors: { charge, ship },
  actions: { keep: assign((_, kept: Partial<Sale>) => kept), tx: tx<WriteOf<typeof tables>> },
  guards: { answered: isAnswered },
  delays: { pause: backoff<Sale>({ firstMs: 1_000, maxMs: 60_000, tries: ({ tries }) => tries }) },
})
const context = ({ input: { id } }: { input: { id: string } }): Sale => ({ id, tries: 0, receipt: '' })
const machine = parts.createMachine({
  context,
  initial: 'charging',
  states: {
    ...retrying(
      'charging',
      { charge },
      {
        input,
        on: {
          ok: {
            target: 'shipping',
            keep: ({ output }) => ({ receipt: output.receipt }),
          },
          declined: 'failed',
        },
        later: ['busy'],
        backoff: 'pause',
      },
    ),
    ...retrying(
      'shipping',
      { ship },
      { input: ({ context: { id } }) => ({ order: id }), on: { sent: 'shipped' }, backoff: 'pause' },
    ),
    shipped: {
      type: 'final',
      entry: { type: 'tx', params: ({ context: { id, receipt } }) => [{ put: 'receipts', row: { id, receipt } }] },
    },
    failed: { type: 'final' },
  },
})

/** What the services answer, one after the other, and the pauses between (ms). */
async function sold(charged: readonly Charged[], shipped: readonly ('sent' | 'unknown')[]) {
  const store = await memoryStore().open({ version: 1, tables })
  const clock = new VirtualClock(0)
  const [charges, ships] = [[...charged], [...shipped]]
  const sale = defineOperation({
    kind: 'sale',
    version: 1,
    machine,
    effects: () => ({
      charge: (): Charged => charges.shift() ?? { answer: 'unknown' },
      ship: () => ({ answer: ships.shift() ?? 'unknown' }),
    }),
  })
  const random = (bytes: number) => new Uint8Array(bytes)
  const operations = openOperations({ store, tables, kinds: [sale], ports: {}, clock, random: ids(random) })
  const pauses: [string, number][] = []
  operations.on(({ before, row }) => {
    if (row.dueAt !== null && before?.state !== row.state) pauses.push([row.state, row.dueAt - clock.now()])
  })
  const { id } = await operations.of(sale).create({})
  do await new Promise((resolve) => setImmediate(resolve))
  while (clock.advance())
  const { state, snapshot } = await operations.of(sale).get(id)
  operations.close()
  return {
    state,
    context: snapshot?.context,
    pauses,
    rows: await store.query<{ receipt: string }>({ table: 'receipts' }),
  }
}

/** Nothing at random but ids. */
function ids(random: (bytes: number) => Uint8Array): (bytes: number) => Uint8Array {
  let made = 0
  return (bytes) => (bytes === 16 ? new Uint8Array(bytes).fill(++made) : random(bytes))
}

describe('the two states', () => {
  test('ask again after pauses that double, and begin with the shortest one after an answer', async () => {
    const unknown = { answer: 'unknown' } as const
    const { state, pauses, context: kept, rows } = await sold([unknown, unknown, { answer: 'busy' }, { answer: 'ok', receipt: 'r1' }], ['unknown', 'unknown', 'sent']) // prettier-ignore
    expect(pauses).toEqual([
      ['chargingLater', 1_000],
      ['chargingLater', 2_000],
      ['chargingLater', 4_000],
      ['shippingLater', 1_000],
      ['shippingLater', 2_000],
    ])
    expect(state).toBe('shipped')
    expect(kept).toMatchObject({ tries: 0, receipt: 'r1' })
    expect(rows).toMatchObject([{ receipt: 'r1' }])
  })

  test('lead on at once where the answer comes at once', async () => {
    const { state, pauses, rows } = await sold([{ answer: 'declined' }], [])
    expect({ state, pauses, rows }).toEqual({ state: 'failed', pauses: [], rows: [] })
  })

  test('have names that the chart knows', () => {
    expectTypeOf<StateOf<typeof machine>>().toEqualTypeOf<
      'charging' | 'chargingLater' | 'shipping' | 'shippingLater' | 'shipped' | 'failed'
    >()
    expect(Object.keys(machine.states)).toEqual([
      ...['charging', 'chargingLater', 'shipping', 'shippingLater', 'shipped', 'failed'],
    ])
  })

  test('may handle the answer that is unknown themselves, where another one leads to the pause', () => {
    const { charging } = retrying(
      'charging',
      { charge },
      {
        input,
        on: { ok: 'paid', declined: 'failed', unknown: 'asking' },
        later: ['busy'],
        backoff: 'pause',
      },
    )
    expect(charging.invoke.onDone.map(({ guard, target }) => [guard?.params ?? [], target])).toEqual([
      [['ok'], 'paid'],
      [['declined'], 'failed'],
      [['unknown'], 'asking'],
      [[], 'chargingLater'],
    ])
  })
})

describe('what is wrong does not compile, and is refused:', () => {
  const whole = { ok: 'paid', declined: 'failed', busy: 'failed' } as const
  const backs = { input, backoff: 'pause' } as const

  test('an answer without a state', () => {
    // @ts-expect-error: nothing is said of declined
    expect(() => retrying('a', { charge }, { ...backs, on: { ok: 'paid', busy: 'failed' } })).toThrow(
      /^on: lacks 'declined' of 'charge'$/,
    )
  })

  test('an answer that the effect does not give', () => {
    // @ts-expect-error: it never answers refused
    expect(() => retrying('a', { charge }, { input, backoff: 'pause', on: { ...whole, refused: 'failed' } })).toThrow(
      /^on: 'charge' does not answer 'refused'$/,
    )
    // @ts-expect-error: it never answers refused
    expect(() => retrying('a', { charge }, { input, backoff: 'pause', on: whole, later: ['refused'] })).toThrow(
      /^on: 'charge' does not answer 'refused'$/,
    )
  })

  test('an answer that leads to two states', () => {
    expect(() => retrying('a', { charge }, { ...backs, on: whole, later: ['busy'] })).toThrow(/^on: 'busy' is in later/)
  })

  test('answers of which none leads to the pause', () => {
    expect(() => retrying('a', { charge }, { ...backs, on: { ...whole, unknown: 'failed' } })).toThrow(
      /^later: no answer/,
    )
  })

  test('an option that nobody reads, a branch without a state, no effect', () => {
    // @ts-expect-error: misspelt
    expect(() => retrying('a', { charge }, { ...backs, on: whole, latr: [] })).toThrow(/^latr: not among/)
    // @ts-expect-error: no state
    expect(() => retrying('a', { charge }, { ...backs, on: { ...whole, ok: {} } })).toThrow(/^on\.ok: a state/)
    const step = local<{ answer: 'ok' | 'unknown' }, Asked>({ answers: { ok: true, unknown: true } })
    expect(() => retrying('a', { step }, { ...backs, on: { ok: 'paid' } })).toThrow(/^effect: one, by its name$/)
    // @ts-expect-error: two effects
    expect(() => retrying('a', { charge, ship }, { ...backs, on: whole })).toThrow(/^effect: one, by its name$/)
  })

  test('what the chart has not', () => {
    const states = { paid: {}, failed: {} }
    const misspelt = () =>
      defineOperation({
        kind: 'sale',
        version: 1,
        machine: parts.createMachine({
          context,
          initial: 'charging',
          states: { ...states, ...retrying('charging', { charge }, { input, on: whole, backoff: 'puase' }) },
        }),
        effects: () => ({ charge: (): Charged => ({ answer: 'declined' }), ship: () => ({ answer: 'sent' as const }) }),
      })
    expect(misspelt).toThrow(/state '\(machine\)\.chargingLater' has the delay 'puase', which is not in setup$/)
    const ok = { target: 'paid', keep: { receipt: 1 } }
    // @ts-expect-error: the receipt is a text
    retrying('charging', { charge }, { ...backs, on: { ...whole, ok } })
    const other = { on: whole, backoff: 'pause', input: ({ context: { id } }: { context: Sale }) => ({ id }) } as const
    // @ts-expect-error: the effect takes another input
    retrying('charging', { charge }, other)
    const busy = { target: 'b', keep: ({ output }: { output: { receipt: string } }) => output }
    // @ts-expect-error: a refusal has no receipt
    retrying('charging', { charge }, { ...backs, on: { ...whole, busy } })
  })
})
