/**
 * Goal: metrics count what is there and what happened, the same for OpenTelemetry and for Prometheus. Method: a shop whose clock
 * stands still, followed by both; its orders fail, wait, end and are taken over.
 */
import { describe, expect, test } from 'vitest'
import { stepsTable, type Telemetry } from '../../src/kernel/index.ts'
import { openTelemetry } from '../../src/otel/index.ts'
import { METRICS } from '../../src/telemetry/names.ts'
import { prometheusMetrics } from '../../src/telemetry/prometheus.ts'
import { together } from '../../src/telemetry/together.ts'
import { StoreError } from '../../src/store/port.ts'
import { recorder, type Exported } from '../kits/otel-kit.ts'
import { Shop, tables } from '../kits/owners-kit.ts'

const PAY = { type: 'pay' } as const
const withSteps = (): Shop => new Shop({ ...tables, steps: stepsTable() })
const KIND = { 'hardshell.operation.kind': 'order' }

const valueOf = (points: readonly Exported[], name: string, attributes: object): number | undefined =>
  points.find(
    (point) => point.name === name && JSON.stringify(point.attributes) === JSON.stringify({ ...KIND, ...attributes }),
  )?.value

/** The points of Prometheus' text, with OpenTelemetry's names; of a distribution, how many values it has. */
function pointsOf(text: string): Exported[] {
  const metrics = Object.values(METRICS).map(({ name, unit, type }) => {
    const suffix = type === 'counter' ? '_total' : type === 'histogram' ? '_count' : ''
    return { name, as: `${name.replaceAll('.', '_')}${unit === 's' ? '_seconds' : ''}${suffix}` }
  })
  return text.split('\n').flatMap((line) => {
    const [, as = '', labels = '', value = ''] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    const metric = metrics.find((each) => each.as === as)
    const attributes = Object.fromEntries<string>(
      [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = '', to = '']) => [name, to]),
    )
    return metric ? [{ name: metric.name, attributes, value: Number(value) }] : []
  })
}

const underscored = ({ name, attributes, value }: Exported) => ({
  name,
  attributes: Object.fromEntries(Object.entries(attributes).map(([key, of]) => [key.replaceAll('.', '_'), of])),
  value,
})
const sorted = (points: readonly object[]): string[] => points.map((point) => JSON.stringify(point)).toSorted()

describe('operations', () => {
  test('are counted by kind and state, and the oldest has an age', async () => {
    const { telemetry, metrics } = recorder()
    const shop = withSteps()
    const { orders } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await shop.pass(0)
    shop.clock.setTimeout(() => {}, 5_000)
    await shop.pass(5_000)
    await orders.create({})
    shop.bankOpens = new Promise(() => {})
    await orders.send(id, PAY)
    await shop.pass(0)
    const points = await metrics()
    const state = (name: string) => ({ 'hardshell.operation.state': name, 'hardshell.operation.status': 'active' })
    expect(valueOf(points, 'hardshell.operations', state('charging'))).toBe(1)
    expect(valueOf(points, 'hardshell.operations', state('open'))).toBe(1)
    expect(valueOf(points, 'hardshell.operation.oldest_age', {})).toBe(5)
    expect(points.find(({ attributes }) => attributes['hardshell.lane.place'] === 'under_way')?.value).toBe(1)
  })

  test('that a process finds at its start are counted, and not those that have ended', async () => {
    const shop = withSteps()
    const first = await shop.process('first', undefined)
    for (let made = 0; made < 3; made++) await first.orders.create({})
    await first.orders.send((await first.orders.create({})).id, { type: 'cancel' })
    first.die()
    const { telemetry, metrics } = recorder()
    const { orders } = await shop.process('second', undefined, { telemetry })
    const open = { 'hardshell.operation.state': 'open', 'hardshell.operation.status': 'active' }
    expect(valueOf(await metrics(), 'hardshell.operations', open)).toBe(3)
    const [one] = await orders.list({ status: 'active' })
    await orders.send(one?.id ?? '', { type: 'cancel' })
    const points = await metrics()
    expect(valueOf(points, 'hardshell.operations', open)).toBe(2)
    expect(valueOf(points, 'hardshell.operations.ended', { 'hardshell.operation.state': 'cancelled' })).toBe(1)
  })

  test('that were set aside are counted as that, until a person has them go on', async () => {
    const { telemetry, metrics } = recorder()
    const shop = withSteps()
    shop.bank = async () => {
      throw new TypeError('a defect')
    }
    const { orders, operations } = await shop.process('only', undefined, { telemetry })
    const { id } = await orders.create({})
    await orders.send(id, PAY)
    await shop.pass(0)
    const charging = (status: string) => ({
      'hardshell.operation.state': 'charging',
      'hardshell.operation.status': status,
    })
    expect(valueOf(await metrics(), 'hardshell.operations', charging('quarantined'))).toBe(1)
    shop.bank = () => new Promise(() => {})
    await operations.resume(id)
    const points = await metrics()
    expect(valueOf(points, 'hardshell.operations', charging('active'))).toBe(1)
    expect(valueOf(points, 'hardshell.operations', charging('quarantined'))).toBe(0)
  })
})

