/** A store at whose commits anything may happen that may happen at a commit. */
import { StoreError, type Store, type Write } from '../store/port.ts'
import type { Fate } from './choices.ts'
import type { Life } from './life.ts'

/** `crashBefore` and `crashAfter` end the life; the others are what the port allows. */
export const COMMIT_FAULTS = [
  'crashBefore',
  'crashAfter',
  'conflict',
  'busy',
  'full',
  'inDoubtLanded',
  'inDoubtLost',
  /** Another process takes the operations over first, while this one holds on to its commit. */
  'overtaken',
] as const

/** What a commit is about, for the trace and for coverage. */
export const aboutOf = (writes: readonly Write[]): string => {
  const states = writes.flatMap((write) => {
    if ('put' in write && write.put === 'operations')
      return [`${write.row['kind'] as string} ${write.row['state'] as string}`]
    return 'patch' in write && write.patch === 'operations' ? ['taken over'] : []
  })
  return states.length > 0 ? states.join(', ') : writes.map((write) => Object.values(write)[0] as string).join(' ')
}

export function faultyStore(
  store: Store,
  of: {
    pick: Fate
    life: Life
    committed: (writes: readonly Write[], about: string) => void
    /** Has another process take the operations over for a while. */
    overtake: () => Promise<void>
  },
): Store {
  const { pick, life, committed, overtake } = of
  return {
    get: (table, key) => life.call(() => store.get(table, key)),
    query: (query) => life.call(() => store.query(query)),
    sum: (table, prefix) => life.call(() => store.sum(table, prefix)),
    commit: (writes) =>
      life.call(async () => {
        const about = aboutOf(writes)
        const land = async (): Promise<void> => {
          await store.commit(writes)
          committed(writes, about)
        }
        switch (
          pick(
            `commit ${about}`,
            ['ok', ...COMMIT_FAULTS],
            writes.flatMap((write) => ('put' in write ? [write.put, write.row] : [write])),
          ) // prettier-ignore
        ) {
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
          case 'inDoubtLost':
            throw new StoreError('IN_DOUBT', 'the connection broke, before the commit')
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
