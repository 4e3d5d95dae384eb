/** Answers that are kept for replays (NUT-19): only those of requests that were carried out. */
import type { Reader } from '../db/tables.ts'

/** The answer kept for a request, if there is one. */
export async function replay(read: Reader, key: string, nowMs: number): Promise<string | undefined> {
  const kept = await read.get('responses', [key])
  return kept && kept.expiresAt > nowMs ? kept.body : undefined
}
