/** What every store must do, whichever test runner asks it. */
import type { StoreAdapter } from '../../store/port.ts'
import { keyValues } from './store-contract/key-values.ts'
import { schema, type Test } from './store-contract/kit.ts'
import { migrating } from './store-contract/migrating.ts'
import { reading } from './store-contract/reading.ts'
import { sharing } from './store-contract/sharing.ts'
import { writing } from './store-contract/writing.ts'

/** One promise of a store, as a test of its own. */
export interface ContractCase {
  /** What is promised. */
  readonly name: string
  /** Rejects where the store breaks the contract. */
  readonly run: () => Promise<void>
}

/** An empty store of its own for one case; `dispose` is called when the case is over. */
export type NewStore = () => Promise<{ adapter: StoreAdapter; dispose: () => Promise<void> }>

/**
 * The cases of the store port, each on a store of its own.
 *
 * @example
 * const newStore: NewStore = async () => ({ adapter: memoryStore(), dispose: async () => {} })
 * for (const { name, run } of storeContract(newStore)) test(name, run)
 */
export function storeContract(newStore: NewStore): ContractCase[] {
  const cases: ContractCase[] = []
  const test: Test = (name, body) => {
    cases.push({
      name,
      async run() {
        const { adapter, dispose } = await newStore()
        try {
          const store = await adapter.open(schema)
          await body(store, adapter)
          await store.close()
        } finally {
          await dispose()
        }
      },
    })
  }
  writing(test)
  reading(test)
  sharing(test)
  keyValues(test)
  migrating(test)
  return cases
}
