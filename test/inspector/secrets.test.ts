/**
 * Goal: no secret is in anything that the inspector's server sends. Method: operations of every kind run, well and badly, with mints that
 * repeat the request in their errors; all that there is to be asked is asked again and again, the stream of changes is read, and every
 * byte is searched for every secret that is in the wallet's rows or went over the wire.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { serveInspector } from '../../src/inspector/index.ts'
import { secretsIn } from '../kits/secrets.ts'
import { bench, eventually, failure, forged, type Fault } from '../kits/wallet-kit.ts'

test('all that the server sends, for a wallet to which everything happens, has none of its secrets', async () => {
  const on = await bench()
  const { mintUrl } = on
  const seed = Uint8Array.from({ length: 64 }, (_, at) => (at * 37) % 256)
  const { wallet, wire } = await on.open('alice', { seed })
  const inspector = await serveInspector({ wallet, write: true })
  onTestFinished(() => inspector.close())
  const { origin, hash } = new URL(inspector.url)
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  const sent: string[] = []
  const get = async (path: string): Promise<string> => {
    const response = await fetch(origin + path, { headers })
    const text = await response.text()
    sent.push(JSON.stringify([...response.headers]), text)
    return text
  }
  const stream = httpRequest(`${origin}/api/changes`, { headers }).end()
  onTestFinished(() => void stream.destroy())
  const [changes] = (await once(stream, 'response')) as [IncomingMessage]
  changes.on('data', (chunk) => sent.push(String(chunk)))
  changes.on('error', () => {})

  const secrets = new Set([Buffer.from(seed).toString('hex'), JSON.stringify([...seed]).slice(1, 99)])
  const gather = async (): Promise<void> => {
    const { keysets: _, ...rows } = await on.rows('alice')
    secretsIn(rows, secrets)
  }
  const asked: Promise<unknown>[] = []
  let isOver = false
  const askAll = async (): Promise<void> => {
    await get('/api/overview')
    const { operations } = JSON.parse(await get('/api/operations?limit=2000')) as { operations: { id: string }[] }
    for (const { id } of operations) await get(`/api/operations/${id}`)
  }
  // The mint repeats the request in its error, secrets and all.
  const echoing: Fault = { code: 0, detail: '' }
  wire.before = async (what, body) => {
    if (body === undefined || /quote/.test(what)) return
    await gather()
    secretsIn(body, secrets)
    Object.assign(echoing, { detail: `INSERT INTO proofs VALUES ${body}` })
    // Not waited for: it may be that the answer is.
    if (!isOver) asked.push(askAll())
  }

  await wallet.mints.trust(mintUrl)
  await (await wallet.mint.prepare({ mintUrl, amount: 500 })).finished()
  wire.plan = [
    [/swap/, echoing],
    [/swap/, 'lost'],
    [/swap/, 'garbled'],
  ]
  const { token } = await (await wallet.send.prepare({ mintUrl, amount: 21 })).execute()
  secrets.add(token)
  wire.plan = [
    [/swap/, echoing],
    [/swap/, 'garbled'],
  ]
  await (await wallet.receive.prepare({ token })).execute()
  wire.plan = [[/melt\/bolt11$/, echoing]]
  await failure((await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute())
  await (await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
  wire.plan = [
    [/swap/, 'garbled'],
    [/restore/, forged],
  ]
  const stuck = await wallet.swap.prepare({ mintUrl, amounts: [32] })
  await failure(stuck.execute())
  wire.plan = [
    [/mint\/bolt11$/, echoing],
    [/mint\/bolt11$/, echoing],
    [/mint\/bolt11$/, echoing],
  ]
  const mint = await wallet.mint.prepare({ mintUrl, amount: 7 })
  await eventually('it is blocked', async () => (await mint.refresh()).state === 'blocked')
  await gather()
  isOver = true
  await askAll()
  await Promise.all(asked)
  for (const kind of ['mint', 'melt', 'send', 'receive', 'swap', 'restore']) await get(`/api/charts/${kind}/1`)
  // What is done is told, too.
  const act = { method: 'POST', headers: { ...headers, origin, 'content-type': 'application/json' } }
  for (const [id, what] of [
    [stuck.id, 'resume'],
    [stuck.id, 'cancel'],
    ['none', 'execute'],
  ])
    sent.push(await (await fetch(`${origin}/api/act`, { ...act, body: JSON.stringify({ id, act: what }) })).text())

  const all = sent.join('\n')
  expect(secrets.size).toBeGreaterThan(100)
  expect(all).toContain(stuck.id)
  expect(all).toContain('"type":"changes"')
  expect([...secrets].filter((secret) => all.includes(secret))).toEqual([])
  console.log(`${secrets.size} secrets, searched in ${Math.round(all.length / 1000)} kB`)
})
