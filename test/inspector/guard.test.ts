/**
 * Goal: nobody sees what the inspector shows but a person of this machine who was given its address. Method: raw requests, as a page of
 * elsewhere, a name that was rebound, a program without the token and a hostile client would make them.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { onTestFinished, expect, test } from 'vitest'
import { serveInspector } from '../../src/inspector/index.ts'
import { openOperations, operationsTable } from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

async function served(options: { readonly write?: boolean } = {}) {
  const tables = { operations: operationsTable() }
  const store = await memoryStore().open({ version: 1, tables })
  const operations = openOperations({ store, tables, kinds: [], ports: undefined })
  const inspector = await serveInspector({ operations, ...options })
  onTestFinished(async () => {
    await inspector.close()
    operations.close()
  })
  const { port, hash } = new URL(inspector.url)
  const token = hash.replace('#token=', '')
  const ask = async (
    path: string,
    { headers = {}, method = 'GET', body }: { headers?: Record<string, string>; method?: string; body?: string } = {},
  ): Promise<Answered> => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
    })
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const chunks = (await response.toArray()) as Buffer[]
    const { statusCode = 0, headers: answered } = response
    return { status: statusCode, headers: answered, body: Buffer.concat(chunks).toString() }
  }
  const act = (more: Parameters<typeof ask>[1] = {}) =>
    ask('/api/act', {
      method: 'POST',
      body: JSON.stringify({ id: 'a', act: 'resume' }),
      ...more,
      headers: { origin: `http://127.0.0.1:${port}`, 'content-type': 'application/json', ...more?.headers },
    })
  return { inspector, ask, act, port, token }
}

test('it listens on 127.0.0.1 alone, and its address has a token of 256 bits', async () => {
  const { inspector, token } = await served()
  expect(inspector.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=/)
  expect(Buffer.from(token, 'base64url')).toHaveLength(32)
})

test('without the token nothing is told, whatever stands in its place', async () => {
  const { ask, token } = await served()
  for (const authorization of ['', 'Bearer ', `Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, token])
    for (const path of ['/api/overview', '/api/operations', '/api/changes', '/api/operations/a', '/api/none'])
      expect((await ask(path, { headers: { authorization } })).status, `${path} with '${authorization}'`).toBe(401)
  expect((await ask('/api/overview')).status).toBe(200)
  expect((await ask(`/api/overview?token=${token}`, { headers: { authorization: '' } })).status).toBe(401)
})

test('another name for this machine is refused, so that no page can come here by one (DNS rebinding)', async () => {
  const { ask, port } = await served()
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1.evil.example:${port}`,
    '127.0.0.1:1',
  ])
    for (const path of ['/', '/page.js', '/api/overview'])
      expect((await ask(path, { headers: { host } })).status).toBe(403)
  expect((await ask('/api/overview', { headers: { host: `localhost:${port}` } })).status).toBe(200)
})

test('a page of elsewhere is refused, also with the token', async () => {
  const { ask, act, port } = await served({ write: true })
  for (const origin of [
    'https://evil.example',
    'null',
    `http://localhost:${port}`,
    `https://127.0.0.1:${port}`,
    'http://127.0.0.1:1',
  ])
    expect((await ask('/api/overview', { headers: { origin } })).status, origin).toBe(403)
  for (const site of ['cross-site', 'same-site'])
    expect((await ask('/api/overview', { headers: { 'sec-fetch-site': site } })).status).toBe(403)
  // A person who follows a link comes to the page, which tells nothing without the token.
  const led = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  expect((await ask('/', { headers: led })).status).not.toBe(403)
  expect((await ask('/api/overview', { headers: led })).status).toBe(403)
  expect((await ask('/api/overview', { headers: { origin: `http://127.0.0.1:${port}` } })).status).toBe(200)
  expect((await act({ headers: { origin: 'https://evil.example' } })).status).toBe(403)
  // Whoever acts says where it is from.
  const bare = await ask('/api/act', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  expect(bare.status).toBe(403)
})

test('methods, types and lengths of bodies are checked', async () => {
  const { ask, act, port } = await served({ write: true })
  const origin = `http://127.0.0.1:${port}`
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'POST']) {
    const refused = await ask('/api/overview', { method, headers: { origin } })
    expect(refused.status).toBe(405)
    expect(refused.headers['allow']).toBe('GET')
  }
  expect((await ask('/api/act')).status).toBe(405)
  expect((await ask('/api/none')).status).toBe(404)
  expect((await act({ headers: { 'content-type': 'text/plain' } })).status).toBe(415)
  expect((await act({ body: 'x'.repeat(5000) })).status).toBe(413)
  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '{"id":1,"act":"resume"}',
    '{"id":"a","act":"delete"}',
    '{"id":"","act":"resume"}',
  ])
    expect((await act({ body })).status, body).toBe(400)
  expect((await act()).status).toBe(404)
  expect((await ask('/api/operations/%E0%A4%A')).status).toBe(400)
})

test('it only shows, unless it was told that it may act', async () => {
  const { act } = await served()
  const refused = await act()
  expect(refused.status).toBe(403)
  expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'READ_ONLY' } })
})

test('every answer forbids inline code, frames, and whatever is of elsewhere', async () => {
  const { ask } = await served()
  for (const path of ['/', '/api/overview', '/api/none', '/none']) {
    const { headers } = await ask(path)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    expect(headers['access-control-allow-origin']).toBeUndefined()
  }
})

test('a path outside of the page is none of its files', async () => {
  const { ask } = await served()
  for (const path of [
    '/../package.json',
    '/%2e%2e/package.json',
    '/page.js/../../package.json',
    '/charts/',
    '/constructor',
  ])
    expect((await ask(path)).body).not.toContain('"name"')
})

test('a client that says nothing, or nonsense, harms nobody', async () => {
  const { ask, port } = await served()
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GARBAGE\r\n\r\n')
  const silent = connect(Number(port), '127.0.0.1')
  await once(silent, 'connect')
  expect((await ask('/api/overview')).status).toBe(200)
  silent.destroy()
  socket.destroy()
})

test('wrong arguments are named', async () => {
  const serveAny = (options: object): Promise<unknown> => serveInspector(options)
  for (const [options, name] of [
    [{}, 'operations'],
    [{ operations: {} }, 'operations'],
    [{ wallet: {} }, 'wallet'],
    [{ mint: {} }, 'mint'],
    [{ bounties: {} }, 'bounties'],
    [{ mint: {}, bounties: {} }, 'operations'],
    [{ wallet: {}, operations: {} }, 'operations'],
    [{ wallets: {} }, 'wallets'],
  ] as const)
    await expect(serveAny(options)).rejects.toThrow(name)
  const tables = { operations: operationsTable() }
  const store = await memoryStore().open({ version: 1, tables })
  const operations = openOperations({ store, tables, kinds: [], ports: undefined })
  onTestFinished(() => operations.close())
  for (const [more, name] of [
    [{ port: -1 }, 'port'],
    [{ port: 65_536 }, 'port'],
    [{ write: 'yes' }, 'write'],
    [{ title: 1 }, 'title'],
  ] as const)
    await expect(serveAny({ operations, ...more })).rejects.toThrow(name)
})
