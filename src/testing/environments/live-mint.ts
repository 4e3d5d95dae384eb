/**
 * A mint server that may crash and is started again. Wallets are proven against it as well as against a mint that never
 * crashes.
 */
import { tablesOf } from '../../kernel/run/durable.ts'
import type { Random } from '../../kernel/util/ports.ts'
import type { Mint } from '../../mint-server/mint-api.ts'
import { createMint } from '../../mint-server/mint.ts'
import { localSignatory } from '../../mint-server/signatory/signatory.ts'
import { mintSchema } from '../../mint-server/db/tables.ts'
import { memoryStore } from '../../store/memory.ts'
import type { Row, Store } from '../../store/port.ts'
import type { Inject } from '../explorer/choices.ts'
import { Life, VirtualClock, worldRandom } from '../explorer/life.ts'
import { bystanders, fakeLightning, POWERS, SEED, type MintTraits, type MintFixture } from './mint-fixture.ts'
import { stubCrypto } from './stub-crypto.ts'

interface Process {
  readonly life: Life
  readonly mint: Promise<Mint>
  /** Rejects when it has crashed. */
  readonly crashed: Promise<never>
}

/** The life of the wallet that the mint serves, and the faults of the mint during it. */
export interface Around {
  readonly inject: Inject
  readonly life: Life
}

const CRASHES = ['ok', 'mintCrashBefore', 'mintCrashAfter'] as const
/** A life without faults. Each life has its own number of calls. */
const lucky = (): Around => ({ inject: (_, [fault]) => ({ fault, applied() {} }), life: new Life() })

/** As `newMintFixture`; `around` is told by `begin` at the start of each life. */
export async function newLiveMintFixture({ autoPayMs = 0, ...traits }: MintTraits = {}): Promise<MintFixture> {
  const rows = memoryStore()
  const store = await rows.open(mintSchema)
  let clock = new VirtualClock(0)
  let draw = worldRandom({ entropy: 0 })
  let around = lucky()
  let running: Process | undefined
  const random: Random = (bytes) => draw(bytes)
  const backend = fakeLightning({ store, clock: () => clock.rightMs, random, autoPayMs })

  function start(): Process {
    const { inject, life: outer } = around
    const life = new Life()
    const { promise: crashed, reject } = Promise.withResolvers<never>()
    crashed.catch(() => {})
    const die = (): Promise<never> => {
      running = undefined
      reject(new Error('connection reset'))
      return life.die()
    }
    // Nobody does the remaining work of a dead wallet's mint: the next life begins with a start of the mint, too.
    const call = <T>(run: () => Promise<T>): Promise<T> => outer.call(() => life.call(run))
    const perilous: Store = {
      get: <R extends Row>(...args: Parameters<Store['get']>) => call(() => store.get<R>(...args)),
      query: <R extends Row>(...args: Parameters<Store['query']>) => call(() => store.query<R>(...args)),
      sum: (...args) => call(() => store.sum(...args)),
      commit: (writes) =>
        call(async () => {
          const site = `mint ${tablesOf(writes).join(', ')}`
          const isStep = writes.some((write) => 'put' in write && write.put === 'operations')
          const fault = isStep ? inject(site, CRASHES, writes).fault : 'ok'
          if (fault === 'mintCrashBefore') return die()
          await store.commit(writes)
          if (fault === 'mintCrashAfter') return die()
        }),
      watch: (...args) => store.watch(...args),
      close: async () => {},
    }
    const now = clock
    const mint = createMint({
      ...{ store: perilous, crypto: stubCrypto, amounts: POWERS, backend, random },
      signatory: localSignatory({ seed: SEED, crypto: stubCrypto }),
      clock: {
        now: () => now.rightMs,
        monotonicMs: () => now.monotonicMs(),
        longestWaitMs: Infinity,
        setTimeout: (wake, delayMs) => now.setTimeout(wake, delayMs),
        clearTimeout: (timer) => now.clearTimeout(timer),
      },
      ...traits,
    })
    return { life, mint, crashed }
  }
  const process = (): Process => (running ??= start())
  const ask = async <T>(request: (mint: Mint) => Promise<T>): Promise<T> => {
    const { mint, crashed } = process()
    return Promise.race([mint.then(request), crashed])
  }
  await ask((mint) => mint.balanceSheet())

  return {
    ...bystanders({ rows, store, backend }),
    mint: {
      handle: (...request) => ask((mint) => mint.handle(...request)),
      rotate: (...request) => ask((mint) => mint.rotate(...request)),
      balanceSheet: () => ask((mint) => mint.balanceSheet()),
    },
    enter(dump, time, source) {
      void running?.life.die()
      running = undefined
      around = lucky()
      rows.load(dump)
      clock = time
      draw = source
    },
    begin: (it) => void (around = it),
  }
}
