/**
 * Goal: parents and their children under every crash: a child is there with the commit that starts it and never without, runs once,
 * and its end reaches its parent. Method: shipments of two parcels that are sent, refused, cancelled or left to themselves, crashed
 * at every commit and request of parent and children, with every fault, and with a second process that takes over. What starts
 * children otherwise is found.
 */
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  operationsTable,
  ownersTable,
  start,
  type OperationKind,
} from '../../src/kernel/index.ts'
import type { StartChildren } from '../../src/kernel/kernel.ts'
import {
  covered,
  exploreCrashes,
  kindSubject,
  type ExploreOptions,
  type KindStage,
  type PortOperations,
} from '../../src/testing/index.ts'
import { exploreOwners } from '../../src/testing/lanes/owners.ts'
import { parcel, shipment, type Carrier } from '../kits/parcels.ts'

interface Outside {
  readonly sent: Record<string, string>
}
type Shipments = OperationKind<Carrier, (typeof shipment)['machine']>

/** What the caller does once the parcels are on their way. */
type Then = 'waits' | 'cancels' | 'leaves' | 'adds'

const subjectOf = (kind: Shipments) =>
  kindSubject<Carrier, Outside>({
    kinds: [kind, parcel],
    tables: { operations: operationsTable(), owners: ownersTable() },
    outside: () => ({ sent: {} }),
    ports: ({ sent }) => ({
      send: async (id, item) => {
        if (item === 'anvil') return 'refused'
        sent[id] = item
        return 'ok'
      },
    }),
    judge: ({ outside: { sent }, operations }) => {
      const parents = operations.filter(({ parent }) => parent === null)
      return operations.flatMap(({ id, kind: of, state, status, parent: mine }) => {
        const said = state === 'sent' || sent[id] === undefined ? [] : [`books: ${id} was sent, and is '${state}'`]
        if (mine === null) {
          const children = operations.filter(({ parent }) => parent === id)
          const names = new Set(children.map(({ snapshot }) => snapshot.replace(/.*"item":"(\w+)".*/, '$1')))
          if (names.size < children.length)
            return [...said, `doubled: ${of} in '${state}' has ${children.length} children`]
          if (state === 'shipped' && children.some((child) => child.state !== 'sent'))
            return [...said, `joined: '${state}', and its children are not`]
          return said
        }
        const parent = parents.find((it) => it.id === mine)
        if (!parent) return [...said, `orphan: ${id} has no parent`]
        const unstarted = parent.snapshot.includes('"children":[]') && parent.state === 'cancelled'
        if (unstarted) return [...said, `apart: ${id} is there, and its parent never started it`]
        return status === 'done'
          ? said
          : [...said, `joined: ${id} goes on in '${state}' after its parent '${parent.state}'`]
      })
    },
  })

const scenario = (items: readonly string[], then: Then, kind: Shipments = shipment, seen = 'shipment') => {
  const drive = async (stage: KindStage<Outside>): Promise<void> => {
    const { operations, notes } = stage
    const shipments = operations.of(kind)
    const { id, state } = await shipments.create({ items }, { key: 'order 7' })
    if (state === 'open') {
      // Who finds it unbegun after a crash gives it up.
      const event = notes['began'] === true ? ({ type: 'cancel' } as const) : ({ type: 'go' } as const)
      stage.note('began', true)
      await shipments.send(id, event)
    }
    if (then === 'adds') await shipments.send(id, { type: 'add', name: 'late', item: 'late' })
    if (then === 'cancels') await shipments.send(id, { type: 'cancel' })
    if (then === 'leaves') await shipments.send(id, { type: 'leave' })
    await shipments.until(id, ({ status }) => (status === 'done' ? status : undefined))
    const { state: end } = await shipments.get(id)
    if (end !== 'left' && (await operations.list({ parent: id, status: 'active' })).length > 0)
      stage.violated(`joined: '${end}', and a child goes on`)
    for (const child of await operations.list({ parent: id }))
      await operations.until(child.id, ({ status }) => (status === 'done' ? status : undefined))
  }
  return { kind: seen, name: `${items.join(' and ')}, ${then}`, subject: subjectOf(kind), drive }
}

const SCENARIOS = [
  scenario(['cups', 'tea'], 'waits'),
  scenario(['anvil', 'tea'], 'waits'),
  scenario(['cups', 'tea'], 'cancels'),
  scenario(['cups', 'tea'], 'leaves'),
  scenario(['cups'], 'adds'),
]
const FEW: ExploreOptions = { faults: 1, quick: true }

