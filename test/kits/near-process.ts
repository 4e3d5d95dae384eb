/** A process, or a worker, that opens a wallet and serves it to whoever started it. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { openWallet } from '../../src/index.ts'
import { serveWallet, type Allow } from '../../src/remote/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

export interface NearPlan {
  readonly path: string
  /** Hex. */
  readonly seed: string
  readonly allow: Allow
}

const plan = isMainThread ? (JSON.parse(process.argv[2]!) as NearPlan) : (workerData as NearPlan)
const wallet = await openWallet({
  store: sqliteStore({ path: plan.path }),
  seed: Uint8Array.from(Buffer.from(plan.seed, 'hex')),
})
serveWallet(wallet, parentPort ?? process, { allow: plan.allow })
if (isMainThread) process.on('disconnect', () => process.exit())
