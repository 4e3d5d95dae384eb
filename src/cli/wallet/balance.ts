/** `hardshell wallet balance`: what is there, per mint and unit. */
import type { Balance } from '../../wallet/balances.ts'
import { command } from '../command.ts'
import { amountText, table, type Cell } from '../terminal.ts'
import { WALLET_OPTIONS, withWallet } from './open.ts'
import { numberOf } from './shown.ts'

const OPTIONS = { ...WALLET_OPTIONS } as const

/** What a part of a balance is, in words. */
const PARTS = [
  ['spendable', 'free to use'],
  ['reserved', 'in operations that are under way'],
  ['outstanding', 'in tokens that nobody has claimed yet'],
  ['held', 'held: its state is not known yet'],
  ['owed', 'owed by the mint as change'],
] as const

export const balance = command({
  summary: 'what is there, per mint and unit',
  usage: '',
  words: [0, 0],
  options: OPTIONS,
  run: (call) =>
    withWallet(call, async (wallet) => {
      const { out } = call
      const all = (await wallet.balances()).filter((each) => PARTS.some(([part]) => numberOf(each[part]) > 0))
      if (all.length === 0) out.say('Nothing yet. `hardshell wallet invoice AMOUNT` adds to it.')
      for (const url of new Set(all.map(({ mintUrl }) => mintUrl))) {
        out.say(out.style('bold', url))
        for (const line of table(all.filter(({ mintUrl }) => mintUrl === url).flatMap(rowsOf))) out.say(`  ${line}`)
      }
      out.give({ balances: all.map(balanceJson) })
      return 0
    }),
})

/** What there is in each part; what is free is said even where it is nothing. */
export const rowsOf = (of: Balance): Cell[][] =>
  PARTS.filter(([part]) => part === 'spendable' || numberOf(of[part]) > 0).map(([part, words]) => [
    { right: amountText(of[part], of.unit) },
    words,
  ])

/** A balance in JSON. */
export const balanceJson = ({ mintUrl, unit, ...of }: Balance) => ({
  ...{ mintUrl, unit },
  spendable: numberOf(of.spendable),
  reserved: numberOf(of.reserved),
  outstanding: numberOf(of.outstanding),
  held: numberOf(of.held),
  owed: numberOf(of.owed),
})
