/** Writes, conditions, unique indexes and what values may be. */
import type { Row, Write } from '../../../store/port.ts'
import { coin, equal, everything, ids, putCoin, putEvent, rejects, type Test } from './kit.ts'

export function writing(test: Test): void {
  test('puts, replaces, patches and deletes rows', async (store) => {
    await store.commit([putCoin('a', { amount: 5 }), putEvent('o', 1)])
    equal(await store.get('coins', ['a']), coin('a', { amount: 5 }))
    equal(await store.get('events', ['o', 1]), { op: 'o', seq: 1, text: '' })
    await store.commit([putCoin('a', { amount: 7, label: 'x' })])
    await store.commit([{ patch: 'coins', key: ['a'], set: { state: 'spent', at: 12, data: [1] } }])
    equal(await store.get('coins', ['a']), coin('a', { amount: 7, label: 'x', state: 'spent', at: 12, data: [1] }))
    await store.commit([{ patch: 'coins', key: ['a'], set: {} }])
    await store.commit([
      { delete: 'coins', key: ['a'] },
      { delete: 'coins', key: ['never'] },
    ])
    equal(await store.get('coins', ['a']), undefined)
    equal(await store.query({ table: 'events' }), [{ op: 'o', seq: 1, text: '' }])
    await store.commit([])
  })

  test('refuses a patch of a row that does not exist', async (store) => {
    await rejects(store.commit([{ patch: 'coins', key: ['a'], set: { amount: 2 } }]), 'CONFLICT')
  })

  test('checks every condition, for every kind of write', async (store) => {
    const row = { mint: 'n', amount: 5, at: 100, label: null }
    const holding = [{ amount: 5 }, { label: null }, { mint: 'n', amount: { atMost: 5 } }, { at: { atMost: 100 } }, {}]
    const failing = [
      'absent',
      { amount: 4 },
      { label: 'x' },
      { at: null },
      { amount: 5, mint: 'other' },
      { amount: { atMost: 4 } },
      { at: { atMost: 99 } },
    ] as const
    const writes = (id: string, condition: NonNullable<Write['if']>): Write[] => [
      { put: 'coins', row: coin(id, row), if: condition },
      { patch: 'coins', key: [id], set: { version: 2 }, if: condition },
      { check: 'coins', key: [id], if: condition },
      { delete: 'coins', key: [id], if: condition },
    ]
    for (const condition of holding)
      for (const write of writes('a', condition)) {
        await store.commit([putCoin('a', row)])
        await store.commit([write])
      }
    await store.commit([putCoin('a', row)])
    for (const condition of failing)
      for (const write of writes('a', condition)) await rejects(store.commit([write]), 'CONFLICT')
    equal(await store.query({ table: 'coins' }), [coin('a', row)])
    for (const condition of ['absent', { amount: { atMost: 0 } }, {}] as const) {
      await store.commit([{ check: 'coins', key: ['new'], if: condition }])
      await store.commit([{ delete: 'coins', key: ['new'], if: condition }])
      await store.commit([
        { put: 'coins', row: coin('new'), if: condition },
        { delete: 'coins', key: ['new'] },
      ])
    }
    for (const condition of [{ amount: 1 }, { label: null }, { amount: { atMost: 9 }, mint: 'm' }])
      for (const write of writes('new', condition)) await rejects(store.commit([write]), 'CONFLICT')
    await store.commit([putCoin('b')])
    await rejects(store.commit([{ check: 'coins', key: ['b'], if: { at: { atMost: 1 } } }]), 'CONFLICT')
  })

  test('sees the earlier writes of a commit in its later ones', async (store) => {
    await store.commit([
      { put: 'coins', row: coin('a', { version: 1 }), if: 'absent' },
      { patch: 'coins', key: ['a'], set: { version: 2 }, if: { version: 1 } },
      { check: 'coins', key: ['a'], if: { version: 2 } },
      { delete: 'coins', key: ['a'], if: { version: 2 } },
      { put: 'coins', row: coin('a', { version: 3 }), if: 'absent' },
    ])
    equal(await store.get('coins', ['a']), coin('a', { version: 3 }))
    const again: Write = { put: 'coins', row: coin('z'), if: 'absent' }
    await rejects(store.commit([again, again]), 'CONFLICT')
    equal(await store.get('coins', ['z']), undefined)
  })

  test('lands nothing where the last write is refused', async (store) => {
    await store.commit([putCoin('a', { amount: 5, label: 'x' }), putCoin('b', { amount: 6 }), putEvent('o', 1)])
    const before = await everything(store)
    const refused = store.commit([
      putCoin('c', { label: 'y' }),
      putCoin('a', { amount: 50, state: 'spent', label: 'z' }),
      { patch: 'coins', key: ['b'], set: { amount: 60 } },
      { delete: 'events', key: ['o', 1] },
      { put: 'events', row: { op: 'o', seq: 2, text: '' }, if: { seq: 2 } },
    ])
    await rejects(refused, 'CONFLICT')
    equal(await everything(store), before)
    await store.commit([putCoin('d', { label: 'y' }), putCoin('e', { label: 'z' })])
  })

  test('keeps unique indexes, from which nulls are exempt', async (store) => {
    await store.commit([
      putCoin('a', { label: 'x' }),
      putCoin('b'),
      putCoin('c'),
      putCoin('d', { mint: 'n', label: 'x' }),
    ])
    await rejects(store.commit([putCoin('e', { label: 'x' })]), 'CONFLICT')
    await rejects(store.commit([{ patch: 'coins', key: ['b'], set: { label: 'x' } }]), 'CONFLICT')
    equal(await store.get('coins', ['e']), undefined)
    await store.commit([putCoin('a', { label: 'x', amount: 2 })])
    await store.commit([
      { patch: 'coins', key: ['a'], set: { label: null } },
      { patch: 'coins', key: ['b'], set: { label: 'x' } },
    ])
    const swap = ['a', 'b'].map((id): Write => ({ delete: 'coins', key: [id] }))
    await store.commit([...swap, putCoin('f', { label: 'x' })])
    equal(await ids(store, { table: 'coins', index: 'byLabel', prefix: ['m', 'x'] }), ['f'])
    await store.commit([putCoin('g', { mint: 'm1', label: 'x' }), putCoin('h', { mint: 'm', label: '1x' })])
  })

  test('gives JSON back as it was, and keeps no hold on the caller’s own', async (store) => {
    const data = {
      text: 'quo"te \\ \n \u2028 \u{1F600} ',
      lone: '\ud800',
      numbers: [0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, 0.1],
      flags: [true, false, null],
      nested: { empty: {}, list: [[], [[{}]]] },
      ['__proto__']: { polluted: true },
      gone: undefined,
    }
    await store.commit([putCoin('a', { data, more: 'text' }), putCoin('b', { data: null, more: null })])
    const { gone: _, ...kept } = data
    data.nested.list.push([])
    const read = await store.get<Row & { data: object }>('coins', ['a'])
    kept.nested = { empty: {}, list: [[], [[{}]]] }
    equal(read, coin('a', { data: kept, more: 'text' }))
    equal('polluted' in read!.data, false)
    equal(await store.get('coins', ['b']), coin('b'))
    for (const value of [0, false, '', [], {}, 'null']) {
      await store.commit([{ patch: 'coins', key: ['a'], set: { data: value, more: value } }])
      equal(await store.get('coins', ['a']), coin('a', { data: value, more: value }))
    }
  })

  test('compares JSON with what was read of it, in a commit’s own rows and others', async (store) => {
    const read = { z: [1, { deep: null }], a: 'quo"te \u0000 \u{1F600}', atMost: 3, 7: true }
    await store.commit([putCoin('a', { data: read, more: null }), putCoin('b', { data: 'text', more: 'null' })])
    await store.commit([
      { check: 'coins', key: ['a'], if: { data: read, more: null, amount: 1 } },
      { check: 'coins', key: ['b'], if: { data: 'text', more: 'null' } },
    ])
    const others = [{ ...read, z: [1, { deep: 0 }] }, { z: read.z, a: read.a, 7: true }, null, 'text', {}]
    const failing: Write[] = [
      ...others.map((data): Write => ({ check: 'coins', key: ['a'], if: { data } })),
      { delete: 'coins', key: ['a'], if: { data: read, more: 'null' } },
      { put: 'coins', row: coin('b'), if: { data: 'text', more: null } },
      { patch: 'coins', key: ['b'], set: { amount: 2 }, if: { data: '"text"' } },
    ]
    for (const write of failing) await rejects(store.commit([write]), 'CONFLICT')
    await rejects(store.commit([{ check: 'coins', key: ['none'], if: { more: null } }]), 'CONFLICT')
    await store.commit([
      { patch: 'coins', key: ['a'], set: { data: [2] }, if: { data: read } },
      { check: 'coins', key: ['a'], if: { data: [2], more: null } },
      { put: 'coins', row: coin('a', { data: { three: 3 } }), if: { data: [2] } },
      { put: 'coins', row: coin('new'), if: 'absent' },
      { patch: 'coins', key: ['new'], set: { more: [4] }, if: { data: null, more: null, amount: 1 } },
    ])
    equal(await store.get('coins', ['a']), coin('a', { data: { three: 3 } }))
    equal(await store.get('coins', ['new']), coin('new', { more: [4] }))
    const tries = [1, 2, 3].map((to) =>
      store.commit([{ patch: 'coins', key: ['a'], set: { data: [to] }, if: { data: { three: 3 } } }]),
    )
    equal((await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('of many that rely on a row’s absence and insert it lands one', async (store) => {
    const tries = [1, 2, 3, 4].map((amount) =>
      store.commit([
        { check: 'coins', key: ['a'], if: 'absent' },
        { check: 'events', key: ['o', 1], if: 'absent' },
        putCoin('a', { amount }),
      ]),
    )
    equal((await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled').length, 1)
    equal((await store.query({ table: 'coins' })).length, 1)
  })

  test('keeps integers up to the safe bounds, and nothing beyond', async (store) => {
    const most = Number.MAX_SAFE_INTEGER
    await store.commit([
      putCoin('a', { amount: most, mint: 'x' }),
      putCoin('b', { amount: -most, mint: 'y', at: most }),
    ])
    equal(await store.get('coins', ['a']), coin('a', { amount: most, mint: 'x' }))
    equal(await store.get('coins', ['b']), coin('b', { amount: -most, mint: 'y', at: most }))
    equal(await store.sum('coins', ['x']), [{ key: ['x', 'free'], sum: most, count: 1 }])
    equal(await ids(store, { table: 'coins', index: 'byAmount', from: most }), ['a'])
    await store.commit([putCoin('zero', { amount: -0 })])
    equal(Object.is((await store.get('coins', ['zero']))!['amount'], 0), true, 'there is no negative zero')
    for (const amount of [most + 1, -most - 1, 0.5, Number.NaN, Infinity])
      await rejects(store.commit([putCoin('c', { amount })]), TypeError, 'coins.amount')
    const before = await everything(store)
    await rejects(store.commit([putEvent('o', 1), putCoin('c', { mint: 'x' })]), RangeError, 'coins')
    equal(await everything(store), before)
  })

  test('takes no row, key or column that the tables do not have', async (store) => {
    const { amount: _, ...short } = coin('a')
    const mistakes: [string, Write][] = [
      ['nothing', { put: 'nothing', row: {} }],
      ['coins.amount', { put: 'coins', row: short }],
      ['coins.amount', { put: 'coins', row: coin('a', { amount: undefined }) }],
      ['extra', { put: 'coins', row: coin('a', { extra: 1 }) }],
      ['toString', { put: 'coins', row: coin('a', { toString: 'x' }) }],
      ['coins.amount', { put: 'coins', row: coin('a', { amount: '1' }) }],
      ['coins.amount', { put: 'coins', row: coin('a', { amount: null }) }],
      ['coins.mint', { put: 'coins', row: coin('a', { mint: '\udc00' }) }],
      ['coins.label', { put: 'coins', row: coin('a', { label: 1 }) }],
      ['coins.data', { put: 'coins', row: coin('a', { data: new Date(0) as never }) }],
      ['coins.data', { put: 'coins', row: coin('a', { data: [1n] as never }) }],
      ['coins.data', { put: 'coins', row: coin('a', { data: { deep: [Number.NaN] } }) }],
      ['coins.data', { put: 'coins', row: coin('a', { data: [undefined] as never }) }],
      ['coins.id', { patch: 'coins', key: ['a'], set: { id: 'b' } }],
      ['extra', { patch: 'coins', key: ['a'], set: { extra: 1 } }],
      ['coins.amount', { patch: 'coins', key: ['a'], set: { amount: undefined } }],
      ['coins', { patch: 'coins', key: [], set: {} }],
      ['coins.id', { delete: 'coins', key: [1] }],
      ['events', { check: 'events', key: ['o'], if: 'absent' }],
      ['extra', { check: 'coins', key: ['a'], if: { extra: 1 } }],
      ['coins.amount', { check: 'coins', key: ['a'], if: { amount: 'x' } }],
      ['coins.mint', { check: 'coins', key: ['a'], if: { mint: { atMost: 1 } } }],
      ['coins.data', { check: 'coins', key: ['a'], if: { data: { at: new Date(0) as never } } }],
    ]
    await store.commit([putCoin('a')])
    for (const [place, write] of mistakes) await rejects(store.commit([putEvent('o', 1), write]), TypeError, place)
    equal(await everything(store), [[coin('a')], [], [{ key: ['m', 'free'], sum: 1, count: 1 }]])
  })
}
