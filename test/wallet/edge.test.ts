/**
 * Goal: what is handed to a wallet at its edge is taken as it was meant, or refused by name before anything happens.
 * Method: the wallet against the project's own mint; every odd value is handed in as JavaScript callers do it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeToken, type TokenProof } from '../../src/cashu/codec.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { HardshellError, openWallet, type WalletOptions } from '../../src/index.ts'
import { openOperations, type OperationKind } from '../../src/kernel/index.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { memoryClaims, memoryCredits, openBounties } from '../../src/bounty/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import { StoreError, type Store, type StoreAdapter } from '../../src/store/port.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { bench, failure, money } from '../kits/wallet-kit.ts'

/** As JavaScript callers call it. */
const odd = (value: unknown): never => value as never
const A = Uint8Array.from({ length: 64 }, (_, at) => at + 1)
const B = Uint8Array.from({ length: 64 }, (_, at) => 255 - at)

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'edge-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('the seed', () => {
  test('is copied: a caller may overwrite its own once the wallet is open', async () => {
    const on = await bench()
    const seed = Uint8Array.from(A)
    const { wallet } = await on.open('alice', { seed })
    seed.fill(0)
    await wallet.mints.trust(on.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await mint.refresh()
    await mint.finished()
    const { wallet: restored } = await on.open('bob', { seed: A })
    await restored.mints.trust(on.mintUrl)
    const restore = await restored.restore.prepare({ mintUrl: on.mintUrl })
    expect((await restore.execute()).amount.toNumber()).toBe(21)
  })

  test("is filled with zeros when the wallet has closed, and the caller's is left alone", async () => {
    const on = await bench()
    const copies: Uint8Array[] = []
    const crypto = {
      ...nobleCrypto,
      deriver: (seed: Uint8Array, keysetId: string) => {
        copies.push(seed)
        return nobleCrypto.deriver(seed, keysetId)
      },
    }
    const seed = Uint8Array.from(A)
    const { wallet } = await on.funded(8, 'alice', { seed, crypto })
    expect(copies[0]).toEqual(A)
    await wallet.close()
    expect(copies[0]).toEqual(new Uint8Array(64))
    expect(seed).toEqual(A)
  })
})

const stores: Readonly<Record<string, () => StoreAdapter>> = {
  memory: () => memoryStore(),
  sqlite: () => sqliteStore({ path: join(directory(), 'store.db') }),
  encrypted: () => encryptedSqliteStore({ path: join(directory(), 'store.db'), key: 'ab'.repeat(32) }),
}

