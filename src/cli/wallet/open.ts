/** Opens the wallet of a folder for the time of one command, and waits for its operations. */
import type { Wallet } from '../../wallet/api.ts'
import { openWallet } from '../../wallet/wallet.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import type { Call, Options } from '../command.ts'
import { Interrupted, Refused, StillPending } from '../errors.ts'
import { plain, progressLine } from '../terminal.ts'
import { cardOf, HOME_OPTIONS, homeOf, homeWords, type Home } from './home.ts'
import { fingerprintOf, SEED_OPTIONS, seedGiven } from './seed.ts'

/** Options of whatever opens a wallet. */
export const WALLET_OPTIONS = { ...HOME_OPTIONS, ...SEED_OPTIONS } as const satisfies Options

/** How long a command waits. */
export const WAIT_OPTIONS = {
  'wait-ms': { value: 'N', help: 'waits no longer than that many milliseconds, and ends with exit code 3; without end unless given' }, // prettier-ignore
} as const satisfies Options

/** A call that opens a wallet. */
export type WalletCall = Call<keyof typeof WALLET_OPTIONS>

/** How long requests under way may take when the command ends. */
const CLOSE_MS = 1_000
/** How often a person is told what is waited for. */
const TELL_MS = 1_000
/** The process stays while a command runs, whatever its timers are. */
const STAY_MS = 2 ** 30

/**
 * Does something with the wallet of the folder. Whatever is unfinished goes on meanwhile, in this process or in the one
 * that runs the wallet already.
 */
export async function withWallet<T>(call: WalletCall, act: (wallet: Wallet, home: Home) => Promise<T>): Promise<T> {
  const { given, out } = call
  const home = homeOf(given.text('home'))
  const card = cardOf(home, given.text('home'))
  const seed = await seedGiven(call, home)
  if (fingerprintOf(seed) !== card.fingerprint)
    throw new Refused('SEED_MISMATCH', `this is seed ${fingerprintOf(seed)}, and the wallet is that of seed ${card.fingerprint}`) // prettier-ignore
  const wallet = await openWallet({
    store: sqliteStore({ path: home.database }),
    seed: seed.bytes,
    crypto: 'auto',
    onError: ({ kind, id, state, error }) => {
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
      out.note(
        `${kind} ${id} in ${state} met an error${code}; hardshell ops explain ${id}${homeWords(given.text('home'))}`,
      )
    },
  })
  seed.bytes.fill(0)
  const stay = setInterval(() => {}, STAY_MS)
  try {
    return await act(wallet, home)
  } finally {
    clearInterval(stay)
    await wallet.close({ deadlineMs: call.signal.aborted ? 0 : CLOSE_MS })
  }
}

/** How a person goes on waiting for an operation. */
export const goesOn = (call: WalletCall, id: string): string =>
  `It goes on whenever the wallet is open. \`hardshell wallet pending ${id} --wait${homeWords(call.given.text('home'))}\` waits for it.` // prettier-ignore

/**
 * Waits for an operation, and tells a person on a terminal what it waits for.
 *
 * @throws {Interrupted} at Ctrl-C, {StillPending} after `--wait-ms`: the operation goes on
 */
export async function waited<T>(
  call: Call<keyof typeof WALLET_OPTIONS | keyof typeof WAIT_OPTIONS>,
  wallet: Wallet,
  id: string,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const waitMs = call.given.count('wait-ms')
  const signal = waitMs === undefined ? call.signal : AbortSignal.any([call.signal, AbortSignal.timeout(waitMs)])
  const line = progressLine()
  let isOver = false
  const tell = async (): Promise<void> => {
    const { why } = await wallet.operations.explain(id)
    if (!isOver) line.show(plain(why))
  }
  // What cannot be told now is told a second later.
  const telling = line.isShown ? setInterval(() => void tell().catch(() => {}), TELL_MS) : undefined
  try {
    return await wait(signal)
  } catch (error) {
    if (call.signal.aborted)
      throw new Interrupted('INTERRUPTED', 'stopped waiting; the operation was not stopped', goesOn(call, id), id)
    if (signal.aborted) throw new StillPending('PENDING', 'not over yet', goesOn(call, id), id)
    throw error
  } finally {
    isOver = true
    clearInterval(telling)
    line.clear()
  }
}
