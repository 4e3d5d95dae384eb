/**
 * Goal: spans tell what became of an operation, through the deaths of its processes. Method: a shop whose processes die, each with
 * a recorder of its own, on OpenTelemetry's SDK.
 */
import { SpanKind, SpanStatusCode, trace, context } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { stepsTable, type Telemetry } from '../../src/kernel/index.ts'
import { contextOfTraceparent, traceparentOf } from '../../src/otel/traceparent.ts'
import { begun, Depot } from '../kits/depot.ts'
import { followContexts, recorder } from '../kits/otel-kit.ts'
import { Shop, tables } from '../kits/owners-kit.ts'

const PAY = { type: 'pay' } as const
const withSteps = (): Shop => new Shop({ ...tables, steps: stepsTable() })

const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan[] =>
  spans.filter((span) => span.name === name)
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId
const linksOf = (span: ReadableSpan | undefined): string[] => span?.links.map((link) => link.context.spanId) ?? []

/** An order that a process died of while its card was charged. */
async function died(shop: Shop, telemetry?: Telemetry): Promise<string> {
  shop.bankOpens = new Promise(() => {})
  const process = await shop.process('first', undefined, { telemetry })
  const { id } = await process.orders.create({})
  await process.orders.send(id, PAY)
  await shop.pass(0)
  process.die()
  shop.bankOpens = Promise.resolve()
  return id
}

