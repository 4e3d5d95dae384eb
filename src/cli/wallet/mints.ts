/** `hardshell wallet mints`: which mints the wallet may contact. */
import type { Wallet } from '../../wallet/api.ts'
import type { KnownMint } from '../../wallet/mints.ts'
import { command, type Call } from '../command.ts'
import { Misused } from '../errors.ts'
import { plain, table, timeText } from '../terminal.ts'
import { WALLET_OPTIONS, withWallet, type WalletCall } from './open.ts'

const ACTIONS = ['list', 'show', 'trust', 'distrust', 'rebind'] as const

const OPTIONS = { ...WALLET_OPTIONS } as const

export const mints = command({
  summary: 'lists mints; trusts one, or no longer',
  usage: '[ACTION URL]',
  words: [0, 3],
  offers: ACTIONS,
  about: `ACTION is trust, distrust, show, or rebind, which takes the new address as well.
A mint is contacted only while it is trusted. Whoever runs a mint has the money that its ecash stands for.
Without trust, its operations wait in their states, and nothing is lost. rebind says where a mint answers that moved.`,
  options: OPTIONS,
  async run(call) {
    const [action = 'list', url, address] = call.given.words
    if (action === 'list') return withWallet(call, async (wallet) => listed(call, await wallet.mints.list()))
    if (!ACTIONS.some((each) => each === action)) throw new Misused(`mints ${ACTIONS.join(', mints ')}`)
    if (url === undefined) throw new Misused(`mints ${action} URL`)
    if ((address === undefined) === (action === 'rebind')) throw new Misused('an ADDRESS is for rebind, which needs it')
    return withWallet(call, (wallet) => acted(call, wallet, action, url))
  },
})

async function acted(call: WalletCall, wallet: Wallet, action: string, url: string): Promise<number> {
  const { out } = call
  const [, , address] = call.given.words
  if (action === 'trust') {
    const mint = await wallet.mints.trust(url)
    out.say(`Trusted: ${mint.mintUrl}${nameOf(mint)}`)
    if (mint.info === undefined) out.say('It does not answer now. What it is needed for waits until it does.')
    out.give(jsonOf(mint))
  } else if (action === 'distrust') {
    await wallet.mints.distrust(url)
    out.say(`Not trusted any more: ${url}. Its money stays; trusted again, its operations go on.`)
    out.give(jsonOf(await wallet.mints.get(url)))
  } else if (action === 'rebind') {
    const mint = await wallet.mints.rebind(url, address ?? '')
    out.say(`${mint.mintUrl} answers at ${mint.address}.`)
    out.give(jsonOf(mint))
  } else shown(call, await wallet.mints.get(url))
  return 0
}

function listed({ out }: Call, known: readonly KnownMint[]): number {
  if (known.length === 0) out.say('No mint is known. `hardshell wallet mints trust URL` trusts one.')
  for (const line of table(known.map((mint) => [mint.trusted ? 'trusted' : 'not trusted', `${mint.mintUrl}${nameOf(mint)}`, standing(mint)]))) out.say(line) // prettier-ignore
  out.give({ mints: known.map(jsonOf) })
  return 0
}

function shown({ out }: Call, mint: KnownMint): void {
  out.say(`${mint.mintUrl}${nameOf(mint)}`)
  out.say(`${mint.trusted ? 'trusted' : 'not trusted'} ${standing(mint)}`.trimEnd())
  const keysets = mint.keysets.map(({ id, unit, active, feePpk, reason }) => [
    ...[id, unit, active ? 'signs' : 'old', `fee ${feePpk}/1000 an input`],
    reason ?? '',
  ])
  for (const line of table(keysets)) out.say(`  ${line}`)
  out.give(jsonOf(mint))
}

const nameOf = ({ info }: KnownMint): string => (info?.name ? `  "${plain(info.name)}"` : '')

function standing({ mintUrl, address, movedTo, waitsUntilMs }: KnownMint): string {
  if (movedTo !== undefined) return `moved to ${movedTo ?? 'an address that is not known'}`
  if (waitsUntilMs !== undefined) return `asked to be left alone until ${timeText(waitsUntilMs)}`
  return address === mintUrl ? '' : `answers at ${address}`
}

const jsonOf = ({ mintUrl, trusted, info, address, movedTo, waitsUntilMs, keysets }: KnownMint) => ({
  ...{ mintUrl, trusted, address },
  name: info?.name ?? null,
  ...(movedTo !== undefined && { movedTo }),
  ...(waitsUntilMs !== undefined && { waitsUntilMs }),
  keysets: keysets.map(({ id, unit, active, feePpk, reason }) => ({
    id,
    unit,
    active,
    feePpk,
    reason: reason ?? null,
  })),
})
