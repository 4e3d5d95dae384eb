/**
 * One of several processes that are one wallet: opens it, and does its share of operations. Killed and started again
 * it does them again: the keys lead to the operations that are there. Prints a line for each that has ended.
 *
 *   node wallet-process.ts '{"connection": …, "namespace": …, "seed": …, "mintUrl": …, "name": …, "operations": …}'
 */
import { flushCompileCache } from 'node:module'
import { doStep, insist, trust, type WalletStep } from '../../scripts/kill-lab/steps.ts'
import { openWallet } from '../../src/index.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'

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

// The compiled code is kept now: a process that is killed keeps nothing.
flushCompileCache()

const { connection, namespace, seed, mintUrl, name, operations, invoices, perMelt } = JSON.parse(
  process.argv[2]!,
) as Share
const store = postgresStore({ connection, namespace, busyTimeoutMs: 20_000 })
const wallet = await insist(() => openWallet({ store, seed: Buffer.from(seed, 'hex') }))
await trust(wallet, mintUrl)

function stepOf(n: number): WalletStep {
  const of = { wallet: name, key: `${name} ${n}` }
  const request = n % perMelt === perMelt - 1 ? invoices[Math.floor(n / perMelt)] : undefined
  if (request !== undefined) return { do: 'melt', ...of, request }
  const kinds: readonly WalletStep[] = [
    { do: 'mint', ...of, amount: 64 },
    { do: 'mint', ...of, amount: 64 },
    { do: 'swap', ...of, amounts: [8, 4] },
    { do: 'reclaim', ...of, amount: 21 },
  ]
  return kinds[n % kinds.length]!
}

let next = 0
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < operations) {
      const n = next++
      await doStep(stepOf(n), mintUrl, async () => wallet)
      process.stdout.write(`${n}\n`)
    }
  }),
)
await wallet.close()
process.exit(0)
