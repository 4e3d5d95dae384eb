/** NUT-17 from outside: what wallets are told over websockets, in which order and how often, and what the server bears. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { createMintServer } from '../../src/mint-server/http/run-server.ts'
import type { LogLevel } from '../../src/kernel/inspect/log.ts'
import type { LogEntry } from '../../src/mint-server/cli/log.ts'
import { WEBSOCKET_LIMITS, type WebsocketLimits } from '../../src/mint-server/http/websocket.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { decide, client, overHttp, type MeltQuote, type MintQuote } from '../kits/mint-server-client.ts'
import { fakeMint, listening } from '../kits/served-mint.ts'

const running = new Set<{ close(): Promise<void> }>()
/** Ways to cut the clients' ends. */
const open = new Set<() => void>()

afterEach(async () => {
  for (const cut of open) cut()
  open.clear()
  for (const server of running) await server.close()
  running.clear()
})

/** A served fake mint, on a clock that stands still. */
async function bench(limits: Partial<WebsocketLimits> = {}) {
  const mint = fakeMint()
  const clock = new VirtualClock(1_800_000_000_000)
  const entries: LogEntry[] = []
  const logged = new Set<(entry: LogEntry) => void>()
  const log = (_: LogLevel, entry: LogEntry): void => {
    entries.push(entry)
    for (const hear of logged) hear(entry)
  }
  const served = await listening(running, { mint, clock, log, websockets: { ...WEBSOCKET_LIMITS, ...limits } })
  /** Resolves with the next entry of this kind. */
  const entry = <E extends LogEntry['event']>(event: E) =>
    new Promise<Extract<LogEntry, { event: E }>>((resolve) => {
      const hear = (entry: LogEntry): void => {
        if (entry.event !== event) return
        logged.delete(hear)
        resolve(entry as Extract<LogEntry, { event: E }>)
      }
      logged.add(hear)
    })
  return { mint, clock, entries, entry, served, url: served.url }
}

interface Told {
  readonly id?: unknown
  readonly result?: { readonly status: string; readonly subId: string }
  readonly error?: { readonly code: number; readonly message: string }
  readonly method?: string
  readonly params?: { readonly subId: string; readonly payload: unknown }
}

/** A wallet's end of a websocket. */
async function wallet(url: string, localAddress = '127.0.0.1') {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, { localAddress })
  open.add(() => socket.terminate())
  const heard: Told[] = []
  let waiting: (() => void) | undefined
  socket.on('message', (data: Buffer) => {
    heard.push(JSON.parse(data.toString()) as Told)
    waiting?.()
  })
  await once(socket, 'open')
  /** The next message, in order. */
  async function next(): Promise<Told> {
    while (heard.length === 0)
      await new Promise<void>((resolve) => {
        waiting = resolve
      })
    return heard.shift()!
  }
  let id = 0
  /** Sends a request and gives its answer. */
  async function ask(method: string, params: unknown): Promise<Told> {
    socket.send(JSON.stringify({ jsonrpc: '2.0', method, params, id: ++id }))
    const answer = await next()
    expect(answer.id).toBe(id)
    return answer
  }
  const subscribe = (subId: string, kind: string, filters: readonly string[]) =>
    ask('subscribe', { subId, kind, filters })
  /** The next payload, which must be this subscription's. */
  async function payload(subId: string): Promise<unknown> {
    const { method, params } = await next()
    expect([method, params?.subId]).toEqual(['subscribe', subId])
    return params!.payload
  }
  /** That nothing was sent: an answer comes behind all that was. */
  async function silence(): Promise<void> {
    expect((await ask('unsubscribe', { subId: 'none' })).error).toBeDefined()
    expect(heard).toEqual([])
  }
  return { socket, next, ask, subscribe, payload, silence }
}

/** Subscribes, and takes no notice of all that is told but the answer. */
async function heardOf(
  { socket, next }: Awaited<ReturnType<typeof wallet>>,
  subId: string,
  filters: readonly string[],
) {
  const params = { subId, kind: 'proof_state', filters }
  socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', params, id: `of ${subId}` }))
  for (;;) {
    const told = await next()
    if (told.id === `of ${subId}`) return told
  }
}

