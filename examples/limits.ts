// examples/limits.ts: urgent requests first, and never more than the service takes.
import { setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  laneRates,
  lanesTable,
  openOperations,
  operationsTable,
} from 'hardshell/kernel'
import { memoryStore } from 'hardshell/store/memory'

type Letter = { id: string; urgent: boolean }
const machine = setup({
  types: {} as { context: Letter; input: Letter },
  actors: { post: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
}).createMachine({
  context: ({ input }) => input,
  initial: 'posting',
  states: {
    posting: {
      invoke: {
        src: 'post',
        input: ({ context: { id } }) => ({ id }),
        onDone: { guard: answered('ok'), target: 'posted' },
      },
    },
    posted: { type: 'final' },
  },
})
const letter = defineOperation({
  kind: 'letter',
  version: 1,
  machine,
  lane: () => 'https://post.example',
  priority: ({ urgent }) => (urgent ? 1 : 0),
  effects: (post: (id: string) => Promise<void>) => ({
    post: ({ input }) => post(input.id).then(() => ({ answer: 'ok' as const })),
  }),
})

const tables = { operations: operationsTable(), lanes: lanesTable() }
const operations = openOperations({
  store: await memoryStore().open({ version: 1, tables }),
  tables,
  kinds: [letter],
  ports: async (id: string) => console.log(id),
  rates: laneRates(() => ({ perSecond: 5, burst: 1 })),
})
const letters = operations.of(letter)
await letters.create({ urgent: false }, { id: 'first' })
await letters.create({ urgent: false }, { id: 'patient' })
await letters.create({ urgent: true }, { id: 'urgent' }) // posted before the patient one
await letters.until('patient', ({ state }) => (state === 'posted' ? state : undefined))
operations.close()
