// examples/bounty/work.ts: posts a bounty, claims it and settles it. Kill it at any moment and run it again.
import { readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { claimsSchema, creditsSchema, openBounties, storeClaims, storeCredits } from 'hardshell/bounty'
import { sqliteStore } from 'hardshell/store/sqlite'

const [dir = '.', deadlineAt = ''] = process.argv.slice(2)
const file = (name: string) => sqliteStore({ path: join(dir, name) })

// Two services and the bounties, each with a database of its own: nothing is committed in two of them at once.
await using bounties = await openBounties({
  store: file('bounties.db'),
  credits: storeCredits(await file('credits.db').open(creditsSchema)),
  claims: storeClaims(await file('claims.db').open(claimsSchema)),
})
// Prints each state that is on disk, and waits for a line to go on: here it may be killed.
bounties.on(({ state }) => {
  writeSync(1, `${state}\n`)
  readSync(0, new Uint8Array(1))
})
for (const { state } of await bounties.resumed()) console.log(`resumed in ${state}`)

// The keys make the steps safe to repeat.
const criteria = { tags: ['reviewed'], metrics: [{ name: 'coverage', direction: 'atLeast', threshold: 90 }] }
const { id } = await bounties.create({
  payer: 'ada',
  amount: 20,
  criteria,
  deadlineAt: Number(deadlineAt),
  key: 'bug 7',
})
await bounties.claim(id, { worker: 'bob', leaseMs: 3_600_000, key: 'bob’s claim' })
const contribution = { tags: ['reviewed'], metrics: { coverage: 93 }, patch: 'https://example.com/7.patch' }
const { offer } = await bounties.settle(id, { lease: 'bob’s claim', contribution })
console.log(`paid to ${offer?.payee}`)
