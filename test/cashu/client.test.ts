import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { mintClient } from '../../src/cashu/client.ts'
import { fetchTransport } from '../../src/cashu/transport.ts'
import type { MintClient, Reply, Transport } from '../../src/cashu/client.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { badKeysets, smallKeyset, wholeKeyset } from '../kits/cashu-keyset-vectors.ts'

const POINT = `02${'ab'.repeat(32)}`
const OTHER = `03${'cd'.repeat(32)}`
const SCALAR = 'ef'.repeat(32)
const ID = '00aabbccddeeff00'
const signature = { id: ID, amount: 8, C_: POINT }
const signal = new AbortController().signal

/** A client whose mint answers this to everything; what was sent is kept. */
function answering(status: number, body: unknown, retryAfterMs?: number) {
  const sent: Parameters<Transport>[0][] = []
  const transport: Transport = async (request) => {
    sent.push(request)
    return { status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfterMs }
  }
  return { client: mintClient({ mintUrl: 'https://Mint.example/a/', transport }), sent }
}

const calls: Record<string, (client: MintClient) => Promise<Reply<unknown>>> = {
  info: (client) => client.info({ signal }),
  keysets: (client) => client.keysets({ signal }),
  keys: (client) => client.keys(ID, { signal }),
  createMintQuote: (client) => client.createMintQuote('{}', { signal }),
  mintQuote: (client) => client.mintQuote('q/1', { signal }),
  issue: (client) => client.issue('{}', { signal }),
  createMeltQuote: (client) => client.createMeltQuote('{}', { signal }),
  meltQuote: (client) => client.meltQuote('q/1', { signal }),
  melt: (client) => client.melt('{}', { signal }),
  swap: (client) => client.swap('{}', { signal }),
  checkState: (client) => client.checkState([POINT], { signal }),
  restore: (client) => client.restore([{ id: ID, amount: 8, B_: POINT }], { signal }),
}

const ok = async (call: string, body: unknown): Promise<unknown> => {
  const reply = await calls[call]!(answering(200, body).client)
  return reply.answer === 'ok' ? reply.body : reply
}
const malformed = expect.objectContaining({ answer: 'malformed' }) as unknown

describe('requests', () => {
  test('go to the NUTs’ paths, bodies to the byte', async () => {
    const { client, sent } = answering(500, '')
    for (const call of Object.values(calls)) await call(client)
    await client.issue('{ "a":1}', { signal, method: 'bolt12' })
    const base = 'https://mint.example/a/v1'
    expect(sent.map(({ method, url, body }) => [method, url.replace(base, ''), body])).toEqual([
      ['GET', '/info', undefined],
      ['GET', '/keysets', undefined],
      ['GET', `/keys/${ID}`, undefined],
      ['POST', '/mint/quote/bolt11', '{}'],
      ['GET', '/mint/quote/bolt11/q%2F1', undefined],
      ['POST', '/mint/bolt11', '{}'],
      ['POST', '/melt/quote/bolt11', '{}'],
      ['GET', '/melt/quote/bolt11/q%2F1', undefined],
      ['POST', '/melt/bolt11', '{}'],
      ['POST', '/swap', '{}'],
      ['POST', '/checkstate', `{"Ys":["${POINT}"]}`],
      ['POST', '/restore', `{"outputs":[{"id":"${ID}","amount":8,"B_":"${POINT}"}]}`],
      ['POST', '/mint/bolt12', '{ "a":1}'],
    ])
  })

  test('only go to a mint’s address', () => {
    expect(() => mintClient({ mintUrl: 'ftp://mint', transport: fetchTransport() })).toThrow(
      expect.objectContaining({ code: 'MINT_URL_MALFORMED' }),
    )
  })
})

