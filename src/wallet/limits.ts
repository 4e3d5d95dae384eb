/** How much a mint takes in one request: as it says (NUT-06), or as its refusals teach. */
import { isTooLarge, limitIn, type Meaning } from '../cashu/codes.ts'
import type { MintInfo } from '../cashu/parse.ts'
import type { MintLimits, Reader, Write } from './tables.ts'

export type LimitName = keyof MintLimits

/** What is sent at most where nothing is known: Nutshell and cdk take 1,000 of each unless given. */
const UNTOLD = 1_000
/** NUT-09 batches are of about a hundred everywhere. */
const RESTORE_UNTOLD = 100
/** A restore must find the outputs of any request: they stay well below its gap, however many a mint would sign. */
const MOST_OUTPUTS = 100

/** The limits that a mint's info says. */
export const limitsSaid = ({ maxArrayLength: most }: Pick<MintInfo, 'maxArrayLength'>): MintLimits =>
  most === undefined ? {} : { inputs: most, outputs: most, states: most, restore: most }

/** The limits in use: from the mint's info, from its refusals, or what mints usually take. */
export interface Limits {
  readonly inputs: number
  readonly outputs: number
  readonly states: number
  readonly restore: number
}

export async function limitsOf(read: Pick<Reader, 'get'>, mintUrl: string): Promise<Limits> {
  const row = await read.get('mints', [mintUrl])
  return effective(row?.limits ?? null)
}

export const effective = (limits: MintLimits | null): Limits => ({
  inputs: limits?.inputs ?? UNTOLD,
  outputs: Math.min(limits?.outputs ?? MOST_OUTPUTS, MOST_OUTPUTS),
  states: limits?.states ?? UNTOLD,
  restore: Math.min(limits?.restore ?? RESTORE_UNTOLD, RESTORE_UNTOLD),
})

/**
 * The limit that a refusal for size implies: the number that it names if that is less than was sent, else half of what
 * was sent. Undefined if the refusal means something else, or if one item only was sent.
 */
export function learnt(
  refusal: { readonly meaning: Meaning; readonly detail: string },
  sent: number,
): number | undefined {
  if (!isTooLarge(refusal.meaning) || sent < 2) return undefined
  const said = limitIn(refusal.detail)
  return said !== undefined && said < sent ? said : Math.floor(sent / 2)
}

/** The write that stores learnt limits; none if the mint's row has limits as low. */
export async function keepLimits(read: Pick<Reader, 'get'>, mintUrl: string, found: MintLimits): Promise<Write[]> {
  const row = await read.get('mints', [mintUrl])
  if (!row) return []
  const before: Readonly<Record<string, number>> = { ...row.limits }
  const limits = { ...before }
  for (const [name, most] of Object.entries(found)) limits[name] = Math.min(most, limits[name] ?? most)
  const same = Object.entries(limits).every(([name, most]) => before[name] === most)
  return same ? [] : [{ patch: 'mints', key: [mintUrl], set: { limits } }]
}
