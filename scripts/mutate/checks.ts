/** What may catch a mistake: test files and scenarios. Each is measured once, with probes; that is kept outside of the repository. */
import { globSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import type { Check, Measured } from './check.ts'
import { KeptCoverage } from './kept-coverage.ts'
import { root, sourceFiles, together, type Notes } from './places.ts'
import { probed } from './probes.ts'
import { exploring, newTestProcess, workspace, type Workspace } from './runners.ts'
import type { Most } from './test-host.ts'

/** Not asked: they hold the text of charts or of declarations against a copy, and any change at all fails them. */
const COPIES = new Set(['test/machines/chart-versions.test.ts', 'test/docs/api.test.ts', 'test/scripts/mutate.test.ts'])
/** Real mutants and processes under load: what these say of one mistake takes minutes. */
const LONG = new Set(['test/explorer/mutants.test.ts'])

const IDLE_MS = 60_000
/** What scenarios visit is mostly what their first lives visit. */
export const FIRST_LIVES = 25

/** Sources that nothing runs but a server or a browser. */
export const NEEDS_MORE = /^src\/store\/(postgres|indexeddb)\//

/** All test files and scenarios; with the tests that need a PostgreSQL server or a browser where that is asked. */
export function allChecks(withRealStores: boolean): Check[] {
  const tests = globSync(`test/${withRealStores ? '*' : '!(stores-real)'}/**/*.test.ts`, { cwd: root }).toSorted()
  return [
    ...tests.filter((name) => !COPIES.has(name) && !LONG.has(name)).map((name): Check => ({ sort: 'test', name })),
    ...scenarios.map((it): Check => ({ sort: 'scenario', name: nameOf(it) })),
  ]
}

export interface MeasureOptions {
  /** What takes longer, without mistakes, is not asked: one mistake is not worth it. */
  readonly longestMs: number
  /** Also what is measured already. */
  readonly anew: boolean
  readonly tell: (line: string) => void
}

/** Measures what is not measured yet, two at a time, and returns all that can catch something. */
export async function measuredChecks(
  checks: readonly Check[],
  { longestMs, anew, tell }: MeasureOptions,
): Promise<Measured[]> {
  const most: Most = { cpuMs: longestMs, idleMs: IDLE_MS }
  const kept = new KeptCoverage()
  const found = checks.flatMap((check) => (anew ? undefined : kept.get(check, longestMs)) ?? [])
  const have = new Set(found.map(({ name }) => name))
  const missing = checks.filter(({ name }) => !have.has(name))
  if (missing.length > 0) tell(`measures ${missing.length} of ${checks.length} tests and scenarios, once`)
  const tests = missing.filter(({ sort }) => sort === 'test')
  const rest = missing.filter(({ sort }) => sort === 'scenario')
  const done = (it: Measured): void => {
    if (it.failed === undefined || it.cpuMs > longestMs) kept.set(it)
    found.push(it)
    tell(`${it.failed === undefined ? '' : '✗ '}${it.name}: ${(it.cpuMs / 1_000).toFixed(1)} s of CPU${it.failed === undefined ? '' : `; ${it.failed}`}`) // prettier-ignore
  }
  // Where one sort is through, its core does the other's.
  await Promise.all([
    measureTests(tests, most, done),
    measureScenarios(rest, most, done).then(() => measureTests(tests, most, done)),
  ])
  return found.filter(({ failed, cpuMs }) => failed === undefined && cpuMs <= longestMs)
}

function probedWorkspace(): Workspace {
  const place = workspace(true)
  for (const file of sourceFiles()) place.put(file, probed(file, readFileSync(root + file, 'utf8')))
  return place
}

/** Until none is waiting. */
async function measureTests(waiting: Check[], most: Most, done: (it: Measured) => void): Promise<void> {
  if (waiting.length === 0) return
  using place = probedWorkspace()
  let tests = newTestProcess(place)
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const { sort, name } = check
    const { failed, hangs, cpuMs, wallMs } = await tests.run({ files: [name], changed: [], most })
    if (hangs) {
      tests.end()
      tests = newTestProcess(place)
    }
    const { ran, states } = notesIn(place.notes)
    const wrong = hangs ? 'takes too long' : failed
    done({ sort, name, cpuMs, wallMs, ran, states, ...(wrong !== undefined && { failed: wrong }) })
  }
  tests.end()
}

/** What the processes of a run left, which is gone afterwards. */
function notesIn(folder: string): Notes {
  const paths = readdirSync(folder).map((name) => `${folder}/${name}`)
  const found = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Notes)
  for (const path of paths) rmSync(path)
  return together(found)
}

async function measureScenarios(checks: readonly Check[], most: Most, done: (it: Measured) => void): Promise<void> {
  if (checks.length === 0) return
  using place = probedWorkspace()
  const waiting = checks.map(({ name }) => name)
  while (waiting.length > 0) {
    const end = await exploring(place, { scenarios: waiting, mostLives: FIRST_LIVES, most: () => most }, (it) => {
      waiting.splice(waiting.indexOf(it.scenario), 1)
      const { scenario, violation, cpuMs, notes = { ran: {}, states: [] } } = it
      const failed = violation === undefined ? {} : { failed: violation }
      done({ sort: 'scenario', name: scenario, cpuMs, wallMs: cpuMs, ...notes, ...failed })
    })
    const [stuck] = waiting
    if (end === undefined || stuck === undefined) continue
    waiting.shift()
    done({ sort: 'scenario', name: stuck, cpuMs: most.cpuMs, wallMs: most.cpuMs, ran: {}, states: [], failed: end })
  }
}
