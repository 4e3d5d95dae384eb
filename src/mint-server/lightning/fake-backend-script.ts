/** How a payment of the fake backend goes, as the memo of what is paid says. */
import type { Outgoing } from './payment-backend.ts'

/** What may be true of a payment that was begun. */
type State = Exclude<Outgoing['state'], 'none'>

export interface Script {
  /** What paying answers, `error` where the call fails; undefined: how the payment stands by then. */
  readonly pay: State | 'error' | undefined
  readonly payDelayMs: number
  /** What becomes of the payment, and after how long; until then it is pending. */
  readonly truth: State
  readonly settleAfterMs: number
  /** Whether asking for the payment fails. */
  readonly isSilent: boolean
  readonly checkDelayMs: number
}

/** To a mint, what is not paid once it was asked for has failed. */
const STATES: Readonly<Record<string, State>> = {
  PAID: 'paid',
  UNPAID: 'failed',
  FAILED: 'failed',
  PENDING: 'pending',
  UNKNOWN: 'unknown',
}

/**
 * Reads a script: a JSON object; any other memo means that the payment is made.
 *
 * The words are those of cdk's fake wallet.
 *
 * - `pay_invoice_state`: what paying answers. PAID (unless given), FAILED, PENDING; UNPAID is FAILED, and anything else
 *   UNKNOWN.
 * - `check_payment_state`: what is true, and what asking later answers; the same unless given. What was answered with
 *   PAID is paid.
 * - `pay_err`, `check_err`: true, and the call fails and says nothing.
 * - `pay_delay_ms`, `check_delay_ms`: how long the call takes. What it does, it has done before.
 * - `settle_after_ms`: how long it takes to become true. Until then the payment is pending, and that is what paying
 *   answers, unless it is told what to answer.
 */
export function scriptOf(memo: string): Script {
  let fields: Record<string, unknown> = {}
  try {
    fields = Object(JSON.parse(memo)) as Record<string, unknown>
  } catch {
    // An ordinary memo.
  }
  const state = (name: string): State | undefined => {
    const value = fields[name]
    if (value === undefined) return undefined
    return typeof value === 'string' && Object.hasOwn(STATES, value) ? STATES[value] : 'unknown'
  }
  const delay = (name: string): number => {
    const value = fields[name]
    return Number.isSafeInteger(value) ? Math.max(0, value as number) : 0
  }
  const isLost = fields['pay_err'] === true
  const settleAfterMs = delay('settle_after_ms')
  const pay = state('pay_invoice_state') ?? (settleAfterMs > 0 ? undefined : 'paid')
  const isPaid = pay === 'paid' && !isLost
  return {
    pay: isLost ? 'error' : pay,
    payDelayMs: delay('pay_delay_ms'),
    truth: isPaid ? 'paid' : (state('check_payment_state') ?? pay ?? 'paid'),
    settleAfterMs: isPaid ? 0 : settleAfterMs,
    isSilent: fields['check_err'] === true,
    checkDelayMs: delay('check_delay_ms'),
  }
}
