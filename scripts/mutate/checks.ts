/** What may catch a mistake: test files and scenarios. Each is measured once, with probes; that is kept outside of the repository. */
import { globSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { cacheFolder, hashOf, root, together, type Notes } from './places.ts'
import { probed } from './probes.ts'
import { exploring, newTestProcess, workspace, type Workspace } from './runners.ts'
import type { Most } from './test-host.ts'

export interface Check {
  readonly sort: 'test' | 'scenario'
  /** The test file, or `kind.name`. */
  readonly name: string
}

export interface Measured extends Check, Notes {
  readonly cpuMs: number
  readonly wallMs: number
  /** It does not pass in the program as it is, so it can catch nothing. */
  readonly failed?: string
}

/** What is measured is kept while none of the sources that it loaded has changed. */
interface Kept extends Measured {
  readonly hashes: { readonly [file: string]: string }
}

/** Not asked: they hold the text of charts or of declarations against a copy, and any change at all fails them. */
const COPIES = new Set(['test/machines/chart-versions.test.ts', 'test/docs/api.test.ts', 'test/scripts/mutate.test.ts'])
/** Real mutants and processes under load: what these say of one mistake takes minutes. */
const LONG = new Set(['test/explorer/mutants.test.ts'])

const IDLE_MS = 60_000
/** What scenarios visit is mostly what their first lives visit. */
export const FIRST_LIVES = 25

export const sourceFiles = (): string[] => globSync('{src,machines}/**/*.ts', { cwd: root }).toSorted()

export function allChecks(): Check[] {
  const tests = globSync('test/!(stores-real)/**/*.test.ts', { cwd: root }).toSorted()
  return [
    ...tests.filter((name) => !COPIES.has(name) && !LONG.has(name)).map((name): Check => ({ sort: 'test', name })),
    ...scenarios.map((it): Check => ({ sort: 'scenario', name: nameOf(it) })),
  ]
}

/** Measures what is not measured yet, two at a time, and returns all that can catch something. */
export async function measuredChecks(
  checks: readonly Check[],
  { longestMs, tell }: { readonly longestMs: number; readonly tell: (line: string) => void },
): Promise<Measured[]> {
  const most: Most = { cpuMs: longestMs, idleMs: IDLE_MS }
  const hashes = new Map(sourceFiles().map((file) => [file, hashOf(readFileSync(root + file, 'utf8'))]))
  const place = ({ sort, name }: Check): string => `${cacheFolder()}/coverage/${sort}-${hashOf(name)}.json`
  const known = (check: Check): Measured | undefined => {
    try {
      const kept = JSON.parse(readFileSync(place(check), 'utf8')) as Kept
      const isFresh = Object.entries(kept.hashes).every(([file, hash]) => hash === (hashes.get(file) ?? ownHash(file)))
      return isFresh && (kept.failed === undefined || kept.cpuMs > longestMs) ? kept : undefined
    } catch {
      return undefined
    }
  }
  const keep = (it: Measured): Measured => {
    const files = Object.keys(it.ran).map((file) => [file, hashes.get(file) ?? ''] as const)
    const own = it.sort === 'test' ? [[it.name, ownHash(it.name)] as const] : []
    const kept: Kept = { ...it, hashes: Object.fromEntries<string>([...files, ...own]) }
    mkdirSync(dirname(place(it)), { recursive: true })
    writeFileSync(place(it), JSON.stringify(kept))
    return it
  }
  const found = checks.flatMap((check) => known(check) ?? [])
  const have = new Set(found.map(({ name }) => name))
  const missing = checks.filter(({ name }) => !have.has(name))
  if (missing.length > 0) tell(`measures ${missing.length} of ${checks.length} tests and scenarios, once`)
  const tests = missing.filter(({ sort }) => sort === 'test')
  const rest = missing.filter(({ sort }) => sort === 'scenario')
  const done = (it: Measured): void => {
    found.push(it.failed === undefined || it.cpuMs > longestMs ? keep(it) : it)
    tell(`${it.failed === undefined ? '' : '✗ '}${it.name}: ${(it.cpuMs / 1_000).toFixed(1)} s of CPU${it.failed === undefined ? '' : `; ${it.failed}`}`) // prettier-ignore
  }
  // Where one sort is through, its core does the other's.
  await Promise.all([
    measureTests(tests, most, done),
    measureScenarios(rest, most, done).then(() => measureTests(tests, most, done)),
  ])
  return found.filter(({ failed, cpuMs }) => failed === undefined && cpuMs <= longestMs)
}

const ownHash = (file: string): string => hashOf(readFileSync(root + file, 'utf8'))

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
