/** `hardshell wallet check`: asks the mints now, instead of at the next turn; or whether a token was spent. */
import type { Wallet } from '../../wallet/api.ts'
import { mintClient } from '../../cashu/client.ts'
import { decodeToken } from '../../cashu/codec.ts'
import { nobleCrypto } from '../../cashu/noble-crypto.ts'
import { fetchTransport } from '../../cashu/transport.ts'
import { messageOf } from '../../kernel/util/errors.ts'
import { command } from '../command.ts'
import { Refused } from '../errors.ts'
import { textOrStdin } from '../prompt.ts'
import { amountText, progressLine } from '../terminal.ts'
import { WALLET_OPTIONS, withWallet, type WalletCall } from './open.ts'
import { operationJson } from './shown.ts'

const OPTIONS = { ...WALLET_OPTIONS } as const

/** How long one operation's mint is waited for. */
const ASK_MS = 20_000
/** How many states are asked for at once. */
const AT_ONCE = 100

export const check = command({
  summary: 'asks the mints now what is new; or whether a TOKEN was spent',
  usage: '[TOKEN]',
  words: [0, 1],
  about: `Without a token: fetches what trusted mints say of themselves, and asks about each operation that waits for something there.
Ends with exit code 1 where a mint does not answer. With a token (- reads it from stdin) it says how much of it can still be claimed.`,
  options: OPTIONS,
  run: (call) =>
    withWallet(call, (wallet) => {
      const [word] = call.given.words
      return word === undefined ? mintsChecked(call, wallet) : tokenChecked(call, wallet, word)
    }),
})

async function mintsChecked(call: WalletCall, wallet: Wallet): Promise<number> {
  const { out, signal } = call
  const line = progressLine()
  const trusted = (await wallet.mints.list()).filter((mint) => mint.trusted)
  const open = await wallet.operations.list({ status: 'active' })
  const mints: { mintUrl: string; ok: boolean; why?: string }[] = []
  const changed: object[] = []
  try {
    for (const [at, { mintUrl }] of trusted.entries()) {
      line.show(`mint ${at + 1} of ${trusted.length}: ${mintUrl}`)
      try {
        await wallet.mints.refresh(mintUrl, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]))
        mints.push({ mintUrl, ok: true })
      } catch (error) {
        signal.throwIfAborted()
        mints.push({ mintUrl, ok: false, why: messageOf(error) })
      }
    }
    // An operation at a mint that is not to be asked, or does not answer, would wait for it.
    const answering = new Set(mints.flatMap(({ mintUrl, ok }) => (ok ? [mintUrl] : [])))
    for (const [at, before] of open.filter(({ mintUrl }) => answering.has(mintUrl)).entries()) {
      line.show(`operation ${at + 1} of ${open.length}: ${before.kind} ${before.id}`)
      await asked(wallet, before.kind, before.id, signal)
      const after = await wallet.operations.get(before.id)
      if (after.state !== before.state) changed.push({ ...operationJson(after), was: before.state })
      line.clear()
      if (after.state !== before.state) out.say(`${after.kind} ${after.id}: ${before.state} → ${after.state}`)
    }
  } finally {
    line.clear()
  }
  for (const { mintUrl, ok, why } of mints) out.say(`${ok ? out.style('green', '✓') : out.style('red', '✗')} ${mintUrl}${why === undefined ? '' : `: ${why}`}`) // prettier-ignore
  if (changed.length === 0) out.say(open.length === 0 ? 'Nothing is pending.' : `${open.length} pending, and nothing new: hardshell wallet pending`) // prettier-ignore
  out.give({ mints, pending: open.length, changed })
  return mints.every(({ ok }) => ok) ? 0 : 1
}

/** Asks the mint of an operation, and waits for that for a while only. */
async function asked(wallet: Wallet, kind: string, id: string, signal: AbortSignal): Promise<void> {
  const waiting = { signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]) }
  const refresh = {
    mint: async () => (await wallet.mint.get(id)).refresh(waiting),
    melt: async () => (await wallet.melt.get(id)).refresh(waiting),
    send: async () => (await wallet.send.get(id)).refresh(waiting),
    receive: async () => (await wallet.receive.get(id)).refresh(waiting),
    swap: async () => (await wallet.swap.get(id)).refresh(waiting),
    restore: async () => (await wallet.restore.get(id)).refresh(waiting),
  }
  const [, ask] = Object.entries(refresh).find(([name]) => name === kind) ?? []
  try {
    await ask?.()
  } catch (error) {
    // It waits for a mint that does not answer, or it can no longer be loaded: its state says so.
    if (signal.aborted) throw error
  }
}

async function tokenChecked(call: WalletCall, wallet: Wallet, word: string): Promise<number> {
  const { out, signal } = call
  const { mintUrl, unit, proofs } = decodeToken(await textOrStdin(word, 'The token', signal))
  const known = (await wallet.mints.list()).find((mint) => mint.mintUrl === mintUrl)
  if (known?.trusted !== true) throw new Refused('MINT_NOT_TRUSTED', `the token is of ${mintUrl}, which this wallet does not trust, and so does not ask`) // prettier-ignore
  const client = mintClient({ mintUrl: known.address, transport: fetchTransport() })
  const line = progressLine()
  const sums = { unspent: 0, pending: 0, spent: 0 }
  for (let at = 0; at < proofs.length; at += AT_ONCE) {
    line.show(`${at} of ${proofs.length} proofs`)
    const some = proofs.slice(at, at + AT_ONCE)
    const reply = await client.checkState(
      some.map(({ secret }) => nobleCrypto.hashToCurve(secret)),
      { signal },
    )
    if (reply.answer !== 'ok') {
      line.clear()
      throw new Refused('MINT_UNREACHABLE', `${mintUrl} did not say`)
    }
    for (const [each, { state }] of reply.body.entries())
      sums[state === 'UNSPENT' ? 'unspent' : state === 'SPENT' ? 'spent' : 'pending'] += some[each]?.amount ?? 0
  }
  line.clear()
  out.say(`${amountText(sums.unspent, unit)} can be claimed, ${amountText(sums.spent, unit)} were spent${sums.pending > 0 ? `, ${amountText(sums.pending, unit)} are being spent` : ''}.`) // prettier-ignore
  out.give({ mintUrl, unit, ...sums })
  return sums.unspent > 0 ? 0 : 1
}
