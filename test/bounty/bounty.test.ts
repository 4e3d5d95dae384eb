/**
 * Goal: whatever is asked of a bounty, in whatever order and state, gets the result or an error with a code, and the
 * credits end where they belong. Method: each state is entered through the API and every call made there, by those who
 * hold the claim and by those who do not; then calls in random order, with time going on and services failing between.
 * That it holds under every crash is shown by the explorer (`npm run crash -- --kind bounty`).
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bounties, BountyState } from '../../src/bounty/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { codeOf, DEADLINE_MS, desk, inMemory, quiet, START_MS, type Desk } from '../kits/bounty-kit.ts'

const HOUR_MS = 3_600_000

/** All that can happen without time going on has happened, or the call waits for something. */
async function answerOf(call: Promise<unknown>): Promise<string> {
  let code = 'waits'
  void codeOf(call).then((it) => (code = it))
  for (let turns = 0; turns < 10; turns++) await quiet()
  return code
}

/** A desk at whose services some requests are never answered, or refused. */
async function heldDesk() {
  const inner = inMemory()
  const held = new Set<string>()
  const refused = new Set<string>()
  const wrap = <P extends object>(name: string, port: P): P =>
    Object.fromEntries(
      Object.entries(port).map(([method, call]) => [
        method,
        (...args: unknown[]) => {
          if (held.has(`${name}.${method}`)) return new Promise(() => {})
          if (refused.has(`${name}.${method}`)) return Promise.resolve({ answer: 'rejected', reason: 'closed' })
          return (call as (...it: unknown[]) => unknown)(...args)
        },
      ]),
    ) as P
  const made = await desk({
    balance: inner.balance,
    credits: wrap('credits', inner.credits),
    claims: wrap('claims', inner.claims),
  })
  return { ...made, held, refused }
}
type Held = Awaited<ReturnType<typeof heldDesk>>

const claim = ({ bounties }: Desk, id: string, key = 'mine', worker = 'bob') =>
  bounties.claim(id, { worker, leaseMs: HOUR_MS, key })
const settle = ({ bounties }: Desk, id: string, lease = 'mine') => bounties.settle(id, { lease, contribution: {} })

/** Advances time to the next timer, so often, or until it is so. */
async function goOn({ clock }: Desk, until: () => boolean): Promise<void> {
  for (let waits = 0; !until() && waits < 3_000; waits++) {
    for (let turns = 0; turns < 3; turns++) await quiet()
    if (!until()) clock.advance()
  }
}

/** Leads a bounty to where a request of it is not answered. */
async function stalled(at: Held, request: string, call: () => Promise<unknown>): Promise<void> {
  at.held.add(request)
  expect(await answerOf(call())).toBe('waits')
}

const enter: { readonly [state: string]: (at: Held) => Promise<string> } = {
  async reserving(at) {
    await stalled(at, 'credits.reserve', () => at.post())
    return (await at.bounties.list())[0]!.id
  },
  async rejecting(at) {
    await stalled(at, 'credits.void', () => at.bounties.create({ payer: 'ada', amount: 101, deadlineAt: DEADLINE_MS }))
    return (await at.bounties.list())[0]!.id
  },
  open: (at) => at.post(),
  async claiming(at) {
    const id = await at.post()
    await stalled(at, 'claims.acquire', () => claim(at, id))
    return id
  },
  async claimed(at) {
    const id = await at.post()
    await claim(at, id)
    return id
  },
  async renewing(at) {
    const id = await enter['claimed']!(at)
    await stalled(at, 'claims.renew', () => at.bounties.renew(id, { lease: 'mine', leaseMs: 2 * HOUR_MS }))
    return id
  },
  async releasing(at) {
    const id = await enter['claimed']!(at)
    await stalled(at, 'claims.release', () => at.bounties.release(id, { lease: 'mine' }))
    return id
  },
  async 'open again'(at) {
    const id = await enter['claimed']!(at)
    await at.bounties.release(id, { lease: 'mine' })
    return id
  },
  async pendingSettlement(at) {
    const id = await enter['claimed']!(at)
    await stalled(at, 'credits.capture', () => settle(at, id))
    return id
  },
  async 'pendingSettlement, disputed'(at) {
    const id = await enter['claimed']!(at)
    at.refused.add('credits.capture')
    expect(await codeOf(settle(at, id))).toBe('DISPUTED')
    return id
  },
  async completed(at) {
    const id = await enter['claimed']!(at)
    await stalled(at, 'claims.complete', () => settle(at, id))
    return id
  },
  async settled(at) {
    const id = await enter['claimed']!(at)
    await settle(at, id)
    return id
  },
  async refunding(at) {
    const id = await at.post()
    await stalled(at, 'credits.void', () => at.bounties.cancel(id))
    return id
  },
  async rejected(at) {
    await codeOf(at.bounties.create({ payer: 'ada', amount: 101, deadlineAt: DEADLINE_MS }))
    return (await at.bounties.list())[0]!.id
  },
  async expired(at) {
    const id = await at.post()
    let over = false
    void at.bounties.finished(id).then(() => (over = true))
    await goOn(at, () => over)
    return id
  },
  async cancelled(at) {
    const id = await at.post()
    await at.bounties.cancel(id)
    return id
  },
}

