/** Keysets: made, rotated, and held against the signatory (NUT-01, NUT-02). */
import type { MintCrypto } from '../cashu/crypto.ts'
import type { Store, Write } from '../store/port.ts'
import type { Signatory } from './signatory.ts'
import type { KeysetRow } from './tables.ts'
import { transact } from './transact.ts'

export interface Keysets {
  /**
   * Makes the next keyset of a unit the active one and gives its id; with `onlyFirst`, unless the unit has one. The old
   * ones stay good for inputs. The fee is the last keyset's where left out.
   * @throws Error The keysets in the store were made with other keys.
   */
  add(unit: string, options: { readonly feePpk?: number | undefined; readonly onlyFirst?: boolean }): Promise<string>
  /** All keysets, each unit's in the order of their making. */
  all(): Promise<KeysetRow[]>
}

export function keysets(of: {
  readonly store: Store
  readonly crypto: MintCrypto
  readonly signatory: Signatory
  readonly amounts: readonly number[]
  readonly version: '00' | '01' | undefined
}): Keysets {
  const { store, crypto, signatory, amounts, version } = of

  async function checkKeys({ unit, generation, keys }: KeysetRow): Promise<void> {
    const [first] = Object.keys(keys)
    const ours = await signatory.publicKeys({ unit, generation }, [Number(first)])
    if (ours[first!] !== keys[first!]) throw new Error('the store was made with other keys, of another seed')
  }

  return {
    all: () => store.query<KeysetRow>({ table: 'keysets', index: 'byUnit' }),
    add: (unit, { feePpk, onlyFirst = false }) =>
      transact(store, async () => {
        const newest = { table: 'keysets', index: 'byUnit', prefix: [unit], reverse: true, limit: 1 }
        const [last] = await store.query<KeysetRow>(newest)
        if (last) await checkKeys(last)
        if (last && onlyFirst) return { writes: [], result: last.id }
        const generation = last ? last.generation + 1 : 0
        const inputFeePpk = feePpk ?? last?.feePpk ?? 0
        const keys = await signatory.publicKeys({ unit, generation }, amounts)
        const id = crypto.keysetId({ keys, unit, inputFeePpk }, version)
        const row: KeysetRow = { id, unit, generation, active: 1, feePpk: inputFeePpk, keys }
        const writes: Write[] = [{ put: 'keysets', row, if: 'absent' }]
        if (last) writes.push({ patch: 'keysets', key: [last.id], set: { active: 0 }, if: { active: 1 } })
        return { writes, result: id }
      }),
  }
}