describe('what an answer proves', () => {
  const classified = async (status: number, body: unknown, retryAfterMs?: number) =>
    answering(status, body, retryAfterMs).client.swap('{}', { signal })

  test('a mint’s error document is a refusal', async () => {
    for (const status of [400, 401, 403, 404, 409, 422, 499]) {
      expect(await classified(status, { detail: 'spent', code: 11001 })).toEqual({
        answer: 'refused',
        code: 11001,
        detail: 'spent',
        meaning: 'spent',
      })
    }
    expect(await classified(400, { detail: 'spent', code: '11001' })).toMatchObject({ code: 11001 })
    expect(await classified(400, { code: 11001 })).toEqual({
      answer: 'refused',
      code: 11001,
      detail: '',
      meaning: 'spent',
    })
  })

  test('so is a validation error, which shows nothing of the request', async () => {
    const detail = [
      { type: 'missing', loc: ['body', 'inputs', 0, 'C'], msg: 'Field required', input: { secret: 'my secret' } },
      { type: 'string_type', loc: ['body', 'quote'] },
      'and more',
      null,
    ]
    expect(await classified(422, { detail })).toEqual({
      answer: 'refused',
      code: 0,
      detail: 'body.inputs.0.C: Field required; body.quote: invalid; and more; invalid',
      meaning: 'unclassified',
    })
    expect(await classified(404, { detail: 'Not Found' })).toEqual({
      answer: 'refused',
      code: 0,
      detail: 'Not Found',
      meaning: 'unsupported',
    })
    expect(await classified(400, { detail: 'no', code: 'oops' })).toMatchObject({ answer: 'refused', code: 0 })
    expect(await classified(400, { detail: { input: 'my secret' } })).toEqual({
      answer: 'refused',
      code: 0,
      detail: '',
      meaning: 'unclassified',
    })
    const long = await classified(400, { detail: 'x'.repeat(10_000), code: 1 })
    expect(long.answer === 'refused' && long.detail.length).toBe(300)
  })

  test('anything else that is not a 200 is unknown', async () => {
    const unknown = [
      ...[300, 301, 302, 307, 308, 500, 502, 503, 504, 520].map(
        (status) => [status, { detail: 'no', code: 11001 }] as const,
      ),
      ...[407, 408, 421, 425, 429].map((status) => [status, { detail: 'slow down', code: 11001 }] as const),
      ...[400, 403, 404, 422].map((status) => [status, '<html>proxy</html>'] as const),
      ...[0, 100].map((status) => [status, ''] as const),
      ...[{}, { error: 'no' }, { message: 'no' }, [], null, 'no', 7].map(
        (body) => [400, JSON.stringify(body)] as const,
      ),
    ] as const
    for (const [status, body] of unknown) {
      expect(await classified(status, body)).toMatchObject({ answer: 'unknown', reason: `HTTP ${status}` })
    }
    expect(await classified(429, '', 3000)).toMatchObject({ reason: 'HTTP 429', retryAfterMs: 3000 })
  })

  test('a refusal with another status is unknown still, with a hint at what it would mean', async () => {
    for (const status of [500, 502, 503, 408, 429])
      expect(await classified(status, { detail: 'spent', code: 11001 })).toEqual({
        answer: 'unknown',
        reason: `HTTP ${status}`,
        hint: 'spent',
      })
    expect(await classified(500, { detail: 'oops', code: 0 })).toEqual({ answer: 'unknown', reason: 'HTTP 500' })
    expect(await classified(404, '404 page not found')).toMatchObject({ answer: 'unknown', hint: 'unsupported' })
    expect(await classified(501, '')).toMatchObject({ answer: 'unknown', hint: 'unsupported' })
    expect(await classified(302, { detail: 'spent', code: 11001 })).toEqual({ answer: 'unknown', reason: 'HTTP 302' })
  })

  test('a body that is too large was not carried out, whoever says so', async () => {
    expect(await classified(413, '<html>nginx</html>')).toEqual({
      answer: 'refused',
      code: 0,
      detail: 'HTTP 413',
      meaning: 'tooLarge',
    })
  })

  test('a 200 of the wrong shape is malformed, and shows nothing of it', async () => {
    const bad = ['', 'hello', '<html>log in</html>', '{"detail":"my secret"}', '[]', 'null', '{"signatures":', '7']
    for (const [name, call] of Object.entries(calls)) {
      for (const body of bad) {
        // Settings are hints: an object without any is an answer.
        if (name === 'info' && body.startsWith('{"d')) continue
        const reply = await call(answering(200, body).client)
        expect(reply, `${name} ${body}`).toEqual(malformed)
        expect(JSON.stringify(reply)).not.toMatch(/my secret/)
      }
    }
  })

  test('whatever comes, there is a reply', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(calls)),
        fc.integer({ min: 0, max: 599 }),
        fc.json(),
        async (call, status, body) => {
          const { answer } = await calls[call]!(answering(status, body).client)
          const possible = status >= 200 && status < 300 ? ['ok', 'malformed'] : ['refused', 'unknown']
          expect(possible).toContain(answer)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('no answer', () => {
  const failing = (transport: Transport, options: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
    mintClient({ mintUrl: 'https://mint', transport }).swap('{}', { signal, ...options })
  const never: Transport = async () => new Promise(() => {})

  test('is unknown, and the error’s own words are not repeated', async () => {
    const refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
    const errors: [unknown, string][] = [
      [refused, 'no answer: ECONNREFUSED'],
      [Object.assign(new Error('my secret'), { code: 'ECONNRESET' }), 'no answer: ECONNRESET'],
      [new Error('my secret'), 'no answer'],
      [Object.assign(new Error('no'), { code: 'my secret' }), 'no answer'],
      ['my secret', 'no answer'],
      [undefined, 'no answer'],
      [null, 'no answer'],
    ]
    for (const [error, reason] of errors) {
      // eslint-disable-next-line typescript/prefer-promise-reject-errors -- whatever a transport may reject with
      expect(await failing(async () => Promise.reject(error))).toEqual({ answer: 'unknown', reason })
    }
    const throwing: Transport = () => {
      throw new Error('before it was sent')
    }
    expect(await failing(throwing)).toEqual({ answer: 'unknown', reason: 'no answer' })
  })

  test('of a mint that keeps us waiting is unknown after the time-out', async () => {
    let aborted = false
    const heeding: Transport = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true
          reject(new Error('gone'))
        })
      })
    expect(await failing(heeding, { timeoutMs: 5 })).toEqual({ answer: 'unknown', reason: 'no answer in 5 ms' })
    expect(aborted).toBe(true)
    expect(await failing(never, { timeoutMs: 5 })).toEqual({ answer: 'unknown', reason: 'no answer in 5 ms' })
  })

  test('after the caller gave up is unknown', async () => {
    const stop = new AbortController()
    const waiting = failing(never, { signal: stop.signal, timeoutMs: Infinity })
    stop.abort()
    expect(await waiting).toEqual({ answer: 'unknown', reason: 'aborted' })
    const send = vi.fn<Transport>(never)
    expect(await failing(send, { signal: stop.signal })).toEqual({ answer: 'unknown', reason: 'aborted' })
    expect(send).not.toHaveBeenCalled()
  })

  test('time-outs go by the clock that is given', async () => {
    const clock = new VirtualClock(0)
    const client = mintClient({ mintUrl: 'https://mint', transport: never, clock })
    const swapping = client.swap('{}', { signal })
    expect(clock.ringsMs).toEqual([30_000])
    clock.advance()
    expect(await swapping).toEqual({ answer: 'unknown', reason: 'no answer in 30000 ms' })
    const { client: answered } = answering(200, {})
    await answered.swap('{}', { signal })
    expect(clock.ringsMs).toEqual([])
  })

  test('a melt waits longer than the rest', async () => {
    vi.useFakeTimers()
    try {
      const client = mintClient({ mintUrl: 'https://mint', transport: never })
      const settled: string[] = []
      void client.swap('{}', { signal }).then(() => settled.push('swap'))
      void client.melt('{}', { signal }).then(() => settled.push('melt'))
      await vi.advanceTimersByTimeAsync(31_000)
      expect(settled).toEqual(['swap'])
      await vi.advanceTimersByTimeAsync(600_000)
      expect(settled).toEqual(['swap', 'melt'])
      // An answer stops the clock: nothing keeps a process from ending.
      await answering(200, {}).client.melt('{}', { signal })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the shapes of answers', () => {
  test('signatures', async () => {
    const dleq = { e: SCALAR, s: SCALAR }
    for (const call of ['swap', 'issue']) {
      const signatures = [
        { ...signature, dleq, more: 1 },
        { ...signature, amount: '4', dleq: null, C_: POINT.toUpperCase() },
        // What lacks a part proves nothing.
        { ...signature, dleq: {} },
        { ...signature, dleq: { e: SCALAR, s: null } },
      ]
      expect(await ok(call, { signatures, more: 1 })).toEqual({
        signatures: [{ ...signature, dleq }, { ...signature, amount: 4 }, signature, signature],
      })
      for (const bad of [
        { amount: -1 },
        { amount: 1.5 },
        { amount: 2 ** 53 },
        { amount: '1e3' },
        { amount: '' },
        { amount: null },
        { C_: '02' },
        { C_: `05${POINT.slice(2)}` },
        { id: 7 },
        { dleq: 'ab' },
        { dleq: { e: SCALAR, s: 'ab' } },
      ]) {
        expect(await ok(call, { signatures: [signature, { ...signature, ...bad }] })).toEqual(malformed)
      }
    }
  })

  test('keysets, unless they are more than any mint has', async () => {
    const keysets = Array.from({ length: 1_001 }, (_, at) => ({ id: `00${at}`, unit: 'sat', active: true }))
    expect(await calls['keysets']!(answering(200, { keysets }).client)).toEqual(malformed)
    expect(await ok('keysets', { keysets: keysets.slice(1) })).toHaveLength(1_000)
  })

  test('keysets, and the keys of one', async () => {
    const keysets = [
      { id: ID, unit: 'sat', active: true, input_fee_ppk: 100, final_expiry: 7, more: 1 },
      { id: 'L3zxxRB/I8uE', unit: 'usd', active: false },
    ]
    expect(await ok('keysets', { keysets })).toEqual([
      { id: ID, unit: 'sat', active: true, input_fee_ppk: 100, final_expiry: 7 },
      { id: 'L3zxxRB/I8uE', unit: 'usd', active: false, input_fee_ppk: 0 },
    ])
    expect(await ok('keysets', { keysets: [{ id: ID, unit: 'sat', active: 'yes' }] })).toEqual(malformed)

    const keys = { '1': POINT, '9223372036854775808': OTHER }
    const bls = { id: '02', unit: 'sat', keys: { '1': 'ab'.repeat(96) } }
    expect(await ok('keys', { keysets: [bls, { id: ID, unit: 'sat', keys, more: 1 }] })).toEqual({
      id: ID,
      unit: 'sat',
      keys,
    })
    for (const bad of [{}, { x: POINT }, { '01': POINT }, { '1': 'ab' }, { __proto__: null, constructor: POINT }]) {
      expect(await ok('keys', { keysets: [{ id: ID, unit: 'sat', keys: bad }] })).toEqual(malformed)
    }
    expect(await ok('keys', { keysets: [bls] })).toEqual(malformed)
  })

  // Vectors have one test each, and their titles begin with the NUT: `npm run conformance` counts them.
  const keysAnswer = (keys: Readonly<Record<string, string>>) => ({ keysets: [{ id: ID, unit: 'sat', keys }] })
  test.each([
    ['a small keyset', smallKeyset],
    ['all powers of two', wholeKeyset],
  ])('NUT-01: %s', async (_, keys) => {
    expect(await ok('keys', keysAnswer(keys))).toEqual({ id: ID, unit: 'sat', keys })
  })
  test.each([
    ['a key without its last byte', badKeysets[0]!],
    ['a key that is not compressed', badKeysets[1]!],
  ])('NUT-01: %s', async (_, keys) => {
    expect(await ok('keys', keysAnswer(keys))).toEqual(malformed)
  })

  const mintQuote = { quote: 'q/1', request: 'lnbc1', state: 'UNPAID', expiry: 7 }

  test('mint quotes', async () => {
    const full = { ...mintQuote, amount: 8, unit: 'sat', pubkey: POINT, amount_paid: 8, amount_issued: 0 }
    for (const call of ['createMintQuote', 'mintQuote']) {
      expect(await ok(call, { ...full, more: 1 })).toEqual(full)
      expect(await ok(call, { ...mintQuote, expiry: null, amount: null, pubkey: null })).toEqual({
        ...mintQuote,
        expiry: null,
      })
      // Nutshell's word for a quote that is not locked.
      expect(await ok(call, { ...mintQuote, expiry: null, amount: null, pubkey: '' })).toEqual({
        ...mintQuote,
        expiry: null,
      })
      for (const bad of [
        { quote: '' },
        { request: 7 },
        { state: 'FAILED' },
        { expiry: -1 },
        { amount: -1 },
        { pubkey: 'x' },
      ]) {
        expect(await ok(call, { ...mintQuote, ...bad })).toEqual(malformed)
      }
    }
  })

  test('a mint quote’s state, however the mint says it', async () => {
    const { state: _, ...stateless } = mintQuote
    const stateOf = async (fields: object) =>
      ((await ok('mintQuote', { ...stateless, ...fields })) as { state?: string }).state
    for (const state of ['UNPAID', 'PENDING', 'PAID', 'ISSUED'])
      expect(await stateOf({ state, paid: true })).toBe(state)
    expect(await stateOf({ paid: false })).toBe('UNPAID')
    expect(await stateOf({ paid: true })).toBe('PAID')
    expect(await stateOf({ amount_paid: 0, amount_issued: 0 })).toBe('UNPAID')
    expect(await stateOf({ amount_paid: 8, amount_issued: 0 })).toBe('PAID')
    expect(await stateOf({ amount_paid: 16, amount_issued: 8 })).toBe('PAID')
    expect(await stateOf({ amount_paid: 8, amount_issued: 8 })).toBe('ISSUED')
    expect(await stateOf({ amount_paid: null, paid: true })).toBe('PAID')
    expect(await ok('mintQuote', stateless)).toEqual(malformed)
  })

  const meltQuote = { quote: 'q/1', amount: 8, fee_reserve: 1, state: 'UNPAID', expiry: 7 }

  test('melt quotes', async () => {
    const full = {
      ...meltQuote,
      state: 'PAID',
      unit: 'sat',
      request: 'lnbc1',
      payment_preimage: 'ab',
      change: [signature],
    }
    for (const call of ['createMeltQuote', 'meltQuote']) {
      expect(await ok(call, { ...full, more: 1 })).toEqual(full)
      expect(await ok(call, { ...meltQuote, payment_preimage: '', change: null })).toEqual(meltQuote)
      for (const bad of [{ quote: null }, { amount: null }, { fee_reserve: null }, { state: 7 }, { change: {} }]) {
        expect(await ok(call, { ...meltQuote, ...bad })).toEqual(malformed)
      }
    }
    for (const state of ['UNKNOWN', 'FAILED', 'ELSE']) {
      expect(await ok('meltQuote', { ...meltQuote, state })).toEqual({ ...meltQuote, state: 'UNKNOWN' })
    }
    const { state: _, ...stateless } = meltQuote
    expect(await ok('meltQuote', { ...stateless, paid: true })).toEqual({ ...meltQuote, state: 'PAID' })
    expect(await ok('meltQuote', stateless)).toEqual(malformed)
  })

  test('a quote that was not asked for is none', async () => {
    expect(await ok('mintQuote', { ...mintQuote, quote: 'q/2' })).toEqual(malformed)
    expect(await ok('meltQuote', { ...meltQuote, quote: 'q/2' })).toEqual(malformed)
  })

  test('a melt’s answer needs no more than its state; a 202 is an answer', async () => {
    expect(await ok('melt', { paid: true, payment_preimage: null })).toEqual({ state: 'PAID' })
    expect(await ok('melt', { ...meltQuote, state: 'PAID', change: [signature] })).toEqual({
      state: 'PAID',
      change: [signature],
    })
    const { client } = answering(202, { ...meltQuote, state: 'PENDING' })
    expect(await client.melt('{}', { signal })).toEqual({ answer: 'ok', body: { state: 'PENDING' } })
    expect(await ok('melt', { payment_preimage: 'ab' })).toEqual(malformed)
  })

  test('states come in the order asked, one for each', async () => {
    const { client } = answering(200, {
      states: [
        { Y: OTHER, state: 'SPENT', witness: '{}' },
        { Y: POINT, state: 'UNSPENT', witness: null },
      ],
    })
    expect(await client.checkState([POINT, OTHER], { signal })).toEqual({
      answer: 'ok',
      body: [
        { Y: POINT, state: 'UNSPENT' },
        { Y: OTHER, state: 'SPENT', witness: '{}' },
      ],
    })
    expect(await client.checkState([`02${SCALAR}`], { signal })).toEqual(malformed)
    expect(await ok('checkState', { states: [{ Y: POINT, state: 'LIVE' }] })).toEqual(malformed)
    expect(await ok('checkState', { states: [] })).toEqual(malformed)
  })

  test('restored signatures go with outputs that were asked for', async () => {
    const output = { id: ID, amount: 8, B_: POINT }
    const body = { outputs: [output], signatures: [signature] }
    expect(await ok('restore', { ...body, promises: [signature] })).toEqual(body)
    expect(await ok('restore', { outputs: [output], promises: [signature] })).toEqual(body)
    expect(await ok('restore', { outputs: [], signatures: [] })).toEqual({ outputs: [], signatures: [] })
    for (const bad of [
      { outputs: [output], signatures: [] },
      { outputs: [output, output], signatures: [signature, signature] },
      { outputs: [{ ...output, B_: OTHER }], signatures: [signature] },
      { outputs: [output] },
    ]) {
      expect(await ok('restore', bad)).toEqual(malformed)
    }
  })

  test('settings, as far as they can be understood', async () => {
    expect(await ok('info', {})).toEqual({
      mint: { disabled: false, methods: [] },
      melt: { disabled: false, methods: [] },
      supported: [],
    })
    expect(
      await ok('info', {
        name: 'A mint',
        version: 'Nutshell/0.20.3',
        nuts: {
          4: {
            methods: [{ method: 'bolt11', unit: 'sat', min_amount: 1, max_amount: null, more: 1 }, 'x'],
            disabled: true,
          },
          5: { methods: { no: 'list' } },
          7: { supported: true },
          8: { supported: false },
          9: 'yes',
          15: [],
          19: { ttl: 60, cached_endpoints: [{ method: 'POST', path: '/v1/swap' }, {}] },
          20: { supported: true },
        },
      }),
    ).toEqual({
      name: 'A mint',
      version: 'Nutshell/0.20.3',
      mint: { disabled: true, methods: [{ method: 'bolt11', unit: 'sat', min_amount: 1 }] },
      melt: { disabled: false, methods: [] },
      supported: [7, 20],
      cached: { ttlMs: 60_000, paths: ['/v1/swap'] },
    })
    const cached = async (settings: object) =>
      ((await ok('info', { nuts: { 19: settings } })) as { cached?: unknown }).cached
    const cached_endpoints = [{ method: 'POST', path: '/v1/swap' }]
    expect(await cached({ ttl: null, cached_endpoints })).toEqual({ ttlMs: null, paths: ['/v1/swap'] })
    expect(await cached({ ttl: 'x', cached_endpoints })).toBeUndefined()
    expect(await cached({ ttl: 60, cached_endpoints: [] })).toBeUndefined()
  })
})

describe('over HTTP', () => {
  const servers: ReturnType<typeof createServer>[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })
  const serving = async (listener: RequestListener) => {
    const server = createServer(listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const mintUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return mintClient({ mintUrl, transport: fetchTransport() })
  }

  test('requests arrive and answers are read whole', async () => {
    const seen: unknown[] = []
    const client = await serving((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers['content-type'], body])
        // In pieces, and the euro sign split between two.
        const bytes = Buffer.from(JSON.stringify({ name: '€'.repeat(1000), nuts: {} }))
        response.write(bytes.subarray(0, 11))
        setTimeout(() => response.end(bytes.subarray(11)), 5)
      })
    })
    expect(await client.info({ signal })).toMatchObject({ answer: 'ok', body: { name: '€'.repeat(1000) } })
    await client.swap('{"a": 1}', { signal })
    expect(seen).toEqual([
      ['GET', '/v1/info', undefined, ''],
      ['POST', '/v1/swap', 'application/json', '{"a": 1}'],
    ])
  })

  test('redirects are not followed, and nothing is sent twice', async () => {
    let requests = 0
    const client = await serving((_, response) => {
      requests++
      response.writeHead(308, { location: '/elsewhere' }).end()
    })
    expect(await client.swap('{}', { signal })).toMatchObject({ answer: 'unknown' })
    expect(requests).toBe(1)
  })

  test('lost, endless and late answers are unknown', async () => {
    let requests = 0
    const client = await serving((request, response) => {
      requests++
      if (request.url === '/v1/swap') request.socket.destroy()
      else if (request.url === '/v1/info') {
        response.writeHead(200, { 'content-length': '1000' }).write('{"name":')
        setTimeout(() => request.socket.destroy(), 5)
      } else if (request.url === '/v1/keysets') {
        const more = () => {
          while (response.write('x'.repeat(1_000_000)));
          response.once('drain', more)
        }
        more()
      } else response.writeHead(200).write('{')
    })
    expect(await client.swap('{}', { signal })).toMatchObject({ answer: 'unknown' })
    expect(await client.info({ signal })).toMatchObject({ answer: 'unknown' })
    expect(await client.keysets({ signal })).toMatchObject({ answer: 'unknown', reason: 'no answer: TOO_LONG' })
    expect(await client.keys(ID, { signal, timeoutMs: 500 })).toEqual({
      answer: 'unknown',
      reason: 'no answer in 500 ms',
    })
    expect(requests).toBe(4)
  })

  test('retry-after is read, as seconds or as a date of the mint’s clock', async () => {
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT'
    const client = await serving((request, response) => {
      const header =
        {
          '/v1/swap': '3',
          '/v1/info': 'Tue, 01 Jan 2030 00:00:10 GMT',
          '/v1/melt/bolt11': 'Mon, 31 Dec 2029 23:00:00 GMT',
        }[request.url!] ?? 'soon'
      response.writeHead(429, { 'retry-after': header, date }).end()
    })
    const unknown = { answer: 'unknown', reason: 'HTTP 429', hint: 'passing', mintNowMs: Date.parse(date) }
    expect(await client.swap('{}', { signal })).toEqual({ ...unknown, retryAfterMs: 3000 })
    expect(await client.info({ signal })).toEqual({ ...unknown, retryAfterMs: 10_000 })
    expect(await client.melt('{}', { signal })).toEqual({ ...unknown, retryAfterMs: 0 })
    expect(await client.keysets({ signal })).toEqual(unknown)
  })

  test('the mint’s clock is told with every answer that shows it', async () => {
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT'
    const client = await serving((request, response) => {
      response.sendDate = false
      const [status, body, header] = {
        '/v1/info': [200, '{}', date] as const,
        '/v1/keysets': [200, 'hello', date] as const,
        '/v1/swap': [400, '{"detail":"spent","code":11001}', date] as const,
        '/v1/checkstate': [502, '', date] as const,
        '/v1/melt/bolt11': [200, '', 'yesterday'] as const,
      }[request.url!] ?? [200, '', undefined]
      response.writeHead(status, header === undefined ? {} : { date: header }).end(body)
    })
    const mintNowMs = Date.parse(date)
    expect(await client.info({ signal })).toMatchObject({ answer: 'ok', mintNowMs })
    expect(await client.keysets({ signal })).toMatchObject({ answer: 'malformed', mintNowMs })
    expect(await client.swap('{}', { signal })).toMatchObject({ answer: 'refused', mintNowMs })
    expect(await client.checkState([POINT], { signal })).toMatchObject({ answer: 'unknown', mintNowMs })
    expect(await client.melt('{}', { signal })).not.toHaveProperty('mintNowMs')
    expect(await client.restore([], { signal })).not.toHaveProperty('mintNowMs')
  })

  test('a mint that is not there', async () => {
    const client = await serving(() => {})
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
    expect(await client.info({ signal })).toEqual({ answer: 'unknown', reason: 'no answer: ECONNREFUSED' })
  })
})
