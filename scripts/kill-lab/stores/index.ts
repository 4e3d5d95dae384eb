/** Where the wallets of the kill lab keep their rows. A store joins by one module here, and its line in the list. */
import { join } from 'node:path'
import type { StoreAdapter } from '../../../src/store/port.ts'
import type { WalletPlace } from '../plan.ts'
import type { LabStore } from './port.ts'

const stores: Readonly<Record<string, () => Promise<{ readonly store: LabStore }>>> = {
  sqlite: () => import('./sqlite.ts'),
  postgres: () => import('./postgres.ts'),
}

/** @throws {TypeError} where there is none of this name, or none that outlives a process. */
export function labStore(name: string): Promise<LabStore> {
  if (name === 'memory') throw new TypeError('--store memory ends with its process: there is nothing to resume')
  if (!Object.hasOwn(stores, name))
    throw new TypeError(`--store is one of ${Object.keys(stores).join(', ')}, not ${name}`)
  return stores[name]!().then(({ store }) => store)
}

/** The places of a run's wallets. */
export interface LabPlaces extends AsyncDisposable {
  place(name: string, seed: string): WalletPlace
  /** Kills the database server, and starts it again; undefined where there is none. */
  readonly crash: (() => Promise<void>) | undefined
}

/** @throws {TypeError} as `labStore` */
export async function startPlaces(store: string, dir: string): Promise<LabPlaces> {
  const places = await (await labStore(store)).start(dir)
  return {
    place: (name, seed) => ({ store, at: places.at(name), lostMarker: join(dir, `${name}.lost`), seed }),
    crash: places.crash,
    [Symbol.asyncDispose]: () => places[Symbol.asyncDispose](),
  }
}

export const adapterOf = async ({ store, at }: WalletPlace): Promise<StoreAdapter> =>
  (await labStore(store)).adapter(at)
export const exists = async ({ store, at }: WalletPlace): Promise<boolean> => (await labStore(store)).exists(at)
export const remove = async ({ store, at }: WalletPlace): Promise<void> => (await labStore(store)).remove(at)
