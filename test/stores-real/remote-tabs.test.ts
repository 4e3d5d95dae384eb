/**
 * Goal: tabs use the wallet of another tab. Method: a real Chromium, a mint over HTTP; the tab with the wallet is closed while the other
 * one waits, and opened again; the other is reloaded in between.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serve, startChromium } from '../../scripts/kill-lab/browser/chromium.ts'
import { createMintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

test('a far side in a tab: paid, reloaded, and paused while the tab of the wallet is closed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'remote-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  await using site = await serve(new URL('./remote-page.ts', import.meta.url))
  const mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  onTestFinished(() => mint.close())
  await using chromium = await startChromium(dir)
  const near = await chromium.open(site.url)
  await near.evaluate(async (mintUrl) => {
    window.wallet = await window.tabs.near(mintUrl)
  }, mint.url)

  const far = await chromium.open(site.url)
  const pay = (mintUrl: string): Promise<string> =>
    far.evaluate(async (mintUrl) => {
      window.far = await window.tabs.far()
      await (await window.far.mint.prepare({ mintUrl, amount: 200, key: 'top-up' })).finished()
      return (await (await window.far.send.prepare({ mintUrl, amount: 21, key: 'tea' })).execute()).token
    }, mintUrl)
  const token = await pay(mint.url)
  expect(token).toMatch(/^cashuB/)
  const limited = await far.evaluate(
    (mintUrl) => window.far.send.prepare({ mintUrl, amount: 101 }).catch((error: unknown) => window.tabs.codeOf(error)),
    mint.url,
  )
  expect(limited).toBe('LIMIT_EXCEEDED')
  // Reloaded: the same keys are the same operations.
  await far.reload()
  expect(await pay(mint.url)).toBe(token)

  // Nobody claims the token, so a call waits for that; the tab that it waits for is closed.
  await far.evaluate(async () => {
    const [last] = await window.far.operations.list({ state: 'tokenCreated' })
    const send = await window.far.send.get(last!.id)
    window.waiting = send.finished().then(
      () => 'finished',
      (error: unknown) => window.tabs.codeOf(error),
    )
  })
  await near.close()
  expect(await far.evaluate(() => window.waiting)).toBe('UNAVAILABLE')
  const balances = far.evaluate(async () => (await window.far.balances()).map(({ spendable }) => spendable.toString()))
  const again = await chromium.open(site.url)
  await again.evaluate(async (mintUrl) => {
    window.wallet = await window.tabs.near(mintUrl)
  }, mint.url)
  expect(await balances).toEqual(['179'])
  expect(await far.evaluate(() => window.far.connection)).toBe('open')
})
