/**
 * Goal: the near side's crash and restart look like a pause. Method: the wallet is in a forked process on a SQLite file, which is killed with
 * SIGKILL while its far side here waits, listens and pays; requests are held at the mint so that the kill falls into them. What is repeated
 * by its key is done once: the books agree with the mint's.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startWire } from '../../scripts/kill-lab/wire.ts'
import { HardshellError, openWallet } from '../../src/index.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { connectWallet, type RemoteWallet } from '../../src/remote/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { EVERYTHING } from '../kits/remote-kit.ts'
import { eventually, failure } from '../kits/wallet-kit.ts'
import type { NearPlan } from '../kits/near-process.ts'

const near = fileURLToPath(new URL('../kits/near-process.ts', import.meta.url))

let stack: AsyncDisposableStack
let mint: MintServer
let mintUrl: string
let far: RemoteWallet
let child: ChildProcess
let started = 0
/** Paths of requests that are held up for good, and how many are. */
let holding: RegExp | undefined
let held = 0

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  ;[holding, held, started] = [undefined, 0, 0]
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-remote-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  stack.defer(() => mint.close())
  const wire = stack.use(
    await startWire(mint.url, 0, (path) => {
      if (!holding?.test(path)) return undefined
      held++
      return new Promise(() => {})
    }),
  )
  mintUrl = wire.url
  const plan: NearPlan = { path: join(dir, 'wallet.db'), seed: '2a'.repeat(64), allow: EVERYTHING }
  const start = (): ChildProcess => {
    started++
    child = fork(near, [JSON.stringify(plan)])
    const { pid = 0 } = child
    stack.defer(() => gone(pid))
    return child
  }
  far = stack.use(await connectWallet(start, { waitMs: 120_000, pingMs: 1_000 }))
  await far.mints.trust(mintUrl)
})
afterEach(() => stack.disposeAsync())

/** Ends a process, also one that is stopped. */
function gone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

const fund = async (amount: number): Promise<void> =>
  void (await (await far.mint.prepare({ mintUrl, amount, key: 'top-up' })).finished())

/** Does it until it is done, however often the near side goes. */
async function repeated<T>(act: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof HardshellError && error.code === 'UNAVAILABLE')) throw error
    }
}

test('a call under way ends as UNAVAILABLE, later ones wait for the restart, and the key finds what was begun', async () => {
  await fund(64)
  const states: string[] = []
  far.onConnection((state) => void states.push(state))
  const send = await far.send.prepare({ mintUrl, amount: 21, key: 'for my friend' })
  const seen: string[] = []
  const events: string[] = []
  send.subscribe(({ state }) => void seen.push(state))
  far.on('operation', ({ kind, state }) => void events.push(`${kind} ${state}`))
  holding = /swap/
  const executing = failure(send.execute())
  await eventually('the swap is under way', () => held > 0)
  child.kill('SIGKILL')
  expect(await executing).toMatchObject({ code: 'UNAVAILABLE' })
  expect(far.connection).toBe('waiting')
  holding = undefined
  // Not sent yet: it waits, as through a pause.
  const balances = far.balances()
  const again = await far.send.prepare({ mintUrl, amount: 21, key: 'for my friend' })
  expect(again.id).toBe(send.id)
  const { token } = await again.execute()
  expect(token).toMatch(/^cashuB/)
  expect((await balances).length).toBe(1)
  expect(states).toEqual(['waiting', 'open'])
  // The handle from before and what listens go on.
  expect((await send.execute()).token).toBe(token)
  await eventually('the subscription goes on', () => seen.at(-1) === 'tokenCreated')
  await again.reclaim()
  await eventually('events go on', () => events.includes('send reclaimed') && seen.at(-1) === 'reclaimed')
  expect(started).toBe(2)
})

test('killed 8 times while it mints, sends, swaps and melts: everything is done once', async () => {
  const kills: number[] = []
  const killing = setInterval(() => {
    if (far.connection === 'open' && kills.length < 8 && child.kill('SIGKILL')) kills.push(Date.now())
  }, 700)
  stack.defer(() => clearInterval(killing))
  const tokens: string[] = []
  for (let round = 0; kills.length < 8; round++) {
    const key = (what: string): string => `${what} ${round}`
    const spendable = await repeated(async () => {
      const minted = await far.mint.prepare({ mintUrl, amount: 50, key: key('mint') })
      return (await minted.finished()).amount.toNumber()
    })
    expect(spendable).toBe(50)
    const send = (): Promise<string> =>
      repeated(async () => {
        const sending = await far.send.prepare({ mintUrl, amount: 10, key: key('send') })
        return (await sending.execute()).token
      })
    const token = await send()
    tokens.push(token)
    // The same again is the same.
    expect(await send()).toBe(token)
    await repeated(async () => (await far.swap.prepare({ mintUrl, amounts: [8, 8], key: key('swap') })).execute())
    const request = mint.backend.foreignInvoice({ amountSat: 7 })
    await repeated(async () => {
      const melt = await far.melt.prepare({ mintUrl, request, key: key('melt') })
      await melt.execute()
      return melt.finished()
    })
  }
  clearInterval(killing)
  const balance = (await repeated(() => far.balances()))[0]!
  await using friend = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(9) })
  await friend.mints.trust(mintUrl)
  for (const token of tokens) await (await friend.receive.prepare({ token })).execute()
  const { issued, redeemed } = (await mint.mint.balanceSheet()).units['sat']!
  const mine = balance.spendable.toNumber() + balance.reserved.toNumber()
  expect(balance.outstanding.toNumber()).toBe(10 * tokens.length)
  expect(issued - redeemed).toBe(mine + 10 * tokens.length)
  expect(kills.length).toBe(8)
  expect(started).toBeGreaterThanOrEqual(9)
  console.log(`${kills.length} kills, ${tokens.length} rounds`)
})

test('a near side that hangs counts as gone after three pings', async () => {
  await fund(8)
  const first = child
  first.kill('SIGSTOP')
  expect(await failure(far.balances())).toMatchObject({ code: 'UNAVAILABLE' })
  // The next one is started already; this one would hold the database's lock.
  first.kill('SIGKILL')
  expect((await far.balances()).length).toBe(1)
})
