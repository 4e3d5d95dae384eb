/** How many requests and store commits each kind of operation takes when nothing goes wrong. */
import {
  openWallet,
  type OperationHandle,
  type Store,
  type StoreAdapter,
  type Transport,
  type Wallet,
} from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { inProcessMint, MINT_URL } from './in-process.ts'

export interface Count {
  readonly what: string
  readonly requests: number
  readonly mostRequests: number
  readonly commits: number
  readonly mostCommits: number
}

/** Counts everything that goes by. Questions of a watch (has it been paid, has it been claimed?) are counted apart. */
class Meter {
  requests: string[] = []
  commits = 0

  transport(inner: Transport): Transport {
    return (request) => {
      this.requests.push(`${request.method} ${new URL(request.url).pathname}`)
      return inner(request)
    }
  }

  adapter(inner: StoreAdapter): StoreAdapter {
    return {
      open: async (schema) => {
        const store = await inner.open(schema)
        const counted: Pick<Store, 'commit'> = {
          commit: async (writes) => {
            await store.commit(writes)
            this.commits += 1
          },
        }
        return new Proxy(store, {
          get: (target, name) => {
            if (name === 'commit') return counted.commit
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        })
      },
    }
  }

  reset(): void {
    this.requests = []
    this.commits = 0
  }

  counted(what: string, mostRequests: number, mostCommits: number, watched: RegExp): Count {
    const requests = this.requests.filter((request) => !watched.test(request)).length
    return { what, requests, mostRequests, commits: this.commits, mostCommits }
  }
}

const NO_WATCH = /^$/
const QUOTE_WATCH = /^GET \/v1\/mint\/quote/

/** Runs one operation of each kind; commits of `mint` and `melt` are counted in all, of the others from `execute`. */
export async function countAll(): Promise<Count[]> {
  const { transport, backend } = await inProcessMint({ autoPayMs: 0 })
  const meter = new Meter()
  const metered = { transport: meter.transport(transport), seed: new Uint8Array(64).fill(1) }
  await using wallet = await openWallet({ store: meter.adapter(memoryStore()), ...metered })
  await using other = await openWallet({ store: memoryStore(), transport, seed: new Uint8Array(64).fill(2) })
  for (const each of [wallet, other]) await each.mints.trust(MINT_URL)
  const mintUrl = MINT_URL
  const counts: Count[] = []

  meter.reset()
  await minted(wallet, 1000)
  counts.push(meter.counted('mint', 2, 4, QUOTE_WATCH))

  const exchange = async (
    what: string,
    requests: number,
    commits: number,
    handle: { execute(): Promise<unknown> },
  ): Promise<void> => {
    meter.reset()
    await handle.execute()
    counts.push(meter.counted(what, requests, commits, NO_WATCH))
  }
  await exchange('swap', 1, 2, await wallet.swap.prepare({ mintUrl, amounts: [64, 8, 2] }))
  const exact = await wallet.send.prepare({ mintUrl, amount: 74 })
  if (exact.fee.toNumber() !== 0) throw new Error('74 should have been exact')
  await exchange('send, exact', 0, 1, exact)
  const swapped = await wallet.send.prepare({ mintUrl, amount: 3 })
  if (swapped.fee.toNumber() === 0) throw new Error('3 should not have been exact')
  await exchange('send, with a swap', 1, 2, swapped)
  await minted(other, 100)
  const { token } = await (await other.send.prepare({ mintUrl, amount: 50 })).execute()
  await exchange('receive', 1, 2, await wallet.receive.prepare({ token }))

  meter.reset()
  const melt = await wallet.melt.prepare({ mintUrl, request: backend.foreignInvoice({ amountSat: 100 }) })
  await melt.execute()
  counts.push(meter.counted('melt', 2, 4, NO_WATCH))
  return counts
}

async function minted(wallet: Wallet, amount: number): Promise<void> {
  await finished(await wallet.mint.prepare({ mintUrl: MINT_URL, amount }))
}

async function finished(handle: OperationHandle): Promise<void> {
  await handle.refresh()
  await handle.finished()
}