describe('a shipment and its parcels', () => {
  const visited = new Set<string>()
  test.each(SCENARIOS.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const { closed, violations, lives, worlds, visited: seen } = await exploreCrashes(one, FEW)
    console.log(`${one.name}: ${lives} lives, ${worlds} worlds`)
    expect(violations).toEqual([])
    expect(closed).toBe(true)
    for (const what of seen) visited.add(what)
  })

  test('with two processes that go on by turns', async () => {
    const { closed, violations, lives } = await exploreCrashes(scenario(['anvil'], 'waits'), { owners: true })
    console.log(`two processes: ${lives} lives`)
    expect(violations).toEqual([])
    expect(closed).toBe(true)
  })

  test.each([
    { by: 'lock', processes: 2, caller: 'first' },
    { by: 'lock', processes: 2, caller: 'second' },
    { by: 'heartbeats', processes: 2, caller: 'first' },
  ] as const)('by $by, $processes processes, the $caller called', async (sharing) => {
    const found = await exploreOwners(scenario(['anvil', 'tea'], 'waits'), { sharings: [sharing] })
    console.log(`${sharing.by}, the ${sharing.caller} called: ${found.lives} runs`)
    expect(found).toMatchObject({ violations: [], closed: true })
  })

  test('every answer of join and every branch is met', () =>
    expect(covered(shipment, visited, { crashes: true }).uncovered).toEqual([]))
})

describe('what starts children otherwise is found', () => {
  /** The children are committed, and only then the step of their parent. */
  const apart: StartChildren = async (kernel, parent, begun) => {
    const children = await start.startChildren(kernel, parent, begun)
    const land: typeof children.land = (commit) =>
      children.land(async () => {
        await kernel.store.commit(children.writes as [])
        return commit()
      })
    return { writes: [], land }
  }

  test('in a commit of their own', async () => {
    const { machine } = shipment
    const actions = { ...machine.implementations.actions, start: Object.assign(() => {}, { startChildren: apart }) }
    const kind = defineOperation({ ...shipment, machine: machine.provide({ actions } as {}) })
    const { violations } = await exploreCrashes(scenario(['cups', 'tea'], 'waits', kind), { ...FEW, until: 'apart' })
    expect(violations.map(({ what }) => what.replace(/:.*/, ''))).toContain('apart')
  })

  test('by an effect, without a key', async () => {
    const { violations } = await exploreCrashes(byEffect, { ...FEW, until: 'doubled' })
    expect(violations.map(({ what }) => what.replace(/:.*/, ''))).toContain('doubled')
  })
})

const sender = defineOperation({
  kind: 'sender',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string } },
    actors: { begin: effect<{ answer: 'ok' | 'unknown' }, { id: string }>({ answers: { ok: true, unknown: true } }) },
    delays: { pause: 1_000 },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'beginning',
    states: {
      beginning: {
        invoke: {
          src: 'begin',
          input: ({ context: { id } }) => ({ id }),
          onDone: [{ guard: answered('ok'), target: 'begun' }, { target: 'pausing' }],
        },
      },
      pausing: { after: { pause: 'beginning' } },
      begun: { type: 'final' },
    },
  }),
  effects: ({ begin }: { begin: (id: string) => Promise<void> }) => ({
    begin: ({ input: { id } }) =>
      begin(id).then(
        () => ({ answer: 'ok' as const }),
        () => ({ answer: 'unknown' as const }),
      ),
  }),
})

const errand = defineOperation({
  kind: 'errand',
  version: 1,
  machine: setup({ types: {} as { context: {}; input: { id: string } } }).createMachine({
    context: {},
    initial: 'done',
    states: { done: { type: 'final' } },
  }),
  effects: (_: { begin: (id: string) => Promise<void> }) => ({}),
})

const byEffect = {
  kind: 'sender',
  name: 'by an effect',
  subject: kindSubject({
    kinds: [sender, errand],
    outside: () => ({}),
    ports: (_outside: object, _clock: unknown, operations: PortOperations) => ({
      begin: async (parent: string) => void (await operations.of(errand).create({}, { parent })),
    }),
    judge: ({ operations }) =>
      operations.filter(({ parent }) => parent !== null).length > 1 ? ['doubled: two errands of one sender'] : [],
  }),
  drive: async ({ operations }: KindStage<object>): Promise<void> => {
    const { id } = await operations.of(sender).create({}, { key: 'errand 7' })
    await operations.of(sender).until(id, ({ status }) => (status === 'done' ? status : undefined))
  },
}
