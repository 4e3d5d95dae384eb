/**
 * Goal: the page is told the truth, at once, and not more than it can take. Method: a shop's operations with a feed that is read as the page
 * reads it; a page that reads nothing; acts that are possible, and not.
 */
import { request as httpRequest, ServerResponse, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createMachine } from 'xstate'
import { Charts } from '../../src/inspector/charts.ts'
import { Clients } from '../../src/inspector/clients.ts'
import type { ChartView, Detail, Overview, SummaryPage, Told } from '../../src/inspector/feed.ts'
import { serveInspector } from '../../src/inspector/index.ts'
import { newWorld, orderKind, start, stocked } from '../kits/kernel-shop.ts'

async function shop({ write = true } = {}) {
  const world = newWorld()
  await stocked(world, 'tea', 10)
  const process = await start(world)
  const inspector = await serveInspector({ operations: process.operations, write })
  onTestFinished(async () => {
    await inspector.close()
    process.operations.close()
  })
  const { origin, hash } = new URL(inspector.url)
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  const get = async <T>(path: string): Promise<T> => (await fetch(origin + path, { headers })).json() as Promise<T>
  const act = async (id: string, what: string) => {
    const init = { method: 'POST', headers: { ...headers, origin, 'content-type': 'application/json' } }
    const response = await fetch(`${origin}/api/act`, { ...init, body: JSON.stringify({ id, act: what }) })
    return { status: response.status, body: (await response.json()) as { error?: { code: string } } }
  }
  const changes = async function* (): AsyncGenerator<Told> {
    const request = httpRequest(`${origin}/api/changes`, { headers }).end()
    onTestFinished(() => void request.destroy())
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let rest = ''
    for await (const chunk of response) {
      const events = (rest + String(chunk)).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice(6)) as Told
    }
  }
  return { world, process, get, act, changes, orders: process.operations.of(orderKind) }
}

test('the list has every operation, newest first, page by page', async () => {
  const { get, orders } = await shop()
  for (let each = 0; each < 5; each++) await orders.create({ item: 'tea' }, { id: `o${each}` })
  const first = await get<SummaryPage>('/api/operations?limit=3')
  expect(first.operations.map(({ id }) => id)).toHaveLength(3)
  const second = await get<SummaryPage>(`/api/operations?limit=3&after=${first.next}`)
  expect(second.next).toBeNull()
  const ids = [...first.operations, ...second.operations].map(({ id }) => id)
  expect(ids.toSorted()).toEqual(['o0', 'o1', 'o2', 'o3', 'o4'])
  const { nowMs } = await get<Overview>('/api/overview')
  expect((await get<SummaryPage>(`/api/operations?since=${nowMs + 1}`)).operations).toEqual([])
  expect((await get<SummaryPage>(`/api/operations?since=${nowMs - 60_000}`)).operations).toHaveLength(5)
  expect((await get<SummaryPage>('/api/operations?limit=-1&since=x')).operations).toHaveLength(5)
  expect(first.operations[0]).toMatchObject({ kind: 'order', status: 'active', version: 1 })
})

test('a commit is told to every page that listens, with the operation as it is then', async () => {
  const { changes, orders } = await shop()
  const told = changes()
  expect((await told.next()).value).toMatchObject({ type: 'hello' })
  await orders.create({ item: 'tea' }, { id: 'a' })
  expect((await told.next()).value).toMatchObject({ type: 'changes', operations: [{ id: 'a', kind: 'order' }] })
})

test('one operation is told whole, but for its snapshot and the request of its caller', async () => {
  const { get, orders } = await shop()
  await orders.create({ item: 'tea' }, { id: 'a' })
  const detail = await get<Detail>('/api/operations/a')
  expect(detail.summary).toMatchObject({ id: 'a', kind: 'order' })
  expect(Object.keys(detail.row)).toEqual(expect.arrayContaining(['id', 'state', 'version']))
  expect(detail.row).not.toHaveProperty('snapshot')
  expect(detail.row).not.toHaveProperty('request')
  expect(detail.explained.why).not.toBe('')
  expect((await get<{ error: { code: string } }>('/api/operations/none')).error.code).toBe('NOT_FOUND')
})

test('the chart of a kind is told as data, and drawn', async () => {
  const { get } = await shop()
  const chart = await get<ChartView>('/api/charts/order/1')
  expect(chart.states.length).toBeGreaterThan(3)
  expect(chart.svg).toContain('<svg')
  expect(chart.svg).not.toMatch(/<style|<script| style=/)
  expect((await get<{ error: { code: string } }>('/api/charts/none/1')).error.code).toBe('NOT_FOUND')
})

test('what can be done is done, and what cannot is refused with the reason', async () => {
  const { get, act, orders } = await shop()
  await orders.create({ item: 'tea' }, { id: 'a' })
  const { acts } = await get<Detail>('/api/operations/a')
  expect(acts).toContain('resume')
  expect((await act('a', 'execute')).body.error?.code).toBe('INVALID_STATE')
  expect((await act('none', 'resume')).status).toBe(404)
  expect((await act('a', 'resume')).status).toBe(200)
})

test('the overview says what is served', async () => {
  const { get } = await shop({ write: false })
  expect(await get<Overview>('/api/overview')).toMatchObject({ write: false, role: 'owner', film: false, totals: [] })
})

test('a page that does not read is told nothing more but to read all anew, when it can', async () => {
  const socket = new Socket()
  const response = new ServerResponse({ method: 'GET' } as IncomingMessage)
  const written: string[] = []
  let waiting = 0
  Object.defineProperty(response, 'writableLength', { get: () => waiting })
  response.assignSocket(Object.assign(socket, new PassThrough()))
  response.write = (text: string) => written.push(text) > 0
  const clients = new Clients(100)
  clients.add(response, { type: 'hello', nowMs: 0 })
  clients.tell({ type: 'totals', totals: [] })
  waiting = 101
  for (let each = 0; each < 1000; each++) clients.tell({ type: 'totals', totals: [] })
  expect(written).toHaveLength(2)
  waiting = 0
  clients.tell({ type: 'totals', totals: [] })
  expect(written).toHaveLength(2)
  response.emit('drain')
  expect(written.at(-1)).toContain('reload')
  clients.tell({ type: 'totals', totals: [] })
  expect(written).toHaveLength(4)
  response.emit('close')
  expect(clients.size).toBe(0)
})

test('so many pages at once, and no more', () => {
  const clients = new Clients()
  const open = () => clients.add(new ServerResponse({ method: 'GET' } as IncomingMessage), { type: 'reload' })
  for (let each = 0; each < 16; each++) open()
  expect(open).toThrow('too many')
})

test('a chart is drawn once, whichever versions of its kind are asked for', async () => {
  const machine = createMachine({ id: 'order', initial: 'open', states: { open: {} } })
  const charts = new Charts(() => machine, new URL('file:///nowhere/'))
  const [one, seven] = [await charts.at('order', 1), await charts.at('order', 7)]
  expect([one.version, seven.version]).toEqual([1, 7])
  expect(seven.states).toBe(one.states)
})
