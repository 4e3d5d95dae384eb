/** Makes a scenario of a plan: many operations at once on one wallet. */
import type { Scenario } from '../explorer/subject.ts'
import { MINT_URL, onWallet, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { madeFor, manner, type DialectRow } from './dialect.ts'
import { claim, ending, foreignProofs, fund, reaches, speak, tokenOf } from './stage.ts'
import { notedText } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

/** The ways in which an operation continues after `prepare`. */
const WAYS = {
  mint: ['issued'],
  receive: ['received', 'cancelled'],
  send: ['claimed', 'reclaimed', 'partly claimed', 'kept', 'cancelled'],
  swap: ['swapped', 'cancelled'],
  melt: ['paid', 'failed', 'late', 'late and failed', 'cancelled'],
  restore: ['restored'],
} as const

export type Kind = keyof typeof WAYS
export const KINDS = Object.keys(WAYS) as Kind[]

export interface Planned {
  readonly kind: Kind
  /** In sat. */
  readonly amount: number
  /** The number of the way, modulo the number of ways of its kind. */
  readonly way: number
}

const SCRIPTS: Readonly<Record<string, object>> = {
  failed: { pay_invoice_state: 'FAILED' },
  late: { pay_invoice_state: 'PENDING', check_payment_state: 'PAID' },
  'late and failed': { pay_invoice_state: 'PENDING', check_payment_state: 'FAILED' },
}

/** Codes with which an operation may end when others take its money, or the mint refuses. */
const ENDS = ['REFUSED', 'CANCELLED', 'SPENT_ELSEWHERE', 'ALREADY_SPENT', 'PAYMENT_FAILED', 'PAYMENT_FENCED', 'INSUFFICIENT_FUNDS', 'MINT_UNREACHABLE', 'INVALID_STATE', 'QUOTE_WRONG', 'QUOTE_EXPIRED', 'AMOUNT_UNREACHABLE'] // prettier-ignore

const wayOf = ({ kind, way }: Planned): string => sure(WAYS[kind][way % WAYS[kind].length], 'way')

/**
 * A scenario in which all planned operations begin at once, at a mint with the dialect of the row. Others use the
 * tokens after all operations are done.
 */
export function manyAtOnce(plan: readonly Planned[], dialect: DialectRow = {}): Scenario<Stage> {
  return onWallet({
    kind: 'many',
    name: 'at-once',
    ...madeFor(dialect),
    async setup(stage) {
      speak(stage, manner(dialect))
      await fund(stage, 1, 2, 4, 8, 16, 32)
      for (const [at, planned] of plan.entries()) {
        const { kind, amount } = planned
        if (kind === 'receive') stage.note(`token ${at}`, tokenOf(await foreignProofs(stage, bits(amount))))
        if (kind === 'melt') stage.note(`invoice ${at}`, stage.invoice(amount, SCRIPTS[wayOf(planned)]))
      }
    },
    async drive(stage) {
      await Promise.all(plan.map((planned, at) => ending(stage, () => begin(stage, planned, at), ...ENDS)))
      // A pause, so that the wallet has no request under way while others act.
      await stage.clock.pause(1)
      for (const [at, planned] of plan.entries())
        if (planned.kind === 'send') await ending(stage, () => afterSend(stage, planned, at), ...ENDS)
    },
  })
}

const bits = (amount: number): number[] =>
  Array.from({ length: 6 }, (_, bit) => 2 ** bit).filter((value) => (amount & value) > 0)

async function begin(stage: Stage, planned: Planned, at: number): Promise<void> {
  const { wallet, notes } = stage
  const { kind, amount } = planned
  const common = { mintUrl: MINT_URL, key: `${at}` }
  const way = wayOf(planned)
  switch (kind) {
    case 'mint':
      return void (await (await wallet.mint.prepare({ ...common, amount })).finished())
    case 'restore':
      return void (await (await wallet.restore.prepare(common)).execute())
    case 'receive':
      return run(await wallet.receive.prepare({ token: notedText(notes, `token ${at}`), key: common.key }), way)
    case 'swap':
      return run(await wallet.swap.prepare({ ...common, amounts: bits(amount) }), way)
    case 'send':
      return run(await wallet.send.prepare({ ...common, amount }), way)
    case 'melt': {
      const melt = await wallet.melt.prepare({ ...common, request: notedText(notes, `invoice ${at}`) })
      await run(melt, way)
      if (way === 'cancelled') return
      await melt.finished()
      // The change may come later, and the books count it.
      if (melt.state === 'changePending') await reaches(stage, melt.id, 'paid')
    }
  }
}

interface Executable {
  readonly state: string
  cancel(): Promise<unknown>
  execute(): Promise<unknown>
}

async function run(operation: Executable, way: string): Promise<void> {
  await (way === 'cancelled' && operation.state === 'prepared' ? operation.cancel() : operation.execute())
}

/** What others do with a token. */
async function afterSend(stage: Stage, { amount, ...planned }: Planned, at: number): Promise<void> {
  const way = wayOf({ amount, ...planned })
  const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, key: `${at}`, amount })
  if (send.token === undefined || way === 'kept') return
  if (/^(partly )?claimed$/.test(way) && stage.notes[`claimed ${at}`] === undefined) {
    await claim(stage, send.token, way === 'claimed' ? Infinity : 1)
    stage.note(`claimed ${at}`, true)
  }
  await (way === 'claimed' ? send.finished() : send.reclaim())
}
