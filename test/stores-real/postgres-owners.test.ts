/**
 * Goal: a process that dies is followed by another within five seconds, and one that wakes up late is refused, joins
 * again and pays nothing twice. Method: real processes that are one wallet on one database in PostgreSQL; one of them is
 * killed, or stopped for ten seconds, while its request is on its way.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '../../scripts/postgres-server.ts'
import { startWire } from '../../scripts/kill-lab/wire.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { startAgent, type Agent, type AgentPlan } from '../kits/agent.ts'
import { until } from './postgres-kit.ts'

let server: PostgresServer
let stack: AsyncDisposableStack
let mint: MintServer
let mintUrl: string
let place: AgentPlan
let round = 0
/** Paths of requests that are held up, and those that are. */
let holding: RegExp | undefined
let held: (() => void)[]

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const namespace = `wallet${++round}`
  place = { store: { connection: server.connection, namespace }, seed: randomBytes(64).toString('hex') }
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  stack.defer(() => mint.close())
  holding = undefined
  held = []
  const hold = (path: string): Promise<void> | undefined =>
    holding?.test(path) ? new Promise((resolve) => void held.push(resolve)) : undefined
  mintUrl = stack.use(await startWire(mint.url, 0, hold)).url
})
afterEach(() => stack.disposeAsync())

async function start(): Promise<Agent> {
  const agent = startAgent(place)
  stack.defer(() => agent.signal('SIGKILL'))
  await agent.run(({ wallet }) => wallet.operations.resumed().then(() => {}))
  return agent
}

const owners = (): Promise<{ id: string; heir: string }[]> =>
  server.run(`SELECT id, heir FROM wallet${round}.owners`) as Promise<never>

/** Three processes of one wallet with some money; the first has begun a melt, and its request is on its way. */
async function melting(): Promise<{ first: Agent; others: Agent[]; id: string }> {
  const [first, ...others] = await Promise.all([start(), start(), start()])
  await first.run(async ({ wallet }, mintUrl) => {
    await wallet.mints.trust(mintUrl)
    await (await wallet.mint.prepare({ mintUrl, amount: 100, unit: 'sat' })).finished()
  }, mintUrl)
  holding = /\/v1\/melt\/bolt11$/
  const id = await first.run(
    async ({ wallet, kept }, mintUrl, request) => {
      const melt = await wallet.melt.prepare({ mintUrl, request })
      kept['end'] = melt.execute()
      return melt.id
    },
    mintUrl,
    mint.backend.foreignInvoice({ amountSat: 20 }),
  )
  await until(() => held.length === 1)
  holding = undefined
  return { first, others, id }
}

/** The end of an operation, as a process sees it. */
const ended = (agent: Agent, id: string): Promise<string> =>
  agent.run(async ({ wallet }, id) => (await (await wallet.melt.get(id)).finished()).state, id)

/** What the mint paid, and how often it was asked to. */
const payments = async (): Promise<unknown[]> => Object.values((await mint.mint.balanceSheet()).payments)

test('one that is killed is followed within five seconds', async () => {
  const { first, others, id } = await melting()
  const owner = async (): Promise<unknown> =>
    (await server.run(`SELECT owner FROM wallet${round}.operations WHERE id = '${id}'`))[0]!['owner']
  const dead = await owner()
  const killedMs = performance.now()
  first.signal('SIGKILL')
  await until(async () => (await owner()) !== dead)
  const tookMs = performance.now() - killedMs
  expect(await Promise.all(others.map((agent) => ended(agent, id)))).toEqual(['paid', 'paid'])
  console.log(`followed after ${Math.round(tookMs)} ms, done after ${Math.round(performance.now() - killedMs)} ms`)
  expect(tookMs).toBeLessThan(5_000)
  expect(await payments()).toEqual([{ attempts: 1, paid: 1 }])
  expect(await owners()).toHaveLength(2)
  const { issued, redeemed } = (await mint.mint.balanceSheet()).units['sat']!
  const spendable = await others[0]!.run(async ({ wallet }) => (await wallet.balances())[0]!.spendable.toNumber())
  expect(spendable).toBe(issued - redeemed)
})

test('one that was stopped for ten seconds is refused, joins again, and nothing is paid twice', async () => {
  const { first, others, id } = await melting()
  const before = await owners()
  const stoppedMs = performance.now()
  first.signal('SIGSTOP')
  expect(await Promise.all(others.map((agent) => ended(agent, id)))).toEqual(['paid', 'paid'])
  console.log(`followed, and done, after ${Math.round(performance.now() - stoppedMs)} ms`)
  await until(async () => (await owners()).length === 2)
  // Its request arrives after all; the answer waits for it.
  for (const go of held) go()
  await setTimeout(10_000 - (performance.now() - stoppedMs))
  const [{ version }] = (await server.run(`SELECT version FROM wallet${round}.operations WHERE id = '${id}'`)) as [
    { version: string },
  ]
  first.signal('SIGCONT')
  expect(await first.run(async ({ kept }) => kept['end'])).toMatchObject({ id, state: 'paid' })
  await until(async () => (await owners()).length === 3)
  expect(await payments()).toEqual([{ attempts: 1, paid: 1 }])
  // It is a process like the others again, under the name that it had; and what was done without it stays as it is.
  expect((await owners()).map(({ id }) => id).toSorted()).toEqual(before.map(({ id }) => id).toSorted())
  const state = await first.run(
    async ({ wallet }, mintUrl) => (await (await wallet.swap.prepare({ mintUrl, amounts: [8] })).execute()).state,
    mintUrl,
  )
  expect(state).toBe('swapped')
  expect(await server.run(`SELECT version FROM wallet${round}.operations WHERE id = '${id}'`)).toEqual([{ version }])
})
