/** Orders, ranges and totals. */
import type { Query, Row, Store, Write } from '../../../store/port.ts'
import { coin, equal, ids, putCoin, putEvent, rejects, schema, totalsOf, type Test } from './kit.ts'
import { sure } from '../../../sure.ts'

export function reading(test: Test): void {
  test('orders numbers by size and text by code point', async (store) => {
    const amounts = [10, 9, -1, 0, 100, 9_007_199_254_740_991, -9_007_199_254_740_991, 99]
    const texts = [
      'b',
      'B',
      '',
      'a',
      'aa',
      'é',
      '\uff5e',
      '\u{1f600}',
      '\ue000',
      '\u{1f600}a',
      '10',
      '9',
      '\ud7ff',
      '\0',
      'a\0',
      '\0\u0001',
      '\u0001',
      'a\u0001',
      '\u0002',
    ]
    await store.commit(amounts.map((amount, i) => putCoin(`n${i}`, { amount, mint: `m${i}` })))
    await store.commit(texts.map((op) => putEvent(op, 1)))
    const found = await store.query<Row & { amount: number }>({ table: 'coins', index: 'byAmount' })
    equal(
      found.map(({ amount }) => amount),
      amounts.toSorted((a, b) => a - b),
    )
    const words = await store.query<Row & { op: string }>({ table: 'events' })
    equal(
      words.map(({ op }) => op),
      texts.toSorted(byCodePoint),
    )
    const beyond = await store.query<Row & { op: string }>({ table: 'events', from: '\uff5e' })
    equal(
      beyond.map(({ op }) => op),
      ['\uff5e', '\u{1f600}', '\u{1f600}a'],
    )
  })

  test('orders rows that are equal in an index by their keys, nulls first', async (store) => {
    await store.commit(['c', 'a', 'd', 'b'].map((id) => putCoin(id, { at: id < 'c' ? 5 : null })))
    equal(await ids(store, { table: 'coins', index: 'byAt' }), ['c', 'd', 'a', 'b'])
    equal(await ids(store, { table: 'coins', index: 'byAt', reverse: true }), ['b', 'a', 'd', 'c'])
    equal(await ids(store, { table: 'coins', index: 'byAt', to: 9 }), ['a', 'b'])
    equal(await ids(store, { table: 'coins', index: 'byAt', from: -9 }), ['a', 'b'])
    await store.commit([{ patch: 'coins', key: ['b'], set: { label: 'x' } }])
    equal(await ids(store, { table: 'coins', index: 'byLabel' }), ['b'])
  })

  test('reads by prefix, bounds, direction and limit', async (store) => {
    const states = ['free', 'held', 'free', 'spent']
    await store.commit(
      Array.from({ length: 24 }, (_, i) =>
        putCoin(`c${String(i).padStart(2, '0')}`, { mint: i % 3 ? 'm' : 'n', state: states[i % 4]!, amount: i % 5 }),
      ),
    )
    await store.commit(Array.from({ length: 12 }, (_, seq) => putEvent('o', seq)))
    const table = 'coins'
    const index = 'byState'
    const queries: Query[] = [
      { table },
      { table, prefix: ['c05'] },
      { table, from: 'c10', to: 'c15x' },
      { table, index, prefix: ['m'] },
      { table, index, prefix: ['m', 'free'], from: 2 },
      { table, index, prefix: ['m', 'free'], to: 2 },
      { table, index, prefix: ['m', 'free'], from: 1, to: 3 },
      { table, index, prefix: ['m', 'free'], from: 3, to: 1 },
      { table, index, prefix: ['n'], from: 'g', to: 'held' },
      { table, index, prefix: ['n', 'held', 3] },
      { table, index, prefix: ['nobody'] },
      { table: 'events', prefix: ['o'], from: 2, to: 10 },
      { table: 'events', prefix: ['p'] },
    ]
    for (const query of queries)
      for (const reverse of [false, true])
        for (const limit of [undefined, 0, 1, 3, 100]) {
          const asked = { ...query, reverse, limit }
          equal(await store.query(asked), await scan(store, asked), JSON.stringify(asked))
        }
  })

  test('answers no question that the tables cannot', async (store) => {
    const queries: [string, Query][] = [
      ['nothing', { table: 'nothing' }],
      ['other', { table: 'coins', index: 'other' }],
      ['coins', { table: 'coins', prefix: ['a', 'b'] }],
      ['coins', { table: 'coins', prefix: ['a'], from: 'b' }],
      ['coins.id', { table: 'coins', prefix: [1] }],
      ['coins.amount', { table: 'coins', index: 'byAmount', from: 'a' }],
      ['coins.at', { table: 'coins', index: 'byAt', to: null as never }],
      ['limit', { table: 'coins', limit: -1 }],
    ]
    for (const [place, query] of queries) await rejects(store.query(query), TypeError, place)
    await rejects(store.get('coins', []), TypeError, 'coins')
    await rejects(store.get('nothing', ['a']), TypeError, 'nothing')
    await rejects(store.sum('events'), TypeError, 'events')
    await rejects(store.sum('coins', [1]), TypeError, 'coins.mint')
    await rejects((async () => store.watch('nothing', () => {}))(), TypeError, 'nothing')
  })

  test('keeps totals as a full scan counts them, through random commits', async (store) => {
    const random = seeded(7)
    const pick = <T>(values: readonly T[]): T => sure(values[random(values.length)], 'value')
    const model = new Map<string, Row>()
    let refused = 0
    for (let round = 0; round < 150; round++) {
      const next = new Map(model)
      const writes: Write[] = []
      let lands = true
      for (let left = 1 + random(4); left > 0; left--) {
        const id = `c${random(12)}`
        const before = next.get(id)
        const change = { mint: pick(['m', 'n']), state: pick(['free', 'held']), amount: random(100) - 20 }
        const version = random(4) === 0 ? random(3) : before?.['version']
        const condition = version === undefined ? ('absent' as const) : { version: version as number }
        lands &&= version === before?.['version']
        const kind = random(before ? 3 : 1)
        if (kind === 0) {
          const row = coin(id, { ...change, version: random(3) })
          writes.push({ put: 'coins', row, if: condition })
          next.set(id, row)
        } else if (kind === 1) {
          writes.push({ patch: 'coins', key: [id], set: change, if: condition })
          next.set(id, { ...before, ...change })
        } else {
          writes.push({ delete: 'coins', key: [id], if: condition })
          next.delete(id)
        }
      }
      if (lands) {
        await store.commit(writes)
        model.clear()
        for (const [id, row] of next) model.set(id, row)
      } else {
        refused++
        await rejects(store.commit(writes), 'CONFLICT')
      }
      const rows = await store.query({ table: 'coins' })
      equal(
        rows,
        [...model.values()].toSorted((a, b) => byCodePoint(a['id'] as string, b['id'] as string)),
      )
      equal(await store.sum('coins'), totalsOf(rows))
      equal(await store.sum('coins', ['n']), totalsOf(rows.filter(({ mint }) => mint === 'n')))
      equal(
        await store.sum('coins', ['m', 'held']),
        totalsOf(rows.filter((r) => r['mint'] === 'm' && r['state'] === 'held')),
      )
    }
    equal(refused > 10 && refused < 140, true, 'some are refused, some land')
  })
}

