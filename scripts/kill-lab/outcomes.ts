/** Melts whose payment goes every way it can, while wallet and mint die on the way. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  foreignInvoice,
  nutshellBalances,
  type LightningState,
  type Nutshell,
  type NutshellVersion,
} from '../nutshell.ts'
import { atSight, type Lab, type KillTiming } from './lab.ts'
import type { Plan, WalletPlace } from './plan.ts'
import type { Prng } from './prng.ts'
import type { LabPlaces } from './stores/index.ts'

export interface Outcome {
  readonly name: string
  /** What paying comes to. */
  readonly pay: LightningState
  /** What the mint hears when it asks for the payment. */
  readonly asked: LightningState
  /** What it hears in the end, where the payment stays open until then. */
  readonly later?: 'SETTLED' | 'FAILED'
  /** How the operation must end. */
  readonly ends: 'paid' | 'failed'
  /**
   * How often Lightning may be asked to pay. Twice where the mint said that the first try is over and nothing was
   * spent, and the wallet, killed before that answer, knew nothing of the try.
   */
  readonly mostAttempts: 1 | 2
}

export function outcomesOf(version: NutshellVersion): readonly Outcome[] {
  const unknown = { name: 'unknown', pay: 'UNKNOWN', asked: 'UNKNOWN' } as const
  return [
    { name: 'paid', pay: 'SETTLED', asked: 'SETTLED', ends: 'paid', mostAttempts: 1 },
    { name: 'failed', pay: 'FAILED', asked: 'FAILED', ends: 'failed', mostAttempts: 2 },
    { name: 'failed, so it said', pay: 'FAILED', asked: 'SETTLED', ends: 'paid', mostAttempts: 1 },
    { name: 'pending, then paid', pay: 'PENDING', asked: 'PENDING', later: 'SETTLED', ends: 'paid', mostAttempts: 1 },
    {
      name: 'pending, then failed',
      pay: 'PENDING',
      asked: 'PENDING',
      later: 'FAILED',
      ends: 'failed',
      mostAttempts: 1,
    },
    { name: 'unknown, then paid', pay: 'UNKNOWN', asked: 'PENDING', later: 'SETTLED', ends: 'paid', mostAttempts: 1 },
    {
      name: 'unknown, then failed',
      pay: 'UNKNOWN',
      asked: 'PENDING',
      later: 'FAILED',
      ends: 'failed',
      mostAttempts: 1,
    },
    // Unknown, and unknown when it asks: the older mint takes that for a failure, the newer one waits.
    version === '0.20.3'
      ? { ...unknown, ends: 'failed', mostAttempts: 2 }
      : { ...unknown, later: 'SETTLED', ends: 'paid', mostAttempts: 1 },
  ]
}

/** How many times the wallet is killed: while it asks for the payment, and twice while that is open. */
export const killsOf = ({ later }: Outcome): number => (later ? 3 : 1)

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

const FUNDS = 1200
const AMOUNT = 1000
/** How long an open payment is watched before the wallet is killed once more. */
const OPEN_MS = 1_500

/** Runs one outcome to its end; the wallet is returned to the caller, whose audit checks it. */
export async function runOutcome(
  env: {
    readonly places: Pick<LabPlaces, 'place'>
    readonly mintUrl: string
    readonly mint: Nutshell
    readonly lab: Lab
    readonly random: Prng
    readonly wireMs: number
  },
  outcome: Outcome,
): Promise<{ result: OutcomeResult; wallet: readonly [name: string, place: WalletPlace] }> {
  const { places, mintUrl, mint, lab, random, wireMs } = env
  const { pay, asked, later } = outcome
  const open = { payInvoiceState: pay, paymentState: asked }
  const name = outcome.name
  const place = places.place(name, randomBytes(64).toString('hex'))
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
    whileOpen.push(typeof kill === 'string' ? kill : kill.state)
  }

  await lab.live({ ...plan, threads: [[funding]] })
  await mint.restart(open)
  const delayMs = random.below(wireMs + 1)
  await lab.live(
    plan,
    atSight(({ kind, state, underWay }) => (kind === 'melt' && state === 'melting' && underWay ? delayMs : undefined)),
  )
  if (later) {
    // Twice: with the mint up all the time, and with the mint crashing meanwhile.
    await liveOpen(OPEN_MS)
    await mint.stop('SIGKILL')
    await Promise.all([mint.restart(open), liveOpen(2 * OPEN_MS)])
    await mint.restart({ payInvoiceState: later, paymentState: later })
  }
  await lab.live(plan)

  const melt = [...lab.progress.operations.values()].find((seen) => seen.wallet === name && seen.kind === 'melt')!
  const attempts = mint.attempts.filter((tried) => tried === request).length
  const quote = await settledQuote(mint, request)
  const stayedOpen = !whileOpen.includes('done')
  const rightQuote = outcome.ends === 'paid' ? quote === 'PAID' : quote !== 'PAID'
  const kills = lab.progress.kills.length - killsBefore
  const fine =
    melt.state === outcome.ends &&
    rightQuote &&
    attempts <= outcome.mostAttempts &&
    stayedOpen &&
    kills === killsOf(outcome)
  return {
    result: { outcome: name, state: melt.state, quote, attempts, kills, whileOpen, fine },
    wallet: [name, place],
  }
}

/** Strikes the melt when the process has lived for a while. */
const after = (ms: number): KillTiming =>
  atSight(({ kind }, lifeMs) => (kind === 'melt' ? Math.max(0, ms - lifeMs) : undefined))

/** A quote settled inside the mint is written a moment after the answer. */
async function settledQuote(mint: Nutshell, request: string): Promise<string> {
  await delay(100)
  return nutshellBalances(mint.databaseDir).meltQuotes.find((quote) => quote.request === request)?.state ?? 'none'
}
