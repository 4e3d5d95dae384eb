/** `hardshell wallet history`: what came of operations. */
import type { Wallet } from '../../wallet/api.ts'
import type { HistoryRecord } from '../../wallet/history-records.ts'
import { command, type Call } from '../command.ts'
import { amountText, plain, table, timeText, type Cell } from '../terminal.ts'
import { WALLET_OPTIONS, withWallet } from './open.ts'
import { MINT_OPTIONS, mintOf, numberOf } from './shown.ts'

const OPTIONS = {
  ...WALLET_OPTIONS,
  ...MINT_OPTIONS,
  limit: { value: 'N', help: 'how many, the newest first; 20 unless given' },
  kind: { value: 'KIND', help: 'mint (invoices), melt (payments), send, receive, swap or restore' },
  watch: { help: 'goes on, and tells of each change, until Ctrl-C' },
} as const

type HistoryCall = Call<keyof typeof OPTIONS>

export const history = command({
  summary: 'what came in and went out; --watch goes on',
  usage: '',
  words: [0, 0],
  options: OPTIONS,
  run: (call) =>
    withWallet(call, async (wallet) => {
      const { given, out } = call
      const [unit, kind] = [given.text('unit'), given.text('kind')]
      const filter = {
        ...(given.text('mint') !== undefined && { mintUrl: await mintOf(wallet, given) }),
        ...(unit !== undefined && { unit }),
        ...(kind !== undefined && { kind }),
      }
      // What runs the wallet is known then, and all that is unfinished is taken up.
      if (given.has('watch')) await wallet.operations.resumed()
      const records = await wallet.history.list({ ...filter, limit: given.count('limit', 1) ?? 20 })
      if (records.length === 0 && !given.has('watch')) out.say('Nothing yet.')
      for (const line of table(records.map(rowOf))) out.say(line)
      out.give({ history: records.map(recordJson) })
      return given.has('watch') ? watched(call, wallet, filter) : 0
    }),
})

/** Tells of each change, of whatever process, until Ctrl-C. */
async function watched(
  { out, signal }: HistoryCall,
  wallet: Wallet,
  filter: { readonly mintUrl?: string; readonly unit?: string; readonly kind?: string },
): Promise<number> {
  out.note('Watching. Ctrl-C ends that, and stops no operation.')
  const told = new Map<string, string>()
  const tell = async (id: string): Promise<void> => {
    const record = await wallet.history.get(id)
    const isMeant = Object.entries(filter).every(
      ([name, value]) => recordJson(record)[name as keyof RecordJson] === value,
    )
    const line = JSON.stringify(recordJson(record))
    if (!isMeant || told.get(id) === line) return
    told.set(id, line)
    out.say(table([rowOf(record)]).join(''))
    out.give(recordJson(record))
  }
  const stop = wallet.on('operation', ({ id }) => void tell(id).catch(() => {}))
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  stop()
  return 0
}

const SIGNS = { in: '+', out: '-', self: '' } as const

function rowOf({
  createdAt,
  kind,
  direction,
  status,
  state,
  amount,
  fee,
  unit,
  memo,
  error,
  id,
}: HistoryRecord): Cell[] {
  const costs = numberOf(fee) > 0 ? `fee ${amountText(fee, unit)}` : ''
  const why = error?.code ?? (memo === null ? '' : `"${plain(memo)}"`)
  return [timeText(createdAt), kind, { right: `${SIGNS[direction]}${amountText(amount, unit)}` }, costs, status === 'done' ? state : `${status}: ${state}`, id.slice(0, 8), why] // prettier-ignore
}

/** A record in JSON: no secrets, and no proof of payment. */
export const recordJson = (record: HistoryRecord) => ({
  id: record.id,
  kind: record.kind,
  direction: record.direction,
  status: record.status,
  state: record.state,
  mintUrl: record.mintUrl,
  unit: record.unit,
  amount: numberOf(record.amount),
  asked: numberOf(record.asked),
  fee: numberOf(record.fee),
  owed: numberOf(record.owed),
  spentElsewhere: numberOf(record.spentElsewhere),
  memo: record.memo,
  evidence: record.evidence,
  error: record.error,
  createdAtMs: record.createdAt,
  updatedAtMs: record.updatedAt,
})

type RecordJson = ReturnType<typeof recordJson>
