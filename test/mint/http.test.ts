/** The mint's HTTP from outside: what servers must bear, that no failure is taken for a refusal, and what is logged. */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { Malformed } from '../../src/cashu/shape.ts'
import { createMintServer, type MintServer, type MintServerOptions } from '../../src/mint-server/http/run-server.ts'
import { failureOf } from '../../src/kernel/util/failure.ts'
import { jsonLines, routeOf, type LogEntry } from '../../src/mint-server/cli/log.ts'
import { MintError } from '../../src/mint-server/http/request.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Store, type StoreAdapter } from '../../src/store/port.ts'
import { client, overHttp, type MeltQuote, type MintQuote } from '../kits/mint-server-client.ts'
import { fakeMint, listening } from '../kits/served-mint.ts'

const running = new Set<{ close(): Promise<void> }>()

async function start(options: Partial<MintServerOptions> = {}): Promise<MintServer> {
  const amounts = Array.from({ length: 8 }, (_, exponent) => 2 ** exponent)
  const server = await createMintServer({ store: memoryStore(), amounts, lightning: { autoPayMs: 0 }, ...options })
  running.add(server)
  return server
}

afterEach(async () => {
  for (const server of running) await server.close()
  running.clear()
})

/** A store that can be made to fail or to hang. */
function moody(): { store: StoreAdapter; mood: 'well' | 'failing' | 'hanging' } {
  const inner = memoryStore()
  const state: ReturnType<typeof moody> = {
    mood: 'well',
    store: {
      async open(schema) {
        const opened = await inner.open(schema)
        const obey = async (): Promise<void> => {
          if (state.mood === 'failing') throw new StoreError('UNAVAILABLE', 'the disk said: secret')
          if (state.mood === 'hanging') await new Promise(() => {})
        }
        const get: Store['get'] = async (...args) => obey().then(() => opened.get(...args))
        const commit: Store['commit'] = async (writes) => obey().then(() => opened.commit(writes))
        return { ...opened, get, commit }
      },
    },
  }
  return state
}

/** Writes bytes as they are, and gives all that comes back until the server closes the connection. */
async function raw(url: string, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
  const closed = once(socket, 'close')
  for (const part of parts) socket.write(part)
  await closed
  return answer
}

const bodyOf = (answer: string): { detail: string; code: number } =>
  JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { detail: string; code: number }

