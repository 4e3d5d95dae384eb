/** The keysets that a wallet knows of a mint (NUT-01, NUT-02). */
import { denominationsOf, feeOf, splitAmount } from '../cashu/amounts.ts'
import type { Reader } from '../kernel/operation.ts'
import type { KeysetRow } from './tables.ts'

export type Keysets = ReadonlyMap<string, KeysetRow>

export const keysetsOf = async (read: Reader, mintUrl: string): Promise<Keysets> =>
  new Map((await read.query<KeysetRow>({ table: 'keysets', prefix: [mintUrl] })).map((row) => [row.id, row]))

/** The active keyset of a unit with its keys at hand; the one with the lowest fee, and then the lowest id. */
export const activeKeyset = (keysets: Keysets, unit: string): KeysetRow | undefined =>
  [...keysets.values()]
    .filter((keyset) => keyset.unit === unit && keyset.active === 1 && keyset.keys !== null)
    .toSorted((a, b) => a.feePpk - b.feePpk || (a.id < b.id ? -1 : 1))[0]

/** What the mint keeps of these inputs, in the unit (NUT-02); undefined where a keyset is not known. */
export function feeFor(inputs: readonly { readonly id: string }[], keysets: Keysets): number | undefined {
  const found = inputs.map(({ id }) => keysets.get(id))
  return found.some((keyset) => !keyset) ? undefined : feeOf(found.map((keyset) => keyset!.feePpk))
}

/** An amount in the denominations of a keyset, ascending; as few as there can be. */
export const split = (amount: number, keyset: KeysetRow): number[] =>
  amount === 0 ? [] : splitAmount(amount, denominationsOf(keyset.keys ?? {}))

/** The inputs with the full ids of their keysets, where a token has them shortened (NUT-00) and the keysets are known. */
export const withFullIds = <P extends { readonly id: string }>(inputs: readonly P[], keysets: Keysets): P[] =>
  inputs.map((input) => {
    const matches = [...keysets.keys()].filter((id) => id.startsWith(input.id))
    return matches.length === 1 ? { ...input, id: matches[0]! } : input
  })
