/**
 * Goal: no row is left behind, no total and no record is wrong, and nobody heals a wallet, unseen. Method: the world in
 * which a run ended, with one row of each table changed; commits made by hand; and a store whose totals lie.
 */
import { describe, expect, test } from 'vitest'
import { memoryStore, type Dump } from '../../src/store/memory.ts'
import type { Row, Write } from '../../src/store/port.ts'
import { Choices } from '../../src/testing/explorer/choices.ts'
import { beginning } from '../../src/testing/explorer/explorer.ts'
import { runLife } from '../../src/testing/explorer/run-life.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { counted, NOTHING_MOVED } from '../../src/testing/invariants/books.ts'
import { setAside } from '../../src/testing/invariants/quarantine.ts'
import { miscounted } from '../../src/testing/invariants/totals.ts'
import { unissued } from '../../src/testing/invariants/unissued.ts'
import { orphans, undone } from '../../src/testing/invariants/wallet-rows.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { walletSchema, type walletTables } from '../../src/wallet/tables.ts'

async function ended(name: string): Promise<{ rows: Dump; mint: Dump; nowMs: number }> {
  const scenario = scenarios.find((it) => nameOf(it) === name)!
  const { start, ...place } = await beginning(scenario)
  const choices = new Choices({ budget: { faults: 0, others: 0 } })
  const { world } = await runLife({ ...place, act: (stage) => scenario.drive(stage), from: start, choices })
  return { rows: world.rows, mint: (world.outside as { mint: Dump }).mint, nowMs: world.nowMs }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : expect.fail('no text'))

const { rows, mint, nowMs } = await ended('mint.plain')
const [operation, proof] = [rows['operations']![0]!, rows['proofs']![0]!]
const id = text(operation['id'])
const with_ = (table: string, ...changed: readonly Row[]): Dump => ({ ...rows, [table]: changed })
const output = { B_: '02', operationId: id, place: 0, keysetId: proof['keysetId']!, counter: 0, amount: 8, purpose: 'keep', secret: '', r: '', signature: null } // prettier-ignore

/** Of each table, rows for which nothing accounts, and the invariant that says so. */
const spoilt: Record<keyof typeof walletTables, readonly [string, ...Row[]]> = {
  owners: ['orphan', { id: 'me', beat: -2, heir: '' }],
  operations: ['orphan', { ...operation, fee: 1 }],
  proofs: ['orphan', { ...proof, state: 'reserved', operationId: id }],
  outputs: ['leftover', output],
  owed: ['owed', { operationId: id, mintUrl: '', unit: 'sat', amount: 1 }],
  counters: ['orphan', { keysetId: proof['keysetId']!, next: 8, signed: 9 }],
  keysets: ['orphan', ...rows['keysets']!.map((row) => ({ ...row, refused: 'no' }))],
  derivations: ['orphan', { name: '1', keysetId: 'another', mintUrl: '' }],
  mints: ['orphan', ...rows['mints']!.map((row) => ({ ...row, limits: { inputs: 0 } }))],
  quoteClaims: ['claim', { mintUrl: '', quoteId: text(operation['quoteId']), operationId: id }],
  history: ['orphan', ...rows['history']!, { ...rows['history']![0]!, id: 'another' }],
  seeds: ['orphan', { id: 'wallet', salt: '', mac: '' }],
  kv: ['orphan', { namespace: 'a', key: 'b', value: 'c' }],
  steps: ['orphan', { ...rows['steps']![0]!, version: 99 }],
}

describe('rows', () => {
  test('of a run that went well are accounted for', () => expect(orphans(rows)).toEqual([]))

  test.each(Object.entries(spoilt))('of %s that are nobody’s are seen', (table, [invariant, ...changed]) =>
    expect(orphans(with_(table, ...changed)).join('\n')).toMatch(new RegExp(`^${invariant}: ${table}: `, 'm')),
  )

  test('that an ended operation needs are missed', () =>
    expect(orphans(with_('history'))).toEqual(['orphan: operations: mint has no record in the history']))

  test.each<[string, Write]>([
    ['an operation that ended goes on', { put: 'operations', row: { ...operation, state: 'minting' } }],
    ['counters go back', { patch: 'counters', key: [proof['keysetId'] as string], set: { next: 0 } }],
    ['another seed', { put: 'seeds', row: { id: 'wallet', salt: 'b', mac: 'c' } }],
    ['a row is deleted', { delete: 'history', key: [id] }],
  ])('are not undone: %s', (_, write) => expect(undone([write], rows)).toHaveLength(1))
})

describe('totals', () => {
  const schema = walletSchema
  const tables = ['proofs']

  test('of a store that counts are right', async () => {
    const memory = memoryStore()
    memory.load(rows)
    expect(await miscounted({ store: await memory.open(schema), schema, tables, rows: memory.dump() })).toEqual([])
  })

  test('of one that does not are seen', async () => {
    const store = { sum: () => Promise.resolve([]) }
    expect((await miscounted({ store, schema, tables, rows })).join()).toMatch(
      /^totals: proofs are said to come to , and/,
    )
  })
})

describe('the history', () => {
  const record = (amount: number): Write => ({ put: 'history', row: { ...rows['history']![0]!, amount } })
  const came = (amount: number): Write => ({ put: 'proofs', row: { ...proof, Y: 'new', amount } })
  const ends: Write = { put: 'operations', row: operation }
  const told = (...writes: readonly Write[]): string =>
    counted(writes, { before: rows, moved: NOTHING_MOVED, foreign: [] }).wrong.join()

  test('may say what came', () => expect(told(ends, record(4), came(4))).toBe(''))
  test('may not say more', () =>
    expect(told(ends, record(4), came(2))).toBe("books: mint ended in 'issued' and moved 2; its record says 4"))
  test('must say something', () => expect(told(came(2))).toBe('books: 2 by no operation'))
})

describe('a paid quote', () => {
  const givenUp = with_('operations', { ...operation, state: 'closed' })
  const unpaid = { ...mint, mintQuotes: mint['mintQuotes']!.map((row) => ({ ...row, amountIssued: 0 })) }
  test('that is issued is fine', () => expect(unissued({ wallet: rows, mint, nowMs })).toEqual([]))
  test('that is given up is seen', () =>
    expect(unissued({ wallet: givenUp, mint: unpaid, nowMs })).toEqual([
      "unissued: a quote of 7 was paid, and given up in 'closed'",
    ]))
})

describe('an operation that is set aside', () => {
  const aside: Write = { put: 'operations', row: { ...operation, state: 'quarantined' } }
  const said = (told: number, expected: readonly string[] = [], before = rows) =>
    setAside([aside], { before, lies: { told, fooled: [] }, expected })

  test('after a lie is right', () => expect(said(1)).toEqual({ lies: { told: 1, fooled: [id] }, wrong: [] }))
  test('without one is not, and the reason is told', () =>
    expect(said(0).wrong).toEqual(["quarantined: mint in 'quarantined', and nobody has lied to it: its chart does not say why"])) // prettier-ignore
  test('for a second time needs a second lie', () =>
    expect(setAside([aside], { before: rows, lies: said(1).lies, expected: [] }).wrong).toHaveLength(1))
  test('where the scenario expects it is right', () => expect(said(0, ['quarantined']).wrong).toEqual([]))
  test('and was before is none anew', () =>
    expect(said(0, [], with_('operations', { ...operation, state: 'quarantined' })).wrong).toEqual([]))
})
