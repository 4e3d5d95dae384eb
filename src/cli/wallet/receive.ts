/** `hardshell wallet receive`: takes a token of somebody else. */
import type { Wallet } from '../../wallet/api.ts'
import { decodeToken } from '../../cashu/codec.ts'
import { command, type Call } from '../command.ts'
import { Refused } from '../errors.ts'
import { canAsk, confirmed, textOrStdin } from '../prompt.ts'
import { amountText } from '../terminal.ts'
import { homeWords } from './home.ts'
import { WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { numberOf, operationJson } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...WAIT_OPTIONS,
  trust: { help: "trusts the token's mint, if it is not trusted yet" },
  key: { value: 'KEY', help: 'the same key and token are the same receive, however often this is run' },
} as const

type ReceiveCall = Call<keyof typeof OPTIONS>

export const receive = command({
  summary: 'takes a token',
  usage: '[TOKEN]',
  words: [0, 1],
  about: `Better than as an argument, which other programs of this machine can read, a token comes on stdin: TOKEN is - then, or left
out. It is swapped at its mint at once, so that the sender can no longer use it.`,
  options: OPTIONS,
  run: (call) =>
    withWallet(call, async (wallet) => {
      const { given, out, signal } = call
      const token = await textOrStdin(given.words[0], 'The token', signal)
      const { mintUrl } = decodeToken(token)
      await assertTrusted(call, wallet, mintUrl)
      const key = given.text('key')
      const handle = await wallet.receive.prepare({ token, ...(key !== undefined && { key }) })
      const came = await waited(call, wallet, handle.id, (stop) => handle.execute({ signal: stop }))
      out.say(`${out.style('green', 'Received')} ${amountText(came.amount, came.unit)}, fee ${amountText(came.fee, came.unit)}, at ${mintUrl}.`) // prettier-ignore
      const lost = numberOf(came.spentElsewhere)
      if (lost > 0) out.say(`${amountText(lost, came.unit)} of it had been spent before.`)
      out.give({ operation: operationJson(came), spentElsewhere: lost })
      return 0
    }),
})

/** @throws {Refused} `MINT_NOT_TRUSTED` */
async function assertTrusted({ given, out, signal }: ReceiveCall, wallet: Wallet, mintUrl: string): Promise<void> {
  const known = (await wallet.mints.list()).find((mint) => mint.mintUrl === mintUrl)
  if (known?.trusted === true) return
  const isAsked = !given.has('trust') && canAsk() && !out.json
  const question = `The token is of ${mintUrl}, which this wallet does not trust. Trust it?`
  if (given.has('trust') || (isAsked && (await confirmed(question, signal)))) {
    await wallet.mints.trust(mintUrl)
    return
  }
  throw new Refused('MINT_NOT_TRUSTED', `the token is of ${mintUrl}, which this wallet does not trust`, `Nothing was done. --trust trusts it, as does \`hardshell wallet mints trust ${mintUrl}${homeWords(given.text('home'))}\`.`) // prettier-ignore
}
