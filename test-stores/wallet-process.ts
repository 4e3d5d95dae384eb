/**
 * One of several processes that are one wallet: opens it, and does its share of operations. Killed and started again
 * it does them again: the keys lead to the operations that are there. Prints a line for each that has ended.
 *
 *   node wallet-process.ts '{"connection": …, "namespace": …, "seed": …, "mintUrl": …, "name": …, "operations": …}'
 */
import { flushCompileCache } from 'node:module'
import { insist, trust } from '../scripts/kill-lab/steps.ts'
import { HardshellError, openWallet, type OperationHandle } from '../src/index.ts'
import { postgresStore } from '../src/store/postgres.ts'

export interface Share {
  readonly connection: string
  readonly namespace: string
  readonly seed: string
  readonly mintUrl: string
  readonly name: string
  readonly operations: number
  /** To be paid: by each last one of so many operations. */
  readonly invoices: readonly string[]
  readonly perMelt: number
}

const AT_ONCE = 8
const LOOK_EVERY_MS = 150

// The compiled code is kept now: a process that is killed keeps nothing.
flushCompileCache()

const { connection, namespace, seed, mintUrl, name, operations, invoices, perMelt } = JSON.parse(
  process.argv[2]!,
) as Share
const store = postgresStore({ connection, namespace, busyTimeoutMs: 20_000 })
const wallet = await insist(() => openWallet({ store, seed: Buffer.from(seed, 'hex') }))
await trust(wallet, mintUrl)

/** Waits for the end, and asks for news often. That it failed is an end, too; the books will tell. */
async function finished(handle: OperationHandle): Promise<void> {
  const looking = setInterval(() => void handle.refresh().catch(() => {}), LOOK_EVERY_MS)
  try {
    await handle.finished()
  } catch (error) {
    if (!(error instanceof HardshellError) || error.code === 'QUARANTINED') throw error
  } finally {
    clearInterval(looking)
  }
}

/** Prepares an operation, once there is enough money that nobody else holds. */
async function funded<H>(prepare: () => Promise<H>): Promise<H> {
  for (;;) {
    try {
      return await prepare()
    } catch (error) {
      if (!(error instanceof HardshellError && error.code === 'INSUFFICIENT_FUNDS')) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function run(key: string, n: number): Promise<void> {
  const request = n % perMelt === perMelt - 1 ? invoices[Math.floor(n / perMelt)] : undefined
  if (request !== undefined) {
    const melt = await funded(() => wallet.melt.prepare({ mintUrl, request, key }))
    void melt.execute().catch(() => {})
    return finished(melt)
  }
  const kind = n % 4
  if (kind <= 1) return finished(await wallet.mint.prepare({ mintUrl, amount: 64, unit: 'sat', key }))
  if (kind === 2) {
    const swap = await funded(() => wallet.swap.prepare({ mintUrl, amounts: [8, 4], key }))
    void swap.execute().catch(() => {})
    return finished(swap)
  }
  const send = await funded(() => wallet.send.prepare({ mintUrl, amount: 21, key }))
  await send.execute()
  if (send.state === 'tokenCreated') await send.reclaim().catch(() => {})
  return finished(send)
}

let next = 0
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < operations) {
      const n = next++
      await insist(() => run(`${name} ${n}`, n))
      process.stdout.write(`${n}\n`)
    }
  }),
)
await wallet.close()
process.exit(0)
