/** Melts whose payment goes every way it can, while wallet and mint die on the way. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { foreignInvoice, nutshellBooks, type LightningState, type Nutshell } from '../nutshell.ts'
import type { Lab, Strike } from './lab.ts'
import type { Plan, WalletPlace } from './plan.ts'
import type { Prng } from './prng.ts'

export interface Outcome {
  readonly name: string
  /** What paying comes to, and what the mint hears when it asks for the payment. */
  readonly first: LightningState
  /** What it hears in the end, where that is something else. */
  readonly later?: LightningState
  /** How the operation must end. */
  readonly ends: 'paid' | 'failed'
}

export const OUTCOMES: readonly Outcome[] = [
  { name: 'paid', first: 'SETTLED', ends: 'paid' },
  { name: 'failed', first: 'FAILED', ends: 'failed' },
  { name: 'pending, then paid', first: 'PENDING', later: 'SETTLED', ends: 'paid' },
  { name: 'pending, then failed', first: 'PENDING', later: 'FAILED', ends: 'failed' },
  { name: 'unknown, then paid', first: 'UNKNOWN', later: 'SETTLED', ends: 'paid' },
  { name: 'unknown, then failed', first: 'UNKNOWN', later: 'FAILED', ends: 'failed' },
]

export interface OutcomeResult {
  readonly outcome: string
  /** The wallet's operation. */
  readonly state: string
  /** The mint's quote. */
  readonly quote: string
  /** How often Lightning was asked to pay. */
  readonly attempts: number
  readonly kills: number
  /** The states that kills found the operation in while the payment was open. */
  readonly whileOpen: readonly string[]
  readonly fine: boolean
}

const FUNDS = 300
const AMOUNT = 100
/** How long an open payment is watched before the wallet is killed once more. */
const OPEN_MS = 1_500

/** Runs one outcome to its end; the wallet is told to the caller, whose audit looks into it. */
export async function runOutcome(
  env: {
    readonly dir: string
    readonly mintUrl: string
    readonly mint: Nutshell
    readonly lab: Lab
    readonly random: Prng
    readonly wireMs: number
  },
  outcome: Outcome,
): Promise<{ result: OutcomeResult; wallet: readonly [name: string, place: WalletPlace] }> {
  const { dir, mintUrl, mint, lab, random, wireMs } = env
  const { first, later = first } = outcome
  const name = outcome.name
  const place = { path: join(dir, `${name}.db`), seed: randomBytes(64).toString('hex') }
  const request = foreignInvoice(AMOUNT)
  const funding = { do: 'mint', wallet: name, key: 'funds', amount: FUNDS } as const
  const plan: Plan = {
    mintUrl,
    wallets: { [name]: place },
    threads: [[funding, { do: 'melt', wallet: name, key: 'melt', request }]],
  }
  const killsBefore = lab.progress.kills.length
  const whileOpen: string[] = []
  const liveOpen = async (ms: number): Promise<void> => {
    const kill = await lab.live(plan, after(ms))
    whileOpen.push(kill === 'done' ? 'ended' : kill.sight.state)
  }

  await lab.live({ ...plan, threads: [[funding]] })
  await mint.restart({ payInvoiceState: first, paymentState: first })
  const delayMs = random.below(wireMs + 1)
  await lab.live(plan, ({ kind, state, underWay }) =>
    kind === 'melt' && state === 'melting' && underWay ? delayMs : undefined,
  )
  if (outcome.later) {
    // Twice: with the mint up all the time, and with the mint crashing meanwhile.
    await liveOpen(OPEN_MS)
    await mint.stop('SIGKILL')
    await Promise.all([mint.restart({ payInvoiceState: first, paymentState: first }), liveOpen(2 * OPEN_MS)])
    await mint.restart({ payInvoiceState: later, paymentState: later })
  }
  await lab.live(plan)

  const melt = [...lab.progress.operations.values()].find((seen) => seen.wallet === name && seen.kind === 'melt')!
  const attempts = mint.attempts.filter((tried) => tried === request).length
  const quote = await settledQuote(mint, request)
  const stayedOpen = !whileOpen.includes('ended')
  const rightQuote = outcome.ends === 'paid' ? quote === 'PAID' : quote !== 'PAID'
  const fine = melt.state === outcome.ends && rightQuote && attempts <= 1 && stayedOpen
  const kills = lab.progress.kills.length - killsBefore
  return {
    result: { outcome: name, state: melt.state, quote, attempts, kills, whileOpen, fine },
    wallet: [name, place],
  }
}

/** Strikes the melt when the process has lived for a while. */
const after =
  (ms: number): Strike =>
  ({ kind }, lifeMs) =>
    kind === 'melt' ? Math.max(0, ms - lifeMs) : undefined

/** A quote settled inside the mint is written a moment after the answer. */
async function settledQuote(mint: Nutshell, request: string): Promise<string> {
  await delay(100)
  return nutshellBooks(mint.databaseDir).meltQuotes.find((quote) => quote.request === request)?.state ?? 'none'
}
