/**
 * Goal: of a kind in two versions, old operations finish on the old chart or are migrated, and new ones start on the new chart.
 * Method: programs that know other versions take over the rows of one that was killed, in each state.
 */
import { setup } from 'xstate'
import { beforeEach, describe, expect, test } from 'vitest'
import { answered, defineOperation, effect, openOperations, type OperationKind } from '../../src/kernel/index.ts'
import { exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { Shop, tables } from '../kits/owners-kit.ts'

type Bank = { charge(what: string): Promise<void> }
const declared = { charge: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) }
const input = ({ context: { id } }: { context: { id: string } }) => ({ id })
const effectsOf = (version: number) => (bank: Bank) => ({
  charge: ({ input: { id } }: { input: { id: string } }) =>
    bank.charge(`${version} ${id}`).then(() => ({ answer: 'ok' }) as const),
})

const first = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string }; events: { type: 'pay' }; output: { by: 'card' } },
    actors: declared,
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'open',
    states: {
      open: { tags: 'human', on: { pay: 'charging' } },
      charging: { invoke: { src: 'charge', input, onDone: { guard: answered('ok'), target: 'paid' } } },
      paid: { type: 'final' },
    },
    output: { by: 'card' },
  }),
  effects: effectsOf(1),
})

/** Its states have other names, and it takes another event. */
const secondMachine = setup({
  types: {} as {
    context: { id: string }
    input: { id: string }
    events: { type: 'settle' }
    output: { by: 'any' }
  },
  actors: declared,
}).createMachine({
  context: ({ input: { id } }) => ({ id }),
  initial: 'placed',
  states: {
    placed: { tags: 'human', on: { settle: 'settling' } },
    settling: { invoke: { src: 'charge', input, onDone: { guard: answered('ok'), target: 'settled' } } },
    settled: { type: 'final' },
  },
  output: { by: 'any' },
})
const second = defineOperation({ kind: 'order', version: 2, machine: secondMachine, effects: effectsOf(2) })
const NAMES = new Map<unknown, string>(Object.entries({ open: 'placed', charging: 'settling', paid: 'settled' }))
const migrating = defineOperation({
  ...second,
  migrate: { 1: (snapshot) => ({ ...snapshot, value: NAMES.get(snapshot.value) ?? '' }) },
})
const third = defineOperation({ kind: 'order', version: 3, machine: setup({}).createMachine({}), effects: () => ({}) })

let shop: Shop
let charged: string[]
let opens: () => void
beforeEach(() => {
  shop = new Shop()
  charged = []
  opens = () => {}
})

/** A process that knows these versions; its bank answers at once, or when the test says so. */
async function start(kinds: readonly OperationKind<Bank>[], slow = false) {
  const charge = async (what: string): Promise<void> => {
    charged.push(what)
    if (slow) await new Promise<void>((resolve) => (opens = resolve))
  }
  const { clock, random } = shop
  const operations = openOperations({ store: await shop.store(), tables, kinds, ports: { charge }, clock, random })
  await operations.resumed
  return operations
}

const other = (id: string) => ({ code: 'OTHER_VERSION', operationId: id })