describe('an operation', () => {
  test('has one root, and below it a span for each commit and each attempt', async () => {
    const { telemetry, spans } = recorder()
    const shop = withSteps()
    const { orders } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await orders.send(id, PAY)
    await shop.pass(0)
    const [root] = named(spans(), 'order')
    expect(root?.parentSpanContext).toBeUndefined()
    expect(root?.attributes).toEqual({
      'hardshell.operation.kind': 'order',
      'hardshell.operation.id': id,
      'hardshell.operation.state': 'paid',
      'hardshell.operation.status': 'done',
      'hardshell.operation.version': 3,
    })
    const commits = named(spans(), 'commit order')
    expect(commits.map(({ attributes }) => attributes)).toMatchObject([
      { 'hardshell.event': 'xstate.init', 'hardshell.operation.state': 'open', 'hardshell.commit.outcome': 'landed' },
      { 'hardshell.event': 'pay', 'hardshell.operation.state': 'charging', 'hardshell.attempt': 1 },
      { 'hardshell.effect': 'charge', 'hardshell.answer': 'ok', 'hardshell.operation.state': 'paid' },
    ])
    const [attempt, ...others] = named(spans(), 'charge')
    expect(others).toEqual([])
    expect(attempt).toMatchObject({ kind: SpanKind.CLIENT, links: [] })
    expect(attempt?.attributes).toEqual({
      'hardshell.operation.kind': 'order',
      'hardshell.operation.id': id,
      'hardshell.operation.state': 'charging',
      'hardshell.effect': 'charge',
      'hardshell.attempt': 1,
      'hardshell.answer': 'ok',
    })
    for (const span of [...commits, attempt]) expect(span?.parentSpanContext?.spanId).toBe(idOf(root))
    expect(spans().length).toBe(5)
    // A root ends last.
    expect(spans().at(-1)).toBe(root)
  })

  test('whose process dies goes on in another trace, which links to the commit that began what is done again', async () => {
    const [before, after] = [recorder(), recorder()]
    const shop = withSteps()
    const id = await died(shop, before.telemetry)
    const process = await shop.process('second', undefined, { telemetry: after.telemetry })
    await shop.pass(0)
    expect((await process.orders.get(id)).state).toBe('paid')
    const began = named(before.spans(), 'commit order').find(
      ({ attributes }) => attributes['hardshell.event'] === 'pay',
    )
    expect(idOf(began)).toBeDefined()
    const [root] = named(after.spans(), 'order')
    const [attempt] = named(after.spans(), 'charge')
    expect(attempt?.attributes).toMatchObject({ 'hardshell.attempt': 2, 'hardshell.answer': 'ok' })
    expect(linksOf(attempt)).toEqual([idOf(began)])
    expect(linksOf(root)).toEqual([idOf(began)])
    // Linked, and not a part of it.
    expect(attempt?.parentSpanContext?.spanId).toBe(idOf(root))
    expect(attempt?.spanContext().traceId).not.toBe(began?.spanContext().traceId)
  })

  test('through three processes links to the one before, and not to itself', async () => {
    const [first, second, third] = [recorder(), recorder(), recorder()]
    const shop = withSteps()
    const id = await died(shop, first.telemetry)
    shop.bankOpens = new Promise(() => {})
    const process = await shop.process('second', undefined, { telemetry: second.telemetry })
    await shop.pass(0)
    process.die()
    shop.bankOpens = Promise.resolve()
    await shop.process('third', undefined, { telemetry: third.telemetry })
    await shop.pass(0)
    const [attempt] = named(third.spans(), 'charge')
    expect(attempt?.attributes).toMatchObject({ 'hardshell.attempt': 3, 'hardshell.operation.id': id })
    // The second process made no commit that it told of, but a take-over.
    const began = named(first.spans(), 'commit order').at(-1)
    expect(linksOf(attempt)).toEqual([idOf(began)])
  })

  test('that waited is linked where an event comes to it in another process, and its attempts are no replays', async () => {
    const [before, after] = [recorder(), recorder()]
    const shop = withSteps()
    const first = await shop.process('first', undefined, { telemetry: before.telemetry })
    const { id } = await first.orders.create({})
    first.die()
    const { orders } = await shop.process('second', undefined, { telemetry: after.telemetry })
    await orders.send(id, PAY)
    await shop.pass(0)
    expect(linksOf(named(after.spans(), 'order')[0])).toEqual([idOf(named(before.spans(), 'commit order')[0])])
    expect(linksOf(named(after.spans(), 'charge')[0])).toEqual([])
  })

  test.each([
    ['a database without step history', () => new Shop(), true],
    ['a process before it that was not traced', withSteps, false],
  ])('links to nothing after %s, and goes on all the same', async (_, shopOf, isTraced) => {
    const after = recorder()
    const shop = shopOf()
    const id = await died(shop, isTraced ? recorder().telemetry : undefined)
    const { orders } = await shop.process('second', undefined, { telemetry: after.telemetry })
    await shop.pass(0)
    expect((await orders.get(id)).state).toBe('paid')
    expect(after.spans().flatMap(linksOf)).toEqual([])
    expect(named(after.spans(), 'charge')).toHaveLength(1)
  })

  test('that another one started has a root of its own, which links to its parent', async () => {
    const { telemetry, spans } = recorder()
    const depot = new Depot()
    const operations = await depot.process(undefined, undefined, { telemetry })
    const id = await begun(operations, ['tea', 'salt'])
    await depot.pass(10_000)
    const [root] = named(spans(), 'shipment')
    expect(root?.attributes).toMatchObject({ 'hardshell.operation.id': id, 'hardshell.operation.status': 'done' })
    const children = named(spans(), 'parcel')
    expect(children).toHaveLength(2)
    for (const child of children) {
      expect(child.attributes).toMatchObject({ 'hardshell.operation.parent': id, 'hardshell.operation.status': 'done' })
      expect(linksOf(child)).toEqual([idOf(root)])
      const commits = named(spans(), 'commit parcel').filter((span) => span.parentSpanContext?.spanId === idOf(child))
      expect(commits.map(({ attributes }) => attributes['hardshell.commit.outcome'])).toEqual([
        'landed',
        'landed',
        'landed',
      ])
    }
  })

  test('keeps its root where somebody creates another one under its id, in vain', async () => {
    const { telemetry, spans } = recorder()
    const shop = withSteps()
    const { orders } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await expect(orders.create({}, { id })).rejects.toMatchObject({ code: 'ID_REUSED' })
    await orders.send(id, PAY)
    await shop.pass(0)
    expect(named(spans(), 'order').map(({ attributes }) => attributes['hardshell.operation.state'])).toEqual(['paid'])
    const outcomes = named(spans(), 'commit order').map(({ attributes }) => attributes['hardshell.commit.outcome'])
    expect(outcomes).toEqual(['landed', 'superseded', 'landed', 'landed'])
  })

  test('that is not over when the operations are closed has ended spans, to be exported', async () => {
    const { telemetry, spans } = recorder()
    const shop = withSteps()
    shop.bankOpens = new Promise(() => {})
    const { orders, operations } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await orders.send(id, PAY)
    await shop.pass(0)
    expect(spans().map(({ name }) => name)).toEqual(['commit order', 'commit order'])
    operations.close()
    await operations.closed
    expect(spans().map(({ name }) => name)).toEqual(['commit order', 'commit order', 'charge', 'order'])
    expect(spans().at(-1)?.attributes).toMatchObject({ 'hardshell.operation.state': 'charging' })
  })
})

