/** The process of an agent (see agent.ts): opens a wallet, and runs the functions that it is sent. */
import { createInterface } from 'node:readline'
import { openWallet } from '../../src/index.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import type { AgentPlan, AgentStage, Answer, Order } from './agent.ts'

const { store, seed } = JSON.parse(process.argv[2]!) as AgentPlan
const opening = openWallet({
  store: 'path' in store ? sqliteStore(store) : postgresStore({ ...store, busyTimeoutMs: 20_000 }),
  seed: Buffer.from(seed, 'hex'),
})
const kept: AgentStage['kept'] = {}

async function answered({ n, act, args }: Order): Promise<Answer> {
  try {
    const source = `data:text/javascript,export default ${encodeURIComponent(act)}`
    const { default: run } = (await import(source)) as { default: (stage: AgentStage, ...args: unknown[]) => unknown }
    return { n, value: await run({ wallet: await opening, kept }, ...args) }
  } catch (error) {
    return { n, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.stdin.ref()
createInterface({ input: process.stdin }).on('line', (line) => {
  void answered(JSON.parse(line) as Order).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`))
})
