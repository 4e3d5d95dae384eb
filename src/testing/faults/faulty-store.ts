/** A store that injects every possible fault of a commit. */
import { StoreError, type Row, type Store, type Write } from '../../store/port.ts'
import type { Inject } from '../explorer/choices.ts'
import type { Life } from '../explorer/life.ts'
import { isHistory } from '../explorer/world.ts'
import type { Outages } from './outages.ts'

/** The faults of a commit. `crashBefore` and `crashAfter` end the life; the port allows the others. */
export const COMMIT_FAULTS = [
  'crashBefore',
  'crashAfter',
  'conflict',
  'busy',
  'full',
  /** Refused for good: somebody mends the database a while later, and has go on what was set aside for it. */
  'unstorable',
  'inDoubtLanded',
  'inDoubtLost',
  /** The commit lands, is reported in doubt, and for a while the store cannot be read. */
  'inDoubtUnread',
  /** Another process takes the operations over first, while this one is paused at its commit. */
  'overtaken',
] as const

/** The number of reads that fail after a commit in doubt. */
const UNREAD = 4

/** Describes a commit, for the trace and for coverage. */
export const aboutOf = (writes: readonly Write[]): string => {
  const states = writes.flatMap((write) => {
    if ('put' in write && write.put === 'operations')
      return [`${write.row['kind'] as string} ${write.row['state'] as string}`]
    return 'patch' in write && write.patch === 'operations' ? ['taken over'] : []
  })
  return states.length > 0 ? states.join(', ') : writes.map((write) => Object.values(write)[0] as string).join(' ')
}

/** The ids of the commit in the operations that it writes. */
const commitIdsIn = (writes: readonly Write[]): unknown[] =>
  writes.flatMap((write) => {
    if ('put' in write && write.put === 'operations') return [write.row['commitId']]
    return 'patch' in write && write.patch === 'operations' ? [write.set['commitId']] : []
  })

/** What a write is about to do, for the fingerprint. */
function doneBy(write: Write): (string | object)[] {
  if (!('put' in write)) return [write]
  return isHistory(write.put, write.row) ? [] : [write.put, write.row]
}

/** A store whose commits fail as the choices say. */
export function faultyStore(
  store: Store,
  of: {
    inject: Inject
    life: Life
    committed: (about: string, writes: readonly Write[]) => void
    /** Has another process take the operations over for a while. */
    overtake: () => Promise<void>
    /** Told of a commit that is refused for good, and of one that is tried again all the same. */
    refused?: (isTriedAgain: boolean) => void
    /** When it is away, as the scenario says. */
    outages?: Outages
  },
): Store {
  const { inject, life, committed, overtake, outages } = of
  let unread = 0
  /** The ids of commits that were refused for good. */
  const refused = new Set<unknown>()
  const read = <T>(ask: () => Promise<T>): Promise<T> =>
    life.call(async () => {
      outages?.check()
      if (unread === 0) return ask()
      unread--
      throw new StoreError('BUSY', 'the connection is not back yet')
    })
  return {
    get: (table, key) => read(() => store.get(table, key)),
    query: (query) => read(() => store.query(query)),
    sum: (table, prefix) => read(() => store.sum(table, prefix)),
    commit: (writes) =>
      life.act(async () => {
        outages?.check()
        const about = aboutOf(writes)
        const commitIds = commitIdsIn(writes)
        if (commitIds.some((id) => refused.has(id))) of.refused?.(true)
        const doing = writes.flatMap((write) => doneBy(write))
        const { fault, applied } = inject(`commit ${about}`, ['ok', ...COMMIT_FAULTS], doing)
        const land = async (): Promise<void> => {
          await store.commit(writes)
          committed(about, writes)
          void applied()
        }
        if (outages?.begin(about)) return outages.meet(land)
        switch (fault) {
          case 'crashBefore':
            return life.die()
          case 'crashAfter':
            await land()
            return life.die()
          case 'conflict':
            throw new StoreError('CONFLICT', 'another row was in the way')
          case 'busy':
            throw new StoreError('BUSY', 'somebody else has the lock')
          case 'full':
            throw new StoreError('FULL', 'no space is left')
          case 'unstorable':
            for (const id of commitIds) refused.add(id)
            of.refused?.(false)
            throw new StoreError('UNSTORABLE', 'a constraint of the database refuses it')
          case 'inDoubtLost':
            throw new StoreError('IN_DOUBT', 'the connection broke, before the commit')
          case 'inDoubtUnread':
            unread = UNREAD
            await land()
            throw new StoreError('IN_DOUBT', 'the connection broke, and does not come back')
          case 'inDoubtLanded':
            await land()
            throw new StoreError('IN_DOUBT', 'the connection broke, after the commit')
          case 'overtaken':
            await overtake()
            return land()
          case 'ok':
            return land()
        }
      }),
    watch: (table, changed) => store.watch(table, () => life.dead || changed()),
    close: () => life.call(() => store.close()),
  }
}

/** A store whose operations cannot be loaded: their snapshots are corrupt, or a later program wrote them. */
export function misreading(store: Store, how: 'corrupt' | 'newer'): Store {
  const wrong = <R extends Row>(row: R): R => ({
    ...row,
    ...(how === 'corrupt' ? { snapshot: '{' } : { kindVersion: 1_000 }),
  })
  return {
    ...store,
    get: async <R extends Row = Row>(table: string, key: readonly (string | number)[]) => {
      const row = await store.get<R>(table, key)
      return row && table === 'operations' ? wrong(row) : row
    },
    query: async <R extends Row = Row>(query: Parameters<Store['query']>[0]) => {
      const found = await store.query<R>(query)
      return query.table === 'operations' ? found.map(wrong) : found
    },
  }
}
