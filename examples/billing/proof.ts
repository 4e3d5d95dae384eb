// examples/billing/proof.ts: every crash point of billing, and customers who pause, cancel or change the plan at any moment.
import { defineProof, proveKind, type KindStage } from 'hardshell/testing'
import { batch, charge, subscription, tables, type Bank } from './billing.ts'

/** The bank's ledger: what it took, by key, and the names of the charges that it declines. */
type Taken = { taken: Record<string, number>; declines: readonly string[] }
type Stage = KindStage<Taken>
const DAY_MS = 86_400_000
const bank = (declines: readonly string[] = []) => ({ outside: (): Taken => ({ taken: {}, declines }) })
const common = {
  ...bank(),
  tables,
  ports: ({ taken, declines }: Taken): Bank => ({
    async pay({ key, cents }) {
      if (declines.some((name) => key.endsWith(`/${name}`))) return { answer: 'declined' }
      taken[key] ??= cents
      return { answer: 'ok', receipt: key }
    },
  }),
  /** The bank has taken what the invoices say, and nothing twice for one period of a subscription. */
  judge({ outside: { taken }, rows }: { outside: Taken; rows: Readonly<Record<string, readonly object[]>> }): string[] {
    const invoices = (rows['invoices'] ?? []).flatMap((row) => ('charge' in row ? String(row.charge) : []))
    const periods = invoices.map((key) => key.replace(/\.\d+$/, ''))
    return [
      ...(invoices.toSorted().join() === Object.keys(taken).toSorted().join() ? [] : ['payment: charged, no invoice']),
      ...(new Set(periods).size === periods.length ? [] : ['payment: a period was charged twice']),
    ]
  },
}

const bill = { customer: 'ada', cents: 900 }
async function charged({ operations }: Stage): Promise<void> {
  const { id } = await operations.of(charge).create(bill, { id: 'bills/ada', key: 'ada' })
  await operations.of(charge).finished(id)
}
export const charges = defineProof({
  ...common,
  kind: charge,
  drive: charged,
  scenarios: { paid: {}, declined: bank(['ada']) },
})

/** A customer who goes on after each pause, asks once more when suspended, and cancels after one period. */
async function subscribed({ operations, clock }: Stage): Promise<void> {
  const subscriptions = operations.of(subscription)
  const terms = { ...bill, everyMs: DAY_MS, dueAt: clock.now() }
  const { id } = await subscriptions.create(terms, { key: 'ada', request: 'ada' })
  for (;;) {
    const { status, state, snapshot } = await subscriptions.until(id, (view) =>
      view.status === 'done' || view.snapshot?.hasTag('human') || (view.snapshot?.context.period ?? 0) > 1
        ? view
        : undefined,
    )
    if (status === 'done') return
    if (state === 'paused') await subscriptions.send(id, { type: 'unpause', atMs: clock.now() })
    else if (snapshot?.context.misses === 2) await subscriptions.send(id, { type: 'retry' })
    else if (!(await subscriptions.cancel(id))) return
  }
}
export const subscriptions = defineProof({
  ...common,
  kind: subscription,
  beside: [charge],
  drive: subscribed,
  scenarios: {
    paid: { anytime: [{ type: 'changePlan', cents: 500, atMs: 0 }] },
    declined: { ...bank(['1.0', '1.1']), anytime: [{ type: 'pause' }, { type: 'cancel' }] },
  },
})

export const batches = defineProof({
  ...common,
  kind: batch,
  beside: [charge],
  input: { bills: ['ada', 'bob'].map((customer) => ({ ...bill, customer })) },
  scenarios: { paid: {}, partly: bank(['bob']) },
})
export const proofs = [charges, batches, subscriptions] // npx hardshell crash examples/billing/proof.ts --depth 1
if (import.meta.main) for (const proof of proofs) console.log(proof.kind.kind, await proveKind(proof, { faults: 1 }))
