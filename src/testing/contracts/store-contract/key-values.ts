/** Keys and values in namespaces. */
import { KeyValues, kvDelete, kvGet, kvList, kvSet, type KvName } from '../../../store/kv.ts'
import type { Json } from '../../../store/port.ts'
import { equal, everything, putCoin, rejects, type Test } from './kit.ts'

export function keyValues(test: Test): void {
  test('keeps values by name, and lists the keys of each namespace apart', async (store) => {
    const kv = new KeyValues(store)
    const names = [
      { key: 'a' },
      { key: 'b', primary: 'x' },
      { key: 'c', primary: 'x', secondary: 'y' },
      { key: 'a', primary: 'x', secondary: 'y' },
      { key: 'y', primary: 'xy' },
      { key: `${'k'.repeat(118)}_-`, primary: 'P-0_z', secondary: 's'.repeat(120) },
    ] as const satisfies readonly KvName[]
    const values: Json[] = ['text', 0, null, { deep: [true, null, 1.5] }, [], '']
    for (const [i, name] of names.entries()) {
      equal(await kv.get(name), undefined)
      await kv.set(name, values[i] ?? null)
    }
    for (const [i, name] of names.entries()) equal(await kv.get(name), values[i])
    equal(await kv.list(), ['a'])
    equal(await kv.list({ primary: 'x' }), ['b'])
    equal(await kv.list({ primary: 'x', secondary: 'y' }), ['a', 'c'])
    equal(await kv.list({ primary: 'nothing' }), [])
    const [first, second, third, fourth] = names
    await kv.set(first, 'another')
    await kv.delete(second)
    await kv.delete(second)
    await kv.change([
      { ...third, value: undefined },
      { ...fourth, value: 1 },
    ])
    equal(await kv.get({ key: 'a' }), 'another')
    equal(await kv.list({ primary: 'x' }), [])
    equal(await kv.list({ primary: 'x', secondary: 'y' }), ['a'])
  })

  test('lands changes of values with what they belong to, or not at all', async (store) => {
    const name = { primary: 'app', key: 'seen' }
    await store.commit([putCoin('a'), kvSet(name, 1)])
    const before = await everything(store)
    await rejects(store.commit([kvSet(name, 2), { ...putCoin('a'), if: 'absent' }]), 'CONFLICT')
    await rejects(store.commit([kvDelete(name), { ...putCoin('a'), if: 'absent' }]), 'CONFLICT')
    equal(await kvGet(store, name), 1)
    equal(await everything(store), before)
    await store.commit([kvDelete(name), { delete: 'coins', key: ['a'] }])
    equal(await kvGet(store, name), undefined)
    equal(await kvList(store, { primary: 'app' }), [])
  })

  test('refuses names that another store could not keep, or could confuse, and says why', async (store) => {
    const kv = new KeyValues(store)
    const wrong: [KvName, string][] = [
      [{ key: '' }, 'key: must not be empty'],
      [{ key: 'a/b' }, "key: '/' is none of"],
      [{ key: 'ä' }, "key: 'ä' is none of"],
      [{ key: 'k'.repeat(121) }, 'key: has 121 characters'],
      [{ key: 'k', primary: 'a.b' }, "primary: '.' is none of"],
      [{ key: 'k', primary: 'p', secondary: 's ' }, "secondary: ' ' is none of"],
      [{ key: 'k', primary: 'p'.repeat(121) }, 'primary: has 121 characters'],
      [{ key: 'k', secondary: 's' }, 'secondary: needs a primary namespace'],
      [{ key: 'p', primary: 'p' }, "key: is the name of its own namespace, 'p'"],
      [{ key: 's', primary: 'p', secondary: 's' }, "key: is the name of its own namespace, 's'"],
      [{ key: 1 as unknown as string }, 'key: must be a text, not number'],
      [{} as KvName, 'key: must be a text, not undefined'],
    ]
    for (const [name, why] of wrong) {
      await rejects((async () => kv.set(name, 1))(), TypeError, why)
      await rejects((async () => kv.get(name))(), TypeError, why)
      await rejects((async () => kv.delete(name))(), TypeError, why)
    }
    await rejects((async () => kv.list({ secondary: 's' }))(), TypeError, 'secondary: needs a primary namespace')
    await rejects(kv.set({ key: 'k' }, undefined as unknown as Json), TypeError, 'value:')
    equal(await store.query({ table: 'kv' }), [])
  })
}
