/** Older databases, newer databases. */
import { kvTable } from '../../../store/kv.ts'
import type { Row, Schema, Store, Table } from '../../../store/port.ts'
import { coin, coins, equal, events, everything, fail, putCoin, putEvent, rejects, schema, type Test } from './kit.ts'
import { sure } from '../../../sure.ts'

export function migrating(test: Test): void {
  const marks: Table = { columns: { id: 'text', note: 'json' }, key: ['id'] }
  const renamed = (row: Row): Row => ({ ...row, op: `${row['op'] as string}!`, seq: (row['seq'] as number) * 10 })
  const later = {
    version: 3,
    tables: {
      coins: {
        ...coins,
        columns: { ...coins.columns, unit: 'text', left: 'json?' },
        total: { of: 'amount', by: ['unit'] },
      },
      events: {
        ...events,
        columns: { ...events.columns, size: 'integer' },
        indexes: { bySize: { columns: ['size', 'text'] }, byText: { columns: ['text'], unique: true } },
      },
      marks,
      kv: kvTable,
    },
    migrations: {
      1: [
        { addTable: 'marks', as: marks },
        { addColumn: 'unit', to: 'coins', type: 'text', value: "s'at" },
        { addColumn: 'left', to: 'coins', type: 'json?', value: null },
        { addColumn: 'size', to: 'events', type: 'integer', value: 1 },
        { rewrite: 'events', row: renamed },
      ],
      2: [
        { rewrite: 'events', row: (row) => ({ ...row, size: sure(row['seq'], 'seq'), text: sure(row['op'], 'op') }) },
        { rewrite: 'coins', row: (row) => ({ ...row, unit: sure(row['mint'], 'mint'), data: [row['data'] ?? null] }) },
        { addIndex: 'bySize', to: 'events', columns: ['size', 'text'] },
        { addIndex: 'byText', to: 'events', columns: ['text'], unique: true },
      ],
    },
  } satisfies Schema
  const fill = async (store: Store): Promise<void> => {
    await store.commit([putCoin('a', { amount: 3, data: { deep: 1 } }), putCoin('b', { mint: 'n', amount: 4 })])
    await store.commit([putEvent('o', 3), putEvent('p', 2)])
  }
  const migrated = [
    coin('a', { amount: 3, data: [{ deep: 1 }], unit: 'm', left: null }),
    coin('b', { mint: 'n', amount: 4, data: [null], unit: 'n', left: null }),
  ]

  test('migrates step by step, in order, once', async (store, adapter) => {
    await fill(store)
    await store.close()
    for (let opened = 0; opened < 2; opened++) {
      const after = await adapter.open(later)
      equal(await after.query({ table: 'coins' }), migrated)
      equal(await after.query({ table: 'events', index: 'bySize' }), [
        { op: 'p!', seq: 20, text: 'p!', size: 20 },
        { op: 'o!', seq: 30, text: 'o!', size: 30 },
      ])
      equal(await after.sum('coins'), [
        { key: ['m'], sum: 3, count: 1 },
        { key: ['n'], sum: 4, count: 1 },
      ])
      await rejects(after.commit([{ put: 'events', row: { op: 'q', seq: 1, text: 'o!', size: 1 } }]), 'CONFLICT')
      await after.commit([{ put: 'marks', row: { id: 'x', note: 'y' } }])
      await after.close()
    }
  })

  test('refuses what a later program wrote, and leaves it unharmed', async (store, adapter) => {
    await fill(store)
    const after = await adapter.open(later)
    await rejects(store.commit([putCoin('late')]), 'NEWER')
    await rejects(adapter.open(schema), 'NEWER')
    equal(await after.query({ table: 'coins' }), migrated)
    await after.close()
    await rejects(adapter.open(schema), 'NEWER')
    const again = await adapter.open(later)
    equal(await again.query({ table: 'coins' }), migrated)
    await again.close()
  })

  test('lands no step of a migration of which one fails', async (store, adapter) => {
    await fill(store)
    const before = await everything(store)
    await store.close()
    const failing: [NonNullable<Schema['migrations']>, (opening: Promise<unknown>) => Promise<void>][] = [
      [
        { ...later.migrations, 2: [...later.migrations[2], { rewrite: 'coins', row: () => fail('planned') }] },
        (opening) => rejects(opening, Error, 'planned'),
      ],
      [
        { ...later.migrations, 2: [{ rewrite: 'events', row: () => ({ op: 'o' }) }, ...later.migrations[2]] },
        (opening) => rejects(opening, TypeError, 'events.seq'),
      ],
      [
        {
          ...later.migrations,
          2: [
            { rewrite: 'events', row: (row) => ({ ...row, text: sure(row['op'], 'op'), op: 'o', seq: 1 }) },
            ...later.migrations[2].slice(1),
          ],
        },
        (opening) => rejects(opening, 'CONFLICT'),
      ],
      // The text of all is still empty when the unique index comes.
      [{ ...later.migrations, 2: later.migrations[2].slice(1) }, (opening) => rejects(opening, 'CONFLICT')],
    ]
    for (const [migrations, check] of failing) {
      await check(adapter.open({ ...later, migrations }))
      const again = await adapter.open(schema)
      equal(await everything(again), before)
      await again.close()
    }
    const after = await adapter.open(later)
    equal(await after.query({ table: 'coins' }), migrated)
    await after.close()
  })

  test('refuses a schema that its migrations do not lead to', async (store, adapter) => {
    await fill(store)
    const { 2: _, ...halfway } = later.migrations
    const { marks: __, ...fewer } = later.tables
    const wrong: Schema[] = [
      { ...later, migrations: halfway },
      { ...later, tables: fewer },
      { ...later, migrations: { ...later.migrations, 2: [{ addTable: 'coins', as: coins }] } },
      { ...later, migrations: { ...later.migrations, 2: [{ rewrite: 'nothing', row: (row) => row }] } },
      { version: 1, tables: { coins } },
      { version: 1, tables: { ...schema.tables, coins, events: { ...events, key: ['op'] } } },
      { version: 1, tables: { ...schema.tables, coins, events: { ...events, key: ['other'] } } },
      {
        version: 1,
        tables: { ...schema.tables, coins, events: { ...events, columns: { ...events.columns, 'a b': 'text' } } },
      },
      { version: 0, tables: { ...schema.tables, coins, events } },
      { version: 2, tables: { ...schema.tables, coins, events } },
      { version: 1, tables: { ...schema.tables, coins: { ...coins, key: ['label'] }, events } },
      {
        version: 1,
        tables: { ...schema.tables, coins: { ...coins, indexes: { byData: { columns: ['data'] } } }, events },
      },
      { version: 1, tables: { ...schema.tables, coins: { ...coins, total: { of: 'at', by: ['mint'] } }, events } },
      { version: 1, tables: { ...schema.tables, coins: { ...coins, total: { of: 'amount', by: [] } }, events } },
    ]
    for (const each of wrong) await rejects(adapter.open(each), TypeError, '')
    await store.commit([putCoin('c')])
    const again = await adapter.open({ version: 1, tables: { kv: kvTable, events, coins: { ...coins } } })
    equal((await again.query({ table: 'coins' })).length, 3)
    await again.close()
  })
}
