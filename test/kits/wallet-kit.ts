/**
 * Real parts for tests of the wallet: a mint over HTTP on loopback, true crypto, SQLite files. Between wallet and mint
 * is a wire that counts, delays, loses and forges; a wallet can be dropped as SIGKILL drops it, and its time can run
 * faster than ours.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fetchTransport, openWallet, type Transport, type Wallet, type WalletOptions } from '../../src/index.ts'
import type { TransportAnswer } from '../../src/cashu/transport.ts'
import type { Clock } from '../../src/kernel/index.ts'
import { createMintServer, type MintServer, type MintServerOptions } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Row, Store, StoreAdapter } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { transportInDialect, type Dialect } from '../../src/testing/faults/dialects.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { Mortal } from './mortal.ts'

/** What befalls a request on the wire. */
export type Fault =
  /** It is never sent, and never answered. */
  | 'hang'
  /** The mint gets it; its answer never comes. */
  | 'applied'
  /** The mint gets it; the connection breaks before the answer. */
  | 'lost'
  /** Nobody is there. */
  | 'down'
  /** Not sent; somebody else's page is the answer. */
  | 'portal'
  /** Sent; somebody else's page is the answer. */
  | 'garbled'
  /** Not sent; the mint's own error. */
  | { readonly code: number; readonly detail: string }
  /** Not sent; an answer of this status, with what its headers say. */
  | Omit<TransportAnswer, 'body'>
  /** Sent; the answer is changed on its way. */
  | ((body: Answer) => Answer)

/** A mint's answer, as far as tests forge it. */
export interface Answer {
  readonly signatures?: readonly {
    readonly amount: number
    readonly dleq?: { readonly e: string; readonly s: string }
  }[]
  readonly outputs?: readonly unknown[]
  readonly [field: string]: unknown
}

export type Plan = readonly (readonly [RegExp, Fault])[]

/** An answer whose signatures are not the mint's: their proofs do not fit them (NUT-12). */
export const forged = ({ signatures = [], ...body }: Answer): Answer => ({
  ...body,
  signatures: signatures.map(({ dleq, ...rest }) => ({ ...rest, ...(dleq && { dleq: { e: dleq.e, s: dleq.e } }) })),
})

const page = { status: 200, body: '<html>Please sign in</html>' }
const never = (): Promise<never> => new Promise(() => {})
const gone = (): Error => Object.assign(new Error('fetch failed'), { cause: { code: 'ECONNREFUSED' } })

/** The wire of one wallet. */
export class Wire {
  /** Every request that was made, such as `POST /v1/swap`. */
  readonly requests: string[] = []
  /** Bodies and answers, for tests that look for secrets. */
  readonly traffic: string[] = []
  /** Faults to come, in order: the first one waits for a request that it fits. */
  plan: (readonly [RegExp, Fault])[] = []
  /** Befalls every request. */
  always: Fault | undefined
  /** Called when the mint has answered a request that the plan had `applied`. */
  onApplied: () => void = () => {}
  /** Called before a request goes out. */
  before: (what: string, body: string | undefined) => Promise<void> | void = () => {}
  /** Stands still while the mint works on a request. */
  readonly clock: FastClock
  /** How the mint speaks at present. Of amounts and NUT-19 the mint itself must be made, see `mintOptionsOf`. */
  dialect: Dialect = {}
  readonly #send = transportInDialect(fetchTransport(), () => this.dialect)
  /** Addresses that take requests and never answer. */
  readonly deaf = new Set<string>()

  constructor(clock: FastClock) {
    this.clock = clock
  }

