// examples/billing/work.ts: bills three subscribers for some periods, and fifty customers once. Kill it at any moment and run it again.
import { openOperations } from 'hardshell/kernel'
import { sqliteStore } from 'hardshell/store/sqlite'
import { batch, charge, subscription, tables, type Bank } from './billing.ts'

const [path = 'billing.db', bankUrl = '', periods = '10'] = process.argv.slice(2)
const bank: Bank = {
  async pay(bill) {
    const response = await fetch(bankUrl, { method: 'POST', body: JSON.stringify(bill) })
    return (await response.json()) as Awaited<ReturnType<Bank['pay']>>
  },
}
const store = await sqliteStore({ path }).open({ version: 1, tables })
const operations = openOperations({ store, tables, kinds: [batch, charge, subscription], ports: bank })
const [subscriptions, batches] = [operations.of(subscription), operations.of(batch)]

// The keys make all of it safe to repeat.
const bills = Array.from({ length: 50 }, (_, at) => ({ customer: `customer ${at}`, cents: 100 }))
const all = await batches.create({ bills }, { key: 'a fee for all' })
const ids: string[] = []
for (const customer of ['ada', 'bob', 'eve']) {
  const terms = { customer, cents: 900, everyMs: 400, dueAt: Date.now() }
  ids.push((await subscriptions.create(terms, { key: customer, request: customer })).id)
}
const isBilled = (period: number): boolean => period > Number(periods)
const waits = ids.map(async (id) => {
  await subscriptions.until(id, ({ snapshot }) => (snapshot && isBilled(snapshot.context.period) ? true : undefined))
  await subscriptions.send(id, { type: 'cancel' })
  return subscriptions.until(id, ({ status, state }) => (status === 'done' ? state : undefined))
})
const ended = batches.until(all.id, ({ status, state }) => (status === 'done' ? state : undefined))
console.log(`the batch is ${await ended}; the subscriptions are ${(await Promise.all(waits)).join(', ')}`)
operations.close()
await operations.closed
await store.close()
