/**
 * Goal: whoever keeps the credits and the claims, they keep the same rules, and lose nothing between two writes. Method:
 * one suite over the services in memory, on a store in memory and on SQLite; then the store is made to fail between a
 * document and its index.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  claimsSchema,
  creditsSchema,
  meets,
  storeClaims,
  storeCredits,
  type Criteria,
  type Reply,
} from '../../src/bounty/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Json, type Schema, type Store } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { inMemory, onStores, type Services } from '../kits/bounty-kit.ts'

const OK: Reply = { answer: 'ok' }
const no = (reason: string): Reply => ({ answer: 'rejected', reason })

function onSqlite(): Promise<Services> {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-bounty-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return onStores((name) => sqliteStore({ path: join(dir, `${name}.db`) }))
}

describe.each<[string, () => Promise<Services>]>([
  ['in memory', async () => inMemory()],
  ['on a store', () => onStores()],
  ['on SQLite', onSqlite],
])('credits %s', (_, open) => {
  const reserve = { key: 'k', payer: 'ada', amount: 30 }

  test('are reserved, and paid to one payee once', async () => {
    const { credits, balance } = await open()
    expect(await credits.reserve(reserve)).toEqual(OK)
    expect(await credits.reserve(reserve)).toEqual(OK)
    expect(await balance('ada')).toBe(70)
    expect(await credits.capture({ key: 'k', payee: 'bob' })).toEqual(OK)
    expect(await credits.capture({ key: 'k', payee: 'bob' })).toEqual(OK)
    expect(await credits.capture({ key: 'k', payee: 'eve' })).toEqual(no('paid to somebody else'))
    expect(await credits.void({ key: 'k' })).toEqual(no('captured'))
    // A reservation that arrives once more after all that reserves nothing.
    expect(await credits.reserve(reserve)).toEqual(OK)
    expect([await balance('ada'), await balance('bob'), await balance('eve')]).toEqual([70, 30, 0])
    const lookup = await credits.get({ key: 'k' })
    expect(lookup).toMatchObject({ answer: 'ok', found: { state: 'captured', payer: 'ada', payee: 'bob', amount: 30 } })
  })

  test('are given back once, and not paid any more', async () => {
    const { credits, balance } = await open()
    await credits.reserve(reserve)
    expect(await credits.void({ key: 'k' })).toEqual(OK)
    expect(await credits.void({ key: 'k' })).toEqual(OK)
    expect(await credits.capture({ key: 'k', payee: 'bob' })).toEqual(no('voided'))
    expect(await credits.reserve(reserve)).toEqual(no('voided'))
    expect([await balance('ada'), await balance('bob')]).toEqual([100, 0])
  })

  test('with a key that was voided before its first use are never reserved', async () => {
    const { credits, balance } = await open()
    expect(await credits.get({ key: 'k' })).toEqual({ answer: 'ok', found: null })
    expect(await credits.void({ key: 'k' })).toEqual(OK)
    expect(await credits.reserve(reserve)).toEqual(no('voided'))
    expect(await balance('ada')).toBe(100)
    expect(await credits.get({ key: 'k' })).toMatchObject({ answer: 'ok', found: { state: 'voided' } })
  })

  test('are refused beyond the balance, for zero, for nobody, and under another’s key', async () => {
    const { credits, balance } = await open()
    expect(await credits.reserve({ ...reserve, amount: 101 })).toEqual(no('too few credits'))
    expect(await credits.reserve({ ...reserve, amount: -5 })).toEqual(no('an amount is a positive integer'))
    expect(await credits.capture({ key: 'k', payee: 'bob' })).toEqual(no('nothing is reserved'))
    expect(await credits.reserve(reserve)).toEqual(OK)
    expect(await credits.reserve({ ...reserve, amount: 31 })).toEqual(no('the key was used for other credits'))
    expect(await credits.capture({ key: 'k', payee: '' })).toEqual(no('nobody to pay'))
    expect(await balance('ada')).toBe(70)
  })

  test('keep their sum under concurrent requests', async () => {
    const { credits, balance } = await open()
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, at) => credits.reserve({ key: `k${at}`, payer: 'ada', amount: 30 })),
    )
    expect(replies.filter(({ answer }) => answer === 'ok')).toHaveLength(3)
    await Promise.all(
      Array.from({ length: 8 }, (_, at) => [
        credits.capture({ key: `k${at}`, payee: 'bob' }),
        credits.void({ key: `k${at}` }),
      ]).flat(),
    )
    expect((await balance('ada')) + (await balance('bob'))).toBe(100)
  })
})

describe.each<[string, () => Promise<Services>]>([
  ['in memory', async () => inMemory()],
  ['on a store', () => onStores()],
  ['on SQLite', onSqlite],
])('claims %s', (_, open) => {
  const acquire = { key: 'b/1', task: 'b', worker: 'bob', untilMs: 1_000 }
  const other = { key: 'b/2', task: 'b', worker: 'eve', untilMs: 1_000 }

  test('are held by one worker at a time', async () => {
    const { claims } = await open()
    expect(await claims.acquire(acquire)).toEqual(OK)
    expect(await claims.acquire(acquire)).toEqual(OK)
    expect(await claims.acquire(other)).toEqual(no('held by somebody else'))
    expect(await claims.acquire({ ...acquire, worker: 'eve' })).toEqual(no('the key was used for another claim'))
    expect(await claims.release({ key: 'b/1' })).toEqual(OK)
    expect(await claims.release({ key: 'b/1' })).toEqual(OK)
    expect(await claims.acquire(acquire)).toEqual(no('released'))
    expect(await claims.acquire(other)).toEqual(OK)
  })

  test('are held by nobody after one is completed', async () => {
    const { claims } = await open()
    expect(await claims.complete({ key: 'b/1' })).toEqual(no('not held'))
    await claims.acquire(acquire)
    expect(await claims.complete({ key: 'b/1' })).toEqual(OK)
    expect(await claims.complete({ key: 'b/1' })).toEqual(OK)
    expect(await claims.release({ key: 'b/1' })).toEqual(no('completed'))
    expect(await claims.renew({ key: 'b/1', untilMs: 9_000 })).toEqual(no('completed'))
    expect(await claims.acquire(other)).toEqual(no('held by somebody else'))
  })

  test('are renewed forward only, and only while they are held', async () => {
    const { claims } = await open()
    expect(await claims.renew({ key: 'b/1', untilMs: 2_000 })).toEqual(no('not held'))
    await claims.acquire(acquire)
    expect(await claims.renew({ key: 'b/1', untilMs: 2_000 })).toEqual(OK)
    expect(await claims.renew({ key: 'b/1', untilMs: 1_500 })).toEqual(OK)
    expect(await claims.get({ key: 'b/1' })).toMatchObject({ answer: 'ok', found: { state: 'held', untilMs: 2_000 } })
    await claims.release({ key: 'b/1' })
    expect(await claims.renew({ key: 'b/1', untilMs: 3_000 })).toEqual(no('released'))
  })

  test('with a key that was released before its first use are never held', async () => {
    const { claims } = await open()
    expect(await claims.get({ key: 'b/1' })).toEqual({ answer: 'ok', found: null })
    expect(await claims.release({ key: 'b/1' })).toEqual(OK)
    expect(await claims.acquire(acquire)).toEqual(no('released'))
    expect(await claims.acquire(other)).toEqual(OK)
  })

  test('are granted to one of many concurrent requests', async () => {
    const { claims } = await open()
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, at) => claims.acquire({ ...acquire, key: `b/${at}`, worker: `w${at}` })),
    )
    expect(replies.filter(({ answer }) => answer === 'ok')).toHaveLength(1)
  })
})

describe('on a store', () => {
  /** A store whose second commit from now on fails, so often. */
  async function failing(schema: Schema) {
    const inner = await memoryStore().open(schema)
    const fails = { left: 0 }
    const store: Store = {
      ...inner,
      commit: (writes) =>
        writes.some((write) => 'check' in write) && fails.left-- > 0
          ? Promise.reject(new StoreError('BUSY', 'no index'))
          : inner.commit(writes),
    }
    return { store, fails }
  }

  test('credits that fail between a document and its index are reserved: the same request, or a read, updates the index', async () => {
    const { store, fails } = await failing(creditsSchema)
    const credits = storeCredits(store)
    await credits.deposit('ada', 100)
    const reserve = { key: 'k', payer: 'ada', amount: 30 }
    fails.left = 1
    await expect(credits.reserve(reserve)).rejects.toMatchObject({ code: 'BUSY' })
    expect([await credits.balance('ada'), await credits.list('ada')]).toEqual([70, []])
    expect(await credits.reserve(reserve)).toEqual(OK)
    expect([await credits.balance('ada'), await credits.list('ada')]).toEqual([70, [{ key: 'k', state: 'reserved' }]])
    fails.left = 1
    await expect(credits.capture({ key: 'k', payee: 'bob' })).rejects.toMatchObject({ code: 'BUSY' })
    expect(await credits.list('ada')).toEqual([{ key: 'k', state: 'reserved' }])
    expect(await credits.get({ key: 'k' })).toMatchObject({ found: { state: 'captured' } })
    expect(await credits.list('ada')).toEqual([{ key: 'k', state: 'captured' }])
    expect([await credits.balance('ada'), await credits.balance('bob')]).toEqual([70, 30])
  })

  test('claims that fail between a document and its index are held', async () => {
    const { store, fails } = await failing(claimsSchema)
    const claims = storeClaims(store)
    fails.left = 1
    const acquire = { key: 'b/1', task: 'b', worker: 'bob', untilMs: 1 }
    await expect(claims.acquire(acquire)).rejects.toMatchObject({ code: 'BUSY' })
    expect(await claims.acquire({ ...acquire, key: 'b/2', worker: 'eve' })).toEqual(no('held by somebody else'))
    expect(await claims.list('bob')).toEqual([])
    expect(await claims.acquire(acquire)).toEqual(OK)
    expect(await claims.list('bob')).toEqual([{ key: 'b/1', state: 'held' }])
  })

  /** A store where whoever first reads what `of` names is held up by that until `go`. */
  async function slow(schema: Schema, of: string) {
    const inner = await memoryStore().open(schema)
    const { promise, resolve: go } = Promise.withResolvers<void>()
    let isFirst = true
    const hold = async (what: string): Promise<void> => {
      if (what !== of || !isFirst) return
      isFirst = false
      await promise
    }
    const store: Store = {
      ...inner,
      get: async (table, key) => (await hold(table), inner.get(table, key)),
      query: async (query) => (await hold(query.index ?? query.table), inner.query(query)),
    }
    return { store, go }
  }

  test('a request that arrives twice at once does not fail because of itself', async () => {
    const lent = await slow(creditsSchema, 'accounts')
    const credits = storeCredits(lent.store)
    await storeCredits({ ...lent.store, get: async () => undefined }).deposit('ada', 30)
    const reserve = { key: 'k', payer: 'ada', amount: 30 }
    const slowly = credits.reserve(reserve)
    expect(await credits.reserve(reserve)).toEqual(OK)
    lent.go()
    expect(await slowly).toEqual(OK)
    expect(await credits.balance('ada')).toBe(0)

    const held = await slow(claimsSchema, 'byTask')
    const claims = storeClaims(held.store)
    const acquire = { key: 'b/1', task: 'b', worker: 'bob', untilMs: 1_000 }
    const late = claims.acquire(acquire)
    expect(await claims.acquire(acquire)).toEqual(OK)
    held.go()
    expect(await late).toEqual(OK)
  })

  test('concurrent deposits add up', async () => {
    const { store } = await failing(creditsSchema)
    const credits = storeCredits(store)
    await Promise.all(Array.from({ length: 8 }, () => credits.deposit('ada', 10)))
    expect(await credits.balance('ada')).toBe(80)
  })

  test('a late write of an index never overwrites a newer one', async () => {
    const { store } = await failing(creditsSchema)
    const credits = storeCredits(store)
    await credits.deposit('ada', 100)
    const reserve = { key: 'k', payer: 'ada', amount: 30 }
    await Promise.all([credits.reserve(reserve), credits.void({ key: 'k' }), credits.reserve(reserve)])
    const { found } = (await credits.get({ key: 'k' })) as { found: { state: string; payer: string } }
    expect(await credits.list('ada')).toEqual(found.payer === '' ? [] : [{ key: 'k', state: found.state }])
  })
})

