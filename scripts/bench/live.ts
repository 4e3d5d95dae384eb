/** How long it takes until many unfinished operations are live again, after a start. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openWallet, type Transport, type Wallet } from '../../src/index.ts'
import type { OperationRow } from '../../src/kernel/define/operation.ts'
import type { Row, Store } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { inProcessMint, MINT_URL } from './in-process.ts'

const SEED = new Uint8Array(64).fill(3)
const LIMIT_MS = 10_000

export interface Live {
  readonly operations: number
  /** From opening the wallet until all actors are live. */
  readonly wallMs: number
  readonly cpuMs: number
  /** How many of each state were taken up. */
  readonly states: Readonly<Record<string, number>>
}

/** A mint that takes every request and answers none. */
const silent: Transport = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

/** Opens a wallet with unfinished operations. Run in a process of its own, so that nothing is warm. */
export async function measureLive(path: string): Promise<Live> {
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
  const wallet = await openWallet({ store: sqliteStore({ path }), seed: SEED, transport: silent })
  const resumed = await wallet.operations.resumed()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  const states: Record<string, number> = {}
  for (const { kind, state, outcome } of resumed) {
    if (outcome !== 'resumed' && outcome !== 'waiting') throw new Error(`${kind}.${state} is ${outcome}`)
    states[`${kind}.${state}`] = (states[`${kind}.${state}`] ?? 0) + 1
  }
  await wallet.close()
  return { operations: resumed.length, wallMs, cpuMs: (user + system) / 1000, states }
}

/** Makes a wallet with that many unfinished operations, of every kind: some real ones, and copies of their rows. */
export async function fillWallet(path: string, count: number): Promise<void> {
  const paying = await inProcessMint({ autoPayMs: 0 })
  let answers = true
  const transport: Transport = (request) => (answers ? paying.transport(request) : silent(request))
  const wallet = await openWallet({ store: sqliteStore({ path }), seed: SEED, transport, requestsPerMint: 100 })
  await wallet.mints.trust(MINT_URL)
  await minted(wallet, 1000)
  await minted(wallet, 1000)
  await leaveUnfinished(wallet, paying.backend.foreignInvoice({ amountSat: 50 }), () => (answers = false))
  await wallet.close()
  const store = await sqliteStore({ path }).open(walletSchema)
  await multiply(store, count)
  await store.close()
}

async function minted(wallet: Wallet, amount: number): Promise<void> {
  const mint = await wallet.mint.prepare({ mintUrl: MINT_URL, amount })
  await mint.refresh()
  await mint.finished()
}

/** Prepares and starts operations of all kinds, and falls silent before any of them can end. */
async function leaveUnfinished(wallet: Wallet, request: string, fallSilent: () => void): Promise<void> {
  const mintUrl = MINT_URL
  const token = await (await wallet.send.prepare({ mintUrl, amount: 100 })).execute()
  const handles = [
    await wallet.send.prepare({ mintUrl, amount: 21 }),
    await wallet.swap.prepare({ mintUrl, amounts: [16, 4] }),
    await wallet.receive.prepare({ token: token.token }),
    await wallet.melt.prepare({ mintUrl, request }),
    await wallet.restore.prepare({ mintUrl }),
  ]
  await wallet.send.prepare({ mintUrl, amount: 22 })
  await wallet.swap.prepare({ mintUrl, amounts: [32] })
  await wallet.mint.prepare({ mintUrl, amount: 33 })
  fallSilent()
  for (const handle of handles) void handle.execute().catch(() => {})
  void wallet.mint.prepare({ mintUrl, amount: 77 }).catch(() => {})
  for (const deadline = Date.now() + LIMIT_MS; ; await delay(20)) {
    const waiting = await wallet.operations.list({ status: 'active', state: 'prepared' })
    if (waiting.length === 2) return
    if (Date.now() > deadline) throw new Error('the operations did not start')
  }
}

/** Copies the rows of unfinished operations in turn until there are `count`. */
async function multiply(store: Store, count: number): Promise<void> {
  const real = await store.query<OperationRow>({ table: 'operations', index: 'byStatus', prefix: ['active'] })
  const copies: Row[] = []
  for (let at = real.length; at < count; at++) {
    const { id, ...row } = real[at % real.length]!
    const copy = randomUUID().replaceAll('-', '')
    copies.push({ ...row, id: copy, key: null, snapshot: row.snapshot.replaceAll(id, copy) })
  }
  for (let from = 0; from < copies.length; from += 500)
    await store.commit(copies.slice(from, from + 500).map((row) => ({ put: 'operations', row })))
}