test('requests count by outcome, commits by theirs, and what is done again by its reason', async () => {
  const shop = withSteps()
  shop.bankOpens = new Promise(() => {})
  const first = await shop.process('first', undefined)
  const { id } = await first.orders.create({})
  await first.orders.send(id, PAY)
  await shop.pass(0)
  first.die()
  const { telemetry, metrics } = recorder()
  const failures = [new Error('the line is dead')]
  shop.bankOpens = Promise.resolve()
  shop.bank = async () => {
    const failure = failures.shift()
    if (failure) throw failure
  }
  let refused = 0
  const { orders } = await shop.process('second', undefined, {
    telemetry,
    async commit(store, writes) {
      // Another row refuses the step once.
      const pays = writes.some((write) => 'put' in write && write.put === 'operations' && write.row['state'] === 'paid')
      if (pays && refused++ === 0) throw new StoreError('CONFLICT', 'another row')
      await store.commit(writes)
    },
  })
  await shop.pass(10_000)
  expect((await orders.get(id)).state).toBe('paid')
  const points = await metrics()
  const charge = { 'hardshell.effect': 'charge' }
  expect(valueOf(points, 'hardshell.requests', { ...charge, 'error.type': 'Error' })).toBe(1)
  expect(valueOf(points, 'hardshell.requests', { ...charge, 'hardshell.answer': 'ok' })).toBe(1)
  expect(valueOf(points, 'hardshell.retries', { 'hardshell.retry': 'replay' })).toBe(2)
  expect(valueOf(points, 'hardshell.retries', { 'hardshell.retry': 'error' })).toBe(1)
  expect(valueOf(points, 'hardshell.retries', { 'hardshell.retry': 'conflict' })).toBe(1)
  expect(valueOf(points, 'hardshell.commit.duration', { 'hardshell.commit.outcome': 'conflict' })).toBe(1)
})

test('Prometheus is told the same', async () => {
  const { telemetry, metrics } = recorder()
  const prometheus = prometheusMetrics()
  const shop = withSteps()
  let down = true
  shop.bank = async () => {
    if (down) throw new Error('down')
  }
  const { orders } = await shop.process('only', undefined, {
    telemetry: together([telemetry, prometheus]),
    laneLimit: 2,
  })
  for (let made = 0; made < 5; made++) await orders.send((await orders.create({})).id, PAY)
  await shop.pass(0)
  down = false
  await shop.pass(2_000)
  for (let made = 0; made < 3; made++) await orders.send((await orders.create({})).id, { type: 'cancel' })
  await orders.create({})
  // Two of these are under way, and two wait for them.
  await metrics()
  prometheus.text()
  shop.bank = () => new Promise(() => {})
  for (let made = 0; made < 4; made++) await orders.send((await orders.create({})).id, PAY)
  await shop.pass(0)
  const text = prometheus.text()
  expect(text).toContain('hardshell_lane_place="waiting"} 2')
  const points = pointsOf(text)
  expect(points.length).toBeGreaterThan(8)
  expect(sorted(points)).toEqual(sorted((await metrics()).map(underscored)))
})

