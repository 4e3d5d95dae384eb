/** Plants mistakes, one at a time, and looks whether the explorer finds them. */
import type { Plant } from '../../src/testing/mutants/index.ts'
import { run, type Job } from './pool.ts'
import { liveLine, table } from './print.ts'

/** Violations of other invariants that are passed over while looking for the one that a plant names. */
const MOST_OTHERS = 1_000
const SHOWN = 3

/** A plant is caught where the invariant that it names fires; another one is not enough. */
export async function plantAll(
  plants: readonly Plant[],
  log: (line: string) => void,
): Promise<{ total: number; caught: number }> {
  const jobs = plants.map((plant): Job => ({
    scenario: plant.scenario,
    plant,
    options: { faults: plant.faults ?? 1, mostViolations: MOST_OTHERS, until: plant.breaks },
  }))
  const caught = new Map<Plant, string>()
  const missed = new Map<Plant, readonly string[]>()
  const line = liveLine()
  await run(jobs, {
    outcome({ plant }, outcome) {
      const found = 'error' in outcome ? [{ what: outcome.error, path: '' }] : outcome.exploration.violations
      const hit = found.find(({ what }) => what.startsWith(`${plant!.breaks}:`))
      if (hit) caught.set(plant!, hit.path)
      else missed.set(plant!, found.slice(0, SHOWN).map(({ what, path }) => `${what}  ${path}`)) // prettier-ignore
    },
    progress: (running) =>
      line.show(`${caught.size + missed.size}/${plants.length} planted; ${running.map(({ job }) => job.plant!.name).join(', ')}`), // prettier-ignore
  })
  line.clear()
  const lines = plants.map((plant) => [
    String(plant.row ?? /^(bounty|mint-)/.exec(plant.scenario)?.[0].replace('-', '') ?? 'kernel'),
    plant.name,
    plant.breaks,
    caught.get(plant) ?? '✗ escaped',
  ])
  log(table([['row', 'planted', 'invariant', 'path'], ...lines]))
  for (const [{ name, breaks }, found] of missed) {
    log(`✗ ${name}: '${breaks}' did not fire`)
    for (const what of found) log(`    ${what}`)
  }
  return { total: plants.length, caught: caught.size }
}