const calls: readonly (readonly [string, (at: Desk, id: string) => Promise<unknown>])[] = [
  ['claim by another', (at, id) => claim(at, id, 'theirs', 'eve')],
  ['claim again', (at, id) => claim(at, id)],
  ['settle', (at, id) => settle(at, id)],
  ['settle by another', (at, id) => settle(at, id, 'theirs')],
  ['renew', ({ bounties }, id) => bounties.renew(id, { lease: 'mine', leaseMs: HOUR_MS })],
  ['renew by another', ({ bounties }, id) => bounties.renew(id, { lease: 'theirs', leaseMs: HOUR_MS })],
  ['release', ({ bounties }, id) => bounties.release(id, { lease: 'mine' })],
  ['release by another', ({ bounties }, id) => bounties.release(id, { lease: 'theirs' })],
  ['cancel', ({ bounties }, id) => bounties.cancel(id)],
]
const nine = (code: string): string[] => calls.map(() => code)

/** In the order of the calls. */
const answers: { readonly [state: string]: readonly string[] } = {
  reserving: [...nine('NOT_OPEN').slice(1), 'ok'],
  rejecting: nine('REJECTED'),
  open: ['ok', 'ok', 'NOT_CLAIMED', 'NOT_CLAIMED', 'NOT_CLAIMED', 'NOT_CLAIMED', 'NOT_CLAIMED', 'NOT_CLAIMED', 'ok'],
  claiming: ['CLAIMED', 'waits', 'waits', 'LEASE_LOST', 'waits', 'LEASE_LOST', 'waits', 'LEASE_LOST', 'CLAIMED'],
  claimed: ['CLAIMED', 'ok', 'ok', 'LEASE_LOST', 'ok', 'LEASE_LOST', 'ok', 'LEASE_LOST', 'CLAIMED'],
  renewing: ['CLAIMED', 'ok', 'waits', 'LEASE_LOST', 'waits', 'LEASE_LOST', 'waits', 'LEASE_LOST', 'CLAIMED'],
  releasing: ['waits', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'waits', 'LEASE_LOST', 'waits'], // prettier-ignore
  'open again': ['ok', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST', 'ok', 'LEASE_LOST', 'ok'],
  pendingSettlement: ['SETTLED', 'ok', 'waits', ...nine('SETTLED').slice(3)],
  'pendingSettlement, disputed': ['SETTLED', 'ok', 'DISPUTED', ...nine('SETTLED').slice(3)],
  completed: ['SETTLED', 'ok', 'waits', ...nine('SETTLED').slice(3)],
  settled: ['SETTLED', 'ok', 'ok', ...nine('SETTLED').slice(3)],
  refunding: [...nine('CANCELLED').slice(1), 'waits'],
  rejected: nine('REJECTED'),
  expired: nine('EXPIRED'),
  cancelled: [...nine('CANCELLED').slice(1), 'ok'],
}

describe('every call is answered', () => {
  test('in every state', () => {
    const states: Record<BountyState, true> = {
      ...{ reserving: true, rejecting: true, open: true, claiming: true, claimed: true, renewing: true },
      ...{ releasing: true, pendingSettlement: true, completed: true, refunding: true },
      ...{ settled: true, rejected: true, expired: true, cancelled: true },
    }
    expect(Object.keys(answers)).toEqual(expect.arrayContaining(Object.keys(states)))
    expect(Object.keys(answers).toSorted()).toEqual(Object.keys(enter).toSorted())
  })

  test.each(Object.entries(answers))('%s', async (state, codes) => {
    const found: string[] = []
    for (const [, call] of calls) {
      const at = await heldDesk()
      const id = await enter[state]!(at)
      expect((await at.bounties.get(id)).state).toBe(state.replace(/ again|,.*/, ''))
      found.push(await answerOf(call(at, id)))
    }
    expect(Object.fromEntries(found.map((code, at) => [calls[at]![0], code]))).toEqual(
      Object.fromEntries(codes.map((code, at) => [calls[at]![0], code])),
    )
  })

  test('of an unknown bounty', async () => {
    const at = await desk()
    for (const [, call] of calls) expect(await codeOf(call(at, 'none'))).toBe('NOT_FOUND')
  })
})

describe('a bounty', () => {
  test('pays the worker or the payee that they name, and shows the contribution', async () => {
    const at = await desk()
    const criteria = { tags: ['tested'] }
    const { id, state } = await at.bounties.create({ payer: 'ada', amount: 20, criteria, deadlineAt: DEADLINE_MS })
    expect(state).toBe('open')
    expect(await at.balance('ada')).toBe(80)
    const claimed = await claim(at, id)
    expect(claimed.claim).toEqual({ lease: 'mine', worker: 'bob', untilMs: START_MS + HOUR_MS, end: null })
    const contribution = { tags: ['tested'], patch: 'x' }
    const settled = await at.bounties.settle(id, { lease: 'mine', payee: 'bob & co', contribution })
    expect(settled).toMatchObject({ state: 'settled', offer: { payee: 'bob & co', contribution } })
    expect([await at.balance('ada'), await at.balance('bob & co')]).toEqual([80, 20])
    // Frozen: the same result, whatever is handed in now.
    expect(await at.bounties.settle(id, { lease: 'mine', payee: 'eve', contribution: { tags: ['tested'] } })).toEqual(
      settled,
    )
    expect(await at.bounties.finished(id)).toEqual(settled)
  })

  test('is the same for the same key, and refused for another request', async () => {
    const at = await desk()
    const first = await at.post('k')
    expect(await at.post('k')).toBe(first)
    expect(await at.balance('ada')).toBe(80)
    const other = at.bounties.create({ payer: 'ada', amount: 21, deadlineAt: DEADLINE_MS, key: 'k' })
    expect(await codeOf(other)).toBe('KEY_REUSED')
    await claim(at, first)
    expect(await codeOf(claim(at, first, 'mine', 'eve'))).toBe('KEY_REUSED')
  })

  test('is not settled by a contribution that does not meet its criteria; the claim goes on', async () => {
    const at = await desk()
    const criteria = { metrics: [{ name: 'score', direction: 'atLeast', threshold: 3 }] }
    const { id } = await at.bounties.create({ payer: 'ada', amount: 20, criteria, deadlineAt: DEADLINE_MS })
    await claim(at, id)
    const poor = at.bounties.settle(id, { lease: 'mine', contribution: { metrics: { score: 2 } } })
    await expect(poor).rejects.toMatchObject({
      code: 'CRITERIA_UNMET',
      message: "the bounty is claimed: 'score' is 2, and has to be at least 3",
      operationId: id,
    })
    expect(await at.balance('bob')).toBe(0)
    const good = await at.bounties.settle(id, { lease: 'mine', contribution: { metrics: { score: 3 } } })
    expect(good.state).toBe('settled')
  })

  test('is judged by the caller’s own evaluator, and is not settled if that throws', async () => {
    const at = await desk({
      evaluate(criteria, contribution) {
        if (contribution === 'broken') throw new Error('cannot read this')
        return contribution === criteria ? { met: true } : { met: false, why: 'another word' }
      },
    })
    const { id } = await at.bounties.create({ payer: 'ada', amount: 20, criteria: 'word', deadlineAt: DEADLINE_MS })
    await claim(at, id)
    const offer = (contribution: string) => at.bounties.settle(id, { lease: 'mine', contribution })
    await expect(offer('other')).rejects.toThrow('another word')
    for (let times = 0; times < 8; times++) expect(await codeOf(offer('broken'))).toBe('CRITERIA_UNMET')
    expect((await offer('word')).state).toBe('settled')
  })

  test('opens again when the lease ends, and the next worker can claim it', async () => {
    const at = await desk()
    const id = await at.post()
    await claim(at, id)
    let open = false
    at.bounties.on((change) => (open ||= change.state === 'open'))
    await goOn(at, () => open)
    expect(await at.bounties.get(id)).toMatchObject({ claim: null, last: { lease: 'mine', end: 'lapsed' } })
    expect((await claim(at, id, 'theirs', 'eve')).claim?.worker).toBe('eve')
    expect(await codeOf(settle(at, id))).toBe('LEASE_LOST')
    await settle(at, id, 'theirs')
    expect([await at.balance('bob'), await at.balance('eve')]).toEqual([0, 20])
  })

  test('has no lease beyond its deadline, renewed or not, and is refunded then', async () => {
    const at = await desk()
    const id = await at.post()
    expect((await at.bounties.claim(id, { worker: 'bob', leaseMs: 1e12, key: 'mine' })).claim?.untilMs).toBe(
      DEADLINE_MS,
    )
    expect((await at.bounties.renew(id, { lease: 'mine', leaseMs: 1e12 })).claim?.untilMs).toBe(DEADLINE_MS)
    let over = false
    void at.bounties.finished(id).then(() => (over = true))
    await goOn(at, () => over)
    expect(await at.bounties.get(id)).toMatchObject({ state: 'expired', last: { end: 'lapsed' } })
    expect(at.clock.now()).toBe(DEADLINE_MS)
    expect(await at.balance('ada')).toBe(100)
  })

  test('keeps a lease whole that is renewed for less time than it has left', async () => {
    const at = await desk()
    const id = await at.post()
    const { claim: held } = await at.bounties.claim(id, { worker: 'bob', leaseMs: 2 * HOUR_MS, key: 'mine' })
    const renewed = await at.bounties.renew(id, { lease: 'mine', leaseMs: HOUR_MS / 2 })
    expect(held?.untilMs).toBe(at.clock.now() + 2 * HOUR_MS)
    expect(renewed.claim?.untilMs).toBe(held?.untilMs)
  })

  test('stays open if the claims service refuses the claim', async () => {
    const at = await desk()
    const id = await at.post()
    await at.claims.acquire({ key: 'elsewhere', task: id, worker: 'eve', untilMs: DEADLINE_MS })
    await expect(claim(at, id)).rejects.toMatchObject({ code: 'CLAIM_REFUSED' })
    expect(await codeOf(claim(at, id))).toBe('CLAIM_REFUSED')
    expect((await at.bounties.cancel(id)).state).toBe('cancelled')
    expect(await at.balance('ada')).toBe(100)
  })

  test('loses a lease that the claims service has revoked when the lease is renewed', async () => {
    const at = await desk()
    const id = await at.post()
    await claim(at, id)
    await at.claims.release({ key: `${id}/mine` })
    expect(await codeOf(at.bounties.renew(id, { lease: 'mine', leaseMs: HOUR_MS }))).toBe('LEASE_LOST')
    const { claim: held, last } = await at.bounties.get(id)
    expect((held ?? last)?.end).toBe('revoked')
  })

  test('shows a dispute, waits for a person, and goes on when it is resumed', async () => {
    const at = await heldDesk()
    const id = await enter['pendingSettlement, disputed']!(at)
    expect(await at.bounties.get(id)).toMatchObject({ disputed: true, refusal: 'closed' })
    const explained = await at.bounties.explain(id)
    expect(explained).toMatchObject({ needsHuman: true, takes: ['resume'], state: 'pendingSettlement.disputed' })
    await at.bounties.resume(id)
    await expect(settle(at, id)).rejects.toMatchObject({ code: 'DISPUTED' })
    at.refused.clear()
    await at.bounties.resume(id)
    expect((await settle(at, id)).state).toBe('settled')
    expect([await at.balance('ada'), await at.balance('bob')]).toEqual([80, 20])
  })

  test('is paid exactly once if the process ends during the payment', async () => {
    const store = memoryStore()
    const services = inMemory()
    const lost = { ...services.credits, capture: () => new Promise<never>(() => {}) }
    const first = await desk({ ...services, store, credits: lost })
    const id = await first.post()
    await claim(first, id)
    void settle(first, id).catch(() => {})
    for (let turns = 0; turns < 10; turns++) await quiet()
    await services.credits.capture({ key: id, payee: 'bob' })
    await first.bounties.close()
    const second = await desk({ ...services, store })
    expect(await second.bounties.resumed()).toMatchObject([{ id, state: 'pendingSettlement.sending' }])
    expect((await second.bounties.finished(id)).state).toBe('settled')
    expect([await services.balance('ada'), await services.balance('bob')]).toEqual([80, 20])
  })

  test('asks again if a service does not answer, and goes on when it does', async () => {
    const at = await heldDesk()
    const id = await enter['pendingSettlement']!(at)
    const states: string[] = []
    at.bounties.on(({ state }) => states.push(state))
    await goOn(at, () => states.length === 3)
    expect(states).toEqual(['pausing', 'asking', 'sending'].map((step) => `pendingSettlement.${step}`))
    expect(at.clock.now()).toBeGreaterThanOrEqual(START_MS + 60_000)
    at.held.clear()
    await goOn(at, () => states.includes('settled'))
    expect((await settle(at, id)).state).toBe('settled')
    expect([await at.balance('ada'), await at.balance('bob')]).toEqual([80, 20])
  })

  test('waits only for the service that it needs: credits without an answer do not delay a claim', async () => {
    const at = await heldDesk()
    const ids = await Promise.all(Array.from({ length: 4 }, () => at.post()))
    at.held.add('credits.reserve')
    for (let silent = 0; silent < 12; silent++) void at.post().catch(() => {})
    for (let turns = 0; turns < 20; turns++) await quiet()
    expect(await at.bounties.list({ state: 'reserving' })).toHaveLength(12)
    expect(await answerOf(Promise.all(ids.map((id) => claim(at, id))))).toBe('ok')
  })

  test('is listed by state, payer and worker, and emits its changes', async () => {
    const at = await desk()
    const told: string[] = []
    const stop = at.bounties.on(({ state }) => told.push(state))
    const [first, second] = [await at.post(), await at.post()]
    await claim(at, second)
    stop()
    await at.bounties.cancel(first)
    const ids = async (filter: Parameters<Bounties['list']>[0]) => (await at.bounties.list(filter)).map(({ id }) => id)
    expect(await ids({ state: 'claimed' })).toEqual([second])
    expect((await ids({ payer: 'ada' })).toSorted()).toEqual([first, second].toSorted())
    expect(await ids({ payer: 'bob' })).toEqual([])
    expect(await ids({ worker: 'bob' })).toEqual([second])
    expect(told).toEqual([...['reserving.sending', 'open', 'reserving.sending', 'open', 'claiming.sending', 'claimed']])
  })

  test('goes on if a caller stops waiting', async () => {
    const at = await heldDesk()
    const id = await enter['claimed']!(at)
    at.held.add('credits.capture')
    const waiting = new AbortController()
    const settling = at.bounties.settle(id, { lease: 'mine', contribution: {} }, { signal: waiting.signal })
    expect(await answerOf(settling)).toBe('waits')
    waiting.abort(new Error('no time'))
    await expect(settling).rejects.toThrow('no time')
    expect((await at.bounties.get(id)).state).toBe('pendingSettlement')
    await at.bounties.close()
    expect(await codeOf(settle(at, id))).toBe('CLOSED')
  })

  test.each<[string, (at: Desk) => Promise<unknown>]>([
    ['payer', ({ bounties }) => bounties.create({ payer: '', amount: 1, deadlineAt: 1 })],
    ['amount', ({ bounties }) => bounties.create({ payer: 'a', amount: 1.5, deadlineAt: 1 })],
    ['amount', ({ bounties }) => bounties.create({ payer: 'a', amount: 0, deadlineAt: 1 })],
    ['deadlineAt', ({ bounties }) => bounties.create({ payer: 'a', amount: 1, deadlineAt: NaN })],
    ['criteria', ({ bounties }) => bounties.create({ payer: 'a', amount: 1, criteria: () => {}, deadlineAt: 1 })],
    ['worker', ({ bounties }) => bounties.claim('x', { worker: '', leaseMs: 1 })],
    ['leaseMs', ({ bounties }) => bounties.claim('x', { worker: 'bob', leaseMs: 0 })],
    ['leaseMs', ({ bounties }) => bounties.renew('x', { lease: 'mine', leaseMs: -1 })],
    ['contribution', ({ bounties }) => bounties.settle('x', { lease: 'mine', contribution: undefined })],
    ['payee', ({ bounties }) => bounties.settle('x', { lease: 'mine', contribution: {}, payee: '' })],
    ['credits', () => desk({ credits: {} as never })],
    ['claims', () => desk({ claims: {} as never })],
    ['store', () => desk({ store: {} as never })],
  ])('names a wrong %s', async (name, call) => {
    const at = await desk()
    const error = await call(at).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(new RegExp(`^${name}: `))
  })
})

const CODES = [
  ...['ok', 'NOT_OPEN', 'CLAIMED', 'NOT_CLAIMED', 'CLAIM_REFUSED', 'LEASE_LOST', 'SETTLED', 'EXPIRED', 'CANCELLED'],
]

describe('in any order', () => {
  const worker = fc.constantFrom('bob', 'eve')
  const step = fc.oneof(
    fc.record({ what: fc.constantFrom('claim', 'settle', 'renew', 'release'), by: worker }),
    fc.record({ what: fc.constantFrom('cancel', 'wait', 'sleep'), by: fc.constant('') }),
  )
  /** What befalls a request: nothing; not carried out; carried out, and the answer lost. */
  const outcomes = fc.array(fc.constantFrom('ok', 'ok', 'ok', 'before', 'after'), { maxLength: 30 })

  test('every call is answered, and the credits are paid once or given back once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), outcomes, async (steps, outcome) => {
        const inner = inMemory()
        const shaky = <P extends object>(port: P): P =>
          Object.fromEntries(
            Object.entries(port).map(([method, call]) => [
              method,
              async (...args: unknown[]) => {
                const now = outcome.shift()
                if (now === 'before') throw new Error('not sent')
                const reply: unknown = await (call as (...it: unknown[]) => unknown)(...args)
                if (now === 'after') throw new Error('lost')
                return reply
              },
            ]),
          ) as P
        const at = await desk({ ...inner, credits: shaky(inner.credits), claims: shaky(inner.claims) })
        const { bounties } = at
        let id: string | undefined
        void at.post().then((it) => (id = it))
        await goOn(at, () => id !== undefined)
        const replies: string[] = []
        let asked = 0
        const ask = (call: Promise<unknown>): void => {
          asked++
          void codeOf(call).then((code) => replies.push(code))
        }
        for (const { what, by } of steps) {
          if (what === 'claim') ask(bounties.claim(id!, { worker: by, leaseMs: HOUR_MS, key: by }))
          else if (what === 'settle') ask(bounties.settle(id!, { lease: by, contribution: {} }))
          else if (what === 'renew') ask(bounties.renew(id!, { lease: by, leaseMs: 2 * HOUR_MS }))
          else if (what === 'release') ask(bounties.release(id!, { lease: by }))
          else if (what === 'cancel') ask(bounties.cancel(id!))
          else if (what === 'wait') await quiet()
          else at.clock.advance()
        }
        let over = false
        void bounties.finished(id!).then(() => (over = true))
        await goOn(at, () => over && replies.length === asked)
        expect(replies).toHaveLength(asked)
        for (const code of replies) expect(CODES).toContain(code)
        const { state, offer, claim: paid } = await bounties.get(id!)
        const balances = [await at.balance('ada'), await at.balance('bob'), await at.balance('eve')]
        expect(['settled', 'expired', 'cancelled']).toContain(state)
        const payee = state === 'settled' ? offer!.payee : undefined
        expect(balances).toEqual([payee ? 80 : 100, payee === 'bob' ? 20 : 0, payee === 'eve' ? 20 : 0])
        expect(payee).toBe(state === 'settled' ? paid!.worker : undefined)
        await bounties.close()
      }),
      { numRuns: 150 },
    )
  })
})
