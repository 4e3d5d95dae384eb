/** What the port promises (see `payment-backend.ts`), asked of a backend through the port alone. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import type {
  Incoming,
  Outgoing,
  Payment,
  PaymentBackend,
  PaymentMethod,
} from '../../src/mint-server/lightning/payment-backend.ts'

export const METHODS: readonly PaymentMethod[] = ['bolt11', 'bolt12']
export const ids = (payments: readonly Incoming[]) => payments.map(({ paymentId }) => paymentId).toSorted()

/** A backend to be tried, with what only those can do who set it up. */
export interface Bench {
  readonly backend: PaymentBackend
  /** Another process on the same node. */
  readonly other: PaymentBackend
  readonly clock: () => number
  /** Somebody pays a request of the backend's. */
  readonly payIn: (requestId: string, amountSat: number) => Promise<unknown>
  /** A request of somebody else's, that can be paid. */
  readonly foreign: (method: PaymentMethod, amountSat: number) => string
}

/** What every payment backend must do. `setUp` gives a fresh one, started. */
export function contract(name: string, setUp: () => Promise<Bench>): void {
  describe(`a payment backend: ${name}`, () => {
    const payment = (id: string, method: PaymentMethod, request: string): Payment => {
      return { id, method, request, amountSat: 8, maxFeeSat: 10 }
    }

    test.each(METHODS)('%s: what it asks for can be read', async (method) => {
      const { backend, clock } = await setUp()
      const expiryAt = clock() + 60_000
      const made = await backend.createRequest({ method, amountSat: 21, expiryAt, memo: 'tea' })
      expect(backend.decode(method, made.request)).toEqual({ requestId: made.requestId, amountSat: 21, expiryAt })
      expect(made.requestId).toMatch(/^[0-9a-f]{64}$/)
      const again = await backend.createRequest({ method, amountSat: 21, expiryAt, memo: 'tea' })
      expect(again.requestId).not.toBe(made.requestId)
    })

    test('an offer may leave amount and end open, and an invoice the end', async () => {
      const { backend, clock } = await setUp()
      const open = { amountSat: undefined, expiryAt: undefined }
      const offer = await backend.createRequest({ method: 'bolt12', ...open })
      expect(backend.decode('bolt12', offer.request)).toEqual({ requestId: offer.requestId, ...open })
      const invoice = await backend.createRequest({ method: 'bolt11', ...open, amountSat: 1 })
      expect(backend.decode('bolt11', invoice.request)!.expiryAt).toBeGreaterThan(clock())
      await expect(backend.createRequest({ method: 'bolt11', ...open })).rejects.toThrow(TypeError)
    })

    test.each(METHODS)('%s: what is none cannot be read', async (method) => {
      const { backend, foreign } = await setUp()
      const other = foreign(method === 'bolt11' ? 'bolt12' : 'bolt11', 1)
      for (const request of ['', 'hello', other]) expect(backend.decode(method, request)).toBeUndefined()
    })

    test('an invoice is paid once, and told of under its payment hash by everybody', async () => {
      const { backend, other, payIn } = await setUp()
      const { requestId } = await backend.createRequest({ method: 'bolt11', amountSat: 21, expiryAt: undefined })
      expect(await other.incoming(requestId)).toEqual([])
      await payIn(requestId, 21)
      const paid = [{ paymentId: requestId, amountSat: 21 }]
      expect([await backend.incoming(requestId), await other.incoming(requestId)]).toEqual([paid, paid])
    })

    test('each payment of an offer counts, under an id of its own that stays', async () => {
      const { backend, other, payIn } = await setUp()
      const { requestId } = await backend.createRequest({ method: 'bolt12', amountSat: undefined, expiryAt: undefined })
      await payIn(requestId, 5)
      const [first] = await backend.incoming(requestId)
      await Promise.all([payIn(requestId, 7), payIn(requestId, 7)])
      const all = await other.incoming(requestId)
      expect(all.map(({ amountSat }) => amountSat).toSorted((a, b) => a - b)).toEqual([5, 7, 7])
      expect(new Set(ids(all)).size).toBe(3)
      expect(all).toContainEqual(first)
      expect(ids(await backend.incoming(requestId))).toEqual(ids(all))
    })

    test('nothing comes in for what nobody made', async () => {
      const { backend } = await setUp()
      expect(await backend.incoming('00'.repeat(32))).toEqual([])
    })

    test.each(METHODS)('%s: a payment is made once, however often it is asked for', async (method) => {
      const { backend, other, foreign } = await setUp()
      const request = foreign(method, 8)
      expect(await backend.outgoing('a')).toEqual({ state: 'none' })
      const answers = await Promise.all(
        [backend, other, backend].map((each) => each.pay(payment('a', method, request))),
      )
      const later = await Promise.all([other, backend].map((each) => each.outgoing('a')))
      const [paid] = answers as [Outgoing]
      expect([...answers, ...later]).toEqual(Array.from({ length: 5 }, () => paid))
      expect(paid.state).toBe('paid')
      expect(paid.feeSat).toBeGreaterThanOrEqual(0)
      expect(paid.feeSat).toBeLessThanOrEqual(10)
    })

    test('who has paid an invoice can prove it', async () => {
      const { backend, foreign } = await setUp()
      const request = foreign('bolt11', 8)
      const { preimage } = await backend.pay(payment('a', 'bolt11', request))
      const { requestId } = backend.decode('bolt11', request)!
      expect(bytesToHex(sha256(hexToBytes(preimage!)))).toBe(requestId)
    })

    test('an invoice is paid once, under whichever id', async () => {
      const { backend, other, foreign } = await setUp()
      const request = foreign('bolt11', 8)
      const answers = await Promise.all([
        backend.pay(payment('a', 'bolt11', request)),
        other.pay(payment('b', 'bolt11', request)),
        backend.pay(payment('c', 'bolt11', request)),
      ])
      expect(answers.map(({ state }) => state).toSorted()).toEqual(['failed', 'failed', 'paid'])
      expect(await other.pay(payment('d', 'bolt11', request))).toEqual({ state: 'failed' })
    })

    test('an offer is paid once under each id', async () => {
      const { backend, other, foreign } = await setUp()
      const request = foreign('bolt12', 8)
      const one = await backend.pay(payment('a', 'bolt12', request))
      const two = await other.pay(payment('b', 'bolt12', request))
      expect([one.state, two.state]).toEqual(['paid', 'paid'])
      expect(one.preimage).not.toBe(two.preimage)
    })

    test.each(METHODS)('%s: a payment that would cost more than allowed fails, for good', async (method) => {
      const { backend, foreign } = await setUp()
      const request = foreign(method, 8)
      expect(await backend.pay({ ...payment('a', method, request), maxFeeSat: 0 })).toEqual({ state: 'failed' })
      expect(await backend.pay(payment('a', method, request))).toEqual({ state: 'failed' })
      expect(await backend.outgoing('a')).toEqual({ state: 'failed' })
      expect(await backend.pay(payment('b', method, request))).toMatchObject({ state: 'paid' })
    })

    test('while it is stopped calls reject, and what was known is known afterwards', async () => {
      const { backend, foreign, payIn } = await setUp()
      const request = foreign('bolt11', 8)
      const paid = await backend.pay(payment('a', 'bolt11', request))
      const { requestId } = await backend.createRequest({ method: 'bolt11', amountSat: 3, expiryAt: undefined })
      await backend.stop()
      await payIn(requestId, 3)
      await expect(backend.createRequest({ method: 'bolt11', amountSat: 3, expiryAt: undefined })).rejects.toThrow(
        Error,
      )
      await expect(backend.incoming(requestId)).rejects.toThrow(Error)
      await expect(backend.pay(payment('b', 'bolt11', foreign('bolt11', 8)))).rejects.toThrow(Error)
      await expect(backend.outgoing('a')).rejects.toThrow(Error)
      await backend.start()
      expect(await backend.outgoing('a')).toEqual(paid)
      expect(await backend.outgoing('b')).toEqual({ state: 'none' })
      expect(await backend.incoming(requestId)).toEqual([{ paymentId: requestId, amountSat: 3 }])
    })

    test('a signal that has aborted begins nothing', async () => {
      const { backend, foreign } = await setUp()
      const signal = AbortSignal.abort()
      await expect(backend.pay(payment('a', 'bolt11', foreign('bolt11', 8)), signal)).rejects.toThrow(/abort/)
      await expect(backend.outgoing('a', signal)).rejects.toThrow(/abort/)
      expect(await backend.outgoing('a')).toEqual({ state: 'none' })
    })
  })
}