/** What a query must give, by sorting and filtering all rows of a table. */
async function scan(store: Store, { table, index, prefix = [], from, to, reverse, limit }: Query): Promise<Row[]> {
  const { key, indexes } = sure(schema.tables[table], 'table')
  const columns = index === undefined ? key : sure(indexes?.[index], 'index').columns
  const bounded = columns[prefix.length] ?? ''
  const rows = (await store.query({ table })).filter(
    (row) =>
      columns.slice(0, prefix.length).every((column, i) => row[column] === prefix[i]) &&
      (from === undefined || sure(row[bounded], bounded) >= from) &&
      (to === undefined || sure(row[bounded], bounded) <= to),
  )
  const sorted = rows.toSorted((a, b) => {
    const column = [...columns, ...key].find((each) => a[each] !== b[each])
    return column !== undefined && a[column]! < b[column]! ? -1 : 1
  })
  return (reverse ? sorted.toReversed() : sorted).slice(0, limit)
}

function byCodePoint(a: string, b: string): number {
  const pointsOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) ?? 0)
  const [x, y] = [pointsOf(a), pointsOf(b)]
  for (const [i, point] of x.entries()) if (point !== y[i]) return point - (y[i] ?? -1)
  return x.length - y.length
}

/** Whole numbers below a bound, the same for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