describe('criteria', () => {
  const criteria: Criteria = {
    tags: ['tested', 'reviewed'],
    metrics: [
      { name: 'coverage', direction: 'atLeast', threshold: 90 },
      { name: 'seconds', direction: 'atMost', threshold: 2.5 },
    ],
  }
  const judged = (contribution: Json): string => {
    const verdict = meets(criteria as Json, contribution)
    return verdict.met ? 'met' : verdict.why
  }

  test.each<[string, Json]>([
    ['met', { tags: ['reviewed', 'tested', 'x'], metrics: { coverage: 90, seconds: 2.5 } }],
    ["the tag 'reviewed' is missing", { tags: ['tested'], metrics: { coverage: 90, seconds: 1 } }],
    ["'coverage' is 89.9, and has to be at least 90", { tags: ['tested', 'reviewed'], metrics: { coverage: 89.9, seconds: 1 } }],
    ["'seconds' is 3, and has to be at most 2.5", { tags: ['tested', 'reviewed'], metrics: { coverage: 99, seconds: 3 } }],
    ["'seconds' was not measured", { tags: ['tested', 'reviewed'], metrics: { coverage: 99 } }],
    ["'coverage' was not measured", { tags: ['tested', 'reviewed'], metrics: { coverage: '99', seconds: 1 } }],
  ])('%s', (verdict, contribution) => expect(judged(contribution)).toBe(verdict)) // prettier-ignore

  test('malformed criteria are never met', () => expect(meets({}, {})).toEqual({ met: true }))

  test.each<[string, Json]>([
    ['no object', 'tested'],
    ['a list', []],
    ['of a word that is not known', { tag: ['tested'] }],
    ['with one tag instead of a list', { tags: 'tested' }],
  ])('that are %s are met by nothing', (_, unreadable) =>
    expect(meets(unreadable, { tags: ['tested'] })).toEqual({ met: false, why: 'the criteria cannot be read' }),
  )

  test.each<Json>(['tested', null, { tags: 'tested', metrics: 'x' }, { tags: ['untested'] }])(
    'are not met by %j',
    (contribution) => expect(meets({ tags: ['tested'] }, contribution).met).toBe(false),
  )

  test('with an unknown direction are not met', () => {
    const metrics = [{ name: 'x', direction: 'sideways', threshold: 0 }]
    expect(meets({ metrics }, { metrics: { x: 0 } }).met).toBe(false)
  })
})