const Y = (n: number): string => `02${n.toString(16).padStart(64, '0')}`

describe('subscriptions', () => {
  test('how things stand first, then each change once', async () => {
    const { mint, clock, url } = await bench()
    mint.states.set('bolt11_mint_quote a', { quote: 'a', state: 'UNPAID' })
    mint.states.set('bolt11_mint_quote b', { quote: 'b', state: 'PAID' })
    const alice = await wallet(url)
    expect(await alice.subscribe('mine', 'bolt11_mint_quote', ['a', 'b', 'a', 'unknown'])).toMatchObject({
      jsonrpc: '2.0',
      result: { status: 'OK', subId: 'mine' },
    })
    expect(await alice.payload('mine')).toEqual({ quote: 'a', state: 'UNPAID' })
    expect(await alice.payload('mine')).toEqual({ quote: 'b', state: 'PAID' })

    mint.states.set('bolt11_mint_quote a', { quote: 'a', state: 'PAID' })
    mint.changed()
    clock.advance()
    expect(await alice.payload('mine')).toEqual({ quote: 'a', state: 'PAID' })
    mint.changed()
    clock.advance()
    await alice.silence()
    // Known only now.
    mint.states.set('bolt11_mint_quote unknown', { quote: 'unknown' })
    mint.changed()
    clock.advance()
    expect(await alice.payload('mine')).toEqual({ quote: 'unknown' })

    expect(await alice.ask('unsubscribe', { subId: 'mine' })).toMatchObject({ result: { status: 'OK', subId: 'mine' } })
    mint.states.set('bolt11_mint_quote a', { quote: 'a', state: 'ISSUED' })
    mint.changed()
    expect(clock.ringsMs).toHaveLength(1) // the pings
    await alice.silence()
    // Again, from the beginning.
    await alice.subscribe('mine', 'bolt11_mint_quote', ['a'])
    expect(await alice.payload('mine')).toEqual({ quote: 'a', state: 'ISSUED' })
  })

  test('every kind, several subscriptions and connections', async () => {
    const { mint, clock, url } = await bench()
    const kinds = ['bolt11_mint_quote', 'bolt12_mint_quote', 'bolt11_melt_quote', 'bolt12_melt_quote']
    for (const kind of kinds) mint.states.set(`${kind} q`, { kind })
    mint.states.set(`proof_state ${Y(10)}`, { Y: Y(10), state: 'UNSPENT' })
    const [alice, bob] = [await wallet(url), await wallet(url)]
    for (const kind of kinds) {
      await alice.subscribe(kind, kind, ['q'])
      expect(await alice.payload(kind)).toEqual({ kind })
    }
    for (const [who, subId] of [
      [alice, 'x'],
      [alice, 'y'],
      [bob, 'x'],
    ] as const) {
      await who.subscribe(subId, 'proof_state', [Y(10).toUpperCase().replace('X', 'x')])
      expect(await who.payload(subId)).toEqual({ Y: Y(10), state: 'UNSPENT' })
    }
    mint.reads.length = 0
    mint.states.set(`proof_state ${Y(10)}`, { Y: Y(10), state: 'SPENT' })
    mint.changed('proof_state')
    clock.advance()
    // What was not seen was there in between.
    const steps = [
      { Y: Y(10), state: 'PENDING', witness: null },
      { Y: Y(10), state: 'SPENT' },
    ]
    for (const [who, subId] of [
      [alice, 'x'],
      [alice, 'y'],
      [bob, 'x'],
    ] as const)
      // prettier-ignore
      expect([await who.payload(subId), await who.payload(subId)]).toEqual(steps)
    // What several watch is looked at once.
    expect(mint.reads.filter(({ topic }) => topic === 'proof_state')).toEqual([{ topic: 'proof_state', ids: [Y(10)] }])
    // A connection that ends leaves nothing behind.
    const left = once(bob.socket, 'close')
    bob.socket.close()
    await left
    await alice.ask('unsubscribe', { subId: 'x' })
    mint.states.set(`proof_state ${Y(10)}`, { Y: Y(10), state: 'again' })
    mint.changed('proof_state')
    clock.advance()
    expect(await alice.payload('y')).toEqual({ Y: Y(10), state: 'again' })
    await alice.silence()
  })

  test('nobody is looked after who has gone', async () => {
    const { mint, clock, url, entry } = await bench()
    const alice = await wallet(url)
    mint.states.set('bolt11_mint_quote q', {})
    await alice.subscribe('s', 'bolt11_mint_quote', ['q'])
    await alice.payload('s')
    await alice.silence()
    expect(clock.ringsMs).toHaveLength(2)
    const logged = entry('websocket')
    alice.socket.terminate()
    await logged
    expect(clock.ringsMs).toHaveLength(1) // the pings
  })

  test('changes that nobody announces are found by polling, once a second', async () => {
    const { mint, clock, url } = await bench()
    const alice = await wallet(url)
    mint.states.set('bolt11_melt_quote q', { state: 'PENDING' })
    await alice.subscribe('s', 'bolt11_melt_quote', ['q'])
    await alice.payload('s')
    await alice.silence()
    const before = clock.now()
    expect(clock.advance()).toBe(true)
    expect(clock.now()).toBe(before + 1000)
    await alice.silence()
    mint.states.set('bolt11_melt_quote q', { state: 'PAID' })
    clock.advance()
    expect(await alice.payload('s')).toEqual({ state: 'PAID' })
  })

  test('many changes are one look, of at most 500 things', async () => {
    const { mint, clock, url } = await bench()
    const alice = await wallet(url)
    const ids = Array.from({ length: 1000 }, (_, n) => Y(n))
    for (const id of ids) mint.states.set(`proof_state ${id}`, { Y: id })
    await alice.subscribe('s', 'proof_state', ids)
    for (const id of ids) expect(await alice.payload('s')).toEqual({ Y: id })
    await alice.silence()
    expect(mint.reads.map((look) => look.ids.length)).toEqual([500, 500])
    mint.reads.length = 0
    const startedAt = clock.now()
    for (let n = 0; n < 100; n++) mint.changed()
    clock.advance()
    for (let n = 0; n < 100; n++) mint.changed()
    await alice.silence()
    for (let n = 0; n < 100; n++) mint.changed()
    expect(mint.reads).toHaveLength(2)
    clock.advance()
    expect(clock.now()).toBe(startedAt + 50)
    await alice.silence()
    expect(mint.reads).toHaveLength(4)
  })

  test('a round of many looks lets others in between', async () => {
    const { mint, clock, url } = await bench()
    const alice = await wallet(url)
    let turns = 0
    let counting = setImmediate(function count() {
      turns++
      counting = setImmediate(count)
    })
    const turnsAt: number[] = []
    mint.reading = () => Promise.resolve(void turnsAt.push(turns))
    for (const subId of ['a', 'b'])
      await alice.subscribe(subId, 'proof_state', Array.from({ length: 1000 }, (_, n) => Y(n + subId.charCodeAt(0) * 1000))) // prettier-ignore
    await alice.silence()
    turnsAt.length = 0
    clock.advance()
    await expect.poll(() => turnsAt.length).toBe(4)
    clearImmediate(counting)
    expect(new Set(turnsAt).size).toBe(4)
  })

  test('who comes during a look is not told of what it saw', async () => {
    const { mint, clock, url } = await bench()
    const [alice, bob] = [await wallet(url), await wallet(url)]
    mint.states.set('bolt11_mint_quote q', { state: 'UNPAID' })
    await alice.subscribe('s', 'bolt11_mint_quote', ['q'])
    await alice.payload('s')
    await alice.silence()
    const slow = Promise.withResolvers<void>()
    mint.reading = () => slow.promise
    clock.advance()
    mint.states.set('bolt11_mint_quote q', { state: 'PAID' })
    await bob.subscribe('s', 'bolt11_mint_quote', ['q'])
    // One look is made at a time.
    expect(mint.reads).toHaveLength(2)
    mint.reading = () => Promise.resolve()
    slow.resolve()
    expect(await bob.payload('s')).toEqual({ state: 'PAID' })
    expect(await alice.payload('s')).toEqual({ state: 'PAID' })
    await bob.silence()
  })

  test('a store that is away for a while', async () => {
    const { mint, clock, url, entries } = await bench()
    const alice = await wallet(url)
    mint.states.set('bolt11_mint_quote q', { state: 'UNPAID' })
    mint.reading = () => Promise.reject(new Error('away'))
    await alice.subscribe('s', 'bolt11_mint_quote', ['q'])
    await alice.silence()
    for (let n = 0; n < 3; n++) {
      clock.advance()
      await alice.silence()
    }
    mint.reading = () => Promise.resolve()
    clock.advance()
    expect(await alice.payload('s')).toEqual({ state: 'UNPAID' })
    expect(mint.reads).toHaveLength(5)
    expect(entries.filter(({ event }) => event === 'failure')).toMatchObject([{ at: 'poll', error: 'Error' }])
  })
})

