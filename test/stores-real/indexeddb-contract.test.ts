/**
 * Goal: the store over IndexedDB keeps the contract of every store.
 * Method: all of its cases, run inside a page of a real Chromium, whose profile is on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { serve, startChromium } from '../../scripts/kill-lab/browser/chromium.ts'
import { storeContract } from '../../src/testing/contracts/store-contract.ts'

const stack = new AsyncDisposableStack()
let page: Page

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'indexeddb-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const site = stack.use(await serve(new URL('./indexeddb-page.ts', import.meta.url)))
  const chromium = stack.use(await startChromium(dir))
  page = await chromium.open(site.url)
})
afterAll(() => stack.disposeAsync())

const cases = storeContract(() => Promise.reject(new Error('they run in the page')))

test.each(cases)('$name', async ({ name }) => {
  await expect(
    page.evaluate((one) => window.contract.find(({ name }) => name === one)!.run(), name),
  ).resolves.toBeUndefined()
})
