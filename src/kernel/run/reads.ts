/** Reads operations as they are stored. */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { checkText } from '../../arguments.ts'
import type { Reader } from '../../store/port.ts'
import type { Tables } from '../../store/kit/rows.ts'
import type { LoadedOperation, OperationRow, OperationView } from '../define/operation.ts'
import type { LoadedKind } from '../kernel.ts'
import { cursorOf, type CountFilter, type ListFilter, type Page, type WatchFilter } from '../options.ts'
import { COUNTED, Listing, WATCHED } from './listing.ts'
import { HardshellError, messageOf } from '../util/errors.ts'
import type { Clock } from '../util/ports.ts'

/** How many operations a page has unless asked otherwise. */
const PAGE = 100
const COUNTED_AT_ONCE = 1_000

interface ReadsOptions {
  readonly store: Reader
  readonly clock: Clock
  readonly tables: Tables
  readonly kinds: ReadonlyMap<string, LoadedKind>
}

export class Reads {
  readonly #of: ReadsOptions
  readonly #listing: Listing

  constructor(of: ReadsOptions) {
    this.#of = of
    this.#listing = new Listing(of.store, of.tables, of.clock)
  }

  /** @throws {TypeError} naming the argument. @throws {HardshellError} `NOT_FOUND` */
  async get(id: string): Promise<OperationView> {
    checkText(id, 'id')
    const row = await this.#of.store.get<OperationRow>('operations', [id])
    if (!row) throw new HardshellError('NOT_FOUND', `no operation '${id}'`, { operationId: id })
    return this.#view(row)
  }

  /** The operation that a key belongs to. @throws {HardshellError} `KEY_REUSED` */
  async byKey(kind: string, key: string | undefined, request: string | null): Promise<string | undefined> {
    if (key === undefined) return undefined
    const [row] = await this.#of.store.query<OperationRow>({
      table: 'operations',
      index: 'byKey',
      prefix: [key],
      limit: 1,
    })
    if (!row) return undefined
    if (row.kind === kind && row.request === request) return row.id
    throw new HardshellError('KEY_REUSED', `key '${key}' was used for another request`, { operationId: row.id })
  }

  /** See `Operations.list`. Of a kind in several versions it has those that run on the chart, where one is given. */
  async list(filter: ListFilter, machine?: AnyStateMachine): Promise<OperationView[]> {
    return (await this.#rowList(filter, machine)).map((row) => this.#view(row))
  }

  async #rowList(filter: ListFilter, machine?: AnyStateMachine): Promise<OperationRow[]> {
    this.#listing.check(filter)
    const rows: OperationRow[] = []
    for await (const row of this.#rows(filter, filter.limit, machine)) {
      rows.push(row)
      if (rows.length === filter.limit) break
    }
    return rows
  }

  /** See `Operations.page`. */
  async page(filter: ListFilter, machine?: AnyStateMachine): Promise<Page<OperationView>> {
    const { operations, next } = await this.rowPage(filter, machine)
    return { operations: operations.map((row) => this.#view(row)), next }
  }

  /** As `page`, the rows alone: no snapshot is restored. */
  async rowPage(filter: ListFilter, machine?: AnyStateMachine): Promise<Page<OperationRow>> {
    this.#listing.check(filter)
    const { limit = PAGE } = filter
    const rows = await this.#rowList({ ...filter, limit: limit + 1 }, machine)
    const operations = rows.slice(0, limit)
    const last = operations.at(-1)
    return { operations, next: rows.length <= limit || !last ? undefined : cursorOf(last) }
  }

  /** See `Operations.count`. */
  async count(filter: CountFilter, machine?: AnyStateMachine): Promise<number> {
    this.#listing.check(filter, COUNTED)
    let count = 0
    for await (const _ of this.#rows(filter, COUNTED_AT_ONCE, machine)) count++
    return count
  }

  /** The rows that are as the filter says, in the order of lists. @throws {TypeError} naming the argument */
  rows(filter: ListFilter, machine?: AnyStateMachine): AsyncIterable<OperationRow> {
    this.#listing.check(filter)
    return this.#rows(filter, COUNTED_AT_ONCE, machine)
  }

  async *#rows(
    filter: ListFilter,
    pageSize: number | undefined,
    machine: AnyStateMachine | undefined,
  ): AsyncGenerator<OperationRow> {
    for await (const row of this.#listing.rows(filter, pageSize))
      if (!machine || !this.#runsOnOther(row, machine)) yield row
  }

  /** Whether a row runs on another version of its kind. What cannot be loaded runs on none. */
  #runsOnOther(row: OperationRow, machine: AnyStateMachine): boolean {
    if (this.#of.kinds.get(row.kind)?.of(row).kind.machine === machine) return false
    return this.#view(row).status !== 'unloadable'
  }

  /** @throws {TypeError} naming the argument */
  checkWatched(filter: WatchFilter): void {
    this.#listing.check(filter, WATCHED)
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