describe('what is refused', () => {
  test('requests that are none', async () => {
    const { url } = await bench()
    const alice = await wallet(url)
    const subscribe = { jsonrpc: '2.0', method: 'subscribe', id: 7 }
    const good = { kind: 'proof_state', subId: 's', filters: [] }
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const cases: readonly [unknown, number, unknown][] = [
      ['', -32700, null],
      ['{', -32700, null],
      [Buffer.from([0xff, 0xfe]), -32700, null],
      ['7', -32600, null],
      ['null', -32600, null],
      [[], -32600, null],
      [[subscribe], -32600, null],
      [deep, -32600, null],
      [{ ...subscribe, jsonrpc: '1.0' }, -32600, 7],
      [{ ...subscribe, method: 7 }, -32600, 7],
      [{ ...subscribe, id: undefined }, -32600, null],
      [{ ...subscribe, id: {} }, -32600, null],
      [{ ...subscribe, id: 'text', method: 'sub' }, -32601, 'text'],
      [subscribe, -32602, 7],
      [{ ...subscribe, params: [] }, -32602, 7],
      [
        `{"jsonrpc":"2.0","method":"subscribe","id":7,"params":{"subId":"s","kind":"proof_state","filters":${deep}}}`,
        -32602,
        7,
      ],
      [{ ...subscribe, params: { ...good, subId: 7 } }, -32602, 7],
      [{ ...subscribe, params: { ...good, subId: 'x'.repeat(201) } }, -32602, 7],
      [{ ...subscribe, params: { ...good, kind: 'toString' } }, -32602, 7],
      [{ ...subscribe, params: { ...good, filters: 'text' } }, -32602, 7],
      [{ ...subscribe, params: { ...good, filters: [7] } }, -32602, 7],
      [{ ...subscribe, params: { ...good, filters: ['no point'] } }, -32602, 7],
      [{ ...subscribe, params: { ...good, kind: 'bolt11_mint_quote', filters: ['ü'] } }, -32602, 7],
      [{ ...subscribe, method: 'unsubscribe', params: { subId: 's' } }, -32602, 7],
    ]
    for (const [message, code, id] of cases) {
      alice.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message))
      const { error, ...rest } = await alice.next()
      expect([message, error?.code, typeof error?.message, rest]).toEqual([
        message,
        code,
        'string',
        { jsonrpc: '2.0', id },
      ])
    }
    // The connection is none the worse for it.
    await alice.subscribe('s', 'proof_state', [])
    expect((await alice.subscribe('s', 'proof_state', [])).error).toMatchObject({ code: -32602 })
  })

  test('what is too much', async () => {
    const limits = { subscriptions: 2, filters: 3, watchedOfConnection: 5, watchedOfClient: 8, watched: 16 }
    const { url, mint } = await bench({ ...limits, connections: 3, connectionsOfClient: 2 })
    const [alice, bob] = [await wallet(url), await wallet(url)]
    const quotes = (...ids: string[]) => ['bolt11_mint_quote', ids] as const
    expect((await alice.subscribe('a', ...quotes('1', '2', '3', '4'))).error).toMatchObject({ code: -32000 })
    expect((await alice.subscribe('a', ...quotes('1', '2', '3'))).result).toBeDefined()
    expect((await alice.subscribe('b', ...quotes('4', '5', '6'))).error).toMatchObject({ code: -32000 })
    expect((await alice.subscribe('b', ...quotes('4', '5', '4'))).result).toBeDefined()
    expect((await alice.subscribe('c', ...quotes('1'))).error).toMatchObject({ code: -32000 })
    // Another connection of the same client has its part of what they share, whatever the first one holds.
    expect((await bob.subscribe('a', ...quotes('1', '2', '3'))).result).toBeDefined()
    expect((await bob.subscribe('b', ...quotes('6'))).result).toBeDefined()
    expect((await bob.subscribe('c', ...quotes('7'))).error).toMatchObject({ code: -32000 })
    // Room is made by those who go.
    await alice.ask('unsubscribe', { subId: 'b' })
    expect((await alice.subscribe('b', ...quotes('6'))).result).toBeDefined()
    expect(mint.reads.length).toBeGreaterThan(0)

    const third = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`)
    open.add(() => third.terminate())
    await expect(once(third, 'open')).rejects.toThrow('429')
    const left = once(bob.socket, 'close')
    bob.socket.close()
    await left
    await wallet(url)
  })

  test('one anonymous connection takes all that it can, many do: another client and another connection are served', async () => {
    const { url } = await bench()
    const greedy = await wallet(url)
    let taken = 0
    for (let sub = 0; sub < 100; sub++) {
      const ids = Array.from({ length: 1000 }, (_, at) => Y(sub * 1000 + at))
      const told = await heardOf(greedy, `${sub}`, ids)
      if (told.result) taken += 1000
      expect([undefined, -32000]).toContain(told.error?.code)
    }
    expect(taken).toBe(WEBSOCKET_LIMITS.watchedOfConnection)
    for (let more = 0; more < 5; more++) {
      const again = await wallet(url)
      for (let sub = 0; sub < 10; sub++)
        await heardOf(again, `${sub}`, Array.from({ length: 1000 }, (_, at) => Y(200_000 + more * 10_000 + sub * 1000 + at))) // prettier-ignore
    }
    const honest = await wallet(url)
    expect((await honest.subscribe('s', 'proof_state', [Y(1)])).result).toBeDefined()
    const elsewhere = await wallet(url, '127.0.0.2')
    const ids = Array.from({ length: 1000 }, (_, at) => Y(900_000 + at))
    expect((await elsewhere.subscribe('s', 'proof_state', ids)).result).toBeDefined()
  })

  test('websockets at other places, and what is no handshake', async () => {
    const { url } = await bench()
    for (const path of ['/', '/v1/ws/', '/v2/ws', '/v1/info']) {
      const socket = new WebSocket(url.replace('http', 'ws') + path)
      open.add(() => socket.terminate())
      await expect(once(socket, 'open')).rejects.toThrow('404')
    }
    const { socket, text } = handshake(url, { 'sec-websocket-key': 'none' })
    await once(socket, 'close')
    expect(text()).toMatch(/^HTTP\/1\.1 400 [^]*"code":50000/)
  })
})

/** A websocket of which the test writes the bytes itself. */
function handshake(url: string, headers: Readonly<Record<string, string>> = {}) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  open.add(() => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const all = {
    host: hostname,
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /v1/ws HTTP/1.1\r\n${lines.join('')}\r\n`)
  const text = (): string => Buffer.concat(chunks).toString('latin1')
  const upgraded = async (): Promise<void> => {
    while (!text().includes('\r\n\r\n')) await once(socket, 'data')
    expect(text()).toMatch(/^HTTP\/1\.1 101 /)
  }
  return { socket, text, upgraded }
}