  readonly transport: Transport = async (request) => {
    const path = new URL(request.url).pathname
    const what = `${request.method} ${path}`
    this.requests.push(what)
    await this.before(what, request.body)
    if (this.deaf.has(new URL(request.url).origin)) return never()
    const fault = this.always ?? (this.plan[0]?.[0].test(what) ? this.plan.shift()![1] : undefined)
    if (fault === 'hang') return never()
    if (fault === 'down') throw gone()
    if (fault === 'portal') return page
    if (typeof fault === 'object' && 'status' in fault) return { ...fault, body: '' }
    if (typeof fault === 'object') return { status: 400, body: JSON.stringify(fault) }
    const answer = await this.clock.while(() => this.#send(request))
    this.traffic.push(request.body ?? '', answer.body)
    if (fault === 'applied') {
      this.onApplied()
      return never()
    }
    if (fault === 'lost') throw Object.assign(new Error('fetch failed'), { cause: { code: 'ECONNRESET' } })
    if (fault === 'garbled') return page
    if (typeof fault === 'function')
      return { ...answer, body: JSON.stringify(fault(JSON.parse(answer.body) as Answer)) }
    return answer
  }

  /** How many requests of a kind were made. */
  count(what: RegExp): number {
    return this.requests.filter((request) => what.test(request)).length
  }
}

/**
 * A clock that runs `factor` times faster than ours while its process waits, stands still while a request or a commit of the process is
 * worked on, and stops with the process. So a busy machine makes no deadline pass sooner. It can be put forward.
 */
export class FastClock implements Clock {
  readonly #factor: number
  readonly #startMs = Date.now()
  readonly #timers = new Map<number, { readonly atMs: number; readonly call: () => void }>()
  readonly #ticking: NodeJS.Timeout
  #elapsedMs = 0
  #aheadMs = 0
  #working = 0
  #last = 0
  constructor(factor = 1) {
    this.#factor = factor
    this.#ticking = setInterval(() => this.#tick(), 1)
  }
  /** A millisecond passes with each reading, so that what comes later is later. */
  now(): number {
    return this.#startMs + ++this.#elapsedMs + this.#aheadMs
  }
  monotonicMs(): number {
    return this.#elapsedMs
  }
  setTimeout(call: () => void, delayMs: number): unknown {
    this.#timers.set(++this.#last, { atMs: this.#elapsedMs + delayMs, call })
    return this.#last
  }
  clearTimeout(timer: unknown): void {
    if (typeof timer === 'number') this.#timers.delete(timer)
  }
  /** Stands still until the work is done. */
  async while<T>(work: () => Promise<T>): Promise<T> {
    this.#working++
    try {
      return await work()
    } finally {
      this.#working--
    }
  }
  jump(ms: number): void {
    this.#aheadMs += ms
  }
  stop(): void {
    clearInterval(this.#ticking)
    this.#timers.clear()
  }
  #tick(): void {
    if (this.#working > 0) return
    this.#elapsedMs += this.#factor
    const due = [...this.#timers].filter(([, { atMs }]) => atMs <= this.#elapsedMs)
    for (const [timer, { call }] of due.toSorted(([, a], [, b]) => a.atMs - b.atMs))
      if (this.#timers.delete(timer)) call()
  }
}

/** One wallet process. */
export interface Opened {
  readonly wallet: Wallet
  readonly wire: Wire
  readonly clock: FastClock
  /** SIGKILL: its requests are never answered, its commits never made, its timers never ring; nothing is closed. */
  drop(): void
}

export interface OpenOptions extends Partial<WalletOptions> {
  /** How many times faster than ours its time runs; 200 unless given. */
  readonly factor?: number
  readonly plan?: Plan
  readonly always?: Fault
}

export interface Bench {
  readonly server: MintServer
  readonly mintUrl: string
  /** Opens the wallet of this name: the same file, the same seed. */
  readonly open: (name?: string, options?: OpenOptions) => Promise<Opened>
  /** Opens it, trusts the mint, and mints. */
  readonly funded: (amount: number, name?: string, options?: OpenOptions) => Promise<Opened>
  /** A wallet's file. */
  readonly path: (name?: string) => string
  /** A wallet's rows, as they are in its file. */
  readonly rows: (name?: string) => Promise<Record<string, Row[]>>
  /** Writes into a wallet's file behind its back. */
  readonly tamper: (write: (store: Store) => Promise<void>, name?: string) => Promise<void>
  /** An invoice of nobody's, for melts; the memo may script how its payment goes. */
  readonly invoice: (amount: number, memo?: object) => string
  /** Ecash that the mint owes, as it says itself. */
  readonly outstanding: () => Promise<number>
}

const seedOf = (name: string): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, at) => name.charCodeAt(at % name.length) + at)

let mints = 0
const AMOUNTS = Array.from({ length: 12 }, (_, exponent) => 2 ** exponent)

/**
 * A bench of its own for the test that is running; invoices are paid at once unless given. With `stub`, mint
 * and wallets use the explorer's crypto: for tests that are many, and not about crypto.
 */
export async function bench({
  stub = false,
  ...options
}: Partial<MintServerOptions> & { stub?: boolean } = {}): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-wallet-'))
  const crypto = stub ? { crypto: stubCrypto } : {}
  const server = await createMintServer({
    store: memoryStore(),
    lightning: { autoPayMs: 0 },
    amounts: AMOUNTS,
    // Mints of one seed would have one keyset, which a wallet takes from one of them only.
    seed: new Uint8Array(32).fill(++mints),
    ...crypto,
    ...options,
  })
  const opened: Opened[] = []
  onTestFinished(async () => {
    for (const process of opened) {
      process.drop()
      await process.wallet.close()
    }
    await server.close()
    rmSync(dir, { recursive: true })
  })
  const path = (name = 'alice'): string => join(dir, `${name}.db`)
  const store = (name: string) => sqliteStore({ path: path(name) })
  const rows = async (name = 'alice'): Promise<Record<string, Row[]>> => {
    const handle = await store(name).open(walletSchema)
    const tables = Object.keys(walletSchema.tables)
    const found = await Promise.all(tables.map(async (table) => [table, await handle.query({ table })] as const))
    await handle.close()
    return Object.fromEntries(found)
  }
  const open: Bench['open'] = async (name = 'alice', { factor = 200, plan = [], always, ...rest } = {}) => {
    const clock = new FastClock(factor)
    const wire = new Wire(clock)
    wire.plan = [...plan]
    wire.always = always
    const mortal = new Mortal(clock)
    const adapter: StoreAdapter = { open: async (schema) => mortal.store(await store(name).open(schema)) }
    const wallet = await openWallet({
      store: adapter,
      seed: seedOf(name),
      transport: wire.transport,
      clock,
      ...crypto,
      ...rest,
    })
    const drop = (): void => {
      mortal.kill()
      wire.always = 'hang'
      clock.stop()
    }
    const process = { wallet, wire, clock, drop }
    opened.push(process)
    return process
  }
  return {
    server,
    mintUrl: server.url,
    path,
    open,
    rows,
    async funded(amount, name, openOptions) {
      const process = await open(name, openOptions)
      await process.wallet.mints.trust(server.url)
      const mint = await process.wallet.mint.prepare({ mintUrl: server.url, amount })
      await mint.refresh()
      await mint.finished()
      return process
    },
    async tamper(write, name = 'alice') {
      const handle = await store(name).open(walletSchema)
      await write(handle)
      await handle.close()
    },
    invoice: (amount, memo) =>
      server.backend.foreignInvoice({ amountSat: amount, ...(memo && { memo: JSON.stringify(memo) }) }),
    outstanding: async () => (await server.mint.balanceSheet()).units['sat']!.outstanding,
  }
}

/** Resolves when an operation of the wallet has committed a state. */
export function reached({ wallet }: Pick<Opened, 'wallet'>, kind: string, state: string): Promise<string> {
  return new Promise((resolve) => {
    const off = wallet.on('operation', (event) => {
      if (event.kind !== kind || event.state !== state) return
      off()
      resolve(event.id)
    })
  })
}

/** The wallet's money as plain numbers. */
export async function money({
  wallet,
}: Pick<Opened, 'wallet'>): Promise<{ spendable: number; reserved: number; outstanding: number; held: number }> {
  const sum = { spendable: 0, reserved: 0, outstanding: 0, held: 0 }
  for (const balance of await wallet.balances())
    for (const part of Object.keys(sum) as (keyof typeof sum)[]) sum[part] += balance[part].toNumber()
  return sum
}

/** Far more looks than anything takes that still goes on; what hangs is then named. */
const MOST_LOOKS = 20_000

/** Calls until it is true; rejects after many calls. */
export async function eventually(what: string, is: () => Promise<boolean> | boolean): Promise<void> {
  for (let looks = 0; !(await is()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (++looks > MOST_LOOKS) throw new Error(`in vain: ${what}`)
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; operationId?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

/** Anything as JSON, with amounts as texts. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown
