/**
 * Four processes that are one wallet on one database, killed at random while they work; in the middle the database is
 * killed, too. What is asked is safety: no sat is lost and none invented, and everything comes to its end.
 *
 * `OPERATIONS=2000` asks for as many operations.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { getJson } from '../../scripts/kill-lab/mint-balances.ts'
import { startMint, startScript, type Child } from '../../scripts/kill-lab/children.ts'
import { cameIn, figuresOf, inHand, isOrWent } from '../../scripts/kill-lab/figures.ts'
import { openWallet } from '../../src/index.ts'
import type { BalanceSheet } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { startPostgres } from '../../scripts/postgres-server.ts'
import type { Share } from './wallet-process.ts'

/** Of so many operations of a process the last one is a melt. */
const PER_MELT = 20

const PROCESSES = 4
const OPERATIONS = Number(process.env['OPERATIONS'] ?? 80)
/** One kill for so many operations. */
const OPERATIONS_PER_KILL = 10
/** For so long no operation has ended: something hangs. */
const STALLED_MS = 180_000

test(
  'four processes, killed at random, and their database: the money is conserved',
  { timeout: OPERATIONS * 5_000 + 2 * STALLED_MS },
  async () => {
    await using cleanup = new AsyncDisposableStack()
    const server = await startPostgres()
    cleanup.defer(() => server.stop())
    const mint = cleanup.use(await startMint())
    const place = { connection: server.connection, namespace: 'wallet' }
    const seed = randomBytes(64).toString('hex')
    const share = { ...place, seed, mintUrl: mint.url, operations: OPERATIONS / PROCESSES, perMelt: PER_MELT }

    const invoice = async (): Promise<string> =>
      (await getJson<{ request: string }>(`${mint.url}/admin/invoice`, JSON.stringify({ amount: 5 }))).request
    const melts = Math.floor(share.operations / PER_MELT)
    const invoices = await Promise.all(
      Array.from({ length: PROCESSES }, () => Promise.all(Array.from({ length: melts }, invoice))),
    )

    const done = Array.from({ length: PROCESSES }, () => new Set<number>())
    const running: (Child | undefined)[] = []
    const failures: string[] = []
    const over = new AbortController()
    const fail = (why: string): void => {
      failures.push(why)
      over.abort()
      for (const child of running) child?.kill('SIGKILL')
    }
    // Compiled code is kept from life to life: a process is up in a tenth of a second.
    const compiled = mkdtempSync(join(tmpdir(), 'hardshell-wallets-'))
    cleanup.defer(() => rmSync(compiled, { recursive: true }))
    const live = async (who: number): Promise<void> => {
      for (;;) {
        const mine: Share = { ...share, name: `p${who}`, invoices: invoices[who]! }
        const script = new URL('./wallet-process.ts', import.meta.url)
        const hear = (line: string): void => void done[who]!.add(Number(line))
        const child = startScript(script, [JSON.stringify(mine)], hear, { NODE_COMPILE_CACHE: compiled })
        running[who] = child
        const { code, signal } = await child.ended
        running[who] = undefined
        if (signal === 'SIGKILL' && !over.signal.aborted) continue
        if (code !== 0 && !over.signal.aborted) fail(`process ${who} ended with ${code ?? signal}`)
        return
      }
    }
    const count = (): number => done.reduce((sum, { size }) => sum + size, 0)
    const unfinished = async (): Promise<string> => {
      const rows = await server.run(`SELECT row_to_json(o) AS row FROM wallet.operations o WHERE o.status <> 'done'`)
      return rows.map(({ row }) => JSON.stringify(row)).join('\n')
    }
    const lives = Promise.all(Array.from({ length: PROCESSES }, (_, who) => live(who)))
    cleanup.defer(() => {
      over.abort()
      for (const child of running) child?.kill('SIGKILL')
    })
    let restartedMs: number | undefined
    const restarting = (async () => {
      while (count() < OPERATIONS / 2 && !over.signal.aborted) await setTimeout(20)
      const startedMs = performance.now()
      await server.halt('kill')
      await server.start()
      restartedMs = performance.now() - startedMs
    })().catch((error: unknown) => fail(String(error)))
    let kills = 0
    const killing = (async () => {
      while (!over.signal.aborted && running.some(Boolean)) {
        await setTimeout(Math.random() * 300)
        if (count() < (kills + 1) * OPERATIONS_PER_KILL) continue
        const victim = running[Math.floor(Math.random() * PROCESSES)]
        if (victim) kills++
        victim?.kill('SIGKILL')
      }
    })()
    const watching = (async () => {
      for (let known = 0, sinceMs = performance.now(); running.some(Boolean); await setTimeout(500)) {
        if (count() !== known) [known, sinceMs] = [count(), performance.now()]
        else if (performance.now() - sinceMs > STALLED_MS) return fail(`stalled: ${await unfinished()}`)
      }
    })()
    await Promise.all([lives, killing, restarting, watching])
    expect(failures).toEqual([])
    expect(count()).toBe(OPERATIONS)
    expect(kills).toBeGreaterThan(OPERATIONS / OPERATIONS_PER_KILL / 2)

    await using wallet = await openWallet({ store: postgresStore(place), seed: Buffer.from(seed, 'hex') })
    const all = await wallet.operations.list({ limit: 10_000 })
    const states = Object.groupBy(all, ({ kind, state }) => `${kind}.${state}`)
    console.log(
      `${kills} kills, the database away for ${Math.round(restartedMs!)} ms`,
      Object.fromEntries(Object.entries(states).map(([at, some]) => [at, some!.length])),
    )
    expect(all).toHaveLength(OPERATIONS)
    expect(all.filter(({ status }) => status !== 'done')).toEqual([])
    const figures = await figuresOf(wallet)
    const sheet = await getJson<BalanceSheet>(`${mint.url}/admin/balance-sheet`)
    const paid = Object.values(sheet.payments).filter(({ paid }) => paid > 0)
    expect(paid.every(({ attempts }) => attempts === 1)).toBe(true)
    expect(paid).toHaveLength(states['melt.paid']?.length ?? 0)
    const { issued, redeemed, received } = sheet.units['sat']!
    expect(cameIn(figures)).toBe(isOrWent(figures))
    expect(figures.issued).toBe(received)
    expect(inHand(figures)).toBe(issued - redeemed)
    expect([figures.reserved, figures.outstanding, figures.held]).toEqual([0, 0, 0])

    // What the mint takes there is money.
    await using fresh = await openWallet({ store: memoryStore(), seed: randomBytes(64) })
    await fresh.mints.trust(mint.url)
    const send = await wallet.send.prepare({ mintUrl: mint.url, amount: figures.spendable })
    const { token } = await send.execute()
    await (await fresh.receive.prepare({ token })).execute()
    const [balance] = await fresh.balances()
    const after = (await getJson<BalanceSheet>(`${mint.url}/admin/balance-sheet`)).units['sat']!
    expect(balance!.spendable.toNumber()).toBe(after.issued - after.redeemed)
  },
)
