/** Plants mistakes, one at a time, and looks whether the explorer finds them. */
import type { Mutant } from '../../src/testing/mutants/index.ts'
import { run, type Job } from './pool.ts'
import { liveLine, table } from './print.ts'
import { startStore, type StorePlace } from './stores.ts'

/** Violations of other invariants that are passed over while looking for the one that a mutant names. */
const MOST_OTHERS = 1_000
const SHOWN = 3

function jobOf(mutant: Mutant, sqlite: StorePlace): Job {
  const { scenario, breaks, faults = 1, lane } = mutant
  const job = { scenario, mutant, options: { faults, mostViolations: MOST_OTHERS, until: breaks } }
  if (lane === 'owners') return { ...job, lane: { lane } }
  if (lane === 'group') return { ...job, lane: { lane }, place: sqlite }
  return { ...job, isReal: lane === 'crypto' }
}

/** A mutant is caught where the invariant that it names fires; another one is not enough. */
export async function runMutants(
  mutants: readonly Mutant[],
  log: (line: string) => void,
): Promise<{ total: number; caught: number }> {
  await using sqlite = await startStore('sqlite')
  const jobs = mutants.map((mutant) => jobOf(mutant, sqlite.place))
  const caught = new Map<Mutant, string>()
  const missed = new Map<Mutant, readonly string[]>()
  const line = liveLine()
  await run(jobs, {
    outcome({ mutant }, outcome) {
      const found = 'error' in outcome ? [{ what: outcome.error, path: '' }] : outcome.exploration.violations
      const hit = found.find(({ what }) => what.startsWith(`${mutant!.breaks}:`))
      if (hit) caught.set(mutant!, hit.path)
      else missed.set(mutant!, found.slice(0, SHOWN).map(({ what, path }) => `${what}  ${path}`)) // prettier-ignore
    },
    progress: (running) =>
      line.show(`${caught.size + missed.size}/${mutants.length} mutants; ${running.map(({ job }) => job.mutant!.name).join(', ')}`), // prettier-ignore
  })
  line.clear()
  const lines = mutants.map((mutant) => [
    String(mutant.row ?? /^(bounty|mint-)/.exec(mutant.scenario)?.[0].replace('-', '') ?? 'kernel'),
    mutant.name,
    mutant.breaks,
    caught.get(mutant) ?? '✗ escaped',
  ])
  log(table([['row', 'mutant', 'invariant', 'path'], ...lines]))
  for (const [{ name, breaks }, found] of missed) {
    log(`✗ ${name}: '${breaks}' did not fire`)
    for (const what of found) log(`    ${what}`)
  }
  return { total: mutants.length, caught: caught.size }
}
