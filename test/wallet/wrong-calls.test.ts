/**
 * Goal: a wrong call of anything public answers with a TypeError that names the argument as its caller knows it, or with a
 * coded error; never with a table, a column or the engine's own words. Method: every method is called with every odd value in
 * the place of each of its arguments, and of each option.
 */
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import { memoryClaims, memoryCredits, openBounties } from '../../src/bounty/index.ts'
import { fetchTransport, HardshellError, openWallet } from '../../src/index.ts'
import { defineOperation, openOperations, operationsTable } from '../../src/kernel/index.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import {
  bolt11,
  createMint,
  createMintServer,
  fakeBackend,
  jsonLines,
  localSignatory,
  markFile,
  MintError,
  mintSchema,
  remoteSignatory,
  signatoryServer,
  WEBSOCKET_LIMITS,
} from '../../src/mint-server/index.ts'
import { seedOf } from '../../src/phrase.ts'
import { indexedDbStore } from '../../src/store/indexeddb/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { odd } from '../kits/odd-values.ts'
import { bench } from '../kits/wallet-kit.ts'

/** A method by the path that its caller writes, the arguments of a good call, and the options that its last one may have. */
type Method = readonly [name: string, call: (...args: never[]) => unknown, good: readonly unknown[], options?: object]

/** What a caller calls things. */
const NAMED = /^\w+(\[\d+\]|\.[a-zA-Z]+)*: /
/** What a caller has never heard of, or the engine says. */
const INNER =
  /Cannot |is not (a|an|iterable|defined)\b|(operations|history|proofs|mints|kv)\.|column|prefix|Invalid|\[object/

const isFunction = (value: unknown): value is () => unknown => typeof value === 'function'
const hasClose = (value: unknown): value is { close(): unknown } =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'

/** What is wrong with how it answers. */
async function complaint(call: (...args: never[]) => unknown, args: readonly unknown[]): Promise<string | undefined> {
  try {
    const given = await call(...(args as never[]))
    // What stops the listening, or was opened.
    if (isFunction(given)) given()
    else if (hasClose(given)) await given.close()
    return undefined
  } catch (error) {
    // A mint's refusal and the system's own error have codes.
    if (error instanceof HardshellError || error instanceof MintError) return undefined
    if (error instanceof Error && 'syscall' in error) return undefined
    if (error instanceof TypeError && NAMED.test(error.message) && !INNER.test(error.message)) return undefined
    return String(error)
  }
}

const shown = (value: unknown): string => {
  try {
    return typeof value === 'string' ? JSON.stringify(value.slice(0, 9)) : String(value)
  } catch {
    return typeof value
  }
}

async function complaints(methods: readonly Method[]): Promise<string[]> {
  const found: string[] = []
  for (const [name, call, good, options] of methods)
    for (const value of odd) {
      const tries = good.map((_, at) => [...good.slice(0, at), value, ...good.slice(at + 1)])
      for (const option of Object.keys(options ?? {}))
        tries.push([...good.slice(0, -1), { ...options, [option]: value }])
      for (const args of tries) {
        const wrong = await complaint(call, args)
        if (wrong !== undefined) found.push(`${name}(${args.map(shown).join(', ')}) with ${shown(value)}: ${wrong}`)
      }
    }
  return found
}

const signal = AbortSignal.abort(new TypeError('signal: aborted by the test'))

describe('a wrong call', () => {
  test('of the wallet', async () => {
    const on = await bench({ stub: true })
    const { wallet } = await on.funded(64)
    const { mintUrl } = on
    const send = await wallet.send.prepare({ mintUrl, amount: 8, key: 'odd' })
    const [minted] = await wallet.operations.list({ kind: 'mint' })
    const mint = await wallet.mint.get(minted!.id)
    const kinds = {
      mint: {
        mintUrl,
        amount: 1,
        unit: 'sat',
        method: 'bolt11',
        quoteId: 'none',
        privateKey: 'none',
        key: 'a',
        signal,
      },
      melt: { mintUrl, request: on.invoice(1), unit: 'sat', maxFee: 1, key: 'b', signal: undefined },
      receive: { token: 'cashuA', key: 'c' },
      restore: { mintUrl, unit: 'sat', key: 'd' },
      send: { mintUrl, amount: 1, unit: 'sat', memo: 'e', key: 'e' },
      swap: { mintUrl, amounts: [1], unit: 'sat', key: 'f' },
    } as const
    const kindNames = ['mint', 'melt', 'receive', 'restore', 'send', 'swap'] as const
    const { kv, operations, history, mints } = wallet
    const value = { primary: 'a', secondary: 'b', key: 'c' }
    const wrong = await complaints([
      ['on', wallet.on.bind(wallet), ['operation', () => {}]],
      ...kindNames.flatMap((kind): Method[] => [
        [`${kind}.prepare`, (given: never) => wallet[kind].prepare(given), [kinds[kind]], kinds[kind]],
        [`${kind}.get`, (id: never) => wallet[kind].get(id), ['nobody']],
      ]),
      ['operations.list', operations.list.bind(operations), [{}], { kind: 'send', state: 'prepared', status: 'active', mintUrl, quoteId: 'q', stuckForMs: 1, changedSince: 1, limit: 1 }], // prettier-ignore
      ['operations.get', operations.get.bind(operations), ['nobody']],
      ['operations.explain', operations.explain.bind(operations), ['nobody']],
      ['operations.resume', operations.resume.bind(operations), ['nobody']],
      ['operations.cancel', operations.cancel.bind(operations), ['nobody']],
      ['operations.export', operations.export.bind(operations), [send.id, {}], { secrets: false }],
      ['history.get', history.get.bind(history), [send.id]],
      ['history.list', history.list.bind(history), [{}], { kind: 'send', mintUrl, unit: 'sat', direction: 'in', status: 'done', limit: 1, before: { createdAt: 1, id: 'a' } }], // prettier-ignore
      ['mints.trust', mints.trust.bind(mints), [mintUrl]],
      ['mints.rebind', mints.rebind.bind(mints), [mintUrl, mintUrl]],
      ['mints.refresh', mints.refresh.bind(mints), [mintUrl, signal]],
      ['mints.get', mints.get.bind(mints), [mintUrl]],
      ['kv.get', kv.get.bind(kv), [value], value],
      ['kv.set', kv.set.bind(kv), [value, 'd'], value],
      ['kv.delete', kv.delete.bind(kv), [value], value],
      ['kv.change', kv.change.bind(kv), [[{ ...value, value: 1 }]]],
      ['kv.list', kv.list.bind(kv), [{}], { primary: 'a', secondary: 'b' }],
      ['handle.subscribe', send.subscribe.bind(send), [() => {}]],
      ['handle.refresh', send.refresh.bind(send), [{ signal }], { signal }],
      ['handle.finished', mint.finished.bind(mint), [{ signal }], { signal }],
      ['handle.quoted', mint.quoted.bind(mint), [{ signal }], { signal }],
      ['handle.execute', send.execute.bind(send), [{ signal }], { signal }],
      ['handle.reclaim', send.reclaim.bind(send), [{ signal }], { signal }],
    ])
    expect(wrong).toEqual([])
  })

  test('of operations of any kind', async () => {
    const store = await memoryStore().open({ version: 1, tables: { operations: operationsTable() } })
    const machine = setup({ types: {} as { events: { type: 'go' } } }).createMachine({ on: { go: {} } })
    const kind = defineOperation({ kind: 'none', version: 1, machine, effects: () => ({}) })
    const needed = { store, tables: { operations: operationsTable() }, kinds: [kind], ports: {} }
    const options = { ...needed, clock: 1, random: 1, laneLimit: 1, laneOpen: 1, inspect: 1, unsafeInspect: 1 }
    const operations = openOperations(needed)
    const of = operations.of(kind)
    const wrong = await complaints([
      ['openOperations', (given: never) => openOperations(given).close(), [needed], options],
      ['of', operations.of.bind(operations), [kind]],
      ['create', of.create.bind(of), [{}, {}], { id: 'a', key: 'b', parent: 'c' }],
      ['get', operations.get.bind(operations), ['nobody']],
      ['list', operations.list.bind(operations), [{}], { kind: 'send', state: 'a', status: 'active', changedSince: 1, stuckForMs: 1, where: {}, limit: 1 }], // prettier-ignore
      ['send', of.send.bind(of), ['nobody', { type: 'go' }]],
      ['of.get', of.get.bind(of), ['nobody']],
      ['of.list', of.list.bind(of), [{}], { state: 'a', status: 'active', changedSince: 1, stuckForMs: 1, where: {}, limit: 1 }], // prettier-ignore
      ['page', operations.page.bind(operations), [{}], { kind: 'send', after: 'a.b', limit: 1, where: {} }],
      ['count', operations.count.bind(operations), [{}], { kind: 'send', state: 'a', changedSince: 1, where: {} }],
      ['watch', operations.watch.bind(operations), [{}, signal], { kind: 'send', after: 'a.b', limit: 1, where: {} }],
      ['of.page', of.page.bind(of), [{}], { state: 'a', after: 'a.b', limit: 1 }],
      ['of.count', of.count.bind(of), [{}], { state: 'a' }],
      ['of.watch', of.watch.bind(of), [{}, signal], { state: 'a', after: 'a.b' }],
      ['of.until', of.until.bind(of), ['nobody', () => true, signal]],
      ['poll', operations.poll.bind(operations), ['nobody']],
      ['resume', operations.resume.bind(operations), ['nobody']],
      ['explain', operations.explain.bind(operations), ['nobody']],
      ['until', operations.until.bind(operations), ['nobody', () => true, signal]],
      ['on', operations.on.bind(operations), [() => {}]],
      ['onRole', operations.onRole.bind(operations), [() => {}]],
    ])
    for (const value of odd.slice(1)) wrong.push((await complaint(operations.close.bind(operations), [value])) ?? '')
    expect(wrong.filter((each) => each !== '')).toEqual([])
  })

  test('of bounties', async () => {
    const services = () => ({ store: memoryStore(), credits: memoryCredits({ ada: 1_000 }), claims: memoryClaims() })
    await using bounties = await openBounties(services())
    const offer = { payer: 'ada', amount: 1, criteria: {}, deadlineAt: Date.now() + 86_400_000, key: 'a' }
    const { id } = await bounties.create(offer)
    const wrong = await complaints([
      ['openBounties', openBounties as never, [services()], { ...services(), evaluate: undefined, clock: undefined, random: undefined, inspect: undefined }], // prettier-ignore
      ['create', bounties.create.bind(bounties), [offer], offer],
      ['create', (waiting: never) => bounties.create(offer, waiting), [{ signal }], { signal }],
      ['claim', bounties.claim.bind(bounties), [id, { worker: 'bob', leaseMs: 1_000 }], { worker: 'bob', leaseMs: 1_000, key: 'b' }], // prettier-ignore
      ['renew', bounties.renew.bind(bounties), [id, { lease: 'none', leaseMs: 1 }], { lease: 'none', leaseMs: 1 }],
      ['release', bounties.release.bind(bounties), [id, { lease: 'none' }], { lease: 'none' }],
      ['settle', bounties.settle.bind(bounties), [id, { lease: 'none', contribution: {} }], { lease: 'none', contribution: {}, payee: 'c' }], // prettier-ignore
      ['get', bounties.get.bind(bounties), ['nobody']],
      ['list', bounties.list.bind(bounties), [{}], { state: 'open', payer: 'ada', worker: 'bob', limit: 1 }],
      ['finished', bounties.finished.bind(bounties), ['nobody', { signal }], { signal }],
      ['explain', bounties.explain.bind(bounties), ['nobody']],
      ['resume', bounties.resume.bind(bounties), ['nobody']],
      ['on', bounties.on.bind(bounties), [() => {}]],
    ])
    expect(wrong).toEqual([])
  })

  test('of what opens a wallet or a store', async () => {
    const seed = new Uint8Array(64).fill(1)
    const options = { store: memoryStore(), seed, transport: undefined, crypto: undefined, clock: undefined, random: undefined, invoiceAmount: undefined, requestsPerMint: 1, requestTimeoutMs: 1_000, inspect: undefined } // prettier-ignore
    const wrong = await complaints([
      ['openWallet', openWallet as never, [options], options],
      ['fetchTransport', (given: never) => void fetchTransport(given), [{}], { fetch: undefined }],
      [
        'sqliteStore',
        sqliteStore as never,
        [{ path: 'a.db' }],
        { path: 'a.db', busyTimeoutMs: 1, slowMs: 1, onSlow: undefined, prepare: undefined },
      ],
      ['encryptedSqliteStore', encryptedSqliteStore as never, [{ path: 'a.db', key: seed.slice(32) }], { path: 'a.db', key: seed.slice(32), busyTimeoutMs: 1 }], // prettier-ignore
      [
        'indexedDbStore',
        indexedDbStore as never,
        [{ name: 'a' }],
        { name: 'a', busyTimeoutMs: 1, onEvictable: undefined },
      ],
      ['postgresStore', postgresStore as never, [{ connection: 'postgres://none' }], { connection: 'postgres://none', namespace: 'a', busyTimeoutMs: 1, statementTimeoutMs: 1, slowMs: 1, onSlow: undefined }], // prettier-ignore
      ['seedOf', seedOf as never, ['abandon', '']],
    ])
    expect(wrong).toEqual([])
  })

  test('of a mint, its signatory and its backend', async () => {
    const seed = new Uint8Array(32).fill(1)
    const store = await memoryStore().open(mintSchema)
    const clock = () => 1_000_000
    const random = (length: number) => new Uint8Array(length).fill(1)
    const backend = fakeBackend({ store, clock, random })
    const signatory = localSignatory({ seed, crypto: stubCrypto })
    const mark = { read: () => Promise.resolve(undefined), write: () => Promise.resolve() }
    const settings = {
      ...{ name: 'a', units: ['sat'], feePpk: 0, amounts: [1, 2], keysetVersion: '01', minAmount: 1, maxAmount: 2 },
      ...{ cacheTtlMs: 1, quoteTtlMs: 1, offerTtlMs: null, quoteRetentionMs: 1, feeReserve: () => 1, without: [7] },
      ...{ clock: systemClock, random, highWaterMark: mark, acceptEmptyDatabase: true, waitMs: 1, inspect: () => {} },
    }
    const needed = { store, crypto: stubCrypto, signatory, backend }
    const mint = await createMint(needed)
    const served = { ...settings, seed, crypto: stubCrypto, signatory, lightning: {}, port: 0, host: '127.0.0.1', admin: false, maxBodyBytes: 1, requestTimeoutMs: 1, websockets: {}, requests: {}, clientHeader: 'a', log: () => {} } // prettier-ignore
    const token = 'x'.repeat(16)
    const wrong = await complaints([
      ['createMint', createMint as never, [needed], { ...needed, ...settings, turn: () => Promise.resolve() }],
      ['createMintServer', createMintServer as never, [{ store: memoryStore() }]],
      [
        'createMintServer',
        (given: object | null) => createMintServer({ ...given, store: memoryStore() }),
        [{}],
        served,
      ],
      ['createMintServer', (websockets: never) => createMintServer({ store: memoryStore(), crypto: stubCrypto, websockets }), [{}], WEBSOCKET_LIMITS], // prettier-ignore
      ['createMintServer', (rest: never) => createMintServer({ store: memoryStore(), crypto: stubCrypto, requests: { rest } } as never), [{ total: 1, each: 1 }], { total: 1, each: 1 }], // prettier-ignore
      ['createMintServer', (requests: never) => createMintServer({ store: memoryStore(), crypto: stubCrypto, requests }), [{}], { payments: undefined, rest: { total: 1, each: 1 } }], // prettier-ignore
      ['createMintServer', (lightning: never) => createMintServer({ store: memoryStore(), crypto: stubCrypto, lightning }), [{}], { autoPayMs: 0, feeSat: 1, invoiceCodec: bolt11 }], // prettier-ignore
      ['mint.rotate', mint.rotate.bind(mint), ['sat', {}], { feePpk: 1 }],
      ['mint.statesOf', mint.statesOf.bind(mint), ['proof_state', []]],
      ['mint.ask', mint.ask.bind(mint), ['bolt11_mint_quote', 'nothing']],
      ['mint.onCommit', mint.onCommit.bind(mint), [() => {}]],
      ['mint.onChange', mint.onChange.bind(mint), [() => {}]],
      ['fakeBackend', fakeBackend as never, [{ store, clock, random }], { store, clock, random, sleep: undefined, invoiceCodec: bolt11, offerCodec: undefined, autoPayMs: 1, feeSat: 1 }], // prettier-ignore
      ['backend.settle', backend.settle.bind(backend), ['nothing', 1]],
      ['backend.resolve', backend.resolve.bind(backend), ['nothing', 'paid']],
      ['backend.decide', backend.decide.bind(backend), ['nothing', 'paid']],
      ['backend.onIncoming', backend.onIncoming.bind(backend), [() => {}]],
      [
        'backend.foreignInvoice',
        backend.foreignInvoice.bind(backend),
        [{ amountSat: 1 }],
        { amountSat: 1, expiryAt: 1, memo: 'a' },
      ],
      [
        'backend.foreignOffer',
        backend.foreignOffer.bind(backend),
        [{ amountSat: 1 }],
        { amountSat: 1, expiryAt: 1, memo: 'a' },
      ],
      ['localSignatory', localSignatory as never, [{ seed, crypto: stubCrypto }], { seed, crypto: stubCrypto }],
      ['signatoryServer', signatoryServer as never, [{ signatory, token }], { signatory, token, port: 0, host: '127.0.0.1', log: () => {} }], // prettier-ignore
      ['remoteSignatory', remoteSignatory as never, [{ url: 'http://127.0.0.1:1', token }], { url: 'http://127.0.0.1:1', token, timeoutMs: 1, retries: 1, fetch, clock: systemClock }], // prettier-ignore
      ['markFile', markFile as never, ['a.mark', {}], { missing: 'unknown' }],
      ['jsonLines', (write: never, now: never) => void jsonLines(write, now), [() => {}, () => 0]],
    ])
    for (const value of odd.slice(1)) wrong.push((await complaint(mint.close.bind(mint), [value])) ?? '')
    expect(wrong.filter((each) => each !== '')).toEqual([])
  })
})
