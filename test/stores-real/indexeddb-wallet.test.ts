/**
 * Goal: a wallet in a page is as safe as one in a process of its own.
 * Method: wallets in a real Chromium against a mint over HTTP: one that nothing happens to; one whose quota is full in
 * the middle of a send; and wallets whose tabs, processes and browser are killed again and again, alone and two tabs at
 * once. The books of the wallets must agree with the mint's, and the mint must take every proof.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { killTabs } from '../../scripts/kill-lab/browser.ts'
import { serve, startChromium, type Site } from '../../scripts/kill-lab/browser/chromium.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

vi.setConfig({ testTimeout: 1_200_000 })

const stack = new AsyncDisposableStack()
let site: Site
let mint: MintServer
let dir: string

beforeAll(async () => {
  site = stack.use(await serve(new URL('./indexeddb-wallet-page.ts', import.meta.url)))
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 }, feePpk: 100 })
  stack.defer(() => mint.close())
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'indexeddb-'))
  return () => rm(dir, { recursive: true, force: true })
})
afterAll(() => stack.disposeAsync())

/** Ecash out, in sat. */
async function outstanding(): Promise<number> {
  const { issued, redeemed } = (await mint.mint.balanceSheet()).units['sat']!
  return issued - redeemed
}

test('a wallet in a page mints, sends and receives', async () => {
  await using chromium = await startChromium(dir)
  const page = await chromium.open(site.url)
  const before = await outstanding()
  const seen = await page.evaluate(async (mintUrl) => {
    const { bank } = window
    const [alice, bob] = [await bank.open('alice', mintUrl), await bank.open('bob', mintUrl)]
    const minting = await alice.mint.prepare({ mintUrl, amount: 1000, unit: 'sat' })
    const { state } = await minting.finished()
    const send = await alice.send.prepare({ mintUrl, amount: 123 })
    const { token } = await send.execute()
    const receive = await bob.receive.prepare({ token })
    await receive.execute()
    await send.refresh()
    return {
      states: [state, (await send.finished()).state, receive.state],
      spendable: [await bank.spendable(alice), await bank.spendable(bob)],
      fees: [send.fee.toNumber(), receive.fee.toNumber()],
    }
  }, mint.url)
  expect(seen.states).toEqual(['issued', 'claimed', 'received'])
  const [sending, receiving] = seen.fees as [number, number]
  expect(seen.spendable).toEqual([1000 - 123 - sending, 123 - receiving])
  expect((await outstanding()) - before).toBe(1000 - sending - receiving)
})

test('a full quota holds a send up; it goes on when there is room, and nothing was lost', async () => {
  await using chromium = await startChromium(dir)
  const page = await chromium.open(site.url)
  const devtools = await chromium.context.newCDPSession(page)
  const origin = new URL(site.url).origin
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 8_000_000 })
  const before = await outstanding()
  const full = await page.evaluate(async (mintUrl) => {
    const { bank, kit } = window
    const alice = await bank.open('alice', mintUrl)
    window.wallets = { alice, bob: await bank.open('bob', mintUrl) }
    await (await alice.mint.prepare({ mintUrl, amount: 1000, unit: 'sat' })).finished()
    const send = await alice.send.prepare({ mintUrl, amount: 123 })
    await bank.fill()
    window.sent = send.execute()
    while (!bank.refused.includes('FULL')) await new Promise((resolve) => setTimeout(resolve, 20))
    // What has not begun is refused, once its time has run out; and what is there can be read.
    const code = await kit.codeOf(alice.swap.prepare({ mintUrl, amounts: [64] }))
    return { code, refused: [...new Set(bank.refused)], state: send.state, spendable: await bank.spendable(alice) }
  }, mint.url)
  expect(full).toMatchObject({ code: 'FULL', refused: ['FULL'], state: 'prepared' })
  expect(full.spendable).toBeLessThan(1000)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  const after = await page.evaluate(async () => {
    const { bank, wallets } = window
    const { token } = await window.sent
    const receive = await wallets.bob.receive.prepare({ token })
    await receive.execute()
    return [await bank.spendable(wallets.alice), await bank.spendable(wallets.bob)]
  })
  const [alice, bob] = after as [number, number]
  expect(bob).toBeGreaterThan(115)
  expect(alice).toBeGreaterThan(870)
  expect((await outstanding()) - before).toBe(alice + bob)
})

test('tabs closed, crashed and killed 60 times, their browser too: the books agree, nothing is stuck', async () => {
  const run = await killTabs({ dir, kills: 60, seed: 'one tab', owners: 1, killed: () => {} })
  expect(run).toMatchObject({ kills: 60, violations: [], stuck: 0 })
  expect(Object.values(run.killedBy).every((count) => count > 0)).toBe(true)
  // Every kind of operation was killed on its way.
  const kinds = new Set(Object.keys(run.killedIn).map((state) => state.split('.')[0]))
  expect(kinds).toEqual(new Set(['mint', 'send', 'receive', 'swap', 'melt']))
})

test('two tabs on one database at once, closed and crashed 20 times: the books agree, nothing is stuck', async () => {
  const run = await killTabs({ dir, kills: 20, seed: 'two tabs', owners: 2, killed: () => {} })
  expect(run).toMatchObject({ kills: 20, violations: [], stuck: 0 })
})
