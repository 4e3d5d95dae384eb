/**
 * Goal: no secret crosses. Method: a whole session (mint, send, receive, melt, swap, history, restore, errors of a mint that repeats requests)
 * runs on the far side with everything allowed; every byte that crossed, in both directions, is searched for every secret of the wallet's
 * file, of its requests and of its seed. Tokens cross by the calls that make, take or show one, and by no other.
 */
import { expect, test } from 'vitest'
import { bench, failure, type Fault } from '../kits/wallet-kit.ts'
import { linked } from '../kits/remote-kit.ts'

/** Every value of these properties, however deep, also in texts that are JSON. */
const SECRET = new Set(['secret', 'r', 'C', 'C_', 'privateKey', 's', 'e', 'body'])

function secretsIn(value: unknown, found: Set<string>): void {
  if (typeof value === 'string' && /^[{[]/.test(value))
    try {
      secretsIn(JSON.parse(value), found)
    } catch {
      // An ordinary text.
    }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (SECRET.has(key) && typeof inner === 'string' && inner.length >= 16) found.add(inner)
    secretsIn(inner, found)
  }
}

test('a whole session: of every message that crossed, not one has a secret', async () => {
  const on = await bench()
  const { mintUrl } = on
  const seed = Uint8Array.from({ length: 64 }, (_, at) => (at * 37) % 256)
  const alice = await on.open('alice', { seed })
  const { far, crossed } = await linked(alice.wallet)
  const secrets = new Set<string>([Buffer.from(seed).toString('hex'), Buffer.from(seed).toString('base64')])
  const gather = async (): Promise<void> => {
    const { keysets: _, ...rows } = await on.rows('alice')
    secretsIn(rows, secrets)
  }
  const echoing: Fault = { code: 0, detail: '' }
  alice.wire.before = async (what, body) => {
    if (body === undefined || /quote/.test(what)) return
    await gather()
    secretsIn(body, secrets)
    Object.assign(echoing, { detail: `INSERT INTO proofs VALUES ${body}` })
  }
  for (const name of ['operation', 'balance', 'quote'] as const) far.on(name, () => {})

  await far.mints.trust(mintUrl)
  await (await far.mint.prepare({ mintUrl, amount: 500 })).finished()
  const send = await far.send.prepare({ mintUrl, amount: 21 })
  send.subscribe(() => {})
  const { token } = await send.execute()
  const marks = { afterSend: crossed.length }
  const received = await (await on.funded(50, 'bob')).wallet.send.prepare({ mintUrl, amount: 9 })
  const theirs = (await received.execute()).token
  await (await far.receive.prepare({ token: theirs })).execute()
  await (await far.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
  await (await far.swap.prepare({ mintUrl, amounts: [64] })).execute()
  alice.wire.plan = [
    [/swap/, echoing],
    [/swap/, echoing],
    [/swap/, echoing],
  ]
  await failure((await far.swap.prepare({ mintUrl, amounts: [32, 32] })).execute())
  await (await far.restore.prepare({ mintUrl })).execute()
  await failure(far.receive.prepare({ token: theirs.slice(0, -2) }))
  for (const { id } of await far.operations.list())
    await Promise.all([far.operations.explain(id), far.operations.export(id)])
  await Promise.all([far.history.list(), far.balances(), far.mints.list(), far.operations.resumed()])
  await gather()

  const text = crossed.join('\n')
  expect(text).toContain('INSERT INTO proofs')
  expect(secrets.size).toBeGreaterThan(100)
  expect(crossed.length).toBeGreaterThan(80)
  expect([...secrets].filter((secret) => text.includes(secret))).toEqual([])
  console.log(`${crossed.length} messages, ${text.length} characters, ${secrets.size} secrets: 0 found`)

  // The token came with the answer to the call that made it, and with no other before somebody asks for it.
  const holds = (each: string): boolean => each.includes(token)
  expect(crossed.slice(0, marks.afterSend).filter(holds).length).toBeGreaterThan(0)
  const methodsOf = crossed
    .filter(holds)
    .map((each) => /"method":"([\w.]+)"/.exec(each)?.[1] ?? /"type":"(\w+)"/.exec(each)?.[1])
  expect(new Set(methodsOf)).toEqual(new Set(['result']))
  const asked = crossed.slice(marks.afterSend)
  const sendGets = asked.filter((each) => each.includes('"method":"send.')).length
  expect(asked.filter(holds).length).toBe(sendGets)
})

test('of the crypto its name is told, and not what was passed over', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const passedOver = [{ name: 'secp256k1', reason: 'no native build in /home/alice' }]
  Object.defineProperty(wallet, 'crypto', { value: { name: 'wasm', passedOver } })
  const { far, crossed } = await linked(wallet)
  expect(far.crypto).toEqual({ name: 'wasm', passedOver: [] })
  expect(crossed.join('')).not.toContain('alice')
})
