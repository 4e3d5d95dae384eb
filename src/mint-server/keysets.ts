/** Keysets: made, rotated, and held against the signatory (NUT-01, NUT-02). */
import type { MintCrypto } from '../cashu/crypto.ts'
import type { Clock } from '../kernel/ports.ts'
import type { Store, Write } from '../store/port.ts'
import { within } from './patience.ts'
import { WrongKeys, type KeysetPath, type Signatory } from './signatory.ts'
import type { KeysetRow } from './tables.ts'
import { transact } from './transact.ts'

export interface Keysets {
  /**
   * Makes the next keyset of a unit the active one and gives its id; with `onlyFirst`, unless the unit has one. The old
   * ones stay good for inputs. The fee is the last keyset's where left out.
   */
  add(unit: string, options: { readonly feePpk?: number | undefined; readonly onlyFirst?: boolean }): Promise<string>
  /** All keysets, each unit's in the order of their making. */
  all(): Promise<KeysetRow[]>
}

/**
 * A signatory that is asked first whether it has the keys that the store's keysets were made with: once, and where it
 * cannot be reached at the start, before the first signature. Its calls reject with `WrongKeys` where it has others. It
 * may become another while the mint runs: so each call tells which keys are meant.
 */
export function matched(
  signatory: Signatory,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Signatory & { readonly match: () => Promise<void> } {
  let matching: Promise<void> | undefined

  /** By generation and unit; they never change. */
  const known = new Map<string, KeysetRow['keys']>()

  async function keysOf({ unit, generation }: KeysetPath): Promise<KeysetRow['keys'] | undefined> {
    const name = `${generation} ${unit}`
    if (!known.has(name)) {
      const query = { table: 'keysets', index: 'byUnit', prefix: [unit, generation], limit: 1 }
      const [row] = await store.query<KeysetRow>(query)
      if (row) known.set(name, row.keys)
    }
    return known.get(name)
  }

  async function keyed<T extends KeysetPath & { readonly amount: number }>(items: readonly T[]): Promise<T[]> {
    const found: T[] = []
    for (const item of items) found.push({ ...item, key: (await keysOf(item))?.[item.amount] })
    return found
  }

  async function compare(): Promise<void> {
    const rows = await store.query<KeysetRow>({ table: 'keysets', index: 'byUnit' })
    const newest = [...new Map(rows.map((row) => [row.unit, row])).values()]
    for (const { unit, generation, keys } of newest) {
      const [first] = Object.keys(keys)
      const theirs = await within(clock, (signal) =>
        signatory.publicKeys({ unit, generation }, [Number(first)], signal),
      )
      if (theirs[first!] !== keys[first!]) throw new WrongKeys('the store was made with other keys, of another seed')
    }
    // Where there was nothing to compare, another mint may make the first keysets, and with other keys.
    if (newest.length === 0) matching = undefined
  }

  function match(): Promise<void> {
    matching ??= compare().catch((error: unknown) => {
      if (!(error instanceof WrongKeys)) matching = undefined
      throw error
    })
    return matching
  }

  return {
    match,
    publicKeys: async (...asked) => {
      await match()
      return signatory.publicKeys(...asked)
    },
    verify: async (proofs, signal) => {
      await match()
      return signatory.verify(await keyed(proofs), signal)
    },
    sign: async (outputs, signal) => {
      await match()
      return signatory.sign(await keyed(outputs), signal)
    },
  }
}

export function keysets(of: {
  readonly store: Store
  readonly crypto: MintCrypto
  readonly signatory: Signatory
  readonly amounts: readonly number[]
  readonly version: '00' | '01' | undefined
  readonly clock: Clock
}): Keysets {
  const { store, crypto, signatory, amounts, version, clock } = of

  return {
    all: () => store.query<KeysetRow>({ table: 'keysets', index: 'byUnit' }),
    add: (unit, { feePpk, onlyFirst = false }) =>
      transact(store, async () => {
        const newest = { table: 'keysets', index: 'byUnit', prefix: [unit], reverse: true, limit: 1 }
        const [last] = await store.query<KeysetRow>(newest)
        if (last && onlyFirst) return { writes: [], result: last.id }
        const generation = last ? last.generation + 1 : 0
        const inputFeePpk = feePpk ?? last?.feePpk ?? 0
        const keys = await within(clock, (signal) => signatory.publicKeys({ unit, generation }, amounts, signal))
        const id = crypto.keysetId({ keys, unit, inputFeePpk }, version)
        const row: KeysetRow = { id, unit, generation, active: 1, feePpk: inputFeePpk, keys }
        const writes: Write[] = [{ put: 'keysets', row, if: 'absent' }]
        if (last) writes.push({ patch: 'keysets', key: [last.id], set: { active: 0 }, if: { active: 1 } })
        return { writes, result: id }
      }),
  }
}
