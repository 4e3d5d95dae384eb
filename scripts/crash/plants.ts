/** Plants mistakes, one at a time, and looks whether the explorer finds them. */
import type { Plant } from '../../src/testing/planted.ts'
import { run, type Job } from './pool.ts'

/** A plant is caught where a violation begins with the invariant that it is said to break. */
export async function plantAll(
  plants: readonly Plant[],
  log: (line: string) => void,
): Promise<{ total: number; caught: number }> {
  const jobs = plants.flatMap((plant) =>
    plant.scenarios.map((scenario): Job => ({
      scenario,
      plant,
      options: { faults: plant.faults ?? 1, mostViolations: 5 },
    })),
  )
  const caught = new Map<string, string>()
  const missed = new Map<string, string[]>()
  await run(jobs, {
    outcome({ plant, scenario }, outcome) {
      const { name, breaks } = plant!
      const found = 'error' in outcome ? [{ what: outcome.error, path: scenario }] : outcome.exploration.violations
      const hit = found.find(({ what }) => breaks.some((invariant) => what.startsWith(invariant)))
      if (hit) caught.set(name, `${hit.what}\n      ${hit.path}`)
      else missed.set(name, [...(missed.get(name) ?? []), ...found.map(({ what, path }) => `${what}\n      ${path}`)])
    },
  })
  for (const { name, breaks } of plants) {
    const how = caught.get(name)
    if (how !== undefined) log(`✓ planted: ${name}\n    ${how}`)
    else
      log(
        `✗ planted: ${name}: none of ${breaks.join(', ')} fired${(missed.get(name) ?? [])
          .slice(0, 3)
          .map((what) => `\n    ${what}`)
          .join('')}`,
      )
  }
  return { total: plants.length, caught: caught.size }
}
