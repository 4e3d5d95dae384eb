/**
 * Goal: any inspector of XState can draw what the kernel tells. Method: the kernel's events go through the types of `@statelyai/inspect` (what
 * does not fit does not compile) and to an adapter of its inspector, which records, over the lives of operations: new, stepping, found
 * after a restart, ended, set aside. They have what that inspector makes of an actor of XState itself. Every chart in machines/ is made
 * anew from the definition that is told of it.
 */
import { createInspector, type StatelyActorEvent, type StatelyInspectionEvent } from '@statelyai/inspect'
import { describe, expect, test } from 'vitest'
import { createActor, createMachine, setup, type AnyStateMachine } from 'xstate'
import { describeChart } from '../../src/chart/index.ts'
import { definitionText } from '../../src/kernel/inspect/definition-text.ts'
import type { InspectionEvent } from '../../src/kernel/index.ts'
import { everyMachine } from '../kits/every-machine.ts'
import {
  arrivedAt,
  goodCard,
  left,
  newWorld,
  orderMachine,
  orderRow,
  pass,
  PAY_WITHIN_MS,
  settled,
  silentCard,
  start,
  stocked,
} from '../kits/kernel-shop.ts'

/** An inspector of the package whose adapter records; its `inspect` takes the kernel's events. */
function recorder() {
  const sent: StatelyInspectionEvent[] = []
  const inspector = createInspector({ send: (event: StatelyInspectionEvent) => void sent.push(event) })
  const all: InspectionEvent[] = []
  const inspect = (event: InspectionEvent): void => {
    all.push(event)
    if (event.type !== '@xstate.microstep') inspector.adapter.send(event)
  }
  return { sent, all, inspect }
}

/** What an inspector that draws does: it finds the actor of each event, and the state in its chart. */
function drawn(sent: readonly StatelyInspectionEvent[]): string[] {
  const known = new Map<string | undefined, AnyStateMachine>()
  const find = (id: string | undefined): AnyStateMachine => {
    const machine = known.get(id)
    if (!machine) throw new Error(`nobody was told of ${id}`)
    return machine
  }
  return sent.map((event) => {
    const { type, sessionId, rootId } = event
    if (type === '@xstate.actor') {
      if (event.parentId !== undefined) find(event.parentId)
      known.set(sessionId, createMachine(JSON.parse(event.definition ?? '{}') as object))
    }
    const machine = find(sessionId)
    if (type === '@xstate.event') {
      if (event.sourceId !== undefined) find(event.sourceId)
      return `${event.sourceId === sessionId ? 'itself' : (event.sourceId ?? 'somebody')}: ${event.event.type}`
    }
    const { status, value } = event.snapshot as { readonly status: string; readonly value: string }
    if (sessionId !== rootId) machine.resolveState({ value, context: {} })
    return `${type.slice(8)} ${status} ${JSON.stringify(value)}`
  })
}

const named = (lines: readonly string[], id: string): string[] => lines.map((line) => line.replaceAll(id, 'order'))

