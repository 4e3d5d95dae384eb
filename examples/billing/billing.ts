// examples/billing/billing.ts: a charge, a subscription that starts one each period, and a batch that starts one for each customer.
import { assign, setup } from 'xstate'
// prettier-ignore
import { answered, backoff, defineOperation, effect, isAnswered, join, on, operationsTable, retrying, start, starts, tx, until,
  type WriteOf } from 'hardshell/kernel'

const invoices = { columns: { charge: 'text', customer: 'text', cents: 'integer', receipt: 'text' }, key: ['charge'] } as const // prettier-ignore
export const tables = { operations: operationsTable(), invoices }

type Bill = { customer: string; cents: number }
type Paid = { answer: 'ok'; receipt: string } | { answer: 'declined' }
/** Takes money from a customer, once for each key. */
export type Bank = { pay(bill: Bill & { key: string }): Promise<Paid> }

type Charge = Bill & { id: string; receipt: string; tries: number }
const pay = effect<Paid | { answer: 'unknown' }, Bill & { key: string }>({
  answers: { ok: true, declined: true, unknown: true },
})

export const charge = defineOperation({
  kind: 'charge',
  version: 1,
  machine: setup({
    types: {} as { context: Charge; input: Bill & { id: string } },
    actors: { pay },
    actions: { tx: tx<WriteOf<typeof tables>>, keep: assign((_, kept: Partial<Charge>) => kept) },
    guards: { answered: isAnswered },
    delays: { pause: backoff<Charge>({ firstMs: 100, maxMs: 60_000, tries: ({ tries }) => tries }) },
  }).createMachine({
    context: ({ input }) => ({ ...input, receipt: '', tries: 0 }),
    initial: 'paying',
    states: {
      // prettier-ignore
      ...retrying('paying', { pay }, {
        input: ({ context: { id, customer, cents } }) => ({ key: id, customer, cents }),
        on: { ok: { target: 'paid', keep: ({ output: { receipt } }) => ({ receipt }) }, declined: 'declined' },
        backoff: 'pause',
      }),
      paid: {
        type: 'final', // the invoice is written in the commit that says so
        entry: {
          type: 'tx',
          params: ({ context: { id: charge, customer, cents, receipt } }) => [
            { put: 'invoices', row: { charge, customer, cents, receipt } },
          ],
        },
      },
      declined: { type: 'final', tags: 'failed' },
    },
  }),
  // An answer that does not come says nothing.
  effects: (bank: Bank) => ({ pay: ({ input }) => bank.pay(input).catch(() => ({ answer: 'unknown' }) as const) }),
})

type Terms = Bill & { id: string; everyMs: number; dueAt: number }
type Subscription = Terms & { period: number; misses: number; credit: number; wish: 'go on' | 'pause' | 'cancel' }
type Events =
  | { type: 'pause' | 'cancel' | 'retry' }
  | { type: 'unpause'; atMs: number }
  | { type: 'changePlan'; cents: number; atMs: number }

/** The name of the charge of this period; after a refusal it is another charge. */
const nameOf = ({ period, misses }: Subscription): string => `${period}.${misses}`
const due = ({ cents, credit }: Subscription): number => Math.max(0, cents - credit)
const renewed = ({ period, dueAt, everyMs, cents, credit }: Subscription): Partial<Subscription> => ({
  period: period + 1,
  dueAt: dueAt + everyMs,
  misses: 0,
  credit: Math.max(0, credit - cents),
})
/** What is left of the period costs the new price: the difference is a credit, or a debt, of the next charge. */
const prorated = (sub: Subscription, { cents, atMs }: { cents: number; atMs: number }): Partial<Subscription> => ({
  cents,
  credit: sub.credit + Math.round(((sub.cents - cents) * Math.max(0, sub.dueAt - atMs)) / sub.everyMs),
})
export const subscription = defineOperation({
  kind: 'subscription',
  version: 1,
  cancel: { type: 'cancel' },
  machine: setup({
    types: {} as { context: Subscription; input: Terms; events: Events },
    actors: { join: join() },
    actions: { start, keep: assign((_, kept: Partial<Subscription>) => kept) },
    guards: {
      answered: isAnswered,
      wishes: ({ context }, wish: Subscription['wish']) => context.wish === wish,
      misses: ({ context }, least: number) => context.misses >= least,
    },
    delays: { due: until<Subscription>(({ dueAt }) => dueAt), retry: ({ context }) => context.everyMs / 10 },
  }).createMachine({
    context: ({ input }) => ({ ...input, period: 1, misses: 0, credit: 0, wish: 'go on' }),
    initial: 'active',
    states: {
      active: {
        on: {
          pause: 'paused',
          cancel: 'cancelled',
          changePlan: { actions: { type: 'keep', params: ({ context, event }) => prorated(context, event) } },
        },
        after: { due: 'charging' },
      },
      charging: {
        entry: starts(charge, (sub: Subscription) => [
          { name: nameOf(sub), input: { customer: sub.customer, cents: due(sub) } },
        ]),
        invoke: {
          src: 'join',
          input: ({ context }) => ({ names: [nameOf(context)] }),
          onDone: [
            on({ answer: 'ended', target: 'charged', keep: ({ context }) => renewed(context) }),
            on({ target: 'charged', keep: ({ context: { misses } }) => ({ misses: misses + 1 }) }),
          ],
        },
        // What is wished meanwhile comes once the charge is over, whatever became of it.
        on: {
          pause: { guard: { type: 'wishes', params: 'go on' }, actions: { type: 'keep', params: { wish: 'pause' } } },
          cancel: { actions: { type: 'keep', params: { wish: 'cancel' } } },
        },
      },
      charged: {
        always: [
          { guard: { type: 'wishes', params: 'cancel' }, target: 'cancelled' },
          { guard: { type: 'wishes', params: 'pause' }, target: 'paused' },
          { guard: { type: 'misses', params: 2 }, target: 'suspended' },
          { guard: { type: 'misses', params: 1 }, target: 'missed' },
          { target: 'active' },
        ],
      },
      missed: { on: { pause: 'paused', cancel: 'cancelled' }, after: { retry: 'charging' } },
      suspended: { tags: 'human', on: { retry: 'charging', cancel: 'cancelled' } },
      paused: {
        tags: 'human',
        exit: { type: 'keep', params: { wish: 'go on' } },
        on: {
          cancel: 'cancelled',
          unpause: {
            target: 'active',
            actions: { type: 'keep', params: ({ context, event }) => ({ dueAt: Math.max(context.dueAt, event.atMs) }) },
          },
        },
      },
      cancelled: { type: 'final' },
    },
  }),
  effects: () => ({}),
})

/** Charges many customers at once, and ends when all of them have paid or refused. */
export const batch = defineOperation({
  kind: 'batch',
  version: 1,
  machine: setup({
    types: {} as { context: { bills: readonly Bill[] }; input: { id: string; bills: readonly Bill[] } },
    actors: { join: join() },
    actions: { start },
  }).createMachine({
    context: ({ input: { bills } }) => ({ bills }),
    entry: starts(charge, ({ bills }: { bills: readonly Bill[] }) => bills.map((bill) => ({ name: bill.customer, input: bill }))), // prettier-ignore
    initial: 'charging',
    states: {
      charging: { invoke: { src: 'join', input: {}, onDone: [{ guard: answered('ended'), target: 'paid' }, { target: 'partly' }] } }, // prettier-ignore
      paid: { type: 'final' },
      partly: { type: 'final' },
    },
  }),
  effects: () => ({}),
})
