/** Reads operations as they are stored. */
import type { AnyMachineSnapshot } from 'xstate'
import { checkText } from '../../arguments.ts'
import type { KernelStore, LoadedOperation, OperationRow, OperationView } from '../define/operation.ts'
import type { LoadedKind } from '../kernel.ts'
import { checkFilter, matches, type ListFilter } from '../options.ts'
import { HardshellError } from '../util/errors.ts'
import type { Clock } from '../util/ports.ts'

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
    const { kind, status, changedSince, stuckForMs, limit = Infinity } = filter
    const table = 'operations'
    const wanted = stuckForMs === undefined ? status : 'active'
    const rows = await this.#of.store.query(
      wanted !== undefined
        ? { table, index: 'byStatus', prefix: [wanted], reverse: true }
        : kind !== undefined
          ? { table, index: 'byKind', prefix: [kind], reverse: true }
          : { table, index: 'byUpdate', from: changedSince ?? 0, reverse: true },
    )
    const nowMs = this.#of.clock.now()
    const found = rows.filter((row) => matches(row, filter, nowMs))
    return found.slice(0, limit).map((row) => this.#view(row))
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

/** An operation was taken for one of another kind. */
export const ofAnotherKind = ({ id, kind }: Pick<OperationRow, 'id' | 'kind'>, asked: string): HardshellError =>
  new HardshellError('NOT_FOUND', `operation '${id}' is a ${kind}, not a ${asked}`, { operationId: id })
