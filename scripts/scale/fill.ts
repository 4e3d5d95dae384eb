/** A wallet of many years: real rows of a real wallet, and copies of them. */
import type { OperationRow } from '../../src/kernel/define/operation.ts'
import type { Row, StoreAdapter, Write } from '../../src/store/port.ts'
import { walletSchema, type ProofRow } from '../../src/wallet/tables.ts'

/** The largest amount of a proof is 2 to the power of one less. */
const DENOMINATIONS = 16
const BATCH = 1_000
/** From one operation to the next; the last one was so long ago. */
const EVERY_MS = 3_600_000

export interface Size {
  readonly proofs: number
  /** Finished ones. */
  readonly operations: number
}

/** Rows by table. */
export type Rows = Readonly<Record<string, readonly Row[]>>

/** Fills an empty store. Nine proofs of ten are spendable, the rest is spent. */
export async function fill(adapter: StoreAdapter, { proofs, operations }: Size, real: Rows): Promise<void> {
  const store = await adapter.open(walletSchema)
  const commit = async (writes: readonly Write[]): Promise<void> => {
    for (let from = 0; from < writes.length; from += BATCH) await store.commit(writes.slice(from, from + BATCH))
  }
  const put = (table: string, rows: readonly Row[]): Promise<void> => commit(rows.map((row) => ({ put: table, row })))
  for (const table of ['mints', 'keysets', 'counters']) await put(table, real[table]!)
  const template = real['proofs']!.find(({ state }) => state === 'spendable') as ProofRow
  await put(
    'proofs',
    Array.from({ length: proofs }, (_, i) => ({
      ...template,
      ...{ Y: `02${hex(i, 64)}`, secret: hex(i, 64), counter: i, amount: 2 ** (i % DENOMINATIONS) },
      ...(i % 10 === 0 && { state: 'spent' }),
    })),
  )
  const ended = (real['operations'] as unknown as OperationRow[]).filter(({ status }) => status === 'done')
  const copies = Array.from({ length: operations }, (_, i) => {
    const { id, createdAt, updatedAt, ...row } = ended[i % ended.length]!
    const copy = hex(i, 32)
    const agoMs = (operations - i) * EVERY_MS
    const times = { createdAt: createdAt - agoMs, updatedAt: updatedAt - agoMs }
    const snapshot = row.snapshot.replaceAll(id, copy)
    const history = real['history']!.find((record) => record['id'] === id)!
    return {
      operation: { ...row, ...times, id: copy, key: null, snapshot },
      history: { ...history, ...times, id: copy },
    }
  })
  await put('operations', copies.map(({ operation }) => operation)) // prettier-ignore
  await put('history', copies.map(({ history }) => history)) // prettier-ignore
  await store.close()
}

/** A number's digits in disorder, so that neighbours are not written side by side, as with true secrets. */
const hex = (n: number, length: number): string =>
  (Math.imul(n + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0') + n.toString(16).padStart(length - 8, '0')
