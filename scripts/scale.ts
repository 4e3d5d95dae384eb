/**
 * Measures a wallet with many proofs and a long history, on every store that this machine has, each started in a process
 * of its own, IndexedDB in Chromium. Prints a table, and with `--json` one JSON object as the last line. Exits with 1
 * where SQLite misses what is promised: balance and selection in 5 ms, and no more than one of a hundred slower; opening
 * in 1 s. How long the first call takes, with nothing compiled or cached, is only printed.
 *
 *   npm run scale -- [--proofs 100000] [--operations 10000] [--store NAME]... [--json]
 */
import { parseArgs } from 'node:util'
import { wholeNumber } from './kill-lab/run.ts'
import type { Size } from './scale/fill.ts'
import type { Figures, Times } from './scale/measure.ts'
import { measureAt, stores, type Elsewhere } from './scale/stores.ts'
import { templates } from './scale/templates.ts'

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

const BUDGET_MS = { opening: 1_000, balance: 5, selection: 5 } as const

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
else console.log(JSON.stringify(await measureAt(values.store[0] as Elsewhere, values.at)))

async function main(): Promise<void> {
  const size: Size = {
    proofs: wholeNumber('proofs', values.proofs),
    operations: wholeNumber('operations', values.operations),
  }
  console.log(`${size.proofs} proofs, ${size.operations} finished operations; milliseconds: first, median, 99th percentile`) // prettier-ignore
  console.log(row('store', 'filling', 'opening', 'balance', 'selection'))
  const results: Result[] = []
  for (const name of values.store) {
    const result = await measured(name, size)
    results.push(result)
    console.log(line(result))
  }
  if (values.json) console.log(JSON.stringify({ ...size, budgetMs: BUDGET_MS, results }))
  if (results.some(({ missed = [] }) => missed.length > 0)) process.exitCode = 1
}

async function measured(name: string, size: Size): Promise<Result> {
  const store = stores[name]!
  let place
  try {
    place = await store.start()
  } catch (error) {
    return { store: name, skipped: (error as Error).message }
  }
  await using _ = place
  const startedMs = performance.now()
  await place.fill(size, await templates())
  const fillingMs = performance.now() - startedMs
  const figures = await place.measure()
  return { store: name, fillingMs, ...figures, missed: store.budget ? missing(figures) : [] }
}

function missing({ openingMs, balance, selection }: Figures): string[] {
  const slow = (what: 'balance' | 'selection', { p50Ms, p99Ms }: Times): string[] =>
    Object.entries({ p50Ms, p99Ms }).flatMap(([which, ms]) => (ms > BUDGET_MS[what] ? [`${what}.${which}`] : []))
  return [
    ...(openingMs > BUDGET_MS.opening ? ['openingMs'] : []),
    ...slow('balance', balance),
    ...slow('selection', selection),
  ]
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0)
}

function line({ store, skipped, missed = [], fillingMs, openingMs, balance, selection }: Result): string {
  if (skipped !== undefined) return `${store.padEnd(18)} not measured: ${skipped}`
  const times = ({ firstMs, p50Ms, p99Ms }: Times): string => [firstMs, p50Ms, p99Ms].map(ms).join(' ')
  const verdict = missed.length > 0 ? `   MISSED: ${missed.join(', ')}` : ''
  return row(store, ms(fillingMs!), ms(openingMs!), times(balance!), times(selection!)) + verdict
}

function row(store: string, ...cells: readonly string[]): string {
  return store.padEnd(18) + cells.map((cell) => cell.padStart(18)).join('')
}
