/** Goal: a schema that does not fit its database says how, and no more. */
import { expect, test } from 'vitest'
import { differences } from '../../src/store/kit/differences.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Schema, Table } from '../../src/store/port.ts'

const plans = { columns: { id: 'text', price: 'integer' }, key: ['id'] } as const satisfies Table
const tables = { plans, log: plans }

test('which table, column, key, index or total differs, and how', () => {
  const changed = (to: Table): string[] => differences(tables, { ...tables, plans: to }, true)
  expect(changed(plans)).toEqual([])
  expect(changed({ ...plans, columns: { ...plans.columns, title: 'text' } })).toEqual(['plans.title added'])
  expect(changed({ ...plans, columns: { id: 'text' } })).toEqual(['plans.price removed'])
  expect(changed({ ...plans, columns: { id: 'text', price: 'text?' } })).toEqual(['plans.price was integer, is text?'])
  expect(changed({ ...plans, key: ['id', 'price'] })).toEqual(['plans key was id, is id, price'])
  const indexes = { byPrice: { columns: ['price'] } }
  expect(changed({ ...plans, indexes })).toEqual(['plans index byPrice added'])
  expect(differences({ plans: { ...plans, indexes } }, { plans }, true)).toEqual(['plans index byPrice removed'])
  expect(differences({ plans: { ...plans, indexes } }, { plans: { ...plans, indexes: { byPrice: { columns: ['price'], unique: true } } } }, true)).toEqual(['plans index byPrice was price, is unique price']) // prettier-ignore
  const total = { of: 'price', by: ['id'] }
  expect(changed({ ...plans, total })).toEqual(['plans total added'])
  expect(differences(tables, { ...tables, plans: { ...plans, total } }, false)).toEqual([])
  expect(differences(tables, { plans, orders: plans }, true)).toEqual(['log removed', 'orders added'])
})

test('a store that is opened with other tables names them', async () => {
  const adapter = memoryStore()
  const schema: Schema = { version: 1, tables }
  await (await adapter.open(schema)).close()
  const title = { ...plans, columns: { ...plans.columns, title: 'text' } } as const
  await expect(adapter.open({ version: 1, tables: { ...tables, plans: title } })).rejects.toThrow(
    'version 1 is not what the database has; it takes another version, and a migration: plans.title added',
  )
  const away = { version: 2, tables: { ...tables, plans: title }, migrations: { 1: [] } }
  await expect(adapter.open(away)).rejects.toThrow('version 2 is not what its migrations lead to: plans.title added')
})