describe('another seed on an existing store', () => {
  const rowsOf = async (store: StoreAdapter): Promise<unknown> => {
    const handle = await store.open(walletSchema)
    const found = await Promise.all(Object.keys(walletSchema.tables).map((table) => handle.query({ table })))
    await handle.close()
    return found
  }

  test.each(Object.keys(stores))('is refused by %s with SEED_MISMATCH, and nothing changes', async (name) => {
    const store = stores[name]!()
    await (await openWallet({ store, seed: A })).close()
    const before = await rowsOf(store)
    expect(await failure(openWallet({ store, seed: B }))).toMatchObject({ code: 'SEED_MISMATCH' })
    // Of the same beginning, too.
    expect(await failure(openWallet({ store, seed: A.subarray(0, 32) }))).toMatchObject({ code: 'SEED_MISMATCH' })
    expect(await rowsOf(store)).toEqual(before)
    await (await openWallet({ store, seed: A })).close()
    expect(await rowsOf(store)).toEqual(before)
  })

  test('lets go of the store, so that the right one can open it at once', async () => {
    const path = join(directory(), 'store.db')
    await (await openWallet({ store: sqliteStore({ path }), seed: A })).close()
    await failure(openWallet({ store: sqliteStore({ path }), seed: B }))
    const wallet = await openWallet({ store: sqliteStore({ path }), seed: A })
    await wallet.operations.resumed()
    expect(wallet.role).toBe('owner')
    await wallet.close()
  })

  test('loses a race for a new store: one seed gets it, and the others are refused', async () => {
    for (const make of Object.values(stores)) {
      const store = make()
      const seeds = [A, B, A, B]
      const opened = await Promise.allSettled(seeds.map((seed) => openWallet({ store, seed })))
      const first = opened.findIndex(({ status }) => status === 'fulfilled')
      const wanted = seeds.map((seed) => (seed === seeds[first] ? 'fulfilled' : 'SEED_MISMATCH'))
      const ends = opened.map((end) => (end.status === 'fulfilled' ? end.status : (end.reason as StoreError).code))
      expect(ends).toEqual(wanted)
      for (const end of opened) if (end.status === 'fulfilled') await end.value.close()
    }
  })

  /** What becomes of the first commit, which writes the mark. */
  const failing = (inner: MemoryStore, code: StoreError['code'], lands: boolean): StoreAdapter => ({
    async open(schema) {
      const store = await inner.open(schema)
      let isFirst = true
      const commit: Store['commit'] = async (writes) => {
        if (!isFirst) return store.commit(writes)
        isFirst = false
        if (lands) await store.commit(writes)
        throw new StoreError(code, 'injected')
      }
      return { ...store, commit }
    },
  })

  test.each([
    ['IN_DOUBT', true],
    ['IN_DOUBT', false],
    ['BUSY', false],
    ['CONFLICT', false],
  ] as const)('is told apart though the first commit was %s (landed: %s)', async (code, lands) => {
    const store = memoryStore()
    await (await openWallet({ store: failing(store, code, lands), seed: A })).close()
    expect(await failure(openWallet({ store, seed: B }))).toMatchObject({ code: 'SEED_MISMATCH' })
    await (await openWallet({ store, seed: A })).close()
  })

  test('is told apart on a store of before the mark, which the first seed that opens it makes its own', async () => {
    const store = memoryStore()
    await (await openWallet({ store, seed: A })).close()
    const { seeds: _, ...rest } = store.dump()
    const older = memoryStore()
    older.load(rest)
    await (await openWallet({ store: older, seed: A })).close()
    expect(await failure(openWallet({ store: older, seed: B }))).toMatchObject({ code: 'SEED_MISMATCH' })
  })

  test('is told apart by a mark that is salted, and that stands apart from an application’s own values', async () => {
    const [one, other] = [memoryStore(), memoryStore()]
    for (const store of [one, other]) {
      const wallet = await openWallet({ store, seed: A })
      expect(await wallet.kv.list()).toEqual([])
      await wallet.close()
    }
    const marks = [one, other].map((store) => store.dump()['seeds']!)
    expect(marks[0]).toHaveLength(1)
    expect(marks[0]).not.toEqual(marks[1])
    expect(JSON.stringify(marks)).not.toContain(Buffer.from(A.subarray(0, 8)).toString('hex'))
  })
})

describe('a store that fails', () => {
  test('is a coded error of the package, and is not taken for too little money', async () => {
    const on = await bench()
    let isAway = false
    const store: StoreAdapter = {
      async open(schema) {
        const inner = await memoryStore().open(schema)
        const query: Store['query'] = (asked) => {
          if (!isAway || asked.table !== 'proofs') return inner.query(asked)
          // Once: whoever took this for an answer would go on.
          isAway = false
          return Promise.reject(new StoreError('UNAVAILABLE', 'the disk is away'))
        }
        return { ...inner, query }
      },
    }
    const { wallet } = await on.funded(8, 'alice', { store })
    isAway = true
    const error = await failure(wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 }))
    expect(error).toBeInstanceOf(HardshellError)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ name: 'StoreError', code: 'UNAVAILABLE', operationId: undefined })
    expect(await wallet.operations.list({ kind: 'send' })).toEqual([])
  })
})

