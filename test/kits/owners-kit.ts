/** A little shop whose processes share one store and one virtual clock; tests hand out its lock, slow its store down, and kill. */
import { setup } from 'xstate'
import {
  answered,
  defineOperation,
  effect,
  openOperations,
  operationsTable,
  ownersTable,
  type Clock,
  type KindOperations,
  type Log,
  type OperationKind,
  type Operations,
  type OperationRow,
  type Telemetry,
} from '../../src/kernel/index.ts'
import type { Tables } from '../../src/store/kit/rows.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import type { HeldLock, OwnerLock, Ownership, Store, Write } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'

export const tables = { operations: operationsTable(), owners: ownersTable() }
const machine = setup({
  types: {} as { context: { id: string }; input: { id: string }; events: { type: 'pay' } | { type: 'cancel' } },
  actors: { charge: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
  delays: { tooLate: 600_000 },
}).createMachine({
  context: ({ input: { id } }) => ({ id }),
  initial: 'open',
  states: {
    open: { on: { pay: 'charging', cancel: 'cancelled' }, after: { tooLate: 'cancelled' } },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context: { id } }) => ({ id }),
        onDone: { guard: answered('ok'), target: 'paid' },
      },
    },
    paid: { type: 'final' },
    cancelled: { type: 'final' },
  },
})

interface Bank {
  charge(id: string, replay: boolean): Promise<void>
}
export const order = defineOperation({
  kind: 'order',
  version: 1,
  machine,
  effects: (bank: Bank) => ({
    charge: async ({ input, replay }) => {
      await bank.charge(input.id, replay)
      return { answer: 'ok' as const }
    },
  }),
})

/** A lock that one holds at a time, in the order in which they asked; the test may take it away. */
export function queue(): { lock: OwnerLock; takeAway: () => void } {
  const waiting: (() => void)[] = []
  let holder: AbortController | undefined
  const grant = (): HeldLock => {
    const mine = new AbortController()
    holder = mine
    const release = (): void => {
      if (holder !== mine) return
      holder = undefined
      waiting.shift()?.()
    }
    return { lost: mine.signal, release }
  }
  return {
    async lock({ wait, signal }) {
      if (!holder) return grant()
      if (!wait) return undefined
      return new Promise((resolve) => {
        const go = (): void => resolve(grant())
        waiting.push(go)
        signal.addEventListener('abort', () => {
          const at = waiting.indexOf(go)
          if (at >= 0) waiting.splice(at, 1)
          resolve(undefined)
        })
      })
    },
    takeAway() {
      const lost = holder
      holder = undefined
      lost?.abort()
      waiting.shift()?.()
    },
  }
}

/** A lock as a process has it, which loses it with its life. */
export const whileAlive =
  (lock: OwnerLock, death: AbortSignal): OwnerLock =>
  async ({ wait, signal }) => {
    const held = await lock({ wait, signal: AbortSignal.any([signal, death]) })
    if (death.aborted) void held?.release()
    death.addEventListener('abort', () => void held?.release())
    return held
  }

const never = (): Promise<never> => new Promise(() => {})

interface ProcessOptions<Ports> {
  readonly kind?: OperationKind<Ports>
  readonly ports?: Ports
  readonly clock?: Clock
  readonly laneLimit?: number
  readonly telemetry?: Telemetry | undefined
  readonly log?: Log | undefined
  /** Around each call of the store. */
  readonly around?: <T>(call: () => Promise<T>) => Promise<T>
  readonly commit?: (store: Store, writes: readonly Write[]) => Promise<void>
}

export interface Process<Ports = unknown> {
  readonly operations: Operations<Ports>
  /** Of those, the orders. */
  readonly orders: KindOperations<typeof machine>
  die(): void
}

export class Shop {
  readonly clock = new VirtualClock(1_750_000_000_000)
  readonly rows: MemoryStore = memoryStore()
  readonly charges: string[] = []
  readonly random = worldRandom({ entropy: 0 })
  readonly #tables: Tables

  constructor(of: Tables = tables) {
    this.#tables = of
  }

  store(): Promise<Store> {
    return this.rows.open({ version: 1, tables: this.#tables })
  }
  /** Charges wait for this. */
  bankOpens: Promise<void> = Promise.resolve()
  /** Or for what this gives. */
  bank: ((id: string, replay: boolean) => Promise<void>) | undefined

  /** Starts a process, and waits until it has taken up what it found. */
  async process(name: string, ownership: Ownership | undefined, options: ProcessOptions<Bank> = {}): Promise<Process> {
    const charge: Bank['charge'] = async (id, replay) => {
      this.charges.push(replay ? `${name} again` : name)
      await (this.bank?.(id, replay) ?? this.bankOpens)
    }
    const process = await this.open<Bank>(ownership, { kind: order, ports: { charge }, ...options })
    await process.operations.resumed
    return process as Process
  }

  /** Starts a process. Once it is dead nothing of it reaches the store any more. */
  async open<Ports>(
    ownership: Ownership | undefined,
    {
      kind,
      ports,
      clock = this.clock,
      laneLimit = 8,
      telemetry,
      log,
      around = (call) => call(),
      commit = (store, writes) => store.commit(writes),
    }: ProcessOptions<Ports> & { readonly kind: OperationKind<Ports>; readonly ports: Ports },
  ): Promise<Process<Ports>> {
    const store = await this.store()
    let dead = false
    const mortal =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> =>
        dead ? never() : around(() => (dead ? never() : call(...args))).then((result) => (dead ? never() : result))
    const mine: Store = {
      ...store,
      ...(ownership && { ownership }),
      get: mortal((...args: Parameters<Store['get']>) => store.get(...args)) as Store['get'],
      query: mortal((...args: Parameters<Store['query']>) => store.query(...args)) as Store['query'],
      commit: mortal((writes: readonly Write[]) => commit(store, writes)),
    }
    const { random } = this
    const operations = openOperations<Ports>({
      store: mine,
      tables: this.#tables,
      kinds: [kind],
      ports,
      clock,
      random,
      laneLimit,
      ...(telemetry && { telemetry }),
      ...(log && { log }),
      onError: () => {},
    })
    return {
      operations,
      get orders() {
        return operations.of(order)
      },
      die: () => void (dead = true),
    }
  }

  row(id: string): OperationRow {
    return this.rows.dump()['operations']!.find((row) => row['id'] === id) as unknown as OperationRow
  }

  /** Lets time go on; all that can happen at a moment happens. */
  async pass(forMs: number): Promise<void> {
    const endMs = this.clock.now() + forMs
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = Math.min(...this.clock.ringsMs)
      if (!(next <= endMs)) break
      this.clock.advance()
    }
  }
}
