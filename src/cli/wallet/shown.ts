/** Operations and amounts as commands show them. */
import type { Amount } from '@cashu/cashu-ts'
import type { Wallet } from '../../wallet/api.ts'
import type { Given, Options } from '../command.ts'
import { Misused, Refused } from '../errors.ts'

/** Which mint, and in which unit. */
export const MINT_OPTIONS = {
  mint: { value: 'URL', help: 'which mint, or a part of its URL; needed where several come into question' },
  unit: { value: 'UNIT', help: 'sat unless given' },
} as const satisfies Options

/** An amount as JSON has it. */
export const numberOf = (amount: Amount): number => Number(amount.toString())

interface Shown {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly mintUrl: string
  readonly unit: string
  readonly amount: Amount
  readonly fee: Amount
}

/** An operation in JSON: amounts are numbers, in its unit. */
export const operationJson = ({ id, kind, state, mintUrl, unit, amount, fee }: Shown) => ({
  ...{ id, kind, state, mintUrl, unit },
  amount: numberOf(amount),
  fee: numberOf(fee),
})

/** The unit that was asked for. */
export const unitOf = (given: Given<'unit'>): string => given.text('unit') ?? 'sat'

/**
 * The mint that is meant: the one that was named, the only one that is trusted, or the only one that has so much.
 *
 * @throws {Misused} where several come into question, {Refused} `MINT_UNKNOWN` where none does
 */
export async function mintOf(
  wallet: Wallet,
  given: Given<keyof typeof MINT_OPTIONS>,
  spends?: number,
): Promise<string> {
  const named = given.text('mint')
  const known = await wallet.mints.list()
  if (named !== undefined) {
    const found = known.filter(({ mintUrl }) => mintUrl.includes(named)).map(({ mintUrl }) => mintUrl)
    const [only] = found
    if (found.includes(named) || only === undefined) return named
    if (found.length === 1) return only
    throw new Misused(`--mint: it fits several mints, ${found.join(' and ')}`)
  }
  const trusted = known.filter((mint) => mint.trusted).map(({ mintUrl }) => mintUrl)
  const [only, second] = trusted
  if (only === undefined) throw new Refused('MINT_UNKNOWN', 'the wallet trusts no mint')
  if (second === undefined) return only
  if (spends !== undefined) {
    const enough = (await wallet.balances()).filter(
      ({ mintUrl, unit, spendable }) =>
        unit === unitOf(given) && trusted.includes(mintUrl) && numberOf(spendable) >= spends,
    )
    const [rich, other] = enough
    if (rich !== undefined && other === undefined) return rich.mintUrl
    if (rich === undefined) throw new Refused('INSUFFICIENT_FUNDS', 'no mint of this wallet has so much')
  }
  throw new Misused(`--mint is needed, for several come into question: ${trusted.join(', ')}`)
}
