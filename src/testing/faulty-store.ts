/** A store at whose commits anything may happen that may happen at a commit. */
import { StoreError, type Store, type Write } from '../store/port.ts'
import type { Choices } from './choices.ts'
import type { Life } from './life.ts'

/** `crashBefore` and `crashAfter` end the life; the others are what the port allows. */
export const COMMIT_FAULTS = ['crashBefore', 'crashAfter', 'conflict', 'busy', 'inDoubtLanded', 'inDoubtLost'] as const

/** What a commit is about, for the trace and for coverage. */
export type Describe = (writes: readonly Write[]) => string

export function faultyStore(
  store: Store,
  { choices, life, describe, committed }: { choices: Choices; life: Life; describe: Describe; committed: (writes: readonly Write[]) => void },
): Store {
  const land = async (writes: readonly Write[]): Promise<void> => {
    await store.commit(writes)
    committed(writes)
  }
  return {
    get: (table, key) => life.call(() => store.get(table, key)),
    query: (query) => life.call(() => store.query(query)),
    sum: (table, prefix) => life.call(() => store.sum(table, prefix)),
    commit: (writes) =>
      life.call(async () => {
        switch (choices.pick(`commit ${describe(writes)}`, ['ok', ...COMMIT_FAULTS])) {
          case 'crashBefore':
            return life.die()
          case 'crashAfter':
            await land(writes)
            return life.die()
          case 'conflict':
            throw new StoreError('CONFLICT', 'another row was in the way')
          case 'busy':
            throw new StoreError('BUSY', 'somebody else has the lock')
          case 'inDoubtLost':
            throw new StoreError('IN_DOUBT', 'the connection broke, before the commit')
          case 'inDoubtLanded':
            await land(writes)
            throw new StoreError('IN_DOUBT', 'the connection broke, after the commit')
          case 'ok':
            return land(writes)
        }
      }),
    watch: (table, changed) => store.watch(table, () => life.dead || changed()),
    close: () => life.call(() => store.close()),
  }
}
