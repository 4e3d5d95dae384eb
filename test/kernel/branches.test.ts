/**
 * Goal: a branch means what it says, and what it cannot mean does not compile. Method: a chart of branches is asked where each
 * answer leads and what is kept of it; branches with one mistake each are marked as errors for the compiler, which fails where
 * one of them is none.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup, type AnyMachineSnapshot } from 'xstate'
import { effect, from, isAnswered, keeps, on, such, sure, tx, when, write, writes, type Write } from '../../src/kernel/define/authoring.ts' // prettier-ignore
import { bareStep, doneEvent } from '../../src/kernel/step/step.ts'

type Context = { readonly receipt: string; readonly tries: number }
type Charged =
  | { answer: 'ok'; receipt: string; writes: readonly Write[] }
  | { answer: 'declined'; why: string }
  | { answer: 'unknown' }
const note = [{ put: 'log', row: { id: 'note' } }] as const

const parts = setup({
  types: {} as { context: Context; input: Context },
  actors: { charge: effect<Charged, { tries: number }>({ answers: { ok: true, declined: true, unknown: true } }) },
  actions: { tx, keep: assign((_, kept: Partial<Context>) => kept) },
  guards: {
    answered: isAnswered,
    isLastTry: when(({ tries }: Context) => tries > 1),
    isFree: such((_, { receipt }: { readonly receipt: string }) => receipt === ''),
  },
})
const charging = parts.createStateConfig({
  invoke: {
    src: 'charge',
    input: from(({ tries }) => ({ tries })),
    onDone: [
      on({ answer: 'ok', such: 'isFree', target: 'free' }),
      on({ answer: 'ok', target: 'paid', actions: write, keep: ({ output: { receipt } }) => ({ receipt }) }),
      on({ answer: ['declined', 'unknown'], if: 'isLastTry', target: 'failed', keep: { receipt: 'none' } }),
      on({
        target: 'charging',
        reenter: true,
        keep: ({ context: { tries } }) => ({ tries: tries + 1 }),
        afterwards: writes(({ tries }: Context) => [{ put: 'log', row: { tries } }]),
      }),
    ],
  },
})
const machine = parts.createMachine({
  context: ({ input }) => input,
  initial: 'charging',
  states: {
    charging,
    free: {},
    paid: {},
    failed: { entry: keeps(({ receipt }) => ({ receipt: `${receipt}!` })) },
  },
})

/** Where an answer leads, and what is kept and written then. */
function after(answer: Charged, tries = 0): [AnyMachineSnapshot['value'], Context, unknown[]] {
  const { snapshot } = bareStep(machine, { input: { receipt: '', tries } })
  const { snapshot: next, actions } = bareStep(machine, { snapshot, event: doneEvent('0.(machine).charging', answer) })
  const written = actions.flatMap(({ type, params }) => (type === 'tx' ? [params] : []))
  return [next.value, next.context as Context, written]
}

describe('a branch', () => {
  test.each<[string, Charged, number, ReturnType<typeof after>]>([
    ['is for the answer it names', { answer: 'ok', receipt: 'r', writes: note }, 0, ['paid', { receipt: 'r', tries: 0 }, [note]]],
    ['asks what is answered', { answer: 'ok', receipt: '', writes: note }, 0, ['free', { receipt: '', tries: 0 }, []]],
    ['asks the context', { answer: 'declined', why: 'w' }, 2, ['failed', { receipt: 'none!', tries: 2 }, []]],
    ['is for each of several answers', { answer: 'unknown' }, 2, ['failed', { receipt: 'none!', tries: 2 }, []]],
    ['is for the rest, and writes by what is kept', { answer: 'declined', why: 'w' }, 1, ['charging', { receipt: '', tries: 2 }, [[{ put: 'log', row: { tries: 2 } }]]]],
  ])('%s', (_, answer, tries, expected) => expect(after(answer, tries)).toEqual(expected)) // prettier-ignore

  test('is in the chart’s JSON with its names', () => {
    const { transitions } = JSON.parse(JSON.stringify(machine.definition.states['charging'])) as { transitions: { guard?: unknown; actions: unknown }[] } // prettier-ignore
    expect(transitions.map(({ guard, actions }) => [guard, actions])).toEqual([
      [{ type: 'isFree', params: ['ok'] }, []],
      [{ type: 'answered', params: ['ok'] }, [{ type: 'tx' }, { type: 'keep' }]],
      [{ type: 'isLastTry', params: ['declined', 'unknown'] }, [{ type: 'keep', params: { receipt: 'none' } }]],
      [undefined, [{ type: 'keep' }, { type: 'tx' }]],
    ])
  })

  test('cannot keep a field of another answer', () => {
    const { actions } = on<Context, Charged, 'ok'>({ answer: 'ok', target: 'paid', keep: ({ output }) => ({ receipt: output.receipt }) }) // prettier-ignore
    const params = actions.map((action) => (typeof action === 'object' ? action.params : undefined))
    const keep = params.find((by) => typeof by === 'function')
    const event = { ...doneEvent('x', undefined), type: 'xstate.done.actor.x', output: { answer: 'unknown' } } as const
    expect(() => keep?.({ context: { receipt: '', tries: 0 }, event })).toThrow(TypeError)
  })
})

test('a field that a state guarantees is there, or reading it throws', () => {
  expect(sure(0, 'number')).toBe(0)
  expect(sure('', 'text')).toBe('')
  expect(() => sure(null, 'claim')).toThrow('there is no claim')
  expect(() => sure(undefined, 'claim')).toThrow(TypeError)
})

const receiptOf = ({ receipt }: { readonly receipt: string }): Partial<Context> => ({ receipt })

/** Each line has one mistake. They are compiled, and never run. */
export const mistakes = (): unknown[] => [
  // @ts-expect-error: there is no such answer
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ answer: 'lost', target: 'failed' })] } }),
  // @ts-expect-error: there is no such guard
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ if: 'isFirstTry', target: 'failed' })] } }),
  // @ts-expect-error: a declined charge has no receipt to be asked about
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ answer: 'declined', such: 'isFree', target: 'free' })] } }), // prettier-ignore
  // @ts-expect-error: nor one to be kept
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ answer: 'declined', target: 'paid', keep: ({ output }) => receiptOf(output) })] } }), // prettier-ignore
  // @ts-expect-error: the context has no such field
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ answer: 'ok', target: 'paid', keep: { slip: '' } })] } }), // prettier-ignore
  // @ts-expect-error: there is no such action
  parts.createStateConfig({ invoke: { src: 'charge', onDone: [on({ target: 'failed', actions: 'again' })] } }),
  // @ts-expect-error: the effect takes a number
  parts.createStateConfig({ invoke: { src: 'charge', input: from(({ receipt }) => ({ tries: receipt })) } }),
]
