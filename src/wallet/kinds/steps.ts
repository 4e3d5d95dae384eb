/** Local steps that several kinds share. */
import type { Place } from '../../../machines/wallet/exchange-model.ts'
import { HardshellError } from '../../kernel/errors.ts'
import type { LocalArgs } from '../../kernel/operation.ts'
import { reserve } from '../selection.ts'

type Reserve = LocalArgs<Place & { readonly amount: number; readonly preferExact: boolean }>

/** @throws {HardshellError} `INSUFFICIENT_FUNDS` */
async function take({ input, read }: Reserve) {
  const exact = input.preferExact ? await reserve(read, input, input.amount, false).catch(() => undefined) : undefined
  const { inputs, fee, writes } = exact?.total === input.amount ? exact : await reserve(read, input, input.amount, true)
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
