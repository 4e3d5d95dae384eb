/** `hardshell wallet send`: ecash as a token, to be handed to somebody. */
import type { Wallet } from '../../wallet/api.ts'
import { command, countOf, type Call } from '../command.ts'
import { Misused } from '../errors.ts'
import { qrLines } from '../qr.ts'
import { amountText } from '../terminal.ts'
import { homeWords } from './home.ts'
import { WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { MINT_OPTIONS, mintOf, numberOf, operationJson, unitOf } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...MINT_OPTIONS,
  ...WAIT_OPTIONS,
  memo: { value: 'TEXT', help: 'stands in the token' },
  key: { value: 'KEY', help: 'the same key and request are the same token, however often this is run' },
  reclaim: { value: 'ID', help: 'takes a token back that nobody has claimed' },
} as const

type SendCall = Call<keyof typeof OPTIONS>

export const send = command({
  summary: 'makes a token to hand to somebody',
  usage: 'AMOUNT',
  words: [0, 1],
  about: `The token is the first line of stdout. Whoever has it has the money: hand it over by a way that nobody else reads.
The same token can be had again with the same --key, and what nobody has claimed can be taken back.`,
  options: OPTIONS,
  async run(call) {
    const id = call.given.text('reclaim')
    const [word] = call.given.words
    if ((id === undefined) === (word === undefined)) throw new Misused('an AMOUNT, or --reclaim ID')
    if (id !== undefined) return withWallet(call, (wallet) => reclaimed(call, wallet, id))
    const amount = countOf(word ?? '', 'AMOUNT', 1)
    return withWallet(call, (wallet) => sent(call, wallet, amount))
  },
})

async function sent(call: SendCall, wallet: Wallet, amount: number): Promise<number> {
  const { given, out } = call
  const unit = unitOf(given)
  const mintUrl = await mintOf(wallet, given, amount)
  const [memo, key] = [given.text('memo'), given.text('key')]
  const handle = await wallet.send.prepare({
    ...{ mintUrl, amount, unit },
    ...(memo !== undefined && { memo }),
    ...(key !== undefined && { key }),
  })
  const made = await waited(call, wallet, handle.id, (signal) => handle.execute({ signal }))
  const { token } = made
  out.say(token)
  for (const line of qrLines(token)) out.say(line)
  out.note(`${amountText(made.amount, unit)}, fee ${amountText(made.fee, unit)}. If nobody claims it: hardshell wallet send --reclaim ${made.id}${homeWords(given.text('home'))}`) // prettier-ignore
  out.give({ operation: operationJson(made), token })
  return 0
}

async function reclaimed(call: SendCall, wallet: Wallet, id: string): Promise<number> {
  const { out } = call
  const handle = await wallet.send.get(id)
  const over = await waited(call, wallet, id, (signal) => handle.reclaim({ signal }))
  const back = handle.reclaimed
  if (over.state === 'claimed') out.say(`Somebody has claimed it already: ${amountText(over.amount, over.unit)}.`)
  else out.say(`Took back ${amountText(back, over.unit)}, fee ${amountText(over.fee, over.unit)}.`)
  out.give({ operation: operationJson(over), reclaimed: numberOf(back) })
  return over.state === 'claimed' ? 1 : 0
}