describe('a signal that has aborted already', () => {
  const reason = new Error('not any more')
  const signal = AbortSignal.abort(reason)

  test('rejects with its reason before anything is sent or begun, in every call that takes one', async () => {
    const on = await bench()
    const { mintUrl } = on
    const { wallet, wire } = await on.funded(1023)
    const send = await wallet.send.prepare({ mintUrl, amount: 5 })
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [4] })
    const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(3) })
    const restore = await wallet.restore.prepare({ mintUrl })
    const sent = await wallet.send.prepare({ mintUrl, amount: 8 })
    const { token } = await sent.execute()
    const receive = await wallet.receive.prepare({ token })
    const mint = await wallet.mint.prepare({ mintUrl, amount: 1 })
    await mint.refresh()
    await mint.finished()
    const requests = wire.requests.length
    const before = await wallet.operations.list()
    const calls: Record<string, () => Promise<unknown>> = {
      'send.execute': () => send.execute({ signal }),
      'swap.execute': () => swap.execute({ signal }),
      'melt.execute': () => melt.execute({ signal }),
      'restore.execute': () => restore.execute({ signal }),
      'receive.execute': () => receive.execute({ signal }),
      reclaim: () => sent.reclaim({ signal }),
      finished: () => mint.finished({ signal }),
      'mint.quoted': () => mint.quoted({ signal }),
      'melt.quoted': () => melt.quoted({ signal }),
      'mint.prepare': () => wallet.mint.prepare({ mintUrl, amount: 1, signal }),
      'melt.prepare': () => wallet.melt.prepare({ mintUrl, request: on.invoice(2), signal }),
      refresh: () => wallet.mints.refresh(mintUrl, signal),
    }
    for (const [name, call] of Object.entries(calls)) expect([name, await failure(call())]).toEqual([name, reason])
    expect(await wallet.operations.list()).toEqual(before)
    expect(wire.requests).toHaveLength(requests)
    for (const handle of [send, swap, melt, restore, receive]) expect((await handle.refresh()).state).toBe('prepared')
    for (const wrong of [5, null, {}])
      expect(await failure(send.execute({ signal: odd(wrong) }))).toMatchObject({ message: 'signal: an AbortSignal' })
    expect((await send.refresh()).state).toBe('prepared')
    expect((await money({ wallet })).spendable).toBeGreaterThan(0)
  })

  test('begins no bounty', async () => {
    const credits = memoryCredits({ ada: 100 })
    await using bounties = await openBounties({ store: memoryStore(), credits, claims: memoryClaims() })
    const bounty = { payer: 'ada', amount: 20, deadlineAt: Date.now() + 60_000 }
    expect(await failure(bounties.create(bounty, { signal }))).toBe(reason)
    expect(await bounties.list()).toEqual([])
    expect(credits.balance('ada')).toBe(100)
  })
})

const NONSENSE = [0, -1, Number.NaN, '5', null, {}, -Infinity]

describe('options', () => {
  const opening = (more: object): Promise<Error> => {
    const store = { open: () => Promise.reject(new Error('opened')) }
    return failure(openWallet({ store, seed: A, ...more } as WalletOptions))
  }

  test.each([
    ['requestsPerMint', [...NONSENSE, Infinity, 1.5]],
    ['requestTimeoutMs', NONSENSE],
    ['transport', ['fetch', {}]],
    ['random', [7]],
    ['invoiceAmount', [7]],
    ['inspect', [true]],
  ])('%s is refused by its name where it makes no sense, before anything is opened', async (name, values) => {
    for (const value of values) {
      const error = await opening({ [name]: value })
      expect([value, error.constructor, error.message.split(':')[0]]).toEqual([value, TypeError, name])
    }
    expect((await opening({ [name]: undefined })).message).toBe('opened')
  })

  test('a time-out may be without end', async () => {
    expect((await opening({ requestTimeoutMs: Infinity })).message).toBe('opened')
  })

  test('of other kinds of operations are checked, too', async () => {
    const tables = walletSchema.tables
    const store = await memoryStore().open(walletSchema)
    for (const laneLimit of [0, -1, Number.NaN, Infinity])
      expect(() => openOperations({ store, tables, kinds: [] as OperationKind[], ports: {}, laneLimit })).toThrow(
        /^laneLimit: /,
      )
  })
})

