/**
 * The lane of crypto: it repeats paths of the explorer with the real crypto. Everything must happen as with the stub.
 */
import { exploreCrashes, replay } from '../explorer/explorer.ts'
import type { Scenario, Stage } from '../explorer/subject.ts'

/** What happened on a path. */
export interface Told {
  readonly path: string
  /** Lives, commits, requests and states, in order. */
  readonly story: readonly string[]
  readonly violations: readonly string[]
}

/** Draws this many of the paths of a quick exploration. `below` draws a number below another. */
export async function samplePaths<S extends Stage>(
  scenario: Scenario<S>,
  count: number,
  below: (limit: number) => number,
  begins: (path: string) => void,
): Promise<string[]> {
  const paths: string[] = []
  const lives = (path: string): void => {
    begins(path)
    paths.push(path)
  }
  await exploreCrashes(scenario, { depth: 1, quick: true, lives })
  const picked: string[] = []
  while (picked.length < count && paths.length > 0) picked.push(...paths.splice(below(paths.length), 1))
  return picked
}

/** Returns what happens on each path. */
export async function tell<S extends Stage>(scenario: Scenario<S>, paths: readonly string[]): Promise<Told[]> {
  const told: Told[] = []
  for (const path of paths) {
    const { trace, violations } = await replay(scenario, path)
    told.push({ path, story: trace.map(({ column, text }) => `${column} ${text}`), violations })
  }
  return told
}

/** The first difference between two runs of the same path. */
export function otherwise(stub: readonly Told[], real: readonly Told[]): { path: string; what: string }[] {
  return stub.flatMap(({ path, story }, index) => {
    const again = real[index]
    if (!again) return [{ path, what: 'told: it was not told again' }]
    const wrong = again.violations.map((what) => ({ path, what }))
    const at = story.findIndex((text, place) => again.story[place] !== text)
    const from = at === -1 && again.story.length > story.length ? story.length : at
    if (from === -1) return wrong
    const what = `told: '${story[from] ?? 'the end'}' with the stub, and '${again.story[from] ?? 'the end'}' with the real crypto`
    return [...wrong, { path, what }]
  })
}
