/** Reads the history: a record by its operation, or a page of records. */
import { Amount } from '@cashu/cashu-ts'
import { checkCount, checkNames, checkOneOf, checkText, checkTexts } from '../arguments.ts'
import { normalizeMintUrl } from '../cashu/codec.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import type { HistoryRow, Store } from './tables.ts'

/** One operation's record. Amounts are in its unit, times in epoch ms. */
export type HistoryRecord = Omit<HistoryRow, Amounts> & { readonly [Name in Amounts]: Amount }
type Amounts = 'amount' | 'asked' | 'spentElsewhere' | 'fee' | 'owed'

/** Which records: all that are as each given field says. */
export interface HistoryPage {
  /** Of one kind of operation. */
  readonly kind?: string
  /** At one mint. */
  readonly mintUrl?: string
  /** In one unit. */
  readonly unit?: string
  /** In which direction the money went. */
  readonly direction?: HistoryRow['direction']
  /** What came of them. */
  readonly status?: HistoryRow['status']
  /** How many records; 50 unless given. */
  readonly limit?: number
  /** Only records older than this one: the last of the page before. */
  readonly before?: Pick<HistoryRow, 'createdAt' | 'id'> | undefined
}

const DIRECTIONS: readonly HistoryRow['direction'][] = ['in', 'out', 'self']
const STATUSES: readonly HistoryRow['status'][] = ['pending', 'done', 'failed']
const COMPARED = ['kind', 'mintUrl', 'unit', 'direction', 'status'] as const
/** The fewest rows that are read at once when a filter skips some. */
const READ_AT_ONCE = 200

/** `wallet.history`; `api.ts` says what its members do. */
export class History {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async get(id: string): Promise<HistoryRecord> {
    checkText(id, 'id')
    const row = await this.#store.get('history', [id])
    if (!row) throw new HardshellError('NOT_FOUND', `no operation '${id}'`, { operationId: id })
    return recordOf(row)
  }

  async list(page: HistoryPage = {}): Promise<HistoryRecord[]> {
    checkNames(page, 'page', ['kind', 'mintUrl', 'unit', 'direction', 'status', 'limit', 'before'])
    const { limit = 50, before, mintUrl, direction, status, ...texts } = page
    checkCount(limit, 'limit')
    checkTexts(texts)
    checkOneOf(direction, 'direction', DIRECTIONS)
    checkOneOf(status, 'status', STATUSES)
    if (before !== undefined && (!Number.isSafeInteger(before?.createdAt) || typeof before.id !== 'string'))
      throw new TypeError('before: a record of the history')
    const wanted = {
      ...texts,
      direction,
      status,
      mintUrl: mintUrl === undefined ? undefined : normalizeMintUrl(mintUrl),
    }
    const names = COMPARED.filter((name) => wanted[name] !== undefined)
    const found: HistoryRow[] = []
    const atOnce = names.length === 0 ? limit : Math.max(limit, READ_AT_ONCE)
    for (let last: HistoryPage['before'] = before; found.length < limit;) {
      const rows = await this.#older(last, atOnce)
      found.push(...rows.filter((row) => names.every((name) => row[name] === wanted[name])))
      if (rows.length < atOnce) break
      last = rows.at(-1)
    }
    return found.slice(0, limit).map(recordOf)
  }

  /** So many rows, from the newest that is older than a given one. */
  async #older(before: HistoryPage['before'], limit: number): Promise<HistoryRow[]> {
    // Records of the same millisecond are ordered by id. Those up to `before` are skipped.
    const byTime = { table: 'history', index: 'byTime', reverse: true } as const
    if (!before) return this.#store.query({ ...byTime, limit })
    const same = await this.#store.query({ ...byTime, prefix: [before.createdAt] })
    const older = await this.#store.query({ ...byTime, limit, to: before.createdAt - 1 })
    return [...same.filter(({ id }) => id < before.id), ...older].slice(0, limit)
  }
}

const recordOf = ({ amount, asked, spentElsewhere, fee, owed, ...row }: HistoryRow): HistoryRecord => ({
  ...row,
  amount: Amount.from(amount),
  asked: Amount.from(asked),
  spentElsewhere: Amount.from(spentElsewhere),
  fee: Amount.from(fee),
  owed: Amount.from(owed),
})
