/** Checks a wish against what a mint offers, before any request. */
import { HardshellError } from '../kernel/util/errors.ts'
import type { MintInfo } from '../cashu/parse.ts'
import { activeKeyset, partsOf } from './keysets.ts'
import { limitsOf } from './limits.ts'
import type { WalletEnv } from './env.ts'

/**
 * The amounts in the denominations of the mint's active keyset, at most so many in all: by default as many as one request
 * may have. As they are where no keyset is known yet, for then the mint does not answer.
 *
 * @throws {HardshellError} `AMOUNT_UNREACHABLE` naming amounts close by
 */
export async function inParts(
  env: WalletEnv,
  { mintUrl, unit, most }: { mintUrl: string; unit: string; most?: number },
  amounts: readonly number[],
): Promise<number[]> {
  const attempt = async (): Promise<number[] | string> => {
    const keyset = activeKeyset(await env.mints.keysets(mintUrl, unit), unit)
    if (!keyset) return [...amounts]
    const parts: number[] = []
    for (const amount of amounts) {
      const of = partsOf(amount, keyset)
      if (typeof of === 'string') return of
      parts.push(...of)
    }
    const outputs = most ?? (await limitsOf(env.store, mintUrl)).outputs
    return parts.length <= outputs ? parts : `they come to ${parts.length} proofs, and ${outputs} can be made at once`
  }
  const known = await attempt()
  if (typeof known !== 'string') return known
  // The keysets that are known may be old ones.
  await env.mints.refresh(mintUrl).catch(() => {})
  const fresh = await attempt()
  if (typeof fresh !== 'string') return fresh
  throw new HardshellError('AMOUNT_UNREACHABLE', fresh)
}

/**
 * Whether the mint issues such an amount, by what it says of itself (NUT-04, NUT-06); nothing where it says nothing.
 *
 * @throws {HardshellError} `MINTING_DISABLED`, `AMOUNT_OUT_OF_RANGE`
 */
export async function assertMints(
  env: WalletEnv,
  { mintUrl, unit, method, amount }: { mintUrl: string; unit: string; method: string; amount: number },
): Promise<void> {
  const refusal = (info: MintInfo | undefined): HardshellError | undefined => {
    if (info?.mint.disabled) return new HardshellError('MINTING_DISABLED', `${mintUrl} does not mint at present`)
    const setting = info?.mint.methods.find((it) => it.method === method && it.unit === unit)
    const { min_amount: min = 0, max_amount: max = Infinity } = setting ?? {}
    // A maximum of 0 is how some mints say that there is none.
    if (amount >= min && (amount <= max || max === 0)) return undefined
    const range = [min > 0 && `at least ${min}`, max !== Infinity && `at most ${max}`].filter(Boolean).join(', ')
    return new HardshellError('AMOUNT_OUT_OF_RANGE', `${mintUrl} mints ${range} ${unit} at once`)
  }
  if (!refusal((await env.mints.get(mintUrl)).info)) return
  // The stored info may be out of date.
  await env.mints.refresh(mintUrl).catch(() => {})
  const still = refusal((await env.mints.get(mintUrl)).info)
  if (still) throw still
}
