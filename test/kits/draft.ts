/** A draft that is checked, edited, posted and copied by children: for tests of step history and of forks. */
import { assign, emit, setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  join,
  local,
  operationsTable,
  ownersTable,
  repliesTable,
  start,
  starts,
  stepsTable,
} from '../../src/kernel/index.ts'

export const draftTables = {
  operations: operationsTable(),
  owners: ownersTable(),
  replies: repliesTable(),
  steps: stepsTable(),
}

export interface Press {
  /** Posts once for each id. */
  post(id: string, replay: boolean): Promise<'ok' | 'busy'>
}

interface Draft {
  readonly id: string
  readonly text: string
  readonly tries: number
}

const copy = setup({ types: {} as { context: {} } }).createMachine({
  context: {},
  initial: 'made',
  states: { made: { type: 'final' } },
})

/** A copy of a draft. */
export const copyKind = defineOperation({ kind: 'copy', version: 1, machine: copy, effects: () => ({}) })

const machine = setup({
  types: {} as {
    context: Draft
    input: { id: string; text: string }
    events: { type: 'edit'; text: string } | { type: 'post' } | { type: 'copy' } | { type: 'drop' }
    emitted: { type: 'posted' }
    tags: 'local' | 'human'
  },
  actors: {
    check: local<{ answer: 'ok' | 'empty' }, { text: string }>({ answers: { ok: true, empty: true } }),
    post: effect<{ answer: 'ok' | 'busy' }, { id: string }>({ answers: { ok: true, busy: true } }),
    join: join(),
  },
  actions: { start },
  delays: { pause: 1_000, lapse: 3_600_000 },
  guards: { isNote: ({ context }) => context.text.startsWith('note') },
}).createMachine({
  context: ({ input: { id, text } }) => ({ id, text, tries: 0 }),
  initial: 'checking',
  states: {
    checking: {
      tags: ['local'],
      invoke: {
        src: 'check',
        input: ({ context: { text } }) => ({ text }),
        onDone: [{ guard: answered('ok'), target: 'open' }, { target: 'dropped' }],
      },
    },
    open: {
      tags: 'human',
      on: {
        edit: { actions: assign({ text: ({ event }) => event.text }) },
        post: 'posting',
        copy: 'copying',
        drop: 'dropped',
      },
      after: { lapse: { guard: 'isNote', target: 'dropped' } },
    },
    posting: {
      invoke: {
        src: 'post',
        input: ({ context: { id } }) => ({ id }),
        onDone: [{ guard: answered('ok'), target: 'posted', actions: emit({ type: 'posted' }) }, { target: 'pausing' }],
      },
    },
    pausing: {
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      after: { pause: 'posting' },
    },
    copying: {
      entry: starts(copyKind, () => [
        { name: 'a', input: {} },
        { name: 'b', input: {} },
      ]),
      invoke: { src: 'join', input: {}, onDone: 'open' },
    },
    posted: { type: 'final' },
    dropped: { type: 'final' },
  },
})

export const draft = defineOperation({
  kind: 'draft',
  version: 1,
  machine,
  effects: (press: Press) => ({
    check: ({ input: { text } }) => ({ answer: text === '' ? 'empty' : 'ok' }),
    post: async ({ input: { id }, replay }) => ({ answer: await press.post(id, replay) }),
  }),
  because: ({ tries }) => (tries > 0 ? `the press was busy ${tries} times` : null),
  keepSnapshots: true,
  forks: (context, { id }) => ({ ...context, id }),
})
