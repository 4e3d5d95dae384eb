/** What many share at the mint: nobody is kept out by who takes all, and who is slow holds up nobody. */
import { describe, expect, test } from 'vitest'
import { clientOf, partyOf } from '../../src/mint-server/http/client-address.ts'
import { Shares } from '../../src/mint-server/http/shares.ts'
import { Slots } from '../../src/mint-server/lightning/slots.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { never, settled } from '../kits/mint-attack-kit.ts'
import { fakeMint, listening } from '../kits/served-mint.ts'

describe('shares', () => {
  test('are bounded for each, and for all but those who have less than their part', () => {
    const shares = new Shares({ total: 10, each: 6 })
    expect(shares.take('a', 6)).toBe(true)
    expect(shares.take('a')).toBe(false)
    expect(shares.take('b', 4)).toBe(true)
    // All is taken. Who has less than its part of it has that nevertheless: one of two a half, one of three a third.
    expect(shares.take('b')).toBe(true)
    expect(shares.take('b')).toBe(false)
    expect(shares.take('c', 3)).toBe(true)
    expect(shares.take('c')).toBe(false)
    shares.give('a', 6)
    expect(shares.take('c', 2)).toBe(true)
    expect(shares.take('c')).toBe(false)
  })

  test('however many come, what is taken is bounded', () => {
    const shares = new Shares({ total: 100, each: 50 })
    let taken = 0
    for (let party = 0; party < 1000; party++)
      for (let count = 0; count < 60; count++) if (shares.take(`${party}`)) taken++
    expect(taken).toBeLessThanOrEqual(400)
  })
})

describe('slots', () => {
  const limits = { slots: 4, share: 2, newMs: 100, slow: 6 }

  test('of one party are bounded, and the next slot goes to who has waited longest of those whose turn it is', async () => {
    const clock = new VirtualClock(0)
    const slots = new Slots(clock, limits)
    const begun: string[] = []
    const call = (party: string): void =>
      void slots.run(party, undefined, () => (begun.push(party), never())).catch(() => {})
    for (let count = 0; count < 5; count++) call('a')
    call('b')
    await settled()
    expect(begun.join('')).toBe('aab')
    expect(slots.waiting('a')).toBe(3)
    clock.advance()
    await settled()
    expect(begun.join('')).toBe('aabaa')
    expect(clock.monotonicMs()).toBe(100)
  })

  test('are given back by those that take long, of which the oldest is given up, of the party that has most', async () => {
    const clock = new VirtualClock(0)
    const slots = new Slots(clock, limits)
    const over: string[] = []
    const call = (party: string, name: string): void =>
      void slots
        .run(party, undefined, never)
        .catch((error: unknown) => void over.push(`${name} ${(error as Error).message}`))
    call('b', 'b0')
    for (let count = 0; count < 12; count++) call('a', `a${count}`)
    while (slots.waiting('a') > 0 && clock.advance()) await settled()
    expect(over).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'].slice(0, over.length).map((name) => `${name} given up for calls of others`)) // prettier-ignore
    expect(over.length).toBeGreaterThan(2)
  })

  test('a caller that goes away leaves its place in the queue and its slot', async () => {
    const slots = new Slots(new VirtualClock(0), { ...limits, slots: 1 })
    const leave = new AbortController()
    const first = slots.run('a', leave.signal, never)
    const second = slots.run('a', leave.signal, never)
    const third = slots.run('a', undefined, async () => 'done')
    leave.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    await expect(second).rejects.toThrow('gone')
    expect(await third).toBe('done')
    await expect(slots.run('a', leave.signal, never)).rejects.toThrow('gone')
  })

  test('a clock that is set back or forward changes nothing', async () => {
    const clock = new VirtualClock(0)
    const off = { ms: 0 }
    const odd = { ...clockOf(clock), now: () => clock.now() + off.ms }
    const slots = new Slots(odd, { ...limits, slots: 1 })
    void slots.run('a', undefined, never).catch(() => {})
    const second = slots.run('b', undefined, async () => clock.monotonicMs())
    off.ms = -172_800_000
    clock.advance()
    expect(await second).toBe(100)
  })
})

const clockOf = (clock: VirtualClock) => ({
  monotonicMs: () => clock.monotonicMs(),
  setTimeout: (call: () => void, delayMs: number) => clock.setTimeout(call, delayMs),
  clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
})

describe('clients', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['somebody', undefined],
    ['', undefined],
  ])('%s counts as %s', (address, party) => {
    expect(partyOf(address)).toBe(party)
  })

  test('a header counts where it is trusted, and of its addresses the one that the next proxy wrote', () => {
    const socket = { remoteAddress: '127.0.0.1' } as never
    const told = (value: string, header?: string) => clientOf({ headers: { 'x-forwarded-for': value }, socket }, header)
    expect(told('192.0.2.7')).toBe('127.0.0.1')
    expect(told('192.0.2.7', 'X-Forwarded-For')).toBe('192.0.2.7')
    expect(told('198.51.100.1, 192.0.2.7', 'x-forwarded-for')).toBe('192.0.2.7')
    expect(told('nonsense', 'x-forwarded-for')).toBe('127.0.0.1')
    expect(told('192.0.2.7', 'x-real-ip')).toBe('127.0.0.1')
  })
})

test('a client with too many requests under way is told to come back, and nobody else hears of it', async () => {
  const running = new Set<{ close(): Promise<void> }>()
  const mint = fakeMint()
  const each = { total: 4, each: 2 }
  const { url } = await listening(running, { mint, clientHeader: 'x-client', requests: { payments: each, signatures: each, rest: each } }) // prettier-ignore
  const held = Promise.withResolvers<void>()
  mint.answer = (path) => (path === '/v1/info' ? Promise.resolve() : held.promise).then(() => ({ status: 200, body: '{}' })) // prettier-ignore
  const send = (path: string, client: string) => fetch(url + path, { method: 'POST', body: '{}', headers: { 'x-client': client } }) // prettier-ignore
  const first = [send('/v1/melt/bolt11', '192.0.2.1'), send('/v1/melt/bolt11', '192.0.2.1')]
  await expect.poll(() => mint.seen.length).toBe(3)
  const refused = await send('/v1/melt/bolt11', '192.0.2.1')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  expect(await refused.json()).toEqual({ detail: 'too many requests at once' })
  // Other kinds of requests, and other clients.
  const others = [send('/v1/swap', '192.0.2.1'), send('/v1/melt/bolt11', '192.0.2.2'), send('/v1/checkstate', '192.0.2.1')] // prettier-ignore
  held.resolve()
  expect((await Promise.all([...first, ...others])).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect((await send('/v1/melt/bolt11', '192.0.2.1')).status).toBe(200)
  for (const server of running) await server.close()
})
