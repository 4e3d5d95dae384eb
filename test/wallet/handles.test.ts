/**
 * Goal: a handle shows what its operation is, and keeps the rest to itself; and it can be asked for the latest. Method:
 * handles of a real wallet are printed, and walked through like a debugger does; the mint is asked over HTTP.
 */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { bench, failure } from '../kits/wallet-kit.ts'

/** All that can be reached from a value: its own properties, its classes' ones and what getters give. */
function reached(value: unknown, seen = new Set<unknown>()): Set<unknown> {
  if (seen.has(value)) return seen
  seen.add(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return seen
  for (let of: object | null = value; of && of !== Object.prototype; of = Object.getPrototypeOf(of) as object | null)
    for (const name of Reflect.ownKeys(of))
      try {
        reached(Reflect.get(of, name, value), seen)
      } catch {
        // A getter that has nothing to give yet.
      }
  return seen
}

test('a handle prints what it is: kind, id, state, amount', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(31)
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 4 })
  const shown = { kind: 'send', id: send.id, state: 'prepared', mintUrl: on.mintUrl, unit: 'sat', amount: '4' }
  expect(JSON.parse(JSON.stringify(send))).toEqual(shown)
  expect(inspect(send, { breakLength: Infinity })).toBe(`SendHandle ${inspect(shown, { breakLength: Infinity })}`)
})

test('no seed, proof or key can be reached from a handle or the wallet', async () => {
  const on = await bench({ stub: true })
  const seed = Uint8Array.from({ length: 64 }, (_, at) => (at * 37) % 256)
  const { wallet } = await on.open('alice', { seed })
  await wallet.mints.trust(on.mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 31 })
  await mint.finished()
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 4 })
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [2] })
  const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(8) })
  const found = [mint, send, swap, melt, wallet].flatMap((value) => [...reached(value)])
  expect(found.filter((value) => ArrayBuffer.isView(value))).toEqual([])
  const texts = found.filter((value) => typeof value === 'string')
  const secrets = (await on.rows())['proofs']!.map(({ secret }) => secret as string)
  expect(secrets.length).toBeGreaterThan(4)
  expect(texts.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([])
})

test('refresh() resolves with the state after the mint was asked', async () => {
  const on = await bench({ stub: true, lightning: {} })
  const { wallet } = await on.open()
  await wallet.mints.trust(on.mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 5 })
  expect((await mint.refresh()).state).toBe('unpaid')
  const { backend } = on.server
  await backend.settle(backend.decode('bolt11', mint.quote.request)!.requestId)
  expect((await mint.refresh()).state).not.toBe('unpaid')
})

test('refresh() ends with its signal while the mint does not answer', async () => {
  const on = await bench({ stub: true, lightning: {} })
  const { wallet, wire } = await on.open()
  await wallet.mints.trust(on.mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 5 })
  wire.always = 'hang'
  const stop = new AbortController()
  const asked = failure(mint.refresh({ signal: stop.signal }))
  stop.abort(new Error('enough'))
  expect(await asked).toMatchObject({ message: 'enough' })
  expect((await wallet.operations.get(mint.id)).state).toBe('unpaid')
})