describe('what would be taken for nothing, or for everything', () => {
  test('is refused by name', async () => {
    const on = await bench()
    const { mintUrl } = on
    const { wallet } = await on.funded(8)
    const send = await wallet.send.prepare({ mintUrl, amount: 1 })
    const wrong: [string, () => unknown][] = [
      ['event', () => wallet.on(odd('typo'), () => {})],
      ['event', () => wallet.on(odd(undefined), () => {})],
      ['event', () => wallet.on(odd('constructor'), () => {})],
      ['listener', () => wallet.on('operation', odd(5))],
      ['listener', () => wallet.on('operation', odd(undefined))],
      ['listener', () => send.subscribe(odd({}))],
      ...NONSENSE.flatMap((value): [string, () => unknown][] => [
        ['limit', () => wallet.operations.list({ limit: odd(value) })],
        ['limit', () => wallet.history.list({ limit: odd(value) })],
      ]),
      ...[Number.NaN, '5', null, -1].map((value): [string, () => unknown] => [
        'stuckForMs',
        () => wallet.operations.list({ stuckForMs: odd(value) }),
      ]),
      ...[Number.NaN, '2024-01-01', null, Infinity].map((value): [string, () => unknown] => [
        'changedSince',
        () => wallet.operations.list({ changedSince: odd(value) }),
      ]),
      ['status', () => wallet.operations.list({ status: odd('finished') })],
      ['kind', () => wallet.operations.list({ kind: odd(5) })],
      ['kind', () => wallet.operations.list({ kind: '' })],
      ['state', () => wallet.operations.list({ state: odd(['a']) })],
      ['quoteId', () => wallet.operations.list({ quoteId: odd(5) })],
      ['mint', () => wallet.operations.list(odd({ mint: mintUrl }))],
      ['filter', () => wallet.operations.list(odd(null))],
      ['offset', () => wallet.history.list(odd({ offset: 5 }))],
      ['before', () => wallet.history.list({ before: odd({}) })],
      ['before', () => wallet.history.list({ before: odd(null) })],
      ['unit', () => wallet.send.prepare({ mintUrl, amount: 1, unit: odd(5) })],
      ['unit', () => wallet.swap.prepare({ mintUrl, amounts: [1], unit: '' })],
      ['memo', () => wallet.send.prepare({ mintUrl, amount: 1, memo: odd(5) })],
      ['key', () => wallet.send.prepare({ mintUrl, amount: 1, key: '' })],
      ['key', () => wallet.send.prepare({ mintUrl, amount: 1, key: odd(5) })],
      ['method', () => wallet.mint.prepare({ mintUrl, amount: 1, method: '' })],
      ['quoteId', () => wallet.mint.prepare({ mintUrl, amount: 1, quoteId: '' })],
      ['deadlineMs', () => wallet.close({ deadlineMs: Number.NaN })],
    ]
    const before = await wallet.operations.list()
    for (const [at, [name, call]] of wrong.entries()) {
      const error = await failure(Promise.resolve().then(call))
      expect([at, error.constructor, error.message.split(':')[0]]).toEqual([at, TypeError, name])
    }
    expect(await wallet.operations.list()).toEqual(before)
    await wallet.close()
    await wallet.close()
  })

  test('is refused by name of bounties', async () => {
    await using bounties = await openBounties({
      store: memoryStore(),
      credits: memoryCredits({}),
      claims: memoryClaims(),
    })
    expect(await failure(bounties.list({ limit: Number.NaN }))).toMatchObject({
      message: 'limit: a whole number from 1',
    })
    expect((await failure(bounties.list(odd({ payr: 'ada' })))).message).toMatch(/^payr: /)
    expect(() => bounties.on(odd(undefined))).toThrow(/^listener: /)
  })
})

test('a role is pending until the lock was asked for', async () => {
  const path = join(directory(), 'store.db')
  const open = () => openWallet({ store: sqliteStore({ path }), seed: A })
  const first = await open()
  expect(first.role).toBe('pending')
  await first.operations.resumed()
  expect(first.role).toBe('owner')
  const second = await open()
  expect(second.role).toBe('pending')
  await second.operations.resumed()
  expect(second.role).toBe('follower')
  // Where there is nothing to ask for, it is known at once.
  const alone = await openWallet({ store: memoryStore(), seed: A })
  expect(alone.role).toBe('owner')
  for (const wallet of [first, second, alone]) await wallet.close()
})

