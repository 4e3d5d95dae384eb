/**
 * Goal: what an operation keeps is its own: neither who made its input, its events and its answers, nor who is handed its
 * state can change it. Method: callers, effects, polls and listeners that hold on to what they gave or got, and change it.
 */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { assign, emit, setup } from 'xstate'
import { effect, type Change } from '../../src/kernel/index.ts'
import { own } from '../../src/kernel/util/own.ts'
import { anyKind, ofAny } from '../kits/any-kind.ts'
import { newWorld, orderRow, pass, settled, start } from '../kits/kernel-shop.ts'

interface Context {
  readonly items: readonly string[]
  readonly paid: { readonly notes: readonly string[] }
}
type Paid = { answer: 'ok'; notes: string[] } | { answer: 'no' }

const machine = setup({
  types: {} as {
    context: Context
    input: { items: string[] }
    events: { type: 'add'; items: string[] } | { type: 'pay' } | { type: 'go' } | { type: 'came' }
    emitted: { type: 'told'; items: readonly string[] }
  },
  actors: { pay: effect<Paid, { items: readonly string[]; n: number }>({ answers: { ok: true, no: true } }) },
}).createMachine({
  context: ({ input }) => ({ items: input.items, paid: { notes: [] } }),
  initial: 'filling',
  states: {
    filling: {
      meta: { poll: 'stock' },
      on: {
        add: {
          actions: [
            assign({ items: ({ event }) => event.items }),
            emit(({ context: { items } }) => ({ type: 'told', items })),
          ],
        },
        pay: 'paying',
        came: {},
      },
    },
    paying: {
      invoke: {
        src: 'pay',
        input: ({ context: { items } }) => ({ items, n: 1 }),
        onDone: {
          target: 'filling',
          actions: assign(({ event: { output } }) => (output.answer === 'ok' ? { paid: { notes: output.notes } } : {})),
        },
      },
      on: { go: { actions: assign({ paid: { notes: ['gone'] } }) } },
    },
  },
})

async function begun(
  pay: (args: { input: { items: string[]; n: number } }) => unknown,
  ask: (contexts: readonly unknown[]) => void = () => {},
) {
  const world = newWorld()
  const polls = () => ({
    stock: {
      ...{ firstMs: 10, maxMs: 10, most: 5, sends: ['came'] },
      async ask({ contexts }: { contexts: readonly unknown[] }) {
        ask(contexts)
        return []
      },
    },
  })
  const kind = anyKind(machine, { pay }, { polls })
  const process = await start(world, { kinds: [kind] })
  const shop = {
    ...{ operations: process.operations, kill: () => process.kill() },
    any: ofAny(process.operations, kind),
  }
  const items = ['tea']
  const { id } = await shop.any.create({ items })
  await settled()
  const stored = (): Context => (JSON.parse(orderRow(world, id).snapshot) as { context: Context }).context
  return { world, shop, id, items, stored }
}

/** What became of a change that somebody tries. */
const tried = (change: () => unknown): string => {
  try {
    change()
    return 'changed'
  } catch (error) {
    return (error as Error).name
  }
}

describe('what somebody still holds', () => {
  test('of an operation’s input, of an event or of an answer, and changes later, changes nothing of it', async () => {
    const notes = ['a receipt']
    const { shop, id, items, stored } = await begun(() => ({ answer: 'ok', notes }))
    items.push('coffee')
    await shop.any.send(id, { type: 'add', items: ['milk'] } as { type: string })
    const added = ['milk']
    await shop.any.send(id, { type: 'add', items: added } as { type: string })
    added.push('sugar')
    await shop.any.send(id, { type: 'pay' })
    await settled()
    notes.push('forged')
    await shop.any.send(id, { type: 'add', items: ['bread'] } as { type: string })
    expect(stored()).toEqual({ items: ['bread'], paid: { notes: ['a receipt'] } })
    // And nobody's things are frozen.
    expect([items, added, notes]).toEqual([
      ['tea', 'coffee'],
      ['milk', 'sugar'],
      ['a receipt', 'forged'],
    ])
  })
})