test('Prometheus reads the text: help and type of each metric, buckets that add up, values that are escaped', async () => {
  const prometheus = prometheusMetrics()
  expect(prometheus.text()).toBe('')
  let nowMs = 0
  const probe = prometheus.begin({
    nowMs: () => 10_000,
    steadyMs: () => nowMs,
    signal: new AbortController().signal,
    on: () => () => {},
    lanes: () => [{ lane: 'a "lane"\\\n', underWay: 2, waiting: 0 }],
    traces: async () => [],
  })
  const shop = withSteps()
  const { orders } = await shop.process('only', undefined)
  const { row } = await orders.create({})
  for (const tookMs of [1, 3, 60_000]) {
    const committing = probe.committing({ before: row, row, event: 'pay' })
    nowMs += tookMs
    committing.ended('landed')
  }
  const lines = prometheus.text().split('\n')
  const labels = 'hardshell_operation_kind="order",hardshell_commit_outcome="landed"'
  expect(lines).toEqual(
    expect.arrayContaining([
      '# HELP hardshell_commit_duration_seconds How long commits of steps took, by kind and outcome.',
      '# TYPE hardshell_commit_duration_seconds histogram',
      `hardshell_commit_duration_seconds_bucket{${labels},le="0.0005"} 0`,
      `hardshell_commit_duration_seconds_bucket{${labels},le="0.001"} 1`,
      `hardshell_commit_duration_seconds_bucket{${labels},le="0.0025"} 1`,
      `hardshell_commit_duration_seconds_bucket{${labels},le="0.005"} 2`,
      `hardshell_commit_duration_seconds_bucket{${labels},le="5"} 2`,
      `hardshell_commit_duration_seconds_bucket{${labels},le="+Inf"} 3`,
      `hardshell_commit_duration_seconds_sum{${labels}} 60.004`,
      `hardshell_commit_duration_seconds_count{${labels}} 3`,
      '# TYPE hardshell_requests_total counter',
      'hardshell_lane_requests{hardshell_lane="a \\"lane\\"\\\\\\n",hardshell_lane_place="under_way"} 2',
    ]),
  )
  for (const line of lines) expect(line).toMatch(/^$|^# (HELP|TYPE) [a-z_]+ .+$|^[a-z_]+(\{.*\})? [\d.]+$/)
})

test('a lane of one operation is shown without its id, and lanes beyond a hundred are counted together', () => {
  const prometheus = prometheusMetrics()
  let lanes: { lane: string; underWay: number; waiting: number }[] = []
  prometheus.begin({
    nowMs: () => 0,
    steadyMs: () => 0,
    signal: new AbortController().signal,
    on: () => () => {},
    lanes: () => lanes,
    traces: async () => [],
  })
  const told = (): string[] =>
    prometheus
      .text()
      .split('\n')
      .filter((line) => /^hardshell_lane_requests.*under_way/.test(line))
  const id = (at: number): string => at.toString(16).padStart(32, '0')
  for (let at = 0; at < 300; at += 2) {
    lanes = [at, at + 1].map((each) => ({ lane: `backend ${id(each)}`, underWay: 1, waiting: 0 }))
    expect(told()).toEqual(['hardshell_lane_requests{hardshell_lane="backend",hardshell_lane_place="under_way"} 2'])
  }
  for (let at = 0; at < 300; at++) {
    lanes = [{ lane: `https://${at}.example`, underWay: 1, waiting: 0 }]
    told()
  }
  expect(told()).toHaveLength(101)
  expect(told().at(-1)).toBe('hardshell_lane_requests{hardshell_lane="others",hardshell_lane_place="under_way"} 1')
})

test('attributes of a program tell its wallets apart, on every span and point', async () => {
  const { tracer, spans } = recorder()
  const shop = withSteps()
  const telemetry: Telemetry = openTelemetry({ tracer, meter: false, attributes: { 'app.wallet': 'alice' } })
  const { orders } = await shop.process('only', undefined, { telemetry })
  await orders.send((await orders.create({})).id, PAY)
  await shop.pass(0)
  expect(spans().length).toBe(5)
  for (const { attributes } of spans()) expect(attributes).toMatchObject({ 'app.wallet': 'alice' })
})

test.each([
  ['tracer', { tracer: {} }],
  ['meter', { meter: true }],
  ['attributes.secret', { attributes: { secret: {} } }],
  ['traces', { traces: true }],
])('a wrong %s is refused by its name', (name, options) => {
  expect((): unknown => Reflect.apply(openTelemetry, undefined, [options])).toThrow(new RegExp(`^${name}: `))
})
