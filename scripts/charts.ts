/**
 * The charts of this package as pictures: `npm run docs:charts` draws them into docs/charts, and `--check` says which are not as
 * it would draw them. A large chart with states inside others has an overview beside it, without them.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeChart, drawChart, foldChart } from '../src/chart/index.ts'
import { BUILT_IN } from '../src/cli/built-in-charts.ts'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = 'docs/charts'

/** A chart of more states has an overview. */
const READABLE = 15

const pictures = new Map<string, string>()
for (const [name, machine] of BUILT_IN) {
  const chart = describeChart(machine)
  pictures.set(`${name}.svg`, await drawChart(chart))
  const overview = foldChart(chart)
  if (chart.states.length > READABLE && overview.states.length < chart.states.length)
    pictures.set(`${name}-overview.svg`, await drawChart(overview))
}

const there = globSync(`${folder}/*`).map((path) => path.slice(folder.length + 1))
if (process.argv.includes('--check')) {
  const stale = [...new Set([...there, ...pictures.keys()])].filter(
    (name) => !there.includes(name) || readFileSync(join(folder, name), 'utf8') !== pictures.get(name),
  )
  for (const name of stale) console.error(`${folder}/${name} is out of date: npm run docs:charts`)
  if (stale.length > 0) process.exitCode = 1
} else {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const [name, picture] of pictures) writeFileSync(join(folder, name), picture)
}
