/** The keysets that a wallet knows of a mint (NUT-01, NUT-02). */
import { denominationsOf, feeOf, splitAmount } from '../cashu/amounts.ts'
import { fullKeysetId } from '../cashu/codec.ts'
import { CashuError } from '../cashu/errors.ts'
import type { KeysetRow, Reader } from './tables.ts'

export type Keysets = ReadonlyMap<string, KeysetRow>

export const keysetsOf = async (read: Reader, mintUrl: string): Promise<Keysets> =>
  new Map((await read.query({ table: 'keysets', prefix: [mintUrl] })).map((row) => [row.id, row]))

const signs = (keyset: KeysetRow, unit: string): boolean =>
  keyset.unit === unit && keyset.active === 1 && keyset.trouble === null && keyset.refused === null

/**
 * The active keyset of a unit with its keys at hand: the one that lives longest, then the one with the lowest fee, and
 * then the lowest id. Proofs lose all their worth when their keyset ends, which costs more than any fee.
 */
export const activeKeyset = (keysets: Keysets, unit: string): KeysetRow | undefined =>
  [...keysets.values()]
    .filter((keyset) => signs(keyset, unit) && keyset.keys !== null)
    .toSorted((a, b) => compare(endOf(b), endOf(a)) || a.feePpk - b.feePpk || (a.id < b.id ? -1 : 1))[0]

/** When a keyset's proofs lose their worth, in seconds since the Unix epoch; never, for most. */
export const endOf = ({ finalExpiry }: Pick<KeysetRow, 'finalExpiry'>): number => finalExpiry ?? Infinity

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

/** Why no outputs can be made for a unit: a code and a sentence, as far as the mint's keysets are known. */
export function whyNone(
  keysets: Keysets,
  unit: string,
): { readonly code: string; readonly detail: string } | undefined {
  const ofUnit = [...keysets.values()].filter((keyset) => keyset.unit === unit)
  if (activeKeyset(keysets, unit)) return undefined
  if (ofUnit.length === 0) return { code: 'KEYSETS_UNKNOWN', detail: 'the mint’s keysets are not known' }
  const active = ofUnit.filter((keyset) => keyset.active === 1)
  const troubled = active.find((keyset) => keyset.trouble !== null)
  if (troubled) {
    const [code, detail] = codeAndDetail(troubled.trouble!)
    return { code, detail: `keyset ${troubled.id} is not used: ${detail}` }
  }
  const refused = active.find((keyset) => keyset.refused !== null)
  if (refused) return { code: 'KEYSET_REFUSED', detail: `the mint refuses keyset ${refused.id}: ${refused.refused}` }
  if (active.length > 0) return { code: 'KEYSETS_UNKNOWN', detail: 'the keys of the mint’s keyset are not known' }
  return { code: 'NO_ACTIVE_KEYSET', detail: `the mint lists no active keyset of unit ${unit}` }
}

/** Splits the reason why a keyset is not used into its code and its sentence. */
export const codeAndDetail = (trouble: string): [code: string, detail: string] => {
  const [code = '', ...rest] = trouble.split(': ')
  return [code, rest.join(': ')]
}

/** What the mint keeps of these inputs, in the unit (NUT-02); undefined where a keyset is not known. */
export function feeFor(inputs: readonly { readonly id: string }[], keysets: Keysets): number | undefined {
  const found = inputs.map(({ id }) => keysets.get(id))
  return found.every((keyset) => keyset !== undefined) ? feeOf(found.map(({ feePpk }) => feePpk)) : undefined
}

/** An amount in the denominations of a keyset, ascending; as few as there can be. */
export const split = (amount: number, keyset: KeysetRow): number[] =>
  amount === 0 ? [] : splitAmount(amount, denominationsOf(keyset.keys ?? {}))

/** The same, or why the denominations do not make it up. It does not throw: an operation under way must not crash on it. */
export function partsOf(amount: number, keyset: KeysetRow): number[] | string {
  try {
    return split(amount, keyset)
  } catch (error) {
    if (error instanceof CashuError && error.code === 'AMOUNT_UNREACHABLE') return error.message
    throw error
  }
}

/** The inputs with the full ids of their keysets, where a token has them shortened (NUT-00) and the keysets are known. */
export const withFullIds = <P extends { readonly id: string }>(inputs: readonly P[], keysets: Keysets): P[] => {
  const known = new Map<string, string | undefined>()
  return inputs.map((input) => {
    // Many inputs, and few keysets.
    if (!known.has(input.id)) known.set(input.id, fullKeysetId(input.id, keysets.keys()))
    const id = known.get(input.id)
    return id === undefined ? input : { ...input, id }
  })
}
