/**
 * Finds the operations that a filter asks for, newest first: by the index that serves the filter best, page by page.
 *
 * An operation keeps its place in that order for ever: by the time of its creation, then by its id. So one that is as the
 * filter says all the while is found once, whatever changes between two pages.
 */
import { checkCount, checkDuration, checkNames, checkOneOf, checkTexts } from '../../arguments.ts'
import type { ColumnType, Query, Reader, Row, Table } from '../../store/port.ts'
import { checkValue, compare, isJson, orderOf, tableOf, typeOf, type Tables } from '../../store/kit/rows.ts'
import type { OperationRow, OperationStatus } from '../define/operation.ts'
import { positionOf, type ListFilter, type Position } from '../options.ts'
import type { Clock } from '../util/ports.ts'

/** The most rows of a page, unless more of them are of one time. */
const LONGEST_PAGE = 1_000
/** Each status, and again the one that an operation may have come to from one that was read after it. */
const STATUSES: readonly OperationStatus[] = ['quarantined', 'active', 'done', 'quarantined']

interface Plan {
  readonly queries: readonly Omit<Query, 'table'>[]
  /** Each query gives its rows newest first, so that they can be read page by page; else they are read at once. */
  readonly paged: boolean
}

export class Listing {
  readonly #store: Reader
  readonly #table: Table
  readonly #clock: Clock

  constructor(store: Reader, tables: Tables, clock: Clock) {
    this.#store = store
    this.#table = tableOf(tables, 'operations')
    this.#clock = clock
  }

  /** @throws {TypeError} naming the argument */
  check(filter: ListFilter, names: readonly string[] = FILTERS): void {
    checkNames(filter, 'filter', names)
    const { kind, state, status, changedSince, stuckForMs, parent, where = {}, limit, after } = filter
    checkTexts({ kind, state, parent })
    checkOneOf(status, 'status', ['active', 'done', 'quarantined'])
    checkDuration(changedSince, 'changedSince', { least: -Infinity })
    checkDuration(stuckForMs, 'stuckForMs')
    checkCount(limit, 'limit')
    checkTexts({ after })
    if (after !== undefined) positionOf(after)
    checkNames(where, 'where', Object.keys(this.#table.columns))
    for (const [column, value] of Object.entries(where)) {
      const type = typeOf('where', this.#table, column)
      if (isJson(type)) throw new TypeError(`where.${column}: JSON, of which there is no index`)
      if (value !== undefined && !isOfType(type, value)) throw new TypeError(`where.${column}: must be ${type}`)
    }
    this.#plan(filter)
  }

  /** The rows that are as the filter says, in their order; `pageSize` are read at first, and more each time after. */
  async *rows(filter: ListFilter, pageSize = Infinity): AsyncGenerator<OperationRow> {
    const { queries, paged } = this.#plan(filter)
    const nowMs = this.#clock.now()
    let from = filter.after === undefined ? undefined : positionOf(filter.after)
    for (let size = paged ? pageSize : Infinity; ;) {
      const found = new Map<string, OperationRow>()
      let end: Position | undefined
      for (const query of queries) {
        const page = await this.#page(query, size, paged ? from : undefined)
        for (const row of page) found.set(row.id, row)
        const last = page.length < size ? undefined : page.at(-1)
        // Of rows beyond, another query may not have been asked yet.
        if (last && (!end || isBefore(last, end))) end = last
      }
      const [past, until] = [from, end]
      const fresh = [...found.values()].filter(
        (row) => (!past || isBefore(past, row)) && (!until || !isBefore(until, row)),
      )
      for (const row of fresh.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) if (matches(row, filter, nowMs)) yield row
      if (!end) return
      // More may be of one time than a page holds.
      size = fresh.length === 0 ? size * 4 : Math.max(size, Math.min(size * 2, LONGEST_PAGE))
      if (!from || isBefore(from, end)) from = end
    }
  }

  #page(query: Omit<Query, 'table'>, size: number, from: Position | undefined): Promise<OperationRow[]> {
    const page = { ...(from && { to: from.createdAt }), ...(size < Infinity && { limit: size }) }
    return this.#store.query<OperationRow>({ ...query, ...page, table: 'operations', reverse: true })
  }

  /** @throws {TypeError} where no index serves the filter */
  #plan({ kind, status, changedSince, stuckForMs, parent, where: others = {} }: ListFilter): Plan {
    const where: Row = { ...others, ...(parent !== undefined && { parent }) }
    const columns = Object.keys(where).filter((column) => where[column] !== undefined)
    const wanted = stuckForMs === undefined ? status : 'active'
    const values: Row = { ...where, ...(kind !== undefined && { kind }), ...(wanted && { status: wanted }) }
    const served = this.#served(values, new Set(columns))
    if (columns.length > 0 && !served?.ofWhere)
      throw new TypeError(`where: no index of the operations serves ${columns.join(' or ')}`)
    if (served?.ofWhere || wanted === 'active' || wanted === 'quarantined') return planOf(served)
    if (changedSince !== undefined)
      return { queries: [{ index: 'byUpdate', from: timeOf(changedSince) }], paged: false }
    if (served) return planOf(served)
    return { queries: STATUSES.map((each) => ({ index: 'byStatus', prefix: [each] })), paged: true }
  }

  /** The index whose first columns are given, most of them of `where`. */
  #served(values: Row, where: ReadonlySet<string>): Served | undefined {
    const given = (column: string): boolean => typeof values[column] === 'string' || typeof values[column] === 'number'
    const found = Object.keys(this.#table.indexes ?? {}).map((index): Served => {
      const { columns, present } = orderOf('operations', this.#table, index)
      const missing = columns.findIndex((column) => !given(column))
      const first = columns.slice(0, missing < 0 ? columns.length : missing)
      return {
        index,
        prefix: first.map((column) => values[column] as string | number),
        ofWhere: first.filter((column) => where.has(column)).length,
        paged: columns[first.length] === 'createdAt' && columns.length === first.length + 1,
        isWhole: present.every((column) => first.includes(column)),
      }
    })
    const better = (a: Served, b: Served): number =>
      b.ofWhere - a.ofWhere || b.prefix.length - a.prefix.length || Number(b.paged) - Number(a.paged)
    return found.filter(({ prefix, isWhole }) => prefix.length > 0 && isWhole).toSorted(better)[0]
  }
}

