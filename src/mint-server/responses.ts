/** Answers that are kept for replays (NUT-19): only those of requests that were carried out. */
import type { Reader } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import type { ResponseRow } from './tables.ts'

/** The answer kept for a request, if there is one. */
export async function replay(read: Reader, key: string, nowMs: number): Promise<string | undefined> {
  const kept = await read.get<ResponseRow>('responses', [key])
  return kept && kept.expiresAt > nowMs ? kept.body : undefined
}

/** The writes that keep an answer. Each takes out up to two that expired: the table stays small without a sweep. */
export async function keep(read: Reader, row: ResponseRow, nowMs: number): Promise<Write[]> {
  const expired = await read.query<ResponseRow>({ table: 'responses', index: 'byExpiry', to: nowMs, limit: 2 })
  return [...expired.map(({ key }): Write => ({ delete: 'responses', key: [key] })), { put: 'responses', row }]
}
