/**
 * Goal: the inspector's page is right, quick, safe and can be used by everybody. Method: a real Chromium looks at operations that go on
 * meanwhile, with ten thousand of them there; axe looks at every view, light and dark, wide and narrow. What is seen is kept as pictures in
 * `node_modules/.cache/inspector-shots`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startChromium, type Chromium } from '../../scripts/kill-lab/browser/chromium.ts'
import { builtPage } from '../../scripts/inspector-page.ts'
import { filmOf } from '../../src/inspector/film.ts'
import { serve } from '../../src/inspector/serve.ts'
import { replay, scenarioOf } from '../../src/testing/explorer/explorer.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { inspectedShop, type InspectedShop } from '../kits/inspected-shop.ts'

const shots = join(import.meta.dirname, '../../node_modules/.cache/inspector-shots')
const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const profile = mkdtempSync(join(tmpdir(), 'inspector-'))
let chromium: Chromium

beforeAll(async () => {
  mkdirSync(shots, { recursive: true })
  chromium = await startChromium(profile)
})
afterAll(async () => {
  await chromium[Symbol.asyncDispose]()
  rmSync(profile, { recursive: true, force: true })
})

interface Seen {
  readonly page: Page
  /** What the page complained of, and what it asked for elsewhere. */
  readonly wrong: string[]
}

