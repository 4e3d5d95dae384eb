/** `hardshell wallet pending`: what is not over, what it waits for; and waits for it. */
import type { Wallet } from '../../wallet/api.ts'
import type { OperationSummary } from '../../wallet/wallet-operations.ts'
import { command, type Call } from '../command.ts'
import { EXIT, Misused } from '../errors.ts'
import { amountText, durationText, plain } from '../terminal.ts'
import { homeWords } from './home.ts'
import { WAIT_OPTIONS, waited, WALLET_OPTIONS, withWallet } from './open.ts'
import { operationJson } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...WAIT_OPTIONS,
  wait: { help: 'waits until it is over' },
} as const

type PendingCall = Call<keyof typeof OPTIONS>

export const pending = command({
  summary: 'what is not over, and what it waits for',
  usage: '[ID]',
  words: [0, 1],
  about: `Whatever is unfinished goes on while the wallet is open: with --wait that is until it is over.
Ends with exit code 3 where it is not.`,
  options: OPTIONS,
  run: (call) =>
    withWallet(call, async (wallet) => {
      const { given } = call
      const [id] = given.words
      await wallet.operations.resumed()
      const open = id === undefined ? await unfinished(wallet) : [await found(wallet, id)]
      return given.has('wait') ? waitedFor(call, wallet, open) : listed(call, wallet, open)
    }),
})

const unfinished = async (wallet: Wallet): Promise<OperationSummary[]> => [
  ...(await wallet.operations.list({ status: 'active' })),
  ...(await wallet.operations.list({ status: 'quarantined' })),
]

/** By its id, or by the beginning of it. */
async function found(wallet: Wallet, id: string): Promise<OperationSummary> {
  const fitting = (await unfinished(wallet)).filter((operation) => operation.id.startsWith(id))
  const [only, second] = fitting
  if (second !== undefined) throw new Misused('ID: several operations begin with it')
  return only ?? wallet.operations.get(id)
}

async function listed({ given, out }: PendingCall, wallet: Wallet, open: readonly OperationSummary[]): Promise<number> {
  if (open.length === 0) out.say('Nothing is pending.')
  const operations: object[] = []
  for (const operation of open) {
    const { why, needsHuman } = await wallet.operations.explain(operation.id)
    const age = durationText(Math.max(0, Date.now() - operation.createdAt))
    out.say(`${out.style('bold', `${operation.kind} ${operation.id}`)}  ${amountText(operation.amount, operation.unit)}, begun ${age} ago`) // prettier-ignore
    out.say(`  ${operation.state}: ${plain(why)}`)
    if (needsHuman)
      out.say(
        `  ${out.style('yellow', 'A person has to decide')}: hardshell ops explain ${operation.id}${homeWords(given.text('home'))}`,
      )
    operations.push({ ...operationJson(operation), status: operation.status, why, needsHuman })
  }
  out.give({ pending: operations })
  return 0
}

/** Whether nothing goes on any more: whoever waits then would wait for nothing. */
const isOver = ({ status }: OperationSummary): boolean => status !== 'active'

async function waitedFor(call: PendingCall, wallet: Wallet, open: readonly OperationSummary[]): Promise<number> {
  const { out } = call
  const operations: object[] = []
  let exit: number = EXIT.done
  for (const { id } of open) {
    const over = await waited(call, wallet, id, (signal) => overOf(wallet, id, signal))
    const { status, error } = await wallet.history.get(id)
    out.say(`${over.kind} ${id}: ${over.state}${error === null ? '' : ` (${error.code}: ${plain(error.detail)})`}`)
    if (over.status !== 'done')
      out.say(`  It was set aside: hardshell ops explain ${id}${homeWords(call.given.text('home'))}`)
    exit = over.status !== 'done' ? EXIT.pending : status === 'failed' ? EXIT.failed : exit
    operations.push({ ...operationJson(over), status: over.status, error })
  }
  if (open.length === 0) out.say('Nothing is pending.')
  out.give({ operations })
  return exit
}

/** The operation once it is over. */
async function overOf(wallet: Wallet, id: string, signal: AbortSignal): Promise<OperationSummary> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<OperationSummary>()
  const look = (): void => {
    wallet.operations.get(id).then((operation) => {
      if (isOver(operation)) resolve(operation)
    }, reject)
  }
  const stop = wallet.on('operation', (event) => {
    if (event.id === id) look()
  })
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  look()
  return promise.finally(stop)
}