describe('an inspector of XState', () => {
  test('is told of a new operation, its events and its steps, in the order in which they are', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const { sent, inspect } = recorder()
    const shop = await start(world, { ports: { card: goodCard }, inspect })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    await shop.orders.send(id, arrivedAt('door'))
    expect(named(drawn(sent), id)).toEqual([
      'actor active "supervisor"',
      'actor active "placed"',
      'supervisor: xstate.init',
      'somebody: xstate.done.actor.0.order.taking',
      'snapshot active "placed"',
      'somebody: pay',
      'snapshot active "charging"',
      'somebody: xstate.done.actor.0.order.charging',
      'somebody: xstate.done.actor.0.order.packing',
      'somebody: xstate.done.actor.0.order.labelling',
      'order: charged',
      'snapshot active "shipping"',
      'somebody: parcel.updated',
      'snapshot done "delivered"',
    ])
    expect(new Set(sent.map((event) => event.id)).size).toBe(sent.length)
    for (const { createdAt, rootId, _version } of sent) {
      expect(Number(createdAt)).toBeGreaterThanOrEqual(world.clock.now() - 60_000)
      expect({ rootId, _version }).toEqual({ rootId: 'supervisor', _version: '0.7.2' })
    }
  })

  test('is told of what was there before anything comes of it, after a restart', async () => {
    const { world, id } = await left('placed')
    const { sent, inspect } = recorder()
    const shop = await start(world, { ports: { card: silentCard }, inspect })
    await shop.operations.resumed
    expect(named(drawn(sent), id)).toEqual(['actor active "supervisor"', 'actor active "placed"'])
    await pass(world, PAY_WITHIN_MS)
    expect(named(drawn(sent), id).slice(2)).toEqual([
      'itself: xstate.after.payDeadline.order.placed',
      'snapshot done "cancelled"',
    ])
    // What has ended is told of anew, should more come of it; and a second life is told again.
    const again = recorder()
    await start(world, { ports: { card: silentCard }, inspect: again.inspect })
    expect(again.sent).toEqual([])
  })

  test('is told of an operation after the one that it belongs to, which it names, while that goes on', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const before = await start(world, { ports: { card: silentCard } })
    // The ids are so that no order by them is right for both.
    for (const [id, parent] of [
      ['b', undefined],
      ['a', 'b'],
      ['c', 'b'],
      ['d', 'gone'],
    ] as const)
      await before.orders.create({ item: 'tea' }, { id, ...(parent !== undefined && { parent }) })
    before.kill()
    const { sent, inspect } = recorder()
    const shop = await start(world, { ports: { card: silentCard }, inspect })
    await shop.operations.resumed
    const told = sent.flatMap((event) => (event.type === '@xstate.actor' ? [[event.sessionId, event.parentId]] : []))
    expect(new Map(told as [string, string | undefined][])).toEqual(
      new Map([
        ['supervisor', undefined],
        ['b', 'supervisor'],
        ['a', 'b'],
        ['c', 'b'],
        ['d', 'supervisor'],
      ]),
    )
    expect(drawn(sent)).toHaveLength(5)
  })

  test('is told when an operation is set aside, and goes on', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const { sent, inspect } = recorder()
    let isBroken = true
    const card = () => {
      if (isBroken) throw new TypeError('a card of the test breaks')
      return Promise.resolve({ answer: 'declined' as const })
    }
    const shop = await start(world, { ports: { card }, inspect, onError: () => {} })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(orderRow(world, id).status).toBe('quarantined')
    expect(drawn(sent).at(-1)).toBe('snapshot stopped "charging"')
    isBroken = false
    await shop.operations.resume(id)
    await settled()
    expect(drawn(sent).at(-1)).toBe('snapshot done "declined"')
  })

  test('gets events as its own package makes them of an actor', async () => {
    const theirs: StatelyInspectionEvent[] = []
    const { inspect } = createInspector({ send: (event: StatelyInspectionEvent) => void theirs.push(event) })
    const lamp = setup({}).createMachine({
      id: 'lamp',
      initial: 'off',
      states: { off: { on: { press: 'on' } }, on: {} },
    })
    createActor(lamp, { inspect }).start().send({ type: 'press' })
    await expect.poll(() => theirs.length).toBeGreaterThanOrEqual(5)
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const { sent, inspect: ours } = recorder()
    const shop = await start(world, { ports: { card: silentCard }, inspect: ours })
    await shop.orders.create({ item: 'tea' })
    for (const their of theirs) {
      const own = sent.find(({ type, sessionId }) => type === their.type && sessionId !== 'supervisor')
      expect(own).toBeDefined()
      expect(Object.keys(own ?? {})).toEqual(expect.arrayContaining(Object.keys(their)))
    }
    const isActor = (event: StatelyInspectionEvent): event is StatelyActorEvent => event.type === '@xstate.actor'
    const [definition] = theirs.filter(isActor).map((event) => event.definition)
    expect(definitionText(lamp)).toBe(definition)
  })

  test('gets no context, event or output whole, unless it is unsafe', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const [safe, whole] = [recorder(), recorder()]
    const shop = await start(world, { ports: { card: goodCard }, inspect: safe.inspect, unsafeInspect: whole.inspect })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(JSON.stringify(safe.all)).not.toContain('receipt')
    expect(JSON.stringify(whole.all)).toContain(`receipt of ${id}`)
    expect(safe.all.map(({ type }) => type)).toEqual(whole.all.map(({ type }) => type))
    // JSON leaves out what is undefined, and nothing else.
    expect(JSON.parse(JSON.stringify(whole.all))).toEqual(whole.all)
  })
})

describe('the definition that is told', () => {
  const charts: readonly (readonly [string, AnyStateMachine])[] = [...everyMachine, ['the shop', orderMachine]]

  test.each(charts)('of %s says every state, arrow, guard, action, delay and effect', (_, machine) => {
    const text = definitionText(machine)
    const again = createMachine(JSON.parse(text) as object, machine.implementations as object)
    const [{ arrows, ...told }, { arrows: own, ...whole }] = [describeChart(again), describeChart(machine)]
    expect(told).toEqual(whole)
    expect(arrows).toEqual(own)
  })

  test.each(everyMachine)('of %s has no function without a name', (_, machine) => {
    expect(definitionText(machine).match(/.{0,80}unnamed/)?.[0]).toBeUndefined()
  })

  test.each(everyMachine)(
    'is what XState writes of %s as JSON, which lacks only what is taken at once',
    (_, machine) => {
      const text = JSON.stringify(machine.toJSON())
      const { arrows: all, delays, states } = describeChart(machine)
      const arrows = all.filter(({ type }) => type !== 'always')
      const names = [
        ...arrows.flatMap(({ guard, answers, name }) => [...(guard === null ? [] : [guard]), ...answers, name]),
        ...arrows.flatMap(({ actions }) => actions),
        ...states.flatMap(({ name, invokes, entry, exit }) => [
          name,
          ...invokes.map(({ src }) => src),
          ...entry,
          ...exit,
        ]),
      ]
      expect(names.filter((name) => !text.includes(name))).toEqual([])
      const used = new Set(arrows.flatMap(({ type, name }) => (type === 'delay' ? [name] : [])))
      expect(delays.filter(({ name }) => !used.has(name))).toEqual([])
    },
  )

  test('has no context, and no secret that a chart begins with', () => {
    const machine = createMachine({ context: { seed: 'a secret' }, initial: 'context', states: { context: {} } })
    expect(JSON.parse(definitionText(machine))).toEqual({ initial: 'context', states: { context: {} } })
  })
})
