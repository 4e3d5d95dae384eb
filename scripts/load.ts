/**
 * Puts the mint under load: clients with real crypto, over HTTP, against a mint in a process of its own that is killed
 * again and again. Prints figures by store, and with `--json` one JSON object as the last line. Exits with 1 where the
 * balances do not balance. Needs Linux, and for PostgreSQL its server programs.
 *
 *   npm run load -- [--store sqlite|postgres] [--swaps 10000] [--clients 64] [--kills 20] [--replicas 2] [--seed S] [--json]
 *
 * Half of the swaps are made undisturbed, by all clients at once: they are what is measured. In the other half clients
 * mint, pay and are paid as well, and the mint is killed. A run with rows in memory, without kills and of a fifth of the
 * swaps, comes first: machines differ, and what a store costs shows against it.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startRun, wholeNumber } from './kill-lab/run.ts'
import type { StoreName } from './load/places.ts'
import { run, type Result, type RunOptions } from './load/run.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string', multiple: true, default: ['sqlite', 'postgres'] },
    swaps: { type: 'string', default: '10000' },
    clients: { type: 'string', default: '64' },
    kills: { type: 'string', default: '20' },
    /** Processes of the mint on one database; of PostgreSQL only. */
    replicas: { type: 'string', default: '1' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    json: { type: 'boolean', default: false },
  },
})
for (const name of values.store)
  if (name !== 'sqlite' && name !== 'postgres') throw new TypeError(`--store is sqlite or postgres, not ${name}`)
const asked = {
  swaps: wholeNumber('swaps', values.swaps),
  clients: wholeNumber('clients', values.clients),
  kills: wholeNumber('kills', values.kills),
  replicas: wholeNumber('replicas', values.replicas),
}
const { say, seconds } = startRun('load', values.json)

const row = (...cells: readonly string[]): string => cells.map((cell, i) => (i ? cell.padStart(11) : cell.padEnd(10))).join('') // prettier-ignore

async function runOn(store: StoreName, options: Omit<RunOptions, 'store' | 'seed'>): Promise<Result> {
  const result = await run({ ...options, store, seed: values.seed })
  const { swaps, perSecond, p50Ms, p99Ms, commitsPerSwap, cpuMsPerSwap, cryptoMsPerSwap, kills, storm } = result
  const figures = [swaps, perSecond, p50Ms, p99Ms, commitsPerSwap, cpuMsPerSwap, cryptoMsPerSwap, kills]
  say(row(store, ...figures.map(String)))
  const { mints, melts, internal, failed, lost, repeated, restored } = storm
  say(`  storm: ${storm.swaps} swaps, ${storm.perSecond} a second, ${storm.p50Ms} / ${storm.p99Ms} ms; ${mints} mints; ${melts} payments, ${internal} of them internal, and ${failed} that failed; ${lost} answers lost, ${repeated} times asked again, ${restored} times restored`) // prettier-ignore
  for (const problem of result.problems) say(`  BAD ${problem}`)
  return result
}

say(`${asked.clients} clients, --seed ${values.seed}; times in ms`)
say(row('store', 'swaps', 'a second', 'p50', 'p99', 'commits/sw', 'CPU/swap', 'crypto/sw', 'kills'))
const baseline = await runOn('memory', { ...asked, swaps: Math.ceil(asked.swaps / 5), kills: 0, replicas: 1 })
const stores: Record<string, Result> = {}
for (const store of values.store as StoreName[])
  stores[store] = await runOn(store, { ...asked, replicas: store === 'postgres' ? asked.replicas : 1 })

const results = Object.values(stores)
const worst = (what: (result: Result) => number): number => Math.max(...results.map(what))
const total = (what: (result: Result) => number): number => results.reduce((all, result) => all + what(result), 0)
const balanced = [baseline, ...results].every((result) => result.balanced)
say(`${balanced ? 'every sat accounted for' : 'THE BALANCES DO NOT BALANCE'}, ${seconds()} s`)
if (values.json)
  // Of several stores the worst figure, and the sum of swaps and kills.
  console.log(
    JSON.stringify({
      swaps: total(({ swaps }) => swaps),
      perSecond: -worst(({ perSecond }) => -perSecond),
      p50Ms: worst(({ p50Ms }) => p50Ms),
      p99Ms: worst(({ p99Ms }) => p99Ms),
      commitsPerSwap: worst(({ commitsPerSwap }) => commitsPerSwap),
      cpuMsPerSwap: worst(({ cpuMsPerSwap }) => cpuMsPerSwap),
      cryptoMsPerSwap: worst(({ cryptoMsPerSwap }) => cryptoMsPerSwap),
      kills: total(({ kills }) => kills),
      balanced,
      seed: values.seed,
      stores,
      baseline,
    }),
  )
if (!balanced) process.exitCode = 1
