/**
 * Goal: no single commit breaks what must hold at every moment, unseen. Method: commits made by hand, one thing wrong in
 * each, on a store with one reserved proof; the witness must name the invariant, and say nothing of what is right.
 */
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { Json, Row, Write } from '../../src/store/port.ts'
import type { OperationKind } from '../../src/kernel/define/operation.ts'
import type { LateRequest } from '../../src/testing/faults/faulty-mint.ts'
import { deadEnd } from '../../src/testing/invariants/liveness.ts'
import { brokenByCommit } from '../../src/testing/invariants/commit-invariants.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'
import { walletSchema } from '../../src/wallet/tables.ts'

const Y = `02${'a'.repeat(64)}`
const proof = {
  Y,
  mintUrl: 'http://mint.test',
  unit: 'sat',
  state: 'reserved',
  operationId: 'swap-1',
  amount: 8,
  keysetId: '00000578e34a5efd',
  counter: 1,
  secret: 'a secret of ours',
  C: `02${'c'.repeat(64)}`,
  dleq: null,
  reason: null,
  createdAt: 1_750_000_000_000,
}
const DEADLINE = 'xstate.after.swapDeadline.swap.prepared'

/** A state as a snapshot has it: `exchanging.swapping` is `{ exchanging: 'swapping' }`. */
const valueOf = (state: string): Json =>
  state.split('.').reduceRight<Json>((inner, key) => (inner === '' ? key : { [key]: inner }), '')

const row = ({ state = 'exchanging.swapping', ...change }: Row = {}): Row => ({
  id: 'swap-1',
  kind: 'swap',
  kindVersion: 1,
  version: 2,
  commitId: 'commit',
  owner: 'me',
  attempt: 1,
  status: 'active',
  state,
  lane: 'http://mint.test',
  dueAt: null,
  timers: '{}',
  reason: null,
  parent: null,
  key: null,
  request: null,
  createdAt: 1_750_000_000_000,
  updatedAt: 1_750_000_000_000,
  snapshot: JSON.stringify({ value: typeof state === 'string' ? valueOf(state) : '' }),
  mintUrl: 'http://mint.test',
  unit: 'sat',
  amount: 8,
  asked: 0,
  fee: 0,
  owed: 0,
  quoteId: null,
  ...change,
})
const put = (change: Row = {}): Write => ({ put: 'operations', row: row(change) })
const free: Write = { patch: 'proofs', key: [Y], set: { state: 'spendable', operationId: null } }
const cancelled = put({ state: 'cancelled', status: 'done' })

async function violations(
  writes: readonly Write[],
  of: { was?: Row; others?: readonly Row[]; mint?: readonly Row[]; late?: readonly LateRequest[] } = {},
): Promise<string[]> {
  const { was = proof, others = [], mint = [], late = [] } = of
  const rows = memoryStore()
  const store = await rows.open(walletSchema)
  await store.commit([...[was, ...others].map((it): Write => ({ put: 'proofs', row: it })), put()])
  const before = rows.dump()
  await store.commit(writes)
  const kinds = walletKinds as readonly OperationKind<never>[]
  return [
    ...writes.flatMap((write) => deadEnd(write, kinds)),
    ...brokenByCommit(writes, { before, mint: () => ({ proofs: mint }), late }),
  ]
}

describe('money that is given back', () => {
  test('by its own operation, unspent and on its way nowhere, is fine', async () =>
    expect(await violations([cancelled, free])).toEqual([]))

  test('by another operation is seen', async () =>
    expect(await violations([put({ id: 'other', state: 'cancelled', status: 'done' }), free])).toEqual([
      'release: 8 that another operation had reserved',
    ]))

  test.each(['SPENT', 'PENDING'])('is seen where it is %s at the mint', async (state) =>
    expect(await violations([cancelled, free], { mint: [{ Y, state }] })).toEqual([
      `release: 8 that is ${state} at the mint`,
    ]),
  )

  const body = JSON.stringify({ inputs: [{ secret: proof.secret }, { secret: 'another' }] })
  const late = [{ method: 'POST', path: '/v1/swap', body, after: 1 }]
  test('is seen where a request with it may still arrive', async () =>
    expect(await violations([cancelled, free], { late })).toEqual(['release: 8 that is on its way to the mint']))

  test('is fine where that request does nothing any more, for another input of it is spent', async () => {
    const other = { ...proof, Y: `03${'a'.repeat(64)}`, secret: 'another', counter: 2 }
    const mint = [{ Y: other.Y, state: 'SPENT' }]
    expect(await violations([cancelled, free], { others: [other], mint, late })).toEqual([])
  })

  test.each(['sent', 'spent'])('is seen where it was %s', async (state) =>
    expect(await violations([cancelled, free], { was: { ...proof, state } })).toEqual([`release: 8 that was ${state}`]),
  )

  test('was held, and turned out to be there, is fine', async () =>
    expect(await violations([cancelled, free], { was: { ...proof, state: 'held', operationId: null } })).toEqual([]))

  test('is not judged where the commit does not land', async () => {
    const told = violations([{ patch: 'proofs', key: [Y], set: { state: 'spendable' }, if: { state: 'sent' } }])
    await expect(told).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('an operation', () => {
  test.each<[string, Row]>([
    ['a request under way', {}],
    ['a deadline', { state: 'prepared', timers: JSON.stringify({ [DEADLINE]: 1_750_000_600_000 }) }],
    ['news to come', { kind: 'send', state: 'tokenCreated' }],
    ['a person to decide', { kind: 'melt', state: 'quarantined' }],
    ['nothing more to do', { state: 'swapped', status: 'done' }],
  ])('with %s is fine', async (_, change) => expect(await violations([put(change)])).toEqual([]))

  test('that lost its deadline is seen', async () =>
    expect(await violations([put({ state: 'prepared' })])).toEqual([
      "stuck: swap in 'prepared' has lost its swapDeadline",
    ]))

  test('that waits for nothing is seen', async () =>
    expect(await violations([put({ state: 'releasing' })])).toEqual(["stuck: swap in 'releasing' waits for nothing"]))
})
