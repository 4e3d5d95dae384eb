/** `hardshell wallet pay`: has a mint pay an invoice. */
import type { MeltHandle } from '../../wallet/api-handles.ts'
import type { PaidMelt } from '../../wallet/kinds/melt.ts'
import { invoiceText, readInvoice } from '../../cashu/invoice.ts'
import { command } from '../command.ts'
import { Refused } from '../errors.ts'
import { canAsk, confirmed, textOrStdin } from '../prompt.ts'
import { amountText } from '../terminal.ts'
import { WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { MINT_OPTIONS, mintOf, numberOf, operationJson, unitOf } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...MINT_OPTIONS,
  ...WAIT_OPTIONS,
  'max-fee': { value: 'N', help: 'the most that it may cost beside the amount' },
  yes: { help: 'pays without asking; nobody is asked where there is no terminal' },
  key: { value: 'KEY', help: 'the same key and invoice are the same payment, however often this is run' },
} as const

export const pay = command({
  summary: 'pays an invoice (bolt11)',
  usage: '[INVOICE]',
  words: [0, 1],
  about: `The invoice may come on stdin: INVOICE is - then, or left out.
It is paid at most once, whatever happens; what is not used of the fee comes back as change.`,
  options: OPTIONS,
  async run(call) {
    const { given, out, signal } = call
    const [maxFee, key] = [given.count('max-fee'), given.text('key')]
    return withWallet(call, async (wallet) => {
      const request = invoiceText(await textOrStdin(given.words[0], 'The invoice', signal))
      const { msat } = readInvoice(request)
      const unit = unitOf(given)
      const mintUrl = await mintOf(wallet, given, unit === 'sat' && msat !== undefined ? Math.ceil(msat / 1_000) : 0)
      const melt = await wallet.melt.prepare({
        ...{ mintUrl, request, unit, signal },
        ...(maxFee !== undefined && { maxFee }),
        ...(key !== undefined && { key }),
      })
      out.note(`${amountText(melt.amount, unit)} and at most ${amountText(melt.fee, unit)} of fees, from ${mintUrl}.`)
      if (melt.state === 'prepared' && canAsk() && !out.json && !given.has('yes')) await assertWanted(melt, signal)
      const paid = await waited(call, wallet, melt.id, async (stop): Promise<PaidMelt> => {
        await melt.execute({ signal: stop })
        return melt.finished({ signal: stop })
      })
      const proof = paid.evidence === 'preimage' ? "proven by the invoice's preimage" : "by the mint's word"
      out.say(
        `${out.style('green', 'Paid')} ${amountText(paid.amount, unit)}, fee ${amountText(paid.fee, unit)} (${proof}).`,
      )
      if (numberOf(paid.owed) > 0) out.say(`The mint owes ${amountText(paid.owed, unit)} of change, which comes later.`)
      out.give({
        operation: operationJson(paid),
        ...{ evidence: paid.evidence ?? null, change: numberOf(paid.change), owed: numberOf(paid.owed) },
      })
      return 0
    })
  },
})

/** @throws {Refused} `CANCELLED` */
async function assertWanted(melt: MeltHandle, signal: AbortSignal): Promise<void> {
  const isWanted = await confirmed('Pay?', signal).catch(async (error: unknown) => {
    await melt.cancel()
    throw error
  })
  if (isWanted) return
  await melt.cancel()
  throw new Refused('CANCELLED', 'nothing was paid')
}