test('an object of another realm, as a frame or a sandbox makes them, is kept like any other', async () => {
  const { shop, id, stored } = await begun(() => new Promise(() => {}))
  const items: unknown = runInNewContext(`({ items: ['milk'], more: { at: 1 } })`)
  await shop.any.send(id, { type: 'add', ...(items as object) })
  await shop.any.send(id, runInNewContext(`({ type: 'add', items: [{ name: 'bread' }] })`) as { type: string })
  expect(stored()).toEqual({ items: [{ name: 'bread' }], paid: { notes: [] } })
})

describe('who is handed', () => {
  test('an effect’s input can change what is his, and nothing of the operation', async () => {
    const came: string[] = []
    const { shop, id, stored } = await begun(({ input }) => {
      came.push(
        tried(() => (input.n = 2)),
        tried(() => input.items.push('forged')),
      )
      return new Promise(() => {})
    })
    await shop.any.send(id, { type: 'pay' })
    await settled()
    expect(came).toEqual(['changed', 'TypeError'])
    // The request under way is still the one that is stored.
    expect(await shop.any.send(id, { type: 'go' })).toBe(true)
    expect(stored()).toEqual({ items: ['tea'], paid: { notes: ['gone'] } })
  })

  test('a state, a row, an event or a context to ask about can change nothing of it', async () => {
    const came: string[] = []
    const asked = (contexts: readonly unknown[]): void => {
      for (const context of contexts as { items: string[] }[]) came.push(tried(() => context.items.push('forged')))
    }
    const { world, shop, id, stored } = await begun(() => new Promise(() => {}), asked)
    const forge = ({ snapshot, row, emitted }: Change): void => {
      const context = snapshot.context as { items: string[] }
      came.push(
        tried(() => context.items.push('forged')),
        tried(() => Object.assign(snapshot, { value: 'paying' })),
        tried(() => Object.assign(snapshot.context as object, { items: [] })),
        tried(() => Object.assign(row, { key: 'forged' })),
        ...emitted.map((event) => tried(() => (event as unknown as { items: string[] }).items.push('forged'))),
      )
    }
    shop.operations.on(forge)
    await shop.any.send(id, { type: 'add', items: ['milk'] } as { type: string })
    await pass(world, 15)
    await shop.any.send(id, { type: 'pay' })
    expect(new Set(came)).toEqual(new Set(['TypeError']))
    expect(came).toHaveLength(5 + 1 + 4)
    expect(orderRow(world, id)).toMatchObject({ key: null, state: 'paying' })
    expect(stored()).toEqual({ items: ['milk'], paid: { notes: [] } })
  })

  test('a state that was read from its row can change nothing of it, either', async () => {
    const { world, shop, id, stored } = await begun(() => new Promise(() => {}))
    shop.kill()
    const kind = anyKind(machine, { pay: () => new Promise(() => {}) }, { polls: () => ({ stock: { firstMs: 10, maxMs: 10, most: 1, sends: [], ask: async () => [] } }) }) // prettier-ignore
    const again = await start(world, { kinds: [kind] })
    const context: unknown = (await again.operations.get(id)).snapshot?.context
    expect(tried(() => (context as { items: string[] }).items.push('forged'))).toBe('TypeError')
    await ofAny(again.operations, kind).send(id, { type: 'pay' })
    expect(stored().items).toEqual(['tea'])
  })
})

test('a step copies what it changed, and no more', () => {
  const first = own({ big: { list: [1, 2] }, small: 1 }, 'context')
  const second = own({ ...first, small: 2 }, 'context', first)
  expect(second).toEqual({ big: { list: [1, 2] }, small: 2 })
  expect(second.big).toBe(first.big)
  expect(own(second, 'context', second)).toBe(second)
  // What only looks as if it were kept is not.
  const list = [1]
  const alike = own(Object.freeze({ list }), 'context', first)
  list.push(2)
  expect(alike).toEqual({ list: [1] })
  expect(() => own(JSON.parse('{"a":{"__proto__":1}}') as object, 'context')).toThrow('context.a.__proto__')
})