function isOfType(type: ColumnType, value: unknown): boolean {
  try {
    checkValue('', '', type, value)
    return true
  } catch {
    return false
  }
}

interface Served {
  readonly index: string
  readonly prefix: readonly (string | number)[]
  /** How many columns of `where` it serves. */
  readonly ofWhere: number
  readonly paged: boolean
  /** It has every row whose columns are as given: a unique one leaves out those with a null. */
  readonly isWhole: boolean
}

/** The first time that a row can have. */
const timeOf = (changedSince: number): number =>
  Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Math.ceil(changedSince), Number.MAX_SAFE_INTEGER))

const planOf = (served: Served | undefined): Plan => {
  if (!served) return { queries: [], paged: false }
  const { index, prefix, paged } = served
  return { queries: [{ index, prefix }], paged }
}

/** Whether one comes before another in a list. */
const isBefore = (a: Position, b: Position): boolean =>
  a.createdAt === b.createdAt ? compare(a.id, b.id) > 0 : a.createdAt > b.createdAt

/** What a filter may say. */
const FILTERS: readonly (keyof ListFilter)[] = [
  'kind',
  'state',
  'status',
  'changedSince',
  'stuckForMs',
  'parent',
  'where',
  'limit',
  'after',
]
/** What it may say where operations are counted. */
export const COUNTED: readonly (keyof ListFilter)[] = FILTERS.filter((name) => name !== 'limit' && name !== 'after')
/** What it may say where they are watched. */
export const WATCHED: readonly (keyof ListFilter)[] = FILTERS.filter((name) => name !== 'stuckForMs')

/** Whether a row is as the filter says. */
export function matches(row: OperationRow, filter: ListFilter, nowMs: number): boolean {
  const { kind, changedSince, stuckForMs } = filter
  const wanted = stuckForMs === undefined ? filter.status : 'active'
  return (
    (kind === undefined || row.kind === kind) &&
    (filter.parent === undefined || row.parent === filter.parent) &&
    (wanted === undefined || row.status === wanted) &&
    (filter.state === undefined || row.state === filter.state || row.state.startsWith(`${filter.state}.`)) &&
    (changedSince === undefined || row.updatedAt >= changedSince) &&
    (stuckForMs === undefined || nowMs - row.updatedAt >= stuckForMs) &&
    Object.entries(filter.where ?? {}).every(([column, value]) => value === undefined || row[column] === value)
  )
}
