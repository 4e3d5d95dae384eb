/** Runs one path of a lane again. */
import { isGroupPath, replayGroups } from '../../src/testing/lanes/groups.ts'
import { ownersPath, replayOwners } from '../../src/testing/lanes/owners.ts'
import { groupScenarios, ownersScenarios } from '../../src/testing/lanes/scenarios.ts'
import { groupedStore } from './group-store.ts'
import { named } from './lane-work.ts'
import { startStore, testedStore, type StorePlace } from './stores.ts'

/** What happened on a path; undefined where it is none of a lane. */
export async function replayLane(
  path: string,
  place?: StorePlace,
): Promise<Awaited<ReturnType<typeof replayOwners>> | undefined> {
  const scenario = path.replace(/@.*/, '')
  if (ownersPath(path)) return replayOwners(named(ownersScenarios, scenario), path, place && testedStore(place, 0))
  if (!isGroupPath(path)) return undefined
  await using sqlite = await startStore('sqlite')
  if (sqlite.place.store !== 'sqlite') throw new TypeError('groups are explored on a SQLite file')
  return await replayGroups(named(groupScenarios, scenario), path, groupedStore(sqlite.place.dir, 0))
}
