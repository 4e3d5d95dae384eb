/**
 * A mint in a process of its own, as `hardshell mint` runs it, with two counters: commits, and the CPU time of its
 * crypto. Prints `{"url": …}` when it listens, and what it has counted by then whenever it gets SIGUSR2.
 */
import type { MintCrypto, SignatoryCrypto } from '../../src/cashu/crypto.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { tablesOf } from '../../src/kernel/run/durable.ts'
import { createMintServer } from '../../src/mint-server/index.ts'
import type { Store, StoreAdapter } from '../../src/store/port.ts'
import { adapterOf, type Place } from './places.ts'

export interface MintArguments {
  readonly place: Place
  readonly port: number
}

/** What one process counted since its start. */
export interface Counted {
  readonly commits: number
  readonly cryptoMs: number
}

const counted = { commits: 0, cryptoMs: 0 }

/** Every function of it is synchronous: what the process uses up in between is for it, the collection of its garbage too. */
function timed<C extends object>(crypto: C): C {
  const timedCall =
    (call: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      const before = process.cpuUsage()
      try {
        return call(...args)
      } finally {
        const { user, system } = process.cpuUsage(before)
        counted.cryptoMs += (user + system) / 1000
      }
    }
  return Object.fromEntries(Object.entries(crypto).map(([name, call]) => [name, timedCall(call as never)])) as C
}

/** Counts the commits that landed; not the heartbeats by which processes know of each other, two a second however many swaps. */
function metered(adapter: StoreAdapter): StoreAdapter {
  return {
    async open(schema) {
      const store = await adapter.open(schema)
      const commit: Store['commit'] = async (writes) => {
        await store.commit(writes)
        if (tablesOf(writes).join() !== 'owners') counted.commits++
      }
      return new Proxy(store, {
        get(target, name) {
          if (name === 'commit') return commit
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
}

const { place, port } = JSON.parse(process.argv[2]!) as MintArguments
const server = await createMintServer({
  seed: new Uint8Array(32).fill(9),
  store: metered(adapterOf(place)),
  crypto: timed<MintCrypto & SignatoryCrypto>(nobleMintCrypto),
  admin: true,
  port,
  log: (_, entry) => {
    if (entry.event === 'failure') process.stderr.write(`mint: ${JSON.stringify(entry)}\n`)
  },
})
process.on('SIGUSR2', () => console.log(JSON.stringify({ ...counted } satisfies Counted)))
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
console.log(JSON.stringify({ url: server.url }))
