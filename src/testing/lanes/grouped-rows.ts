/**
 * Rows in a real store whose commits share transactions. As in production, calls do not wait for one another. As soon
 * as a commit is over, it is tried in memory too, and must end in the same way. At the end all rows must be equal.
 */
import { memoryStore, type Dump } from '../../store/memory.ts'
import type { Row, Schema, Store, StoreErrorCode, Write } from '../../store/port.ts'
import { calling, closed, codeOf, turn, type BackingStore, type TestedStore } from '../environments/backing-store.ts'
import { miscounted } from '../invariants/totals.ts'

/** The faults of a transaction that several commits share. */
export type GroupFault =
  | { readonly does: 'ok' }
  /** It does not begin: another process has the lock. */
  | { readonly does: 'busy' }
  /** All of it is written, but nothing lands. */
  | { readonly does: 'busyInTheEnd' | 'inDoubtLost' | 'crashBefore' }
  /** It lands, but the process does not learn of it. */
  | { readonly does: 'inDoubtLanded' | 'crashAfter' }
  /** No space is left for one member. Only this member fails, or the whole transaction ends. */
  | { readonly does: 'fullForOne' | 'fullForAll'; readonly member: number }
  /** Another process was faster with the operation of one member. */
  | { readonly does: 'rival'; readonly id: string; readonly set: Row; readonly step: Row }

/** A real store with faults at shared transactions. */
export interface GroupedStore extends TestedStore {
  /** From now on, this chooses the fault of each transaction that has begun; undefined if it has only one commit. */
  befall(fault: () => GroupFault, died: () => void): void
}

/** A commit that waits. */
interface Member {
  readonly writes: readonly Write[]
  /** How it must end; if undefined, as in memory. */
  expected?: StoreErrorCode
  /** It has been tried in memory already, or never will be. */
  settled?: boolean
}

const ALL: Partial<Record<GroupFault['does'], StoreErrorCode>> = {
  busy: 'BUSY',
  busyInTheEnd: 'BUSY',
  inDoubtLost: 'IN_DOUBT',
  inDoubtLanded: 'IN_DOUBT',
  fullForAll: 'FULL',
}

/** Chooses the faults of transactions, and is told of their results. */
interface Befalling {
  /** Chooses the fault of a transaction with this many commits. */
  readonly choose: (group: readonly (readonly Write[])[]) => GroupFault
  /** The process dies. */
  readonly died: () => void
  /** Called after a commit that landed without the process learning of it, with the rows before it. */
  readonly unheard: (writes: readonly Write[], before: Dump) => void
}

/** Rows in a store whose commits share transactions, and memory beside it. */
export function groupedRows(tested: GroupedStore, rows: Dump, { choose, died, unheard }: Befalling): BackingStore {
  const memory = memoryStore()
  memory.load(rows)
  tested.load(rows)
  const wrong: string[] = []
  const handles: Store[] = []
  let shadow: Store | undefined
  let opened: Schema | undefined
  const waiting: Member[] = []
  let open = 0
  /** In memory commits land within the call. */
  const land = (writes: readonly Write[]): Promise<string> => (shadow ? codeOf(shadow.commit(writes)) : Promise.resolve('')) // prettier-ignore

  function nextFault(): GroupFault {
    const group = waiting.splice(0)
    if (group.length < 2) return { does: 'ok' }
    const found = choose(group.map(({ writes }) => writes))
    const { does } = found
    if (does === 'rival') {
      const { id, set, step } = found
      void land([
        { patch: 'operations', key: [id], set },
        { put: 'steps', row: step },
      ])
    }
    if (does === 'inDoubtLanded' || does === 'crashAfter')
      for (const { writes } of group) {
        const before = memory.dump()
        void land(writes).then((outcome) => outcome === 'landed' && unheard(writes, before))
      }
    for (const [at, member] of group.entries()) {
      const expected = ALL[does] ?? (does === 'fullForOne' && found.member === at ? 'FULL' : undefined)
      if (expected) member.expected = expected
      member.settled = expected !== undefined || does.startsWith('crash')
    }
    return found
  }
  tested.befall(nextFault, died)

  const called = async <T>(call: () => Promise<T>): Promise<T> => {
    open++
    try {
      return await call()
    } finally {
      open--
    }
  }
  const commit = async (store: Store, writes: readonly Write[]): Promise<void> => {
    const member: Member = { writes }
    waiting.push(member)
    const landing = store.commit(writes)
    const outcome = await codeOf(landing)
    const expected = member.settled ? (member.expected ?? outcome) : await land(writes)
    if (outcome !== expected) wrong.push(`store: a commit of a group was ${outcome}, and ${expected} was due`)
    return landing
  }
  /** Each member of a group changes the totals. They cannot be recounted while others commit. */
  const miscountedNow = async (): Promise<string[]> => {
    if (!opened) return []
    const store = await tested.open(opened)
    handles.push(store)
    return miscounted({ store, schema: opened, tables: Object.keys(opened.tables), rows: memory.dump() })
  }
  const quiet = async (): Promise<void> => {
    for (;;) {
      await turn()
      if (open === 0) return
    }
  }
  return {
    dump: () => memory.dump(),
    quiet,
    open: (schema) =>
      called(async () => {
        const [store, beside] = [await tested.open(schema), await memory.open(schema)]
        shadow = beside
        opened = schema
        handles.push(store, beside)
        return calling({ store, memory: beside, called, commit: (writes) => commit(store, writes) })
      }),
    async end() {
      await quiet()
      return [...wrong, ...(await miscountedNow()), ...(await closed({ handles, tested, memory }))]
    },
  }
}
