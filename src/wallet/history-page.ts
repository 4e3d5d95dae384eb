/** Reads the history, a page at a time. */
import { Amount } from '@cashu/cashu-ts'
import { checkCount, checkNames } from '../arguments.ts'
import type { Store } from '../store/port.ts'
import type { HistoryFields, HistoryRow } from './tables.ts'

/** One operation's record. Amounts are in its unit, times in epoch ms. */
export type HistoryRecord = Omit<HistoryFields, Amounts> & { readonly [Name in Amounts]: Amount }
type Amounts = 'amount' | 'asked' | 'spentElsewhere' | 'fee' | 'owed'

export interface HistoryPage {
  /** How many records; 50 unless given. */
  readonly limit?: number
  /** Only records older than this one: the last of the page before. */
  readonly before?: Pick<HistoryFields, 'createdAt' | 'id'>
}

/** @throws {TypeError} naming the argument */
export async function historyPage(store: Store, page: HistoryPage): Promise<HistoryRecord[]> {
  checkNames(page, 'page', ['limit', 'before'])
  const { limit = 50, before } = page
  checkCount(limit, 'limit')
  if (before !== undefined && (!Number.isSafeInteger(before?.createdAt) || typeof before.id !== 'string'))
    throw new TypeError('before: a record of the history')
  // Records of the same millisecond come in the order of their ids; the ones up to `before` are passed over.
  const same = before
    ? await store.query<HistoryRow>({ table: 'history', index: 'byTime', prefix: [before.createdAt], reverse: true })
    : []
  const older = await store.query<HistoryRow>({
    table: 'history',
    index: 'byTime',
    reverse: true,
    limit,
    ...(before && { to: before.createdAt - 1 }),
  })
  const rows = [...same.filter(({ id }) => id < before!.id), ...older].slice(0, limit)
  return rows.map(({ amount, asked, spentElsewhere, fee, owed, ...row }) => ({
    ...row,
    amount: Amount.from(amount),
    asked: Amount.from(asked),
    spentElsewhere: Amount.from(spentElsewhere),
    fee: Amount.from(fee),
    owed: Amount.from(owed),
  }))
}
