/** `hardshell wallet restore`: what the seed has at mints, for a database that was lost. */
import type { Wallet } from '../../wallet/api.ts'
import { command, type Call } from '../command.ts'
import { Refused } from '../errors.ts'
import { amountText, plain, progressLine } from '../terminal.ts'
import { WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { MINT_OPTIONS, mintOf, operationJson } from './shown.ts'

const OPTIONS = { ...WALLET_OPTIONS, ...MINT_OPTIONS, ...WAIT_OPTIONS } as const

type RestoreCall = Call<keyof typeof OPTIONS>

export const restore = command({
  summary: 'finds what the seed has at the trusted mints',
  usage: '',
  words: [0, 0],
  about: `For a new folder with the words of an old wallet. It only adds what the wallet does not have, and may be run again.
Ends with exit code 3 where something could not be had yet: it is tried again for a day, while the wallet is open.`,
  options: OPTIONS,
  run: (call) =>
    withWallet(call, async (wallet) => {
      const { given, out } = call
      const places = await placesOf(wallet, call)
      const restored: object[] = []
      let isWhole = true
      for (const { mintUrl, unit } of places) {
        const handle = await wallet.restore.prepare({ mintUrl, unit })
        const line = progressLine()
        const stop = handle.subscribe(({ amount }) => line.show(`${mintUrl}: ${amountText(amount, unit)} so far`))
        const found = await waited(call, wallet, handle.id, (signal) => handle.execute({ signal })).finally(() => {
          stop()
          line.clear()
        })
        out.say(`${mintUrl}: ${amountText(found.amount, unit)}`)
        for (const { keysetId, reason } of found.unavailable)
          out.say(`  keyset ${keysetId} could not be had: ${plain(reason)}`)
        isWhole &&= found.unavailable.length === 0
        restored.push({ ...operationJson(found), unavailable: found.unavailable })
      }
      if (given.text('mint') === undefined) out.note('Only trusted mints were asked.')
      out.give({ restored })
      return isWhole ? 0 : 3
    }),
})

/** Every unit of every trusted mint, or what was asked for. @throws {Refused} `MINT_UNKNOWN` */
async function placesOf(wallet: Wallet, { given }: RestoreCall): Promise<{ mintUrl: string; unit: string }[]> {
  const asked = given.text('mint') === undefined ? undefined : await mintOf(wallet, given)
  const known = (await wallet.mints.list()).filter(({ trusted, mintUrl }) => trusted && (asked ?? mintUrl) === mintUrl)
  if (asked !== undefined && known.length === 0) await wallet.mints.get(asked)
  if (known.length === 0) throw new Refused('MINT_UNKNOWN', 'the wallet trusts no mint')
  const unit = given.text('unit')
  return known.flatMap(({ mintUrl, keysets }) => {
    const units = new Set(unit === undefined ? keysets.map((keyset) => keyset.unit) : [unit])
    return [...(units.size === 0 ? ['sat'] : units)].map((each) => ({ mintUrl, unit: each }))
  })
}