/** A frame of a client, masked with zeros. */
const frame = (first: number, payload: Buffer): Buffer => {
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload])
}

describe('what the server bears', () => {
  test.each<[string, Buffer]>([
    ['an opcode that is none', frame(0x83, Buffer.alloc(1))],
    ['reserved bits', frame(0xf1, Buffer.alloc(1))],
    ['no mask', Buffer.from([0x81, 1, 0x7b])],
    ['a text that is not UTF-8', frame(0x81, Buffer.from([0xff, 0xff]))],
    ['a continuation of nothing', frame(0x80, Buffer.alloc(1))],
    ['a ping that is too long', frame(0x89, Buffer.alloc(200))],
    ['a length beyond all bounds', Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['a message that is too long', frame(0x81, Buffer.alloc(2000, 0x20))],
    ['noise', Buffer.from(Array.from({ length: 500 }, (_, n) => (n * 197) & 0xff))],
  ])('%s', async (_, bytes) => {
    const { url, entry } = await bench({ messageBytes: 1000 })
    const { socket, upgraded } = handshake(url)
    await upgraded()
    const logged = entry('websocket')
    const closed = once(socket, 'close')
    socket.write(bytes)
    socket.end()
    await closed
    expect(await logged).toMatchObject({ end: 'gone', messages: 0 })
    const alice = await wallet(url)
    expect((await alice.subscribe('s', 'proof_state', [])).result).toBeDefined()
  })

  test('peers that are dead are removed, those that live are not', async () => {
    const { url, clock, entry } = await bench()
    const alice = await wallet(url)
    const { socket, upgraded } = handshake(url)
    await upgraded()
    const pinged = once(alice.socket, 'ping')
    clock.advance()
    await pinged
    // Its pong has arrived when the answer comes.
    await alice.silence()
    const logged = entry('websocket')
    const closed = once(socket, 'close')
    clock.advance()
    expect(await logged).toMatchObject({ end: 'dead' })
    await closed
    await alice.silence()
  })

  test('those who do not read are cut', async () => {
    const { url, mint, clock, entry, entries } = await bench({ bufferedBytes: 2 ** 20 })
    mint.states.set('bolt11_mint_quote q', { n: 0 })
    const { socket, upgraded } = handshake(url)
    await upgraded()
    const params = { kind: 'bolt11_mint_quote', subId: 's', filters: ['q'] }
    const request = JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', id: 1, params })
    socket.write(frame(0x81, Buffer.from(request)))
    await once(socket, 'data')
    socket.pause()
    const cut = entry('websocket')
    const alice = await wallet(url)
    const isCut = (): boolean => entries.some(({ event }) => event === 'websocket')
    for (let n = 1; !isCut(); n++) {
      mint.states.set('bolt11_mint_quote q', { n, large: 'x'.repeat(2 ** 18) })
      mint.changed()
      clock.advance()
      await alice.silence()
      expect(n).toBeLessThan(1000)
    }
    expect(await cut).toMatchObject({ end: 'slow' })
    await alice.silence()
  })

  test('a stop says goodbye', async () => {
    const { url, served, mint, entries } = await bench()
    const alice = await wallet(url)
    mint.states.set(`proof_state ${Y(77)}`, { Y: Y(77) })
    await alice.subscribe('my-subscription', 'proof_state', [Y(77)])
    const closed = once(alice.socket, 'close')
    await served.close()
    expect((await closed)[0]).toBe(1001)
    const log = JSON.stringify(entries)
    expect(entries.find(({ event }) => event === 'websocket')).toMatchObject({ end: 'stopped', messages: 1 })
    expect([log.includes(Y(77)), log.includes('my-subscription')]).toEqual([false, false])
  })

  test('a stop does not wait for peers that say nothing', async () => {
    const { url, served } = await bench()
    const { upgraded } = handshake(url)
    await upgraded()
    await served.close()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })
})

test('a wallet that mints, swaps and melts hears of it', async () => {
  const amounts = Array.from({ length: 8 }, (_, exponent) => 2 ** exponent)
  const server = await createMintServer({ store: memoryStore(), amounts, lightning: {} })
  running.add(server)
  const requests = client(overHttp(server.url), nobleCrypto)
  const alice = await wallet(server.url)

  const { quote, request } = await requests.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 16, unit: 'sat' })
  await alice.subscribe('quote', 'bolt11_mint_quote', [quote])
  expect(await alice.payload('quote')).toMatchObject({ quote, state: 'UNPAID', amount: 16, request })
  await server.backend.settle(server.backend.decode('bolt11', request)!.requestId)
  expect(await alice.payload('quote')).toMatchObject({ quote, state: 'PAID' })
  const proofs = await requests.issue(quote, [16])
  expect(await alice.payload('quote')).toMatchObject({ quote, state: 'ISSUED' })

  const swapped = await requests.swap(proofs, [8, 8])
  const Ys = [...proofs, ...swapped].map(({ secret }) => nobleCrypto.hashToCurve(secret))
  await alice.subscribe('proofs', 'proof_state', Ys)
  const states = [await alice.payload('proofs'), await alice.payload('proofs'), await alice.payload('proofs')]
  expect(states).toEqual(['SPENT', 'UNSPENT', 'UNSPENT'].map((state, at) => ({ Y: Ys[at], state, witness: null })))

  const memo = JSON.stringify({ pay_invoice_state: 'PENDING' })
  const invoice = server.backend.foreignInvoice({ amountSat: 10, memo })
  const melt = await requests.post<MeltQuote>('/v1/melt/quote/bolt11', { request: invoice, unit: 'sat' })
  await requests.post('/v1/melt/bolt11', { quote: melt.quote, inputs: swapped })
  expect(await alice.payload('proofs')).toMatchObject({ state: 'PENDING' })
  expect(await alice.payload('proofs')).toMatchObject({ state: 'PENDING' })
  await alice.subscribe('melt', 'bolt11_melt_quote', [melt.quote])
  expect(await alice.payload('melt')).toMatchObject({ quote: melt.quote, state: 'PENDING' })
  await decide(server, melt.quote, 'paid')
  const last = [await alice.next(), await alice.next(), await alice.next()].map(({ params }) => params)
  expect(last.filter((params) => params?.subId === 'proofs').map((params) => params?.payload)).toMatchObject([
    { state: 'SPENT' },
    { state: 'SPENT' },
  ])
  expect(last.find((params) => params?.subId === 'melt')?.payload).toMatchObject({ state: 'PAID' })
})

