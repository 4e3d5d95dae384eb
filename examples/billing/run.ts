/**
 * Runs `work.ts` on SQLite, and ends it with SIGKILL twenty times, each time soon after its bank has fallen silent, in the middle of
 * a few requests; then lets it get through. The bank loses every fifth answer. Its books and the invoices then say the same: one charge for each period and customer.
 *
 *   npm run example:billing
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sqliteStore } from 'hardshell/store/sqlite'
import { tables } from './billing.ts'

const KILLS = 20
const PERIODS = 10
const charges = new Map<string, { customer: string; cents: number; receipt: string }>()
let asked = 0
/** How many answers the bank still gives before it falls silent, and who is told that it has. */
let answers = Infinity
let silent = (): void => {}
const bank = createServer((request, response) => {
  void text(request).then((body) => {
    const { key, customer, cents } = JSON.parse(body) as { key: string; customer: string; cents: number }
    // The same key is the same charge.
    if (!charges.has(key)) charges.set(key, { customer, cents, receipt: `receipt ${charges.size + 1}` })
    if (--answers < 0) silent()
    else if (++asked % 5 === 0) response.destroy()
    else response.end(JSON.stringify({ answer: 'ok', receipt: charges.get(key)?.receipt }))
  })
})
bank.listen(0, '127.0.0.1')
await once(bank, 'listening')
const address = bank.address()
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
const dir = mkdtempSync(join(tmpdir(), 'hardshell-billing-'))
const path = join(dir, 'billing.db')

/** One run; true where it got through. It is killed once the bank has given so many answers. */
async function run(most = Infinity): Promise<boolean> {
  const fallen = new Promise<void>((resolve) => (silent = resolve))
  answers = most
  const program = fileURLToPath(import.meta.resolve('./work.ts'))
  const child = spawn(process.execPath, [...process.execArgv, program, path, url, String(PERIODS)], {
    stdio: 'inherit',
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  void fallen.then(() => setTimeout(50 * Math.random())).then(() => child.kill('SIGKILL'))
  return (await ended)[0] === 0
}

try {
  let kills = 0
  // Twenty lives do not get enough answers for all charges.
  while (kills < KILLS && !(await run(Math.floor(4 * Math.random())))) kills++
  const isThrough = await run()
  const store = await sqliteStore({ path }).open({ version: 1, tables })
  const invoices = await store.query<{ charge: string; receipt: string }>({ table: 'invoices' })
  const operations = await store.query<{ kind: string; state: string }>({ table: 'operations', index: 'byKind' })
  await store.close()
  const isSame = invoices.length === charges.size && invoices.every(({ charge, receipt }) => charges.get(charge)?.receipt === receipt) // prettier-ignore
  const count = (customer: string): number => [...charges.values()].filter((one) => one.customer === customer).length
  const periods = ['ada', 'bob', 'eve'].map(count)
  const once50 = Array.from({ length: 50 }, (_, at) => count(`customer ${at}`))
  const open = operations.filter(({ state }) => !['paid', 'cancelled'].includes(state))
  console.log(`killed ${kills} times; asked ${asked} times for ${charges.size} charges; ${invoices.length} invoices`)
  console.log(`charges of each subscriber: ${periods.join(', ')}; unfinished operations: ${open.length}`)
  const isRight = periods.every((times) => times === PERIODS) && once50.every((times) => times === 1)
  if (!isThrough || !isSame || !isRight || open.length > 0) process.exitCode = 1
  console.log(process.exitCode === 1 ? 'the books differ' : 'one charge for each period and customer')
} finally {
  bank.close()
  rmSync(dir, { recursive: true })
}
