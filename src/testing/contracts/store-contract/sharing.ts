/** Several commits, handles and lives of one store. */
import type { Row, Store, Write } from '../../../store/port.ts'
import {
  codeOf,
  coin,
  equal,
  everything,
  fail,
  putCoin,
  putEvent,
  rejects,
  schema,
  totalsOf,
  type Test,
} from './kit.ts'

export function sharing(test: Test): void {
  test('is one store through two handles', async (one, adapter) => {
    const two = await adapter.open(schema)
    await one.commit([putCoin('a')])
    equal(await two.get('coins', ['a']), coin('a'))
    const step = (version: number): Write[] => [
      { patch: 'coins', key: ['a'], set: { version: version + 1 }, if: { version } },
      { put: 'events', row: { op: 'step', seq: version, text: '' }, if: 'absent' },
    ]
    await two.commit(step(1))
    await rejects(one.commit(step(1)), 'CONFLICT')
    equal(await one.get('coins', ['a']), coin('a', { version: 2 }))
    const climb = async (store: Store): Promise<void> => {
      let landed = 0
      while (landed < 20) {
        const row = await store.get<Row & { version: number }>('coins', ['a'])
        try {
          await store.commit(step(row!.version))
          landed++
        } catch (error) {
          equal(codeOf(error), 'CONFLICT')
        }
      }
    }
    await Promise.all([climb(one), climb(two)])
    equal(await two.get('coins', ['a']), coin('a', { version: 42 }))
    equal((await one.query({ table: 'events' })).length, 41)
    await two.close()
    await one.commit(step(42))
  })

  test('lets one of many commits win each version, and the rest leave nothing', async (store) => {
    await store.commit([putCoin('a', { version: 0 })])
    for (let version = 0; version < 5; version++) {
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) =>
          store.commit([
            putEvent(`v${version}`, 2 * i),
            { patch: 'coins', key: ['a'], set: { version: version + 1, amount: i }, if: { version } },
            putEvent(`v${version}`, 2 * i + 1),
          ]),
        ),
      )
      const won = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
      equal(won.length, 1)
      for (const result of results) if (result.status === 'rejected') equal(codeOf(result.reason), 'CONFLICT')
      equal(await store.get('coins', ['a']), coin('a', { version: version + 1, amount: won[0]! }))
      const left = await store.query<Row & { seq: number }>({ table: 'events', prefix: [`v${version}`] })
      equal(
        left.map(({ seq }) => seq),
        [2 * won[0]!, 2 * won[0]! + 1],
      )
    }
  })

  test('lands or refuses each of many commits at once by itself', async (store) => {
    await store.commit([putCoin('z')])
    const results = await Promise.allSettled(
      Array.from({ length: 90 }, (_, i) =>
        store.commit([
          putEvent('many', i),
          putCoin(`c${i}`, { amount: i }),
          i % 3 === 0 ? { check: 'coins', key: ['z'], if: 'absent' } : putEvent('more', i),
        ]),
      ),
    )
    const landed = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
    equal(
      landed,
      Array.from({ length: 90 }, (_, i) => i).filter((i) => i % 3 !== 0),
    )
    for (const op of ['many', 'more']) {
      const found = await store.query<Row & { seq: number }>({ table: 'events', prefix: [op] })
      equal(
        found.map(({ seq }) => seq),
        landed,
      )
    }
    equal(await store.sum('coins'), totalsOf(await store.query({ table: 'coins' })))
  })

  test('calls watchers back after commits of any handle, until they stop', async (one, adapter) => {
    const two = await adapter.open(schema)
    const calls = { one: 0, two: 0, stopped: 0 }
    one.watch('coins', () => calls.one++)
    const stop = two.watch('coins', () => calls.two++)
    one.watch('coins', () => calls.stopped++)()
    for (const store of [one, two]) {
      const before = { ...calls }
      await store.commit([putCoin(store === one ? 'x' : 'y')])
      await until(() => calls.one > before.one && calls.two > before.two)
    }
    // Whichever is first stops the other, though both were due.
    const called = new Set<number>()
    const pair: (() => void)[] = [0, 1].map((i) =>
      one.watch('events', () => {
        called.add(i)
        pair[1 - i]!()
      }),
    )
    await one.commit([putEvent('o', 1)])
    stop()
    const { two: before } = calls
    await one.commit([putCoin('b')])
    await two.commit([putCoin('c')])
    await new Promise((resolve) => setTimeout(resolve, 500))
    equal([calls.two, calls.stopped, called.size], [before, 0, 1])
    await two.close()
  })

  test('keeps everything when closed and opened again', async (store, adapter) => {
    await store.commit([
      putCoin('a', { data: { deep: [1] } }),
      putCoin('b', { mint: 'n', amount: 4 }),
      putEvent('o', 1),
    ])
    await store.commit([{ delete: 'events', key: ['o', 1] }])
    const before = await everything(store)
    await store.close()
    const again = await adapter.open(schema)
    equal(await everything(again), before)
    await again.commit([{ patch: 'coins', key: ['b'], set: { amount: 5 }, if: { amount: 4 } }])
    equal(await again.sum('coins', ['n']), [{ key: ['n', 'free'], sum: 5, count: 1 }])
    await again.close()
  })

  test('finishes its commits when closed, and rejects what comes later', async (store, adapter) => {
    const commits = Array.from({ length: 20 }, (_, i) => store.commit([putEvent('o', i)]))
    const closing = store.close()
    await rejects(store.commit([putEvent('late', 1)]), 'CLOSED')
    await Promise.all([...commits, closing, store.close()])
    await rejects(store.get('coins', ['a']), 'CLOSED')
    await rejects(store.query({ table: 'coins' }), 'CLOSED')
    await rejects(store.sum('coins'), 'CLOSED')
    await rejects((async () => store.watch('coins', () => {}))(), 'CLOSED')
    const again = await adapter.open(schema)
    equal((await again.query({ table: 'events' })).length, 20)
    await again.close()
  })
}

async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 5_000
  while (!holds()) {
    if (Date.now() > deadlineMs) fail('a watcher was not called back')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
