/**
 * Goal: a mint may rely on the fake backend as on a real one: every payment counts once, is made once, and is final when
 * it is said to be.
 * Method: the contract of the port; then random calls, many at the same moment, of two backends on one store, in memory
 * and in a file. What came in and what went out are held against each other, with what somebody outside has paid.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import * as fc from 'fast-check'
import { afterEach, assert, describe, expect, test } from 'vitest'
import type { FakeBackend } from '../../src/mint-server/lightning/fake-backend.ts'
import type { Outgoing } from '../../src/mint-server/lightning/payment-backend.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { adapters, cleanUp, PLAIN, twoFakes } from '../kits/fake-backend-kit.ts'
import { contract, ids, METHODS } from '../kits/payment-backend-contract.ts'

afterEach(cleanUp)

for (const [name, adapter] of Object.entries(adapters))
  contract(`the fake one, ${name}`, async () => {
    const { fake, other, clock } = await twoFakes(adapter())
    return {
      backend: fake,
      other,
      clock,
      payIn: (requestId, amountSat) => fake.settle(requestId, amountSat),
      foreign: (method, amountSat) =>
        method === 'bolt11' ? fake.foreignInvoice({ amountSat }) : fake.foreignOffer({ amountSat }),
    }
  })

describe('money is neither made nor lost', () => {
  const SCRIPTS = [
    {},
    { pay_invoice_state: 'PENDING' },
    { pay_invoice_state: 'UNKNOWN' },
    { pay_invoice_state: 'FAILED' },
    { pay_invoice_state: 'FAILED', check_payment_state: 'PAID' },
    { pay_err: true },
    { settle_after_ms: 30 },
    { settle_after_ms: 50, check_payment_state: 'FAILED' },
  ]
  const TARGETS = 8
  const ATTEMPTS = [0, 1, 2]
  const call = fc.record({
    kind: fc.constantFrom('pay', 'pay', 'pay', 'settle', 'resolve', 'ask', 'restart'),
    who: fc.nat({ max: 1 }),
    target: fc.nat({ max: TARGETS - 1 }),
    attempt: fc.constantFrom(...ATTEMPTS),
    state: fc.constantFrom('paid' as const, 'failed' as const),
  })
  /** Calls at the same moment, and the time that passes after them. */
  const round = fc.record({ calls: fc.array(call, { minLength: 1, maxLength: 6 }), ms: fc.nat({ max: 40 }) })
  const run = fc.record({
    rounds: fc.array(round, { minLength: 1, maxLength: 20 }),
    scripts: fc.array(fc.constantFrom(...SCRIPTS), { minLength: TARGETS, maxLength: TARGETS }),
    autoPayMs: fc.constantFrom(undefined, undefined, 0, 60),
  })
  type Run = typeof run extends fc.Arbitrary<infer T> ? T : never

  /** Somebody outside pays this much more, which tells who has paid an invoice. */
  const MORE = 1000

  /** What is to be paid: invoices and offers, the first half of the backend's own, the others somebody else's. */
  const targetsOf = (fake: FakeBackend, scripts: Run['scripts']) =>
    Promise.all(
      scripts.map(async (script, at) => {
        const [method, isOwn] = [METHODS[at % 2]!, at < TARGETS / 2]
        const wish = { amountSat: 10 + at, memo: JSON.stringify(script), expiryAt: undefined }
        const foreign = () => (method === 'bolt11' ? fake.foreignInvoice(wish) : fake.foreignOffer(wish))
        const request = isOwn ? (await fake.createRequest({ method, ...wish })).request : foreign()
        const { requestId } = fake.decode(method, request)!
        return { method, request, requestId, isOwn, amountSat: wish.amountSat, settled: 0 }
      }),
    )

  async function live(adapter: StoreAdapter, { rounds, scripts, autoPayMs }: Run): Promise<void> {
    const { fake, other, pass } = await twoFakes(adapter, {
      ...PLAIN,
      ...(autoPayMs !== undefined && { autoPayMs }),
    })
    const targets = await targetsOf(fake, scripts)
    const paymentIds = targets.flatMap((_, at) => ATTEMPTS.map((attempt) => `${at}:${attempt}`))
    const final = new Map<string, Outgoing>()
    async function ask(id: string, by: FakeBackend): Promise<void> {
      const found = await by.outgoing(id)
      if (final.has(id)) assert.deepEqual(found, final.get(id), 'what was final stays')
      if (found.state === 'paid' || found.state === 'failed') final.set(id, found)
    }
    const askAll = async (by: FakeBackend) => {
      for (const id of paymentIds) await ask(id, by)
    }

    for (const { calls, ms } of rounds) {
      const made = calls.map(async ({ kind, who, target, attempt, state }) => {
        const [by, id, aim] = [[fake, other][who]!, `${target}:${attempt}`, targets[target]!]
        const { method, request, requestId, amountSat } = aim
        // What paying answers may be scripted to be wrong; what asking answers counts.
        if (kind === 'pay') await by.pay({ id, method, request, amountSat, maxFeeSat: 1 }).catch(ignoreLost)
        if (kind === 'settle' && (await by.settle(requestId, amountSat + MORE))) aim.settled++
        if (kind === 'resolve') await by.resolve(id, state)
        if (kind === 'ask') await ask(id, by).catch(ignoreLost)
        if (kind === 'restart') await by.stop().then(() => by.start())
      })
      await Promise.all(made)
      pass(ms)
      await askAll(fake)
    }
    pass(1000)
    await askAll(other)

    for (const [at, { method, requestId, isOwn, amountSat, settled }] of targets.entries()) {
      const made = ATTEMPTS.map((attempt) => final.get(`${at}:${attempt}`)).filter((each) => each?.state === 'paid')
      const paid = made.map((each) => bytesToHex(sha256(hexToBytes(each!.preimage!)))).toSorted()
      const came = await fake.incoming(requestId)
      expect(await other.incoming(requestId)).toEqual(came)
      expect(new Set(ids(came)).size).toBe(came.length)

      const isOnce = method === 'bolt11'
      if (isOnce) assert.deepEqual(paid, paid.length > 0 ? [requestId] : [], 'an invoice is paid once')
      const ours = came.filter(({ paymentId }) => paid.includes(paymentId))
      expect(ids(ours)).toEqual(isOwn ? paid : [])
      expect(ours.map((each) => each.amountSat)).toEqual(ours.map(() => amountSat))
      const fromOutside = isOwn ? settled + (autoPayMs === undefined ? 0 : 1) : 0
      const isTaken = isOnce && ours.length > 0
      expect(came.length - ours.length).toBe(isTaken ? 0 : isOnce ? Math.min(1, fromOutside) : fromOutside)
    }
  }

  /** Of a call that fails as its script says, or as its backend was stopped. */
  function ignoreLost(error: unknown): void {
    if (!/stopped|lost the answer/.test(String(error))) throw error
  }

  test.each([
    ['memory', 400],
    ['sqlite', 25],
  ] as const)('whatever two backends are asked for at the same moment: %s', async (name, numRuns) => {
    const property = fc.asyncProperty(run, async (each) => {
      await live(adapters[name](), each)
      await cleanUp()
    })
    await fc.assert(property, { numRuns, seed: 21 })
  })
})
