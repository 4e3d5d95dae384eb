/** Reads operations as they are stored. */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { checkText } from '../../arguments.ts'
import type { KernelStore, LoadedOperation, OperationRow, OperationView } from '../define/operation.ts'
import type { LoadedKind } from '../kernel.ts'
import { checkFilter, matches, type ListFilter } from '../options.ts'
import { HardshellError, messageOf } from '../util/errors.ts'
import type { Clock } from '../util/ports.ts'

/** The most rows of a page. */
const LONGEST_PAGE = 1_000

/** A part of a list. */
interface Page {
  readonly to?: number
  readonly limit?: number
}

interface ReadsOptions {
  readonly store: KernelStore
  readonly clock: Clock
  readonly kinds: ReadonlyMap<string, LoadedKind>
}

export class Reads {
  readonly #of: ReadsOptions

  constructor(of: ReadsOptions) {
    this.#of = of
  }

  /** @throws {TypeError} naming the argument. @throws {HardshellError} `NOT_FOUND` */
  async get(id: string): Promise<OperationView> {
    checkText(id, 'id')
    const row = await this.#of.store.get('operations', [id])
    if (!row) throw new HardshellError('NOT_FOUND', `no operation '${id}'`, { operationId: id })
    return this.#view(row)
  }

  /** The operation that a key belongs to. @throws {HardshellError} `KEY_REUSED` */
  async byKey(kind: string, key: string | undefined, request: string | null): Promise<string | undefined> {
    if (key === undefined) return undefined
    const [row] = await this.#of.store.query({ table: 'operations', index: 'byKey', prefix: [key], limit: 1 })
    if (!row) return undefined
    if (row.kind === kind && row.request === request) return row.id
    throw new HardshellError('KEY_REUSED', `key '${key}' was used for another request`, { operationId: row.id })
  }

  /** Newest first. @throws {TypeError} naming the argument */
  async list(filter: ListFilter): Promise<OperationView[]> {
    checkFilter(filter)
    const { kind, status, changedSince, stuckForMs, parent, limit } = filter
    const table = 'operations'
    const wanted = stuckForMs === undefined ? status : 'active'
    const nowMs = this.#of.clock.now()
    const { store } = this.#of
    const read = (page: Page): Promise<OperationRow[]> =>
      store.query(
        wanted !== undefined
          ? { table, index: 'byStatus', prefix: [wanted], reverse: true, ...page }
          : kind !== undefined
            ? { table, index: 'byKind', prefix: [kind], reverse: true, ...page }
            : { table, index: 'byUpdate', from: changedSince ?? 0, reverse: true, ...page },
      )
    const isWanted = (row: OperationRow): boolean => matches(row, filter, nowMs)
    if (parent !== undefined) {
      const children = await store.query({ table, index: 'byParent', prefix: [parent], reverse: true })
      const newest = children.filter(isWanted).toSorted((a, b) => b.createdAt - a.createdAt)
      return newest.slice(0, limit).map((row) => this.#view(row))
    }
    const column = (wanted ?? kind) ? 'createdAt' : 'updatedAt'
    const rows = limit === undefined ? (await read({})).filter(isWanted) : await firstOf(limit, read, column, isWanted)
    return rows.map((row) => this.#view(row))
  }

  /** Why this program cannot load an operation; undefined where it can. */
  unloadable({ row }: OperationView): string | undefined {
    try {
      const loaded = this.#of.kinds.get(row.kind)
      loaded?.restore(row)
      return loaded ? undefined : `this program has no kind '${row.kind}'`
    } catch (error) {
      return messageOf(error)
    }
  }

  #view(row: OperationRow): OperationView {
    try {
      const loaded = this.#of.kinds.get(row.kind)
      if (loaded) return loadedOf(row, loaded.restore(row))
    } catch {
      // This program cannot load the row: a later version wrote it, or it is corrupt.
    }
    return { ...sharedOf(row), status: 'unloadable', snapshot: undefined }
  }
}

/** The first `limit` rows that are wanted. It reads page by page and stops there. */
async function firstOf(
  limit: number,
  read: (page: Page) => Promise<OperationRow[]>,
  column: 'createdAt' | 'updatedAt',
  isWanted: (row: OperationRow) => boolean,
): Promise<OperationRow[]> {
  const seen = new Set<string>()
  const found: OperationRow[] = []
  let bounds: Page = {}
  for (let size = limit; ;) {
    const rows = await read({ ...bounds, limit: size })
    const fresh = rows.filter(({ id }) => !seen.has(id))
    for (const row of fresh) seen.add(row.id)
    found.push(...fresh.filter(isWanted))
    const last = rows.at(-1)
    if (found.length >= limit || rows.length < size || !last) return found.slice(0, limit)
    // The next page begins with those of the time at which this one ended, of which there may be more than a page.
    bounds = { to: last[column] }
    size = fresh.length === 0 ? size * 4 : Math.max(limit, Math.min(size * 2, LONGEST_PAGE))
  }
}

const sharedOf = (row: OperationRow) => {
  const { id, kind, state, version } = row
  return { id, kind, state, version, row }
}

/** An operation by its row, and the snapshot that is in it. */
export const loadedOf = (row: OperationRow, snapshot: AnyMachineSnapshot): LoadedOperation => ({
  ...sharedOf(row),
  status: row.status,
  snapshot,
})

/** What an operation is taken for: the name of its kind, and the chart of one version of it. */
export interface KindOf {
  readonly kind: string
  readonly machine: AnyStateMachine
}

/**
 * `machine` is the chart that the operation runs on, where it can be loaded.
 *
 * @throws {HardshellError} `NOT_FOUND` where it is of another kind, `OTHER_VERSION` where it is of another version
 */
export function checkKind(
  { id, kind }: Pick<OperationRow, 'id' | 'kind'>,
  machine: AnyStateMachine | undefined,
  asked: KindOf,
): void {
  const operationId = id
  if (kind !== asked.kind)
    throw new HardshellError('NOT_FOUND', `operation '${id}' is a ${kind}, not a ${asked.kind}`, { operationId })
  if (machine && machine !== asked.machine)
    throw new HardshellError('OTHER_VERSION', `operation '${id}' runs on another version of '${kind}'`, { operationId })
}