describe('an error', () => {
  test('is told by its names, and never by its message', async () => {
    const { telemetry, spans } = recorder()
    const shop = withSteps()
    shop.bank = async () => {
      throw new TypeError('card 4242 is not a function', { cause: new Error('PIN 1234') })
    }
    const { orders } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await orders.send(id, PAY)
    await shop.pass(0)
    expect((await orders.get(id)).status).toBe('quarantined')
    const [attempt] = named(spans(), 'charge')
    expect(attempt?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(attempt?.attributes).toMatchObject({ 'error.type': 'TypeError < Error' })
    const [root] = named(spans(), 'order')
    expect(root?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(root?.attributes).toMatchObject({ 'hardshell.operation.status': 'quarantined' })
    expect(root?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.type': 'TypeError < Error' } }])
    const text = JSON.stringify(
      spans().map(({ attributes, events, status, name }) => [attributes, events, status, name]),
    )
    expect(text).not.toMatch(/4242|1234/)
  })

  test('of the telemetry itself harms nothing, and no request is made twice', async () => {
    const wrong = (): never => {
      throw new Error('the exporter is full')
    }
    const shop = withSteps()
    const telemetry: Telemetry = {
      begin: () => ({
        found: wrong,
        committing: wrong,
        erred: wrong,
        async request(_, make) {
          await make()
          return wrong()
        },
      }),
    }
    const reported: unknown[] = []
    const platform = Object.getOwnPropertyDescriptor(globalThis, 'reportError')
    Object.defineProperty(globalThis, 'reportError', {
      configurable: true,
      value: (error: unknown) => reported.push(error),
    })
    try {
      const { orders } = await shop.process('only', undefined, { telemetry })
      const { id } = await orders.create({})
      await orders.send(id, PAY)
      await shop.pass(0)
      expect((await orders.get(id)).state).toBe('paid')
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      if (platform) Object.defineProperty(globalThis, 'reportError', platform)
      else Reflect.deleteProperty(globalThis, 'reportError')
    }
    expect(shop.charges).toEqual(['only'])
    expect(reported.length).toBeGreaterThanOrEqual(4)
  })
})

test('what follows operations sees no snapshot and no request of theirs', async () => {
  const shop = withSteps()
  const shown: object[] = []
  const telemetry: Telemetry = {
    begin: ({ on }) => {
      on((row) => shown.push(row))
      return {
        found: (rows) => void shown.push(...rows),
        committing({ before, row }) {
          shown.push(row, ...(before ? [before] : []))
          return { ended() {}, failed() {} }
        },
        request({ row }, make) {
          shown.push(row)
          return make()
        },
        erred: (row) => void shown.push(row),
      }
    },
  }
  await died(shop)
  const failures = [new Error('no line')]
  shop.bank = async () => {
    const failure = failures.shift()
    if (failure) throw failure
  }
  const { orders } = await shop.process('second', undefined, { telemetry })
  await orders.send((await orders.create({}, { key: 'k' })).id, PAY)
  await shop.pass(10_000)
  expect(shown.length).toBeGreaterThan(10)
  const names = ['id', 'kind', 'state', 'status', 'version', 'attempt', 'parent', 'lane', 'createdAt']
  for (const row of shown) expect(Object.keys(row)).toEqual(names)
})

describe('where contexts are followed', () => {
  test('what an effect does is below its attempt, and the span of who creates is linked', async () => {
    followContexts()
    const { telemetry, spans, tracer } = recorder()
    const shop = withSteps()
    shop.bank = async () => tracer.startSpan('POST').end()
    const { orders } = await shop.process('only', undefined, { telemetry })
    const caller = tracer.startSpan('checkout')
    const { id } = await context.with(trace.setSpan(context.active(), caller), () => orders.create({}))
    caller.end()
    await orders.send(id, PAY)
    await shop.pass(0)
    expect(named(spans(), 'POST')[0]?.parentSpanContext?.spanId).toBe(idOf(named(spans(), 'charge')[0]))
    const [root] = named(spans(), 'order')
    expect(root?.parentSpanContext).toBeUndefined()
    expect(linksOf(root)).toEqual([caller.spanContext().spanId])
  })
})

describe('a traceparent', () => {
  test('is read as it was written', () => {
    const at = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 }
    expect(traceparentOf(at)).toBe(`00-${at.traceId}-${at.spanId}-01`)
    expect(contextOfTraceparent(traceparentOf(at) ?? '')).toEqual({ ...at, isRemote: true })
  })

  test('of nobody who records is none, and what is none is not read', () => {
    expect(traceparentOf({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toBeUndefined()
    for (const text of [
      '',
      'x',
      `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
      `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    ])
      expect(contextOfTraceparent(text), text).toBeUndefined()
  })
})
