/** A thread that explores scenarios, quickly, in the program as the overlay has it, and says of each what it found. */
import { parentPort, workerData } from 'node:worker_threads'
import { NOTES, together, type Notes } from './places.ts'

export interface ExploreJob {
  /** `kind.name`, in order; the first in which something is wrong is the last. */
  readonly scenarios: readonly string[]
  /** After so many lives of one, the next one's turn has come. */
  readonly mostLives: number
}

export interface ExploreOutcome {
  readonly scenario: string
  readonly violation?: string
  readonly cpuMs: number
  readonly notes?: Notes
}

const { scenarios: wanted, mostLives } = workerData as ExploreJob
const notes = process.env[NOTES] === undefined ? undefined : await import('./notes.ts')
// Stacks are not looked at, and cost a good part of a life.
Error.stackTraceLimit = 0
const { exploreCrashes } = await import('../../src/testing/explorer/explorer.ts')
const { nameOf } = await import('../../src/testing/explorer/subject.ts')
const { scenarios } = await import('../../src/testing/scenarios/index.ts')

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

const loaded = notes?.taken()
for (const name of wanted) {
  const scenario = scenarios.find((it) => nameOf(it) === name)
  if (!scenario) throw new RangeError(`no scenario is called '${name}'`)
  notes?.forget()
  const before = cpuMs()
  let lives = 0
  const { violations } = await exploreCrashes(scenario, {
    quick: true,
    depth: scenario.quickDepth ?? 1,
    mostViolations: 1,
    lives: () => lives++,
    landed: () => lives > mostLives,
  })
  const [first] = violations
  parentPort?.postMessage({
    scenario: name,
    cpuMs: cpuMs() - before,
    ...(first && { violation: `${first.what}  --replay ${first.path}` }),
    ...(notes && loaded && { notes: together([loaded, notes.taken()]) }),
  } satisfies ExploreOutcome)
  if (first) break
}