test('a payment that is made at once is told of as PENDING and then as PAID, and its inputs as PENDING and then as SPENT', async () => {
  const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  running.add(server)
  const requests = client(overHttp(server.url), nobleCrypto)
  const alice = await wallet(server.url)
  for (let count = 0; count < 10; count++) {
    const proofs = await requests.mint([16])
    const Ys = proofs.map(({ secret }) => nobleCrypto.hashToCurve(secret))
    const memo = JSON.stringify({ pay_invoice_state: count % 2 === 0 ? 'PAID' : 'FAILED' })
    const request = server.backend.foreignInvoice({ amountSat: 10, memo })
    const { quote } = await requests.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    const told: Record<string, unknown[]> = { melt: [], proofs: [] }
    const more = async (): Promise<void> => {
      const { params } = await alice.next()
      told[params!.subId]!.push((params!.payload as { state: string }).state)
    }
    await alice.subscribe('melt', 'bolt11_melt_quote', [quote])
    await more()
    await alice.subscribe('proofs', 'proof_state', Ys)
    await more()
    await fetch(`${server.url}/v1/melt/bolt11`, { method: 'POST', body: JSON.stringify({ quote, inputs: proofs }) })
    for (let each = 0; each < 4; each++) await more()
    const isPaid = count % 2 === 0
    expect(told).toEqual({
      melt: ['UNPAID', 'PENDING', isPaid ? 'PAID' : 'UNPAID'],
      proofs: ['UNSPENT', 'PENDING', isPaid ? 'SPENT' : 'UNSPENT'],
    })
    for (const subId of ['melt', 'proofs']) await alice.ask('unsubscribe', { subId })
    await alice.silence()
  }
})
