/** A subscription that bills a period each day and never ends by itself, at a bank that bills each period once. */
import { assign, setup } from 'xstate'
import { answered, defineOperation, effect, operationsTable, tx, type WriteOf } from '../../src/kernel/index.ts'
import type { KindStage, KindSubjectOptions } from '../../src/testing/index.ts'

export const subscriptionTables = {
  operations: operationsTable(),
  invoices: { columns: { id: 'text', period: 'integer' }, key: ['id', 'period'] },
} as const

interface Context {
  readonly id: string
  readonly period: number
}
export type Biller = { bill(id: string, period: number): Promise<void> }
export interface Billed {
  /** The periods that were billed, in order. */
  readonly billed: { period: number }[]
}

export const subscription = defineOperation({
  kind: 'subscription',
  version: 1,
  machine: setup({
    types: {} as { context: Context; input: { id: string } },
    actors: { bill: effect<{ answer: 'ok' | 'unknown' }, Context>({ answers: { ok: true, unknown: true } }) },
    actions: {
      tx: tx<WriteOf<typeof subscriptionTables>>,
      next: assign({ period: ({ context }) => context.period + 1 }),
    },
    delays: { aDay: 86_400_000, soon: 60_000 },
  }).createMachine({
    id: 'subscription',
    context: ({ input: { id } }) => ({ id, period: 1 }),
    initial: 'billing',
    states: {
      billing: {
        invoke: {
          src: 'bill',
          input: ({ context }) => context,
          onDone: [{ guard: answered('ok'), target: 'billed' }, { target: 'retrying' }],
        },
      },
      retrying: { after: { soon: 'billing' } },
      billed: {
        entry: { type: 'tx', params: ({ context: { id, period } }) => [{ put: 'invoices', row: { id, period } }] },
        after: { aDay: { target: 'billing', actions: 'next' } },
      },
    },
  }),
  effects: (biller: Biller) => ({
    bill: ({ input: { id, period } }) => biller.bill(id, period).then(() => ({ answer: 'ok' }) as const, () => ({ answer: 'unknown' }) as const), // prettier-ignore
  }),
})

const twice = ({ billed }: Billed): readonly number[] =>
  billed.map(({ period }) => period).filter((period, at, all) => all.indexOf(period) !== at)

type Options = KindSubjectOptions<Biller, Billed, typeof subscriptionTables>

export const subscriptionOptions = (isCareful: boolean, alike?: Options['alike']): Options => ({
  kinds: [subscription],
  tables: subscriptionTables,
  outside: () => ({ billed: [] }),
  ports: ({ billed }): Biller => ({
    bill: async (_, period) => {
      if (!isCareful || billed.every((it) => it.period !== period)) billed.push({ period })
    },
  }),
  judge: ({ outside }) => twice(outside).map((period) => `payment: period ${period} was billed twice`),
  ...(alike && { alike }),
})

/** Of what was billed, the last period decides what follows; and what is wrong stays apart from what is right. */
export const recurring: NonNullable<Options['alike']> = {
  names: ['period'],
  over: (table) => table === 'invoices',
  matters: (outside) => ({ last: outside.billed.slice(-1), twice: twice(outside).length > 0 }),
}

/** Waits for one more invoice, in each life. */
export async function drive({ operations }: KindStage<Billed>): Promise<void> {
  const subscriptions = operations.of(subscription)
  const { id } = await subscriptions.create({}, { key: 'tea' })
  const periodOf = ({ snapshot }: { snapshot?: { context: Context } | undefined }): number =>
    snapshot?.context.period ?? 0
  const from = periodOf(await subscriptions.get(id))
  await subscriptions.until(id, (view) => (periodOf(view) > from && view.state === 'billed' ? true : undefined))
}
