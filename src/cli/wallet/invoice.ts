/** `hardshell wallet invoice`: an invoice that becomes ecash once it is paid. */
import { command, countOf } from '../command.ts'
import { invoiceQr } from '../qr.ts'
import { amountText, timeText } from '../terminal.ts'
import { goesOn, WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { MINT_OPTIONS, mintOf, operationJson, unitOf } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...MINT_OPTIONS,
  ...WAIT_OPTIONS,
  'no-wait': { help: 'gives the invoice and ends' },
  key: { value: 'KEY', help: 'the same key and amount are the same invoice, however often this is run' },
} as const

export const invoice = command({
  summary: 'an invoice; paid, it becomes ecash',
  usage: 'AMOUNT',
  words: [1, 1],
  about: `The invoice is the first line of stdout. Then it waits until the ecash is there.
Paid while no wallet is open, or late, it is not lost: the next command that opens the wallet takes it up.`,
  options: OPTIONS,
  async run(call) {
    const { given, out, signal } = call
    const amount = countOf(given.words[0] ?? '', 'AMOUNT', 1)
    const unit = unitOf(given)
    return withWallet(call, async (wallet) => {
      const mintUrl = await mintOf(wallet, given)
      const key = given.text('key')
      const mint = await wallet.mint.prepare({ mintUrl, amount, unit, signal, ...(key !== undefined && { key }) })
      const { request, expiry } = mint.quote
      out.say(request)
      for (const line of invoiceQr(request)) out.say(line)
      out.give({ operationId: mint.id, request, expiresAtMs: expiry === null ? null : expiry * 1_000 })
      const until = expiry === null ? '' : ` until ${timeText(expiry * 1_000)}`
      if (given.has('no-wait')) {
        out.note(`To be paid${until}. ${goesOn(call, mint.id)}`)
        return 0
      }
      out.note(`${amountText(amount, unit)} at ${mintUrl}, to be paid${until}. Ctrl-C stops the waiting only.`)
      const came = await waited(call, wallet, mint.id, (stop) => mint.finished({ signal: stop }))
      out.say(`${out.style('green', 'Received')} ${amountText(came.amount, came.unit)}.`)
      out.give({ operation: operationJson(came) })
      return 0
    })
  },
})
