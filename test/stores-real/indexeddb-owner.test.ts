/**
 * Goal: of the tabs of one wallet one does the work, the others are wallets all the same, and one of them follows within
 * five seconds when the owner ends. Method: tabs of a real Chromium on one database, a mint over HTTP; the owner's tab
 * is closed, or crashed, while its request is on its way.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { serve, startChromium, type Chromium } from '../../scripts/kill-lab/browser/chromium.ts'
import { startWire } from '../../scripts/kill-lab/wire.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { until } from './postgres-kit.ts'

const SEED = 'ab'.repeat(64)

let stack: AsyncDisposableStack
let chromium: Chromium
let url: string
let mint: MintServer
let mintUrl: string
/** Paths of requests that are held up, and how many are. */
let holding: RegExp | undefined
let held: number

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'indexeddb-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  ;({ url } = stack.use(await serve(new URL('./indexeddb-wallet-page.ts', import.meta.url))))
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  stack.defer(() => mint.close())
  holding = undefined
  held = 0
  const hold = (path: string): Promise<void> | undefined => {
    if (!holding?.test(path)) return undefined
    held++
    return new Promise(() => {})
  }
  mintUrl = stack.use(await startWire(mint.url, 0, hold)).url
  chromium = stack.use(await startChromium(dir))
})
afterEach(() => stack.disposeAsync())

/** A tab in which `window.wallet` is open. */
async function tab(): Promise<Page> {
  const page = await chromium.open(url)
  await page.evaluate(
    async ([seed, mintUrl]) => {
      window.wallet = await window.bank.open('alice', mintUrl!, seed)
      await window.wallet.operations.resumed()
    },
    [SEED, mintUrl],
  )
  return page
}

const role = (page: Page): Promise<string> => page.evaluate(() => window.wallet.role)

/** Ends a tab, without a word to anybody in it. */
const ends = {
  closed: (page: Page) => page.close(),
  async crashed(page: Page) {
    const gone = new Promise((resolve) => page.once('crash', resolve))
    const devtools = await page.context().newCDPSession(page)
    void devtools.send('Page.crash').catch(() => {})
    await gone
  },
}

test.each(['closed', 'crashed'] as const)('a tab that is %s is followed within five seconds', async (how) => {
  const [owner, follower] = [await tab(), await tab()]
  expect([await role(owner), await role(follower)]).toEqual(['owner', 'follower'])

  const heard = await follower.evaluate(async (mintUrl) => {
    const { wallet } = window
    const heard: string[] = []
    wallet.on('operation', ({ kind, state }) => heard.push(`${kind} ${state}`))
    await (await wallet.mint.prepare({ mintUrl, amount: 100, unit: 'sat' })).finished()
    while (!heard.includes('mint issued')) await new Promise((resolve) => setTimeout(resolve, 10))
    return heard
  }, mintUrl)
  expect(heard).toContain('mint quoting.requesting')

  holding = /\/v1\/swap$/
  await follower.evaluate(async (mintUrl) => {
    const swap = await window.wallet.swap.prepare({ mintUrl, amounts: [32, 16] })
    window.ended = swap.execute()
  }, mintUrl)
  await until(() => held === 1)
  holding = undefined
  await ends[how](owner)
  const [state, now] = await follower.evaluate(async () => [(await window.ended).state, window.wallet.role])
  expect([state, now]).toEqual(['swapped', 'owner'])
  const { issued, redeemed } = (await mint.mint.balanceSheet()).units['sat']!
  expect(issued - redeemed).toBe(100)
  expect(await follower.evaluate(() => window.bank.spendable(window.wallet))).toBe(100)
})
