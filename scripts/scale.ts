/**
 * Measures a wallet with many proofs and a long history, on every store that this machine has, each started in a process
 * of its own. Prints a table, and with `--json` one JSON object as the last line. Exits with 1 where SQLite misses what
 * is promised: balance and selection in 5 ms (the median of many), opening in 1 s.
 *
 *   npm run scale -- [--proofs 100000] [--operations 10000] [--store NAME]... [--json]
 */
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { wholeNumber } from './kill-lab/run.ts'
import { fill } from './scale/fill.ts'
import { measure, type Figures } from './scale/measure.ts'
import { stores } from './scale/stores.ts'

const { values } = parseArgs({
  options: {
    proofs: { type: 'string', default: '100000' },
    operations: { type: 'string', default: '10000' },
    store: { type: 'string', multiple: true, default: Object.keys(stores) },
    json: { type: 'boolean', default: false },
    /** Measures the wallet at this place in the one store that is named; the benchmark runs itself like that. */
    at: { type: 'string' },
  },
})

const MOST: Readonly<Partial<Record<keyof Figures, number>>> = {
  openingMs: 1_000,
  balanceP50Ms: 5,
  selectionP50Ms: 5,
}

interface Result extends Partial<Figures> {
  readonly store: string
  readonly fillingMs?: number
  /** The figures that are more than what is promised. */
  readonly missed?: readonly string[]
  /** Why it was not measured. */
  readonly skipped?: string
}

for (const name of values.store)
  if (!Object.hasOwn(stores, name)) throw new TypeError(`--store is one of ${Object.keys(stores).join(', ')}, not ${name}`) // prettier-ignore
if (values.at === undefined) await main()
else console.log(JSON.stringify(await measure(stores[values.store[0]!]!.adapter(values.at))))

async function main(): Promise<void> {
  const size = {
    proofs: wholeNumber('proofs', values.proofs),
    operations: wholeNumber('operations', values.operations),
  }
  console.log(`${size.proofs} proofs, ${size.operations} finished operations; milliseconds, median / 99th percentile`)
  console.log(row('store', 'filling', 'opening', 'balance', 'selection'))
  const results: Result[] = []
  for (const name of values.store) {
    const result = await measured(name, size)
    results.push(result)
    console.log(line(result))
  }
  if (values.json) console.log(JSON.stringify({ ...size, budgetMs: MOST, results }))
  if (results.some(({ missed = [] }) => missed.length > 0)) process.exitCode = 1
}

async function measured(name: string, size: { proofs: number; operations: number }): Promise<Result> {
  const store = stores[name]!
  let place
  try {
    place = await store.start()
  } catch (error) {
    return { store: name, skipped: (error as Error).message }
  }
  await using _ = place
  const startedMs = performance.now()
  await fill(store.adapter(place.at), size)
  const fillingMs = performance.now() - startedMs
  const figures = store.outlives ? await coldly(name, place.at) : await measure(store.adapter(place.at))
  const missed = Object.entries(MOST).flatMap(([what, mostMs]) => (store.budget && figures[what as keyof Figures] > mostMs ? [what] : [])) // prettier-ignore
  return { store: name, fillingMs, ...figures, missed }
}

async function coldly(name: string, at: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, '--store', name, '--at', at])
  return JSON.parse(stdout) as Figures
}

function line({ store, skipped, missed = [], ...found }: Result): string {
  if (skipped !== undefined) return `${store.padEnd(18)} not measured: ${skipped}`
  const ms = (value = NaN): string => value.toFixed(value < 10 ? 2 : 0)
  const balance = `${ms(found.balanceP50Ms)} / ${ms(found.balanceP99Ms)}`
  const selection = `${ms(found.selectionP50Ms)} / ${ms(found.selectionP99Ms)}`
  const verdict = missed.length > 0 ? `   MISSED: ${missed.join(', ')}` : ''
  return row(store, ms(found.fillingMs), ms(found.openingMs), balance, selection) + verdict
}

function row(store: string, ...cells: readonly string[]): string {
  return store.padEnd(18) + cells.map((cell) => cell.padStart(16)).join('')
}
