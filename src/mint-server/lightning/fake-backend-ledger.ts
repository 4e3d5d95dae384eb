/**
 * What happens to the rows of the fake backend: each change in one commit, whose conditions see to it that nothing is
 * paid twice, whatever others on the same store do at that moment.
 */
import type { FakeIncomingRow, FakeOutgoingRow, FakeRequestRow, Store, Write } from './fake-backend-tables.ts'
import { transact } from '../db/transact.ts'

export function fakeLedger(store: Store, clock: () => number) {
  const isDue = (dueAt: number | null): boolean => dueAt === null || dueAt <= clock()

  const isFinal = ({ state, dueAt }: FakeOutgoingRow): boolean =>
    isDue(dueAt) && (state === 'paid' || state === 'failed')

  const request = (requestId: string) => store.get('fakeRequests', [requestId])

  const outgoing = (id: string) => store.get('fakeOutgoing', [id])

  /** The payment that holds a payment hash, or held it until it failed. */
  async function holderOf(claim: string): Promise<FakeOutgoingRow | undefined> {
    const query = { table: 'fakeOutgoing', index: 'byClaim', prefix: [claim], limit: 1 } as const
    const [holder] = await store.query(query)
    return holder
  }

  /** Puts a payment that was read as `before` in another state. */
  const replace = (before: FakeOutgoingRow, row: FakeOutgoingRow): Write => ({
    put: 'fakeOutgoing',
    row,
    if: { state: before.state, dueAt: before.dueAt, claim: before.claim },
  })

  /** The writes by which a payment comes in; undefined where it has, or will sooner. */
  async function credit(row: FakeIncomingRow): Promise<Write[] | undefined> {
    const before = await store.get('fakeIncoming', [row.paymentId])
    if (!before) return [{ put: 'fakeIncoming', row, if: 'absent' }]
    const isLater = before.dueAt !== null && before.dueAt > (row.dueAt ?? clock())
    return isLater ? [{ put: 'fakeIncoming', row, if: { dueAt: before.dueAt } }] : undefined
  }

  /** The writes that credit a payment made here to a request made here; undefined where another was faster. */
  async function creditOf({ requestId, amountSat, dueAt, claim }: FakeOutgoingRow): Promise<Write[] | undefined> {
    return (await request(requestId)) ? credit({ paymentId: claim!, requestId, amountSat, dueAt }) : []
  }

  return {
    isDue,
    request,
    outgoing,

    async incoming(requestId: string): Promise<FakeIncomingRow[]> {
      const query = { table: 'fakeIncoming', index: 'byRequest', prefix: [requestId] } as const
      return (await store.query(query)).filter(({ dueAt }) => isDue(dueAt))
    },

    /** A new request, and the payment of it that will come in by itself. */
    open(row: FakeRequestRow, paid?: FakeIncomingRow): Promise<void> {
      const writes: Write[] = [{ put: 'fakeRequests', row, if: 'absent' }]
      if (paid) writes.push({ put: 'fakeIncoming', row: paid, if: 'absent' })
      return store.commit(writes)
    },

    /**
     * Begins a payment, and gives its row; undefined where it has been begun before. It is refused, and has no claim,
     * where it comes without one, another payment has its hash, or somebody else pays the request sooner.
     */
    begin: (row: FakeOutgoingRow): Promise<FakeOutgoingRow | undefined> =>
      transact(store, async () => {
        if (await outgoing(row.id)) return { writes: [], result: undefined }
        const holder = row.claim === null ? undefined : await holderOf(row.claim)
        const isHeld = holder !== undefined && !(isFinal(holder) && holder.state === 'failed')
        const credits = row.claim === null || isHeld ? undefined : await creditOf(row)
        if (!credits) {
          const refused: FakeOutgoingRow = { ...row, state: 'failed', dueAt: null, claim: null }
          const put: Write = { put: 'fakeOutgoing', row: refused, if: 'absent' }
          return { writes: [put], result: refused }
        }
        const writes: Write[] = [
          ...(holder ? [replace(holder, { ...holder, claim: null })] : []),
          { put: 'fakeOutgoing', row, if: 'absent' },
          ...(row.state === 'paid' ? credits : []),
        ]
        return { writes, result: row }
      }),

    /** Has somebody else make a payment. A payment of ours that is under way with the same hash has lost, and fails. */
    settle: (row: FakeIncomingRow): Promise<void> =>
      transact(store, async () => {
        const credits = await credit(row)
        if (!credits) return { writes: [], result: undefined }
        const holder = await holderOf(row.paymentId)
        const isLost = holder !== undefined && !isFinal(holder)
        const lost = isLost ? [replace(holder, { ...holder, state: 'failed', dueAt: null })] : []
        return { writes: [...credits, ...lost], result: undefined }
      }),

    /** Decides a payment that is not final, and gives its row; undefined where there is none, or another was faster. */
    resolve: (id: string, state: 'paid' | 'failed'): Promise<FakeOutgoingRow | undefined> =>
      transact(store, async () => {
        const before = await outgoing(id)
        if (!before || isFinal(before)) return { writes: [], result: undefined }
        const row: FakeOutgoingRow = { ...before, state, dueAt: null, silent: 0 }
        // What was to be paid later is credited already, for that time.
        const undo: Write[] = before.state === 'paid' ? [{ delete: 'fakeIncoming', key: [before.claim!] }] : []
        const credits = state === 'paid' ? await creditOf(row) : undo
        if (!credits) return { writes: [], result: undefined }
        return { writes: [replace(before, row), ...credits], result: row }
      }),
  }
}
