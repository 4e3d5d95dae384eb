/** The kinds of a program by their names, each in all versions that it was opened with. */
import type { OperationKind, OperationRow } from '../define/operation.ts'
import type { LoadedKind } from '../kernel.ts'

/**
 * The newest version of each kind, with the others behind it: a row runs on the version that wrote it, else on the next one
 * that is given and can migrate it. `load` binds one version.
 *
 * @throws {TypeError} where a version is given twice
 */
export function loadVersions<Ports>(
  kinds: readonly OperationKind<Ports>[],
  load: (kind: OperationKind<Ports>) => LoadedKind,
): Map<string, LoadedKind> {
  const byName = new Map<string, LoadedKind>()
  for (const [name, versions] of Map.groupBy(kinds, ({ kind }) => kind)) {
    const ascending = versions.toSorted((a, b) => a.version - b.version)
    const twice = ascending.find(({ version }, at) => ascending[at + 1]?.version === version)
    if (twice) throw new TypeError(`kinds: '${name}' of version ${twice.version} twice`)
    const loaded = ascending.map(load)
    const newest = loaded.at(-1)
    if (newest) byName.set(name, loaded.length === 1 ? newest : among(loaded, newest))
  }
  return byName
}

/** The newest of several versions. Whatever it is asked of a row, the version answers on which that runs. */
function among(ascending: readonly LoadedKind[], newest: LoadedKind): LoadedKind {
  const of = (row: OperationRow): LoadedKind => ascending.find(({ kind }) => isWithin(kind, row.kindVersion)) ?? newest
  return {
    ...newest,
    versions: ascending.toReversed(),
    of,
    restore: (row) => of(row).restore(row),
    timers: (row) => of(row).timers(row),
  }
}

/** Whether rows of a version are of this one, or can be migrated to it. */
function isWithin({ version, migrate }: OperationKind, written: number): boolean {
  if (written > version) return false
  for (let from = written; from < version; from++) if (!migrate?.[from]) return false
  return true
}