describe('side by side', () => {
  test('an old operation finishes on the old chart, and a new one starts on the new', async () => {
    const before = await start([first])
    const open = await before.of(first).create({}, { key: 'old' })
    before.close()
    const between = await start([first, second], true)
    expect((await between.of(first).get(open.id)).state).toBe('open')
    expect(await between.of(first).send(open.id, { type: 'pay' })).toBe(true)
    await shop.pass(10)
    between.close()
    const after = await start([second, first])
    await shop.pass(10)
    expect(await after.of(first).finished(open.id)).toEqual({ by: 'card' })
    expect(shop.row(open.id)).toMatchObject({ state: 'paid', kindVersion: 1 })
    const placed = await after.of(second).create({})
    expect(shop.row(placed.id)).toMatchObject({ state: 'placed', kindVersion: 2 })
    await after.of(second).send(placed.id, { type: 'settle' })
    await shop.pass(10)
    expect(await after.of(second).finished(placed.id)).toEqual({ by: 'any' })
    expect(charged).toEqual([`1 ${open.id}`, `1 ${open.id}`, `2 ${placed.id}`])
    opens()
  })

  test('each version sees its own', async () => {
    const before = await start([first])
    const { id } = await before.of(first).create({}, { key: 'old' })
    before.close()
    const after = await start([second, first])
    const [olds, youngs] = [after.of(first), after.of(second)]
    const { id: placed } = await youngs.create({})
    expect((await olds.list()).map((view) => view.id)).toEqual([id])
    expect((await youngs.list({ limit: 1 })).map((view) => view.id)).toEqual([placed])
    await expect(youngs.list({ limit: -1 })).rejects.toThrow(/^limit: /)
    expect((await after.list()).map((view) => [view.id, view.state])).toEqual([
      [placed, 'placed'],
      [id, 'open'],
    ])
    await expect(youngs.get(id)).rejects.toMatchObject(other(id))
    await expect(youngs.send(id, { type: 'settle' })).rejects.toMatchObject(other(id))
    await expect(youngs.finished(id)).rejects.toMatchObject(other(id))
    await expect(olds.ask(placed, { type: 'pay' })).rejects.toMatchObject(other(placed))
    await expect(olds.create({})).rejects.toThrow(new TypeError("kind: new operations of 'order' start on version 2"))
    // The key's operation is there, and has other types.
    await expect(youngs.create({}, { key: 'old' })).rejects.toMatchObject(other(id))
    expect((await after.explain(id)).takes).toEqual(['pay'])
    await olds.send(id, { type: 'pay' })
    await shop.pass(10)
    await expect(youngs.send(id, { type: 'settle' })).rejects.toMatchObject(other(id))
  })

  test('pages, counts, watched lists and cancelling in bulk are of one version', async () => {
    const before = await start([first])
    const old: string[] = []
    for (let made = 0; made < 3; made++) {
      old.unshift((await before.of(first).create({})).id)
      shop.clock.sleep(1)
    }
    before.close()
    const cancellable = [defineOperation({ ...first, cancel: { type: 'pay' } }), defineOperation({ ...second, cancel: { type: 'settle' } })] as const // prettier-ignore
    const after = await start(cancellable)
    const [olds, youngs] = [after.of(cancellable[0]), after.of(cancellable[1])]
    const { id: young } = await youngs.create({})
    const page = await olds.page({ limit: 2 })
    const rest = await olds.page({ limit: 2, after: page.next })
    expect([page.operations.map(({ id }) => id), rest.operations.map(({ id }) => id)]).toEqual([
      old.slice(0, 2),
      old.slice(2),
    ])
    expect(rest.next).toBe(undefined)
    expect([await olds.count(), await youngs.count(), await after.count({ kind: 'order' })]).toEqual([3, 1, 4])
    for (const [kind, ids] of [
      [olds, old],
      [youngs, [young]],
    ] as const) {
      const { value } = await kind.watch().next()
      expect(value?.map(({ id }) => id)).toEqual(ids)
    }
    // The first of all are of the other version: they do not count.
    expect(await youngs.cancelAll({ limit: 1 })).toMatchObject([{ id: young, outcome: 'done' }])
    expect(await olds.cancelAll()).toMatchObject(old.map((id) => ({ id, outcome: 'done' })))
  })

  test('a version that is given twice is refused', async () => {
    await expect(start([first, first])).rejects.toThrow(new TypeError("kinds: 'order' of version 1 twice"))
  })
})

