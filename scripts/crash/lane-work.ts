/** What a worker thread does for a lane. */
import type { TestedStore } from '../../src/testing/environments/backing-store.ts'
import type { Exploration } from '../../src/testing/explorer/findings.ts'
import { nameOf, type Scenario, type Stage } from '../../src/testing/explorer/subject.ts'
import { samplePaths, tell } from '../../src/testing/lanes/crypto.ts'
import { exploreGroups } from '../../src/testing/lanes/groups.ts'
import { exploreOwners, SHARINGS } from '../../src/testing/lanes/owners.ts'
import { groupScenarios, ownersScenarios } from '../../src/testing/lanes/scenarios.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { prng } from '../kill-lab/prng.ts'
import { groupedStore } from './group-store.ts'
import type { Job, LaneJob, Outcome } from './pool.ts'

interface Worker {
  readonly store: TestedStore | undefined
  readonly thread: number
  /** Told of each path before it is gone. */
  readonly begins: (path: string) => void
}

/** @throws {TypeError} where there is no such scenario. */
export function named<S extends Stage>(list: readonly Scenario<S>[], name: string): Scenario<S> {
  const found = list.find((it) => nameOf(it) === name)
  if (!found) throw new TypeError(`no scenario is called '${name}'`)
  return found
}

export async function exploreLane(job: Job, worker: Worker): Promise<Outcome> {
  try {
    return await explored(job, worker)
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function explored({ scenario, options, place, lane }: Job, worker: Worker): Promise<Outcome> {
  const { store, thread, begins: lives } = worker
  if (lane?.lane === 'owners') {
    // A real store has its own way of telling who owns what.
    const by = place && (place.store === 'sqlite' ? 'lock' : 'heartbeats')
    const sharings = SHARINGS.filter((it) => by === undefined || it.by === by)
    return {
      exploration: await exploreOwners(named(ownersScenarios, scenario), { ...options, sharings, store, lives }),
    }
  }
  if (lane?.lane === 'group') {
    if (place?.store !== 'sqlite') throw new TypeError('groups are explored on a SQLite file')
    const files = groupedStore(place.dir, thread)
    return { exploration: await exploreGroups(named(groupScenarios, scenario), files, { ...options, lives }) }
  }
  if (lane) return toldOf(named(scenarios, scenario), lane, lives)
  throw new TypeError('the job is of no lane')
}

async function toldOf(
  scenario: Scenario<Stage>,
  lane: LaneJob & { lane: 'crypto' },
  begins: (path: string) => void,
): Promise<Outcome> {
  const drawn = 'seed' in lane && prng(lane.seed)
  const below = (limit: number): number => (drawn ? drawn.below(limit) : 0)
  const paths = 'paths' in lane ? lane.paths : await samplePaths(scenario, lane.count, below, begins)
  const told = []
  for (const path of paths) {
    begins(path)
    told.push(...(await tell(scenario, [path])))
  }
  const violations = told.flatMap((it) => it.violations.map((what) => ({ path: it.path, what })))
  const exploration: Exploration = {
    ...{ sites: 0, worlds: 0, runs: [], lives: told.length, crashes: 0, visited: new Set() },
    ...{ closed: violations.length === 0, violations },
  }
  return { exploration, told }
}
