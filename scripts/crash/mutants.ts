/** Plants mistakes, one at a time, and looks whether the explorer finds them. */
import type { Mutant } from '../../src/testing/mutants/index.ts'
import { run, type Job } from './pool.ts'
import { liveLine, table } from './print.ts'

/** Violations of other invariants that are passed over while looking for the one that a mutant names. */
const MOST_OTHERS = 1_000
const SHOWN = 3

/** A mutant is caught where the invariant that it names fires; another one is not enough. */
export async function runMutants(
  mutants: readonly Mutant[],
  log: (line: string) => void,
): Promise<{ total: number; caught: number }> {
  const jobs = mutants.map((mutant): Job => ({
    scenario: mutant.scenario,
    mutant,
    options: { faults: mutant.faults ?? 1, mostViolations: MOST_OTHERS, until: mutant.breaks },
  }))
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