describe('without the old version', () => {
  test.each(['open', 'charging', 'paid'])('an operation in %s is migrated', async (state) => {
    const before = await start([first], state === 'charging')
    const { id } = await before.of(first).create({})
    if (state !== 'open') await before.of(first).send(id, { type: 'pay' })
    await shop.pass(10)
    expect(shop.row(id).state).toBe(state)
    before.close()
    const after = await start([migrating])
    if (state === 'open') await after.of(migrating).send(id, { type: 'settle' })
    await shop.pass(10)
    const view = await after.of(migrating).get(id)
    expect(view.snapshot?.value).toBe('settled')
    expect(charged.at(-1)).toBe(state === 'paid' ? `1 ${id}` : `2 ${id}`)
    opens()
  })

  test('one that nobody can migrate stays as it is, and goes on once its version is there again', async () => {
    const before = await start([first])
    const { id } = await before.of(first).create({})
    before.close()
    const row = shop.row(id)
    const after = await start([second])
    expect((await after.get(id)).status).toBe('unloadable')
    expect((await after.explain(id)).why).toContain('no migration from version 1')
    after.close()
    expect(shop.row(id)).toEqual(row)
    const mended = await start([second, first])
    await mended.of(first).send(id, { type: 'pay' })
    await shop.pass(10)
    expect(shop.row(id).state).toBe('paid')
  })

  test('one that the newest cannot migrate goes to the next version that can', async () => {
    const before = await start([first])
    const { id } = await before.of(first).create({})
    before.close()
    const after = await start([third, migrating])
    expect((await after.of(migrating).get(id)).snapshot?.value).toBe('placed')
    await after.of(migrating).send(id, { type: 'settle' })
    await shop.pass(10)
    expect(shop.row(id)).toMatchObject({ state: 'settled', kindVersion: 2 })
  })

  test('a later version is left alone', async () => {
    const before = await start([second])
    const { id } = await before.of(second).create({})
    before.close()
    const after = await start([first])
    expect((await after.get(id)).status).toBe('unloadable')
    expect((await after.explain(id)).why).toContain('this program knows version 1')
  })
})

test.each([
  ['at every crash', []],
  ['and takes a caller’s event for the old version at any time', [{ type: 'pay' }]],
] as const)('explored: a program of both versions finishes what the old one left, %s', async (_, anytime) => {
  const subjectOf = (kinds: readonly OperationKind<Bank>[]) =>
    kindSubject({
      kinds,
      outside: () => ({ charged: [] as string[] }),
      ports: ({ charged: known }): Bank => ({
        charge: async (what) => void (known.includes(what) || known.push(what)),
      }),
      judge: ({ outside, operations }) => {
        const ends = operations.map(({ kindVersion, state }) => `${kindVersion} ${state}`)
        const end = [...ends, ...outside.charged.map((what) => what.slice(0, 2))].toSorted().join()
        return end === '1 ,1 paid,2 ,2 settled' ? [] : [`payment: ${end}`]
      },
    })
  const [old, young] = [subjectOf([first]), subjectOf([second, first])]
  const subject: typeof young = {
    ...young,
    async open() {
      const [before, after] = [await old.open(), await young.open()]
      return { ...after, start: (means) => (means.stage.notes['upgraded'] === true ? after : before).start(means) }
    },
  }
  const setUp = async (stage: KindStage<object>): Promise<void> => {
    await stage.operations.of(first).create({})
    stage.note('upgraded', true)
  }
  const drive = async ({ operations }: KindStage<object>): Promise<void> => {
    const [olds, youngs] = [operations.of(first), operations.of(second)]
    const [left] = await olds.list()
    if (!left) throw new Error('the old one is there')
    const { id } = await youngs.create({}, { key: 'new' })
    await youngs.send(id, { type: 'settle' })
    await olds.send(left.id, { type: 'pay' })
    await Promise.all([olds.finished(left.id), youngs.finished(id)])
  }
  const { violations, closed } = await exploreCrashes(
    { kind: 'order', name: 'both', subject, setup: setUp, drive, anytime },
    { faults: 1 },
  )
  expect(violations).toEqual([])
  expect(closed).toBe(true)
})