describe('what every server must bear', () => {
  test('browsers', async () => {
    const { url } = await start()
    const preflight = await fetch(`${url}/v1/swap`, { method: 'OPTIONS' })
    expect(preflight.status).toBe(204)
    expect(await preflight.text()).toBe('')
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': '*',
      'access-control-max-age': '86400',
    })
    for (const path of ['/v1/info', '/v1/nothing']) {
      const { headers } = await fetch(url + path)
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-expose-headers')).toBeNull()
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('content-type')).toBe('application/json')
    }
  })

  test('HEAD is GET without the body', async () => {
    const { url } = await start()
    const get = await fetch(`${url}/v1/keys?a=b`)
    const head = await fetch(`${url}/v1/keys?a=b`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(await get.text())))
    expect((await fetch(`${url}/v1/nothing`, { method: 'HEAD' })).status).toBe(404)
  })

  test('other methods and unknown paths', async () => {
    const { url } = await start()
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await fetch(`${url}/v1/swap`, { method })
      expect([answer.status, await answer.json()]).toMatchObject([405, { code: codes.unclassified }])
    }
    for (const path of [
      '/',
      '//',
      '/nothing',
      '/v1',
      '/v1/ws',
      '/v1/swap/',
      '/admin/balance-sheet',
      '/v1/keys/%00',
      '/%zz',
      `/${'x'.repeat(9000)}`,
    ]) {
      const answer = await fetch(url + path)
      expect([path, answer.status < 500 && answer.status >= 400]).toEqual([path, true])
      expect(await answer.json()).toMatchObject({ code: expect.any(Number) as number })
    }
  })

  test('bodies that are none', async () => {
    const { url } = await start()
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    const bodies = [
      '',
      '{',
      'null',
      '7',
      '"text"',
      '\uFEFF{}',
      deep(500_000),
      `{"inputs":${deep(500_000)}}`,
      `{"inputs":[],"outputs":[],"deep":${deep(500_000)}}`,
      '{"__proto__":{"inputs":[]}}',
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      Buffer.from('{}', 'utf16le'),
    ]
    for (const body of bodies) {
      const answer = await fetch(`${url}/v1/swap`, { method: 'POST', body })
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: codes.unclassified }])
    }
    const broken = Buffer.concat([Buffer.from('{"inputs":"'), Buffer.from([0xff]), Buffer.from('"}')])
    const latin = await fetch(`${url}/v1/swap`, { method: 'POST', body: broken })
    expect([latin.status, await latin.json()]).toMatchObject([400, { detail: 'the body is not UTF-8' }])
    const packed = await fetch(`${url}/v1/swap`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-encoding': 'gzip' },
    })
    expect([packed.status, await packed.json()]).toMatchObject([400, { code: codes.unclassified }])
  })

  test('bodies that are too long, told of or not', async () => {
    const { url } = await start({ maxBodyBytes: 5000 })
    const post = (body: string | ReadableStream) =>
      fetch(`${url}/v1/swap`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect((await post('x'.repeat(5000))).status).toBe(400)
    for (const length of [5001, 5_000_000]) {
      const answer = await post('x'.repeat(length))
      expect([answer.status, await answer.json()]).toMatchObject([413, { code: codes.unclassified }])
    }
    expect((await post(new Blob(['x'.repeat(6000)]).stream())).status).toBe(413)
    const pieces = `POST /v1/swap HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`
    const many = await start()
    expect(await raw(many.url, pieces, '1\r\nx\r\n'.repeat(16_384), '0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw(many.url, pieces, '1\r\nx\r\n'.repeat(16_385), '0\r\n\r\n')).toMatch(/^HTTP\/1\.1 413 /)
    // One that never ends is cut.
    const { hostname, port } = new URL(url)
    const endless = httpRequest({ hostname, port, method: 'POST', path: '/v1/swap' })
    endless.on('error', () => {})
    const ended = new Promise<void>((resolve) => endless.once('close', resolve))
    const chunk = Buffer.alloc(2 ** 20)
    const pour = (): void => void (endless.destroyed || endless.write(chunk, pour))
    pour()
    await ended
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  test('what is not HTTP', async () => {
    const { url } = await start()
    for (const text of ['nonsense\r\n\r\n', 'GET /v1/info HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\nno header\r\n\r\n']) {
      const answer = await raw(url, text)
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(bodyOf(answer)).toMatchObject({ code: codes.unclassified })
    }
    const headers = `GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`
    expect(await raw(url, headers)).toMatch(/^HTTP\/1\.1 431 /)
    const chunked = 'POST /v1/swap HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'
    expect(await raw(url, chunked)).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('clients that are slow with their headers or their body', async () => {
    const { url } = await start({ requestTimeoutMs: 50 })
    const answers = await Promise.all([
      raw(url, 'GET / HTTP/1.1\r\n'),
      raw(url, 'POST /v1/swap HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{'),
    ])
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(bodyOf(answer).detail).toContain('too long')
    }
  })

  test('connections are kept', async () => {
    const { url } = await start()
    const ask = 'GET /v1/info HTTP/1.1\r\nhost: x\r\n'
    const answer = await raw(url, `${ask}\r\n`, `${ask}connection: close\r\n\r\n`)
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  })

  test('another protocol that a client would rather speak', async () => {
    const { url } = await start()
    const answer = await raw(
      url,
      'GET /v1/info HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('a port that is taken', async () => {
    const { url } = await start()
    await expect(start({ port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE')
  })
})

describe('what reaches the mint', () => {
  test('method, path, body and the wish to be answered early', async () => {
    const mint = fakeMint()
    const { url } = await listening(running, { mint })
    mint.seen.length = 0
    const post = (prefer?: string) =>
      fetch(`${url}/v1/melt/bolt11?x=y`, {
        method: 'POST',
        body: '{"a":"ü"}',
        ...(prefer ? { headers: { prefer } } : {}),
      })
    for (const prefer of [
      undefined,
      'respond-async',
      'wait=10, Respond-Async',
      'respond-async; x=1',
      'no-respond-async',
      'return=minimal',
    ])
      await post(prefer)
    const seen = (respondAsync: boolean) => ({
      method: 'POST',
      path: '/v1/melt/bolt11',
      body: '{"a":"ü"}',
      respondAsync,
    })
    expect(mint.seen).toEqual([false, true, true, true, false, false].map(seen))
  })

  test('a client that goes away is not waited for, and its operation goes on', async () => {
    const mint = fakeMint()
    const entries: LogEntry[] = []
    const logged = Promise.withResolvers<void>()
    const { url } = await listening(running, {
      mint,
      log: (_, entry) => {
        entries.push(entry)
        if (entry.event === 'request') logged.resolve()
      },
    })
    const began = Promise.withResolvers<AbortSignal>()
    const answer = Promise.withResolvers<{ status: number; body: string }>()
    mint.answer = (_, signal) => {
      began.resolve(signal)
      return answer.promise
    }
    const client = new AbortController()
    const asked = fetch(`${url}/v1/swap`, { method: 'POST', body: '{}', signal: client.signal })
    const signal = await began.promise
    expect(signal.aborted).toBe(false)
    const left = once(signal, 'abort')
    client.abort()
    await expect(asked).rejects.toThrow('abort')
    await left
    answer.resolve({ status: 200, body: '{}' })
    await logged.promise
    expect(entries.at(-1)).toMatchObject({ event: 'request', status: 499, route: '/v1/swap' })
  })

  test('what follows a request under way is not answered before it', async () => {
    const mint = fakeMint()
    const { url } = await listening(running, { mint })
    const began = Promise.withResolvers<void>()
    mint.answer = () => {
      began.resolve()
      return new Promise(() => {})
    }
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => {})
    socket.write('POST /v1/swap HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    await began.promise
    const closed = once(socket, 'close')
    socket.write('nonsense\r\n\r\n')
    await closed
    expect(answer).toBe('')
  })
})

describe('failures', () => {
  test('of the store are no refusals, and show nothing', async () => {
    const state = moody()
    const { url } = await start({ store: state.store })
    const wallet = client(overHttp(url), nobleCrypto)
    const inputs = await wallet.mint([8])
    const { id } = await wallet.keyset()
    const request = JSON.stringify({ inputs, outputs: wallet.blind([8], id).map(({ message }) => message) })
    state.mood = 'failing'
    const { status, body } = await overHttp(url)('POST', '/v1/swap', request)
    expect([status, JSON.parse(body)]).toEqual([503, { detail: 'the server cannot answer now' }])
    state.mood = 'well'
    expect((await overHttp(url)('POST', '/v1/swap', request)).status).toBe(200)
  })

  test('a mint that fails in the words of a refusal has refused nothing', async () => {
    const mint = fakeMint()
    const { url } = await listening(running, { mint })
    for (const error of [new MintError(codes.alreadySpent, 'spent'), new Malformed('row: a text expected')]) {
      mint.answer = () => Promise.reject(error)
      const answer = await fetch(`${url}/v1/swap`, { method: 'POST', body: '{}' })
      expect([answer.status, await answer.json()]).toEqual([503, { detail: 'the server cannot answer now' }])
    }
  })

  test('health is that of the store', async () => {
    const state = moody()
    const { url } = await start({ store: state.store })
    const health = async () => {
      const answer = await fetch(`${url}/health`)
      return [answer.status, (await answer.json()) as object]
    }
    expect(await health()).toEqual([200, { ok: true, version: 'hardshell/1', uptime: expect.any(Number) as number }])
    state.mood = 'failing'
    expect(await health()).toMatchObject([503, { ok: false }])
    state.mood = 'hanging'
    expect(await health()).toMatchObject([503, { ok: false }])
    state.mood = 'well'
    expect(await health()).toMatchObject([200, { ok: true }])
  })
})

describe('administration', () => {
  test('settles, resolves, rotates, invoices and tells the balance sheet', async () => {
    const { url } = await start({ admin: true, lightning: {} })
    const wallet = client(overHttp(url), nobleCrypto)
    const { id } = await wallet.post<{ id: string }>('/admin/rotate', { fee_ppk: 0 })
    expect(await wallet.keyset()).toMatchObject({ id, input_fee_ppk: 0 })

    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 24, unit: 'sat' })
    expect(await wallet.post('/admin/settle', { quote })).toEqual({ settled: true })
    const inputs = await wallet.issue(quote, [8, 16])

    const description = JSON.stringify({ pay_invoice_state: 'PENDING' })
    const { request } = await wallet.post<{ request: string }>('/admin/invoice', { amount: 20, description })
    const melt = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    expect(await wallet.post('/admin/resolve', { quote: melt.quote, state: 'paid' })).toEqual({ resolved: false })
    expect(await wallet.post('/v1/melt/bolt11', { quote: melt.quote, inputs })).toMatchObject({ state: 'PENDING' })
    expect(await wallet.post('/admin/resolve', { quote: melt.quote, state: 'paid' })).toEqual({ resolved: true })
    expect(await wallet.get(`/v1/melt/quote/bolt11/${melt.quote}`)).toMatchObject({ state: 'PAID' })
    expect(await wallet.get('/admin/balance-sheet')).toMatchObject({ units: { sat: { received: 24, paidOut: 21 } } })

    for (const [path, wrong] of [
      ['/admin/settle', { quote: 'none' }],
      ['/admin/settle', {}],
      ['/admin/resolve', { quote: melt.quote, state: 'maybe' }],
      ['/admin/resolve', { quote: '../../info', state: 'paid' }],
      ['/admin/rotate', { fee_ppk: -1 }],
      ['/admin/rotate', { unit: 'none' }],
      ['/admin/invoice', {}],
    ] as const) {
      const { status, body } = await overHttp(url)('POST', path, JSON.stringify(wrong))
      expect([path, status, typeof (JSON.parse(body) as { code: unknown }).code]).toEqual([path, 400, 'number'])
    }
  })

  test('is for programs on this machine', async () => {
    const closed = await start()
    expect((await fetch(`${closed.url}/admin/balance-sheet`)).status).toBe(404)
    const open = await start({ admin: true })
    expect((await fetch(`${open.url}/admin/balance-sheet`)).status).toBe(200)
    const page = { headers: { origin: 'https://example.com' } }
    expect((await fetch(`${open.url}/admin/balance-sheet`, page)).status).toBe(404)
    const anywhere = await start({ admin: 'anywhere' })
    expect((await fetch(`${anywhere.url}/admin/balance-sheet`, page)).status).toBe(200)
  })
})

describe('stopping', () => {
  test('answers what is under way, and refuses what comes', async () => {
    const mint = fakeMint()
    const server = await listening(running, { mint })
    const { url } = server
    const began = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<{ status: number; body: string }>()
    mint.answer = () => {
      began.resolve()
      return answer.promise
    }
    const asked = fetch(`${url}/v1/swap`, { method: 'POST', body: '{}' })
    await began.promise
    mint.closing = () => {
      answer.resolve({ status: 200, body: '{"done":true}' })
      return Promise.resolve()
    }
    // Its request is not whole when the server stops.
    const { hostname, port } = new URL(url)
    const late = connect(Number(port), hostname)
    let heard = ''
    late.on('data', (chunk) => (heard += chunk.toString()))
    late.on('error', () => {})
    await once(late, 'connect')
    late.write('GET /v1/info HTTP/1.1\r\nhost: x\r\n')
    // The server has read it by the time that it answers a request made after it.
    await fetch(`${url}/health`)
    const lateClosed = once(late, 'close')
    const closed = server.close(1000)
    late.write('\r\n')
    const done = await asked
    expect([done.status, await done.json()]).toEqual([200, { done: true }])
    await closed
    await lateClosed
    expect(heard === '' || heard.startsWith('HTTP/1.1 503 ')).toBe(true)
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed')
  })

  test('waits until the deadline, no longer', async () => {
    const state = moody()
    const server = await start({ store: state.store })
    state.mood = 'hanging'
    const asked = fetch(`${server.url}/v1/keys/00ffffffffffffff`).catch(String)
    // Answered after the one before it was taken in.
    await fetch(`${server.url}/nothing`)
    running.clear()
    await server.close({ deadlineMs: 20 })
    expect(await asked).toContain('fetch failed')
  })
})

describe('logs', () => {
  test('one line for each request, with its code and without an id', async () => {
    const entries: LogEntry[] = []
    const { url } = await start({ log: (_, entry) => entries.push(entry) })
    const wallet = client(overHttp(url), nobleCrypto)
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 1, unit: 'sat' })
    await wallet.get(`/v1/mint/quote/bolt11/${quote}`)
    await wallet
      .refused(codes.keysetUnknown, '/v1/swap', {
        inputs: [{ amount: 1, id: '00aa', secret: 's', C: `02${'1'.repeat(64)}` }],
        outputs: [],
      })
      .catch(() => {})
    await fetch(`${url}/v1/keys/00ffffffffffffff`)
    const requests = entries.flatMap((entry) => (entry.event === 'request' ? [entry] : []))
    expect(entries[0]).toEqual({ event: 'start', url })
    expect(requests.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['POST', '/v1/mint/quote/bolt11', 200],
      ['GET', '/v1/mint/quote/bolt11/:id', 200],
      ['POST', '/v1/swap', 400],
      ['GET', '/v1/keys/:id', 400],
    ])
    expect(requests.at(-1)!.code).toBe(codes.keysetUnknown)
    expect(new Set(requests.map(({ request }) => request)).size).toBe(4)
    expect(requests.every(({ ms }) => Number.isInteger(ms) && ms >= 0)).toBe(true)
  })

  test('a failure is told by its codes and its place', async () => {
    const state = moody()
    const entries: LogEntry[] = []
    const { url } = await start({ store: state.store, log: (_, entry) => entries.push(entry) })
    state.mood = 'failing'
    await fetch(`${url}/v1/keys/00ffffffffffffff`)
    const failure = entries.find(({ event }) => event === 'failure')
    const request = entries.find(({ event }) => event === 'request')
    expect(failure).toMatchObject({ at: 'request', error: 'StoreError UNAVAILABLE' })
    expect(failure).toMatchObject({ where: expect.stringMatching(/^http\.test\.ts:\d+$/) as string })
    expect(failure).toMatchObject({ request: (request as { request: string }).request })
    expect(JSON.stringify(entries)).not.toContain('secret')
  })

  test('an operation that is set aside is told, and its request is answered at once', async () => {
    const inner = memoryStore()
    const store: StoreAdapter = {
      async open(schema) {
        const opened = await inner.open(schema)
        const commit: Store['commit'] = async (writes) => {
          if (writes.some((write) => 'put' in write && write.put === 'responses'))
            throw new TypeError('no column: secret')
          return opened.commit(writes)
        }
        return { ...opened, commit }
      },
    }
    const entries: LogEntry[] = []
    const errors: unknown[] = []
    const { url, mint } = await start({ store, log: (_, entry) => entries.push(entry), onError: (error) => void errors.push(error) }) // prettier-ignore
    const wallet = client(overHttp(url), nobleCrypto)
    await expect(wallet.mint([4])).rejects.toThrow(/status/)
    const [aside] = await mint.operations.list()
    expect(aside).toMatchObject({
      kind: 'mint-issue',
      status: 'quarantined',
      row: { reason: 'TypeError: no column: secret' },
    })
    expect(entries.filter(({ event }) => event === 'failure')).toContainEqual({
      ...{ event: 'failure', at: 'mint-issue setupComplete.signing', operation: aside!.id, error: 'TypeError' },
      where: expect.stringMatching(/^http\.test\.ts:\d+$/) as string,
    })
    expect(errors).toMatchObject([{ id: aside!.id, kind: 'mint-issue', attempt: 1 }])
    expect(JSON.stringify(entries)).not.toContain('secret')
  })

  test('errors lose their messages', () => {
    const inner = Object.assign(new Error('password at /secret.ts:1:2'), { code: 'ECONNREFUSED' })
    const told = failureOf(new TypeError('of\n    at f (secret.ts:9:9)\nfailed', { cause: inner }))
    expect(told.error).toBe('TypeError < Error ECONNREFUSED')
    expect(told.where).toMatch(/^http\.test\.ts:\d+$/)
    expect(failureOf('text')).toEqual({ error: 'string' })
    expect(failureOf(undefined)).toEqual({ error: 'undefined' })
  })

  test('routes are words of the protocol', () => {
    expect(routeOf('/v1/melt/quote/bolt11/abc')).toBe('/v1/melt/quote/bolt11/:id')
    expect(routeOf('/cashuAbc/../x')).toBe('/:id/:id/:id')
    expect(routeOf('/a'.repeat(1000))).toBe('/:id/:id/:id/:id/:id/:id')
    expect(routeOf('')).toBe('')
  })

  test('no secret of a full run is in them', async () => {
    const lines: string[] = []
    const { url, mint } = await start({
      admin: true,
      lightning: {},
      seed: new Uint8Array(32).fill(0xab),
      log: jsonLines((line) => lines.push(line), Date.now, 'debug'),
    })
    const secrets = new Set<string>(['ab'.repeat(32)])
    /** Every text of an answer or a request that is long enough to be one. */
    const note = (text: string): void => {
      for (const [found] of text.matchAll(/[\w+=-]{16,}/g)) secrets.add(found)
    }
    const send: ReturnType<typeof overHttp> = async (method, path, body) => {
      note(`${path} ${body}`)
      const answer = await overHttp(url)(method, path, body)
      note(answer.body)
      return answer
    }
    const wallet = client(send, nobleCrypto)
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 64, unit: 'sat' })
    await wallet.post('/admin/settle', { quote })
    const proofs = await wallet.swap(await wallet.issue(quote, [64]))
    for (const { secret, C } of proofs) secrets.add(secret).add(C)
    const { request } = await wallet.post<{ request: string }>('/admin/invoice', { amount: 20 })
    const melt = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    await wallet.post('/v1/melt/bolt11', { quote: melt.quote, inputs: proofs })
    await wallet.states(proofs)
    await send('GET', `/${proofs[0]!.secret}/${proofs[0]!.secret}?${proofs[0]!.secret}`)
    await send('POST', `/v1/swap/${proofs[0]!.secret}`, proofs[0]!.secret)
    await mint.balanceSheet()
    const log = lines.join('')
    expect(lines.length).toBeGreaterThan(12)
    for (const line of lines) expect(Object.keys(JSON.parse(line) as object)[0]).toBe('time')
    expect(secrets.size).toBeGreaterThan(25)
    for (const secret of secrets) expect(log).not.toContain(secret)
  })
})
