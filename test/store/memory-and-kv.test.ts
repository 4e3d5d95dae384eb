import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { memoryStore, type Dump } from '../../src/store/memory.ts'
import type { Row, Schema } from '../../src/store/port.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { storeContract, type NewStore } from '../../src/testing/contracts/store-contract.ts'

const stores: Record<string, NewStore> = {
  async memory() {
    return { adapter: memoryStore(), dispose: async () => {} }
  },
  async sqlite() {
    const directory = await mkdtemp(join(tmpdir(), 'store-'))
    const adapter = sqliteStore({ path: join(directory, 'store.db') })
    return { adapter, dispose: () => rm(directory, { recursive: true }) }
  },
  async 'encrypted sqlite'() {
    const directory = await mkdtemp(join(tmpdir(), 'store-'))
    const adapter = encryptedSqliteStore({ path: join(directory, 'store.db'), key: '0a'.repeat(32) })
    return { adapter, dispose: () => rm(directory, { recursive: true }) }
  },
}

describe.each(Object.entries(stores))('%s', (_, newStore) => {
  test.each(storeContract(newStore))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('memory', () => {
  const notes: Schema = {
    version: 1,
    tables: {
      notes: {
        columns: { id: 'integer', text: 'text?', more: 'json' },
        key: ['id'],
        indexes: { byText: { columns: ['text'], unique: true } },
        total: { of: 'id', by: ['id'] },
      },
    },
  }
  const note = (id: number): Row => ({ more: { deep: [id] }, text: `t${id}`, id })

  test('a dump is JSON in key order, shares its rows, and never changes', async () => {
    const adapter = memoryStore()
    const store = await adapter.open(notes)
    await store.commit([10, 9, 1].map((id) => ({ put: 'notes', row: note(id) })))
    const dump = adapter.dump()
    expect(dump).toEqual({ notes: [note(1), note(9), note(10)] })
    expect(JSON.parse(JSON.stringify(dump))).toEqual(dump)
    expect(Object.keys(dump['notes']![0]!)).toEqual(['id', 'text', 'more'])
    expect(dump['notes']![0]).toBe(await store.get('notes', [1]))
    await store.commit([{ delete: 'notes', key: [9] }])
    await store.commit([{ patch: 'notes', key: [1], set: { text: 'other' } }])
    expect(dump).toEqual({ notes: [note(1), note(9), note(10)] })
    expect(() => Object.assign(dump['notes']![0]!['more'] as object, { deep: 2 })).toThrow(TypeError)
  })

  test('a loaded dump is independent of its source, before and after opening', async () => {
    const first = memoryStore()
    const store = await first.open(notes)
    await store.commit([{ put: 'notes', row: note(1) }])
    const dump = first.dump()
    const second = memoryStore()
    second.load(dump)
    expect(second.dump()).toEqual(dump)
    const other = await second.open(notes)
    expect(await other.get('notes', [1])).toBe(dump['notes']![0])
    await other.commit([{ put: 'notes', row: note(2) }])
    await expect(other.commit([{ put: 'notes', row: { ...note(3), text: 't1' } }])).rejects.toThrow('same text')
    expect(first.dump()).toEqual(dump)
    second.load(JSON.parse(JSON.stringify(dump)) as Dump)
    expect(await other.query({ table: 'notes' })).toEqual([note(1)])
    expect(await other.sum('notes')).toEqual([{ key: [1], sum: 1, count: 1 }])
    expect(() => second.load({ nothing: [] })).toThrow(TypeError)
    expect(() => second.load({ notes: [{ id: 1 }] })).toThrow('notes.text')
    expect(second.dump()).toEqual(dump)
  })

  test('everything settles within microtasks', async () => {
    const done: string[] = []
    const run = async (): Promise<void> => {
      const store = await memoryStore().open(notes)
      store.watch('notes', () => done.push('watched'))
      await store.commit([{ put: 'notes', row: note(1) }])
      await store.commit([{ put: 'notes', row: note(2), if: { id: 1 } }]).catch(() => done.push('refused'))
      done.push(`${(await store.query({ table: 'notes', index: 'byText' })).length} found`)
      await store.get('notes', [1])
      await store.sum('notes')
      await store.close()
      done.push('closed')
    }
    void run()
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    expect(done).toEqual(['watched', 'refused', '1 found', 'closed'])
  })

  test('ten thousand rows are written and read in turns without slowing down', async () => {
    const store = await memoryStore().open(notes)
    const before = process.threadCpuUsage()
    for (let id = 0; id < 10_000; id++) {
      await store.commit([{ put: 'notes', row: note((id * 7919) % 10_000) }])
      await store.query({ table: 'notes', index: 'byText', limit: 2, reverse: true })
    }
    expect(await store.query({ table: 'notes' })).toHaveLength(10_000)
    // Some 100 ms of this thread's own work; sorting at every query takes minutes.
    const { user, system } = process.threadCpuUsage(before)
    expect(user + system).toBeLessThan(5_000_000)
  })
})
