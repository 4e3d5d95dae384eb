/** Goal: charts are drawn in browsers, as in Node, and can be read there. Method: a real Chromium draws each, and measures its texts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serve, startChromium } from '../../scripts/kill-lab/browser/chromium.ts'
import { describeChart, drawChart } from '../../src/chart/index.ts'
import { BUILT_IN } from '../../src/cli/built-in-charts.ts'

test('every chart of this package is drawn in Chromium as in Node, and each of its texts can be read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'charts-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  await using site = await serve(new URL('./chart-page.ts', import.meta.url))
  await using chromium = await startChromium(dir)
  const page = await chromium.open(site.url)
  for (const [name, machine] of BUILT_IN) {
    const svg = await page.evaluate((chart) => window.charts.draw(chart), name)
    expect(svg === (await drawChart(describeChart(machine))), name).toBe(true)
    expect(await page.evaluate((drawn) => window.charts.unreadable(drawn), svg), name).toEqual([])
  }
  // A text that leaves its box would be found.
  const wide = (await drawChart(describeChart([...BUILT_IN.values()][0]!))).replace(
    /(class="chart-name"[^>]*>)asked/,
    '$1asked for so much',
  )
  expect(await page.evaluate((drawn) => window.charts.unreadable(drawn), wide)).toEqual([
    'asked for so much leaves its box',
  ])
})