describe("a stranger's token", () => {
  const hex = (at: number): string => at.toString(16).padStart(64, '0')
  const id = '009a1f293253e41e'
  const tokenOf = (proofs: readonly object[]): string =>
    `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: 'https://mint.test', proofs }] })).toString('base64url')}`
  const proofs = (count: number): TokenProof[] =>
    Array.from({ length: count }, (_, at) => ({ amount: 1, secret: hex(at), C: `02${hex(at)}`, id }))

  /** Opens a wallet that counts what it hashes, and whether others had a turn in between. */
  async function opened() {
    let hashed = 0
    let turns = 0
    const crypto = {
      ...nobleCrypto,
      hashToCurve: (secret: string) => {
        hashed++
        return `02${secret.padStart(64, '0').slice(-64)}`
      },
    }
    const clock = { ...systemClock, turn: () => (turns++, Promise.resolve()) }
    const wallet = await openWallet({ store: memoryStore(), seed: A, crypto, clock })
    onTestFinished(() => wallet.close())
    return { wallet, counts: () => ({ hashed, turns }) }
  }

  test('of more proofs or characters than are taken is refused by name, in either version, before anything is hashed', async () => {
    const { wallet, counts } = await opened()
    const v4 = encodeToken({ mintUrl: 'https://mint.test', unit: 'sat', proofs: proofs(5_001) })
    for (const token of [tokenOf(proofs(10_000)), tokenOf(proofs(5_001)), v4, `cashuA${'A'.repeat(4_000_000)}`])
      expect(await failure(wallet.receive.prepare({ token }))).toMatchObject({ code: 'TOKEN_TOO_LARGE' })
    expect(counts().hashed).toBe(0)
    // Those of the texts: 20,000 proofs that are looked at would be hundreds more.
    expect(counts().turns).toBeLessThan(200)
    expect(await wallet.operations.list()).toEqual([])
  })

  test('of as many proofs as are taken lets others have a turn before each of them', async () => {
    const { wallet, counts } = await opened()
    const receive = await wallet.receive.prepare({ token: tokenOf(proofs(5_000)) })
    expect(receive.amount.toNumber()).toBe(5_000)
    expect(counts().hashed).toBe(5_000)
    expect(counts().turns).toBeGreaterThanOrEqual(5_000)
  })

  test('with a proof twice, with one of nothing, or of no amount in all, is refused by name', async () => {
    const { wallet, counts } = await opened()
    const [one] = proofs(1)
    const most = { amount: Number.MAX_SAFE_INTEGER }
    const refused: readonly (readonly [list: readonly object[], code: string])[] = [
      [[{ ...one }, { ...one }], 'PROOF_REPEATED'],
      [[{ ...one }, { ...one, C: `03${hex(9)}` }], 'PROOF_REPEATED'],
      [[{ ...one, amount: 0 }], 'PROOF_WORTHLESS'],
      [proofs(2).map((proof) => ({ ...proof, ...most })), 'TOKEN_MALFORMED'],
    ]
    for (const [list, code] of refused)
      expect(await failure(wallet.receive.prepare({ token: tokenOf(list) }))).toMatchObject({ code })
    expect(counts().hashed).toBe(0)
  })

  test('of bytes that promise more than there is, or go deeper than a token, is malformed', async () => {
    const { wallet } = await opened()
    const bytes = [
      [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // a list of 2^64 - 1
      [0xbb, 0, 0, 0, 1, 0, 0, 0, 0], // 2^32 keys
      [0x5b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // bytes without end
      Array<number>(100_000).fill(0x81), // lists in lists
      [0x9f, 0xff], // of an indefinite length
      [0xa1, 0x01, 0x01], // a key that is no text
      [],
    ]
    for (const each of bytes) {
      const token = `cashuB${Buffer.from(each).toString('base64url')}`
      expect(await failure(wallet.receive.prepare({ token }))).toMatchObject({ code: 'TOKEN_MALFORMED' })
    }
  })

  test('lets timers ring while it is hashed, by the thread’s own means', async () => {
    const wallet = await openWallet({ store: memoryStore(), seed: A })
    onTestFinished(() => wallet.close())
    let rung = 0
    const timer = setInterval(() => rung++, 0)
    await wallet.receive.prepare({ token: tokenOf(proofs(500)) })
    clearInterval(timer)
    expect(rung).toBeGreaterThan(0)
  })
})
