/**
 * Goal: what is executed within any 24 hours comes to no more than `perDay`. Method: fast-check draws histories in which operations are created,
 * quoted late, checked, executed and cancelled in any order, with time between a check and what it allows; afterwards every window of 24 hours is added up.
 */
import { Amount } from '@cashu/cashu-ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HistoryPage, HistoryRecord, MeltHandle, Wallet } from '../../src/index.ts'
import { Permissions } from '../../src/remote/limits.ts'

const DAY_MS = 24 * 3600_000
const LIMIT = 100
const begins = new AbortController()

interface Entry {
  readonly id: string
  readonly createdAt: number
  /** Zero before there is a quote. */
  amount: Amount
  fee: Amount
  readonly quoted: { readonly amount: Amount; readonly fee: Amount }
  state: 'quoting' | 'prepared' | 'paid' | 'cancelled'
  isAllowed: boolean
}

const recordOf = ({ id, createdAt, amount, fee, state }: Entry): HistoryRecord =>
  ({ id, createdAt, amount, fee, state, status: state === 'cancelled' ? 'failed' : 'pending' }) as HistoryRecord

/** Pages as the wallet gives them: the newest first, by time and id. */
const historyOf = (entries: readonly Entry[]): Wallet['history'] => ({
  get: (id) => Promise.resolve(recordOf(entries.find((entry) => entry.id === id)!)),
  list({ limit = 50, before }: HistoryPage = {}) {
    const isOlder = ({ createdAt, id }: Entry): boolean =>
      !before || createdAt < before.createdAt || (createdAt === before.createdAt && id < before.id)
    const sorted = entries.filter(isOlder).toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    return Promise.resolve(sorted.slice(0, limit).map(recordOf))
  },
})

const action = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    amount: fc.constantFrom(5, 30, 60),
    fee: fc.nat(3),
    slow: fc.boolean(),
  }),
  fc.record({
    do: fc.constantFrom('quote', 'quote', 'check', 'check', 'check', 'execute', 'execute', 'cancel'),
    which: fc.nat(7),
  }),
  fc.record({
    do: fc.constant('wait' as const),
    ms: fc.constantFrom(0, 1, DAY_MS / 3, DAY_MS - 1, DAY_MS - 1, DAY_MS),
  }),
)

test('in any order of callers, no 24 hours take more than is allowed', async () => {
  let [executed, refused] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 80, size: 'max' }), async (actions) => {
      const entries: Entry[] = []
      const history = historyOf(entries)
      const nobody = { get: () => Promise.reject(new Error('nobody waits here')) }
      const wallet = { history, melt: nobody as unknown } as Wallet
      const permissions = new Permissions(wallet, { melt: { perDay: LIMIT } })
      let nowMs = 1_800_000_000_000
      for (const each of actions) {
        if ('ms' in each) nowMs += each.ms
        else if ('amount' in each)
          entries.push({
            id: String(entries.length).padStart(3, '0'),
            createdAt: nowMs,
            amount: Amount.from(each.slow ? 0 : each.amount),
            fee: Amount.from(each.slow ? 0 : each.fee),
            quoted: { amount: Amount.from(each.amount), fee: Amount.from(each.fee) },
            state: each.slow ? 'quoting' : 'prepared',
            isAllowed: false,
          })
        else {
          const open = entries.filter(
            ({ state, isAllowed }) =>
              state === (each.do === 'quote' ? 'quoting' : 'prepared') && (each.do !== 'execute' || isAllowed),
          )
          const entry = open[each.which % open.length]
          if (!entry) continue
          if (each.do === 'quote') Object.assign(entry, entry.quoted, { state: 'prepared' })
          else if (each.do === 'cancel') entry.state = 'cancelled'
          else if (each.do === 'check') {
            const { id, amount, fee, state } = entry
            const handle = { id, kind: 'melt', state, amount, asked: amount, fee, toJSON: () => ({ unit: 'sat' }) }
            entry.isAllowed = await permissions.check(handle as unknown as MeltHandle, begins).then(
              () => true,
              () => false,
            )
            if (!entry.isAllowed) refused++
          } else {
            entry.state = 'paid'
            executed++
          }
        }
      }
      const out = entries.filter(({ state }) => state === 'paid')
      for (const { createdAt: last } of out) {
        const within = out.filter(({ createdAt }) => createdAt > last - DAY_MS && createdAt <= last)
        const sum = within.reduce((total, { amount, fee }) => total + amount.toNumber() + fee.toNumber(), 0)
        expect(sum).toBeLessThanOrEqual(LIMIT)
      }
    }),
    { numRuns: 5_000 },
  )
  // Enough was allowed, and enough was not, for this to mean something.
  expect(executed).toBeGreaterThan(1_000)
  expect(refused).toBeGreaterThan(500)
})
