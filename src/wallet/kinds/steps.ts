/** What several kinds share. */
import type { Place } from '../../../machines/wallet/exchange-model.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { StoreError } from '../../store/port.ts'
import { limitsOf } from '../limits.ts'
import { reserve, type Reserved } from '../selection.ts'
import type { Reader } from '../tables.ts'
import { TO_CHOOSE, type LocalArgs } from '../ports.ts'

/** The longest interval of polls that go on for days. */
export const SELDOM_MS = 6 * 3_600_000

type Reserve = LocalArgs<
  Place & {
    readonly amount: number
    readonly amounts?: readonly number[] | undefined
    readonly preferExact: boolean
    readonly exchanges?: boolean | undefined
  }
>

/** Proofs that make up the amount exactly, and no more of them than a mint takes in one request: a receiver redeems them. */
async function exactly(read: Reader, place: Place, amount: number): Promise<Reserved | undefined> {
  try {
    const found = await reserve(read, place, { amount, withFee: false })
    const { inputs: most } = await limitsOf(read, place.mintUrl)
    return found.total === amount && found.inputs.length <= most ? found : undefined
  } catch (error) {
    if (error instanceof HardshellError && !(error instanceof StoreError)) return undefined
    throw error
  }
}

/** @throws {HardshellError} `INSUFFICIENT_FUNDS`; {CashuError} `AMOUNT_UNREACHABLE` */
async function take({ input, ...args }: Reserve) {
  const read = args.read.loose(TO_CHOOSE)
  const { amount, amounts, exchanges } = input
  const exact = input.preferExact ? await exactly(read, input, amount) : undefined
  const { inputs, fee, writes } = exact ?? (await reserve(read, input, { amount, amounts, withFee: true, exchanges }))
  return { answer: 'ok' as const, inputs, fee, writes }
}

export const takeStep = { 'proofs.take': take }

export const selectStep = {
  'proofs.select': async (args: Reserve) => {
    try {
      return await take(args)
    } catch (error) {
      if (error instanceof HardshellError && error.code === 'INSUFFICIENT_FUNDS') return { answer: 'short' as const }
      throw error
    }
  },
}