async function look(shop: Pick<InspectedShop, 'inspector'>, { width = 1440, height = 900 } = {}): Promise<Seen> {
  const page = await chromium.context.newPage()
  onTestFinished(() => page.close())
  const wrong: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(error.message))
  const { origin } = new URL(shop.inspector.url)
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) wrong.push(`asked ${request.url()}`)
  })
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (performance.getEntriesByName('rows').length === 0 && document.querySelector('.row')) performance.mark('rows')
    }).observe(document, { childList: true, subtree: true })
    document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective}`))
  })
  await page.setViewportSize({ width, height })
  await page.goto(shop.inspector.url)
  await page.waitForSelector('.live:not(.is-off)')
  return { page, wrong }
}

const shoot = (page: Page, name: string): Promise<unknown> => page.screenshot({ path: join(shots, `${name}.png`) })

/** What axe finds, of what can be decided by a program. It runs past the page's own policy, as a debugger does. */
async function complaints(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
  })
}

const state = (page: Page): Promise<string | null> => page.textContent('.state-pill')
const current = (page: Page): Promise<string[]> =>
  page.$$eval('.chart-state.is-current', (lit) => lit.map((each) => each.getAttribute('data-state') ?? ''))

test('ten thousand operations: the first are painted within a second, stuck ones first, and few are in the document', async () => {
  await using shop = await inspectedShop({ count: 10_000 })
  const { page, wrong } = await look(shop)
  await page.waitForSelector('.row')
  const painted = await page.evaluate(() => performance.getEntriesByName('rows')[0]?.startTime ?? Infinity)
  await page.waitForSelector('text=10,000 operations')
  console.log(`first rows after ${Math.round(painted)} ms`)
  expect(await page.$$eval('.row', ({ length }) => length)).toBeLessThan(60)
  const reasons = await page.$$eval('.row .why', (each) => each.map(({ textContent }) => textContent))
  expect(reasons[0]).toContain('the card answered nonsense')
  await shoot(page, 'list-light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await shoot(page, 'list-dark')

  await page.fill('.search', 'order-00042')
  await page.waitForSelector('text=1 operation of 10000')
  await page.fill('.search', '')
  await page.click('.chip.is-stuck')
  await page.waitForSelector('text=100 operations of 10000')
  await page.click('.chip.is-all')
  await page.waitForSelector('.list-foot:has-text("10,000 operations")')
  // By keys alone: to the end of the list, and one operation opens.
  await page.focus('.list')
  await page.keyboard.press('End')
  await page.waitForSelector('.detail h2')
  await expect.poll(() => page.evaluate(() => document.querySelector('.list')?.scrollTop ?? 0)).toBeGreaterThan(500_000)
  expect(wrong).toEqual([])
})

test('a commit is seen at once: in the list, in the chart, in the timeline; and steps can be gone back', async () => {
  await using shop = await inspectedShop({ count: 20 })
  const { page, wrong } = await look(shop)
  const { id } = await shop.orders.create({}, { id: 'live-order' })
  await page.waitForSelector('.row:has-text("live-ord")')
  await page.click('.row:has-text("live-ord")')
  await page.waitForSelector('.chart-state.is-current')
  expect(await current(page)).toEqual(['prepared'])

  // The page notes when it shows the state: both clocks are this machine's.
  await page.evaluate(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('.list-all')?.textContent.includes('paying.charging')) return
      observer.disconnect()
      document.body.dataset['seenAt'] = String(Date.now())
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
  })
  await shop.orders.send(id, { type: 'execute' })
  const committedAt = (await shop.orders.get(id)).row.updatedAt
  await page.waitForSelector('.row.is-active:has-text("paying.charging")')
  console.log(`seen ${Number(await page.getAttribute('body', 'data-seen-at')) - committedAt} ms after the commit`)
  await expect.poll(() => current(page)).toEqual(['paying', 'paying.charging'])
  await page.waitForSelector('.sign.is-under-way:has-text("card.charge")')
  await shoot(page, 'under-way-light')
  shop.answer('unknown')
  await page.waitForSelector('.count-down')
  expect(await page.textContent('.sign.is-timer')).toMatch(/pause in \d+/)
  await page.emulateMedia({ colorScheme: 'dark' })
  await shoot(page, 'pausing-dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await shop.orders.send(id, { type: 'cancel' })
  await expect.poll(() => state(page)).toBe('cancelled')
  await expect.poll(() => page.$$eval('.step', ({ length }) => length)).toBe(4)
  expect(await page.$$eval('.chart-arrow.is-taken', ({ length }) => length)).toBe(3)
  await shoot(page, 'timeline-light')

  await page.click('button[aria-label="One step back"]')
  await page.waitForSelector('text=step 3 of 4')
  expect(await current(page)).toEqual(['paying', 'paying.pausing'])
  await page.focus('input[type=range]')
  await page.keyboard.press('Home')
  await page.waitForSelector('text=step 1 of 4')
  expect(await current(page)).toEqual(['prepared'])
  expect(await page.$$eval('.chart-arrow.is-taken', ({ length }) => length)).toBe(0)
  // The state itself is as it is.
  expect(await state(page)).toBe('cancelled')
  expect(wrong).toEqual([])
})

test('the chart is moved and scaled by pointer and keys', async () => {
  await using shop = await inspectedShop()
  await shop.orders.create({}, { id: 'a' })
  const { page, wrong } = await look(shop)
  await page.click('.row')
  await page.waitForSelector('.chart-state.is-current')
  const view = async (): Promise<number[]> => {
    const box = await page.getAttribute('.chart-frame svg', 'viewBox')
    return (box ?? '').split(' ').map(Number)
  }
  const [, , width = 0] = await view()
  await page.click('button[aria-label="Closer"]')
  expect((await view())[2]).toBeLessThan(width)
  await page.focus('.chart-frame')
  const [x = 0] = await view()
  await page.keyboard.press('ArrowRight')
  expect((await view())[0]).toBeGreaterThan(x)
  await page.mouse.move(700, 550)
  await page.mouse.wheel(0, 400)
  await page.mouse.down()
  await page.mouse.move(760, 590)
  await page.mouse.up()
  await page.keyboard.press('0')
  expect((await view()).slice(0, 2)).toEqual([0, 0])
  expect(wrong).toEqual([])
})

test('an operation is cancelled after a question, and only where the page may act', async () => {
  await using shop = await inspectedShop({ write: true })
  await shop.orders.create({}, { id: 'a' })
  const { page, wrong } = await look(shop)
  await page.click('.row')
  await page.click('.act.is-cancel')
  await page.waitForSelector('dialog[open]')
  await shoot(page, 'confirm-light')
  expect(await complaints(page)).toEqual([])
  await page.click('dialog button:text-is("no")')
  expect((await shop.orders.get('a')).state).toBe('prepared')
  await page.click('.act.is-execute')
  await page.click('dialog button:text-is("yes, execute")')
  await expect.poll(() => state(page)).toBe('paying.charging')
  shop.answer('ok')
  await expect.poll(() => state(page)).toBe('paid')
  expect(await page.$('.act')).toBeNull()
  expect(wrong).toEqual([])

  await using other = await inspectedShop()
  await other.orders.create({}, { id: 'a' })
  const readOnly = await look(other)
  await readOnly.page.click('.row')
  await readOnly.page.waitForSelector('.why-now')
  expect(await readOnly.page.$('.act')).toBeNull()
  expect(await readOnly.page.textContent('.head')).toContain('read only')
})

test('axe finds nothing, light and dark, wide and narrow; and nothing is wider than a phone', async () => {
  await using shop = await inspectedShop({ count: 200, write: true })
  const { id } = await shop.orders.create({}, { id: 'a' })
  await shop.orders.send(id, { type: 'execute' })
  const { page, wrong } = await look(shop)
  for (const [name, width, height] of [
    ['wide', 1440, 900],
    ['narrow', 390, 844],
  ] as const) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.evaluate(() => history.length > 1 && document.querySelector<HTMLButtonElement>('.back')?.click())
      await page.waitForSelector('.row')
      expect(await complaints(page), `list, ${name}, ${colorScheme}`).toEqual([])
      await shoot(page, `list-${name}-${colorScheme}`)
      for (const row of ['paying.charging', 'prepared', 'paying.pausing']) {
        await page.click(`.row:has-text("${row}")`)
        await page.waitForSelector('.chart-state.is-current')
        await page.click('details.chart-table > summary')
        await page.click('details.raw > summary')
        expect(await complaints(page), `${row}, ${name}, ${colorScheme}`).toEqual([])
        await shoot(page, `${row}-${name}-${colorScheme}`)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(wide, `${row} is wider than the window, ${name}`).toBeLessThanOrEqual(0)
        if (width < 800) await page.click('.back')
      }
    }
  }
  expect(wrong).toEqual([])
})

test('a run of the explorer is shown as a film: lives, crashes, commits and requests beside the chart', async () => {
  const film = 'melt.paid:4.crashAfter/3.crashAfter/'
  const scenario = scenarios.find((each) => nameOf(each) === scenarioOf(film))
  if (!scenario) throw new TypeError('there is no such scenario')
  const inspector = await serve({
    film: await filmOf(film, await replay(scenario, film), scenario.subject.kinds),
    page: await builtPage(),
  })
  onTestFinished(() => inspector.close())
  const { page, wrong } = await look({ inspector })
  await page.waitForSelector('.chart-state.is-current')
  expect(await current(page)).toEqual(['paid'])
  expect(await page.$$eval('.scene.is-fault', ({ length }) => length)).toBe(2)
  await shoot(page, 'film-light')
  expect(await complaints(page)).toEqual([])
  await page.click('.scene.is-fault')
  await expect.poll(() => current(page)).toEqual(['prepared'])
  await page.emulateMedia({ colorScheme: 'dark' })
  await shoot(page, 'film-dark')
  expect(await complaints(page)).toEqual([])
  await page.focus('input[type=range]')
  await page.keyboard.press('Home')
  await page.waitForSelector('text=No operation has a state yet')
  await page.click('text=play')
  await page.waitForSelector('.chart-state.is-current[data-state="prepared"]')
  await page.setViewportSize({ width: 390, height: 844 })
  await shoot(page, 'film-narrow')
  expect(await complaints(page)).toEqual([])
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  expect(wrong).toEqual([])
})

test('without its token the page shows nothing but how to come by it, and a reload keeps it', async () => {
  await using shop = await inspectedShop({ count: 3 })
  const { page, wrong } = await look(shop)
  expect(page.url()).not.toContain('token')
  await page.reload()
  await page.waitForSelector('.row')
  expect(wrong).toEqual([])
  const other = await chromium.context.newPage()
  onTestFinished(() => other.close())
  await other.goto(new URL(shop.inspector.url).origin)
  await other.waitForSelector('text=This page needs its address')
  expect(await other.$('.row')).toBeNull()
  // Where the program has ended, the page says so.
  await shop.inspector.close()
  await page.waitForSelector('.live.is-off')
})
