/** What a wallet's own balances say, in sat. */
import type { Wallet } from '../../src/index.ts'

export interface Figures {
  /** Ecash that mint quotes were issued for. */
  readonly issued: number
  /** Tokens taken from others, before the fee. */
  readonly received: number
  /** Found by a restore. */
  readonly restored: number
  readonly spendable: number
  readonly reserved: number
  readonly outstanding: number
  readonly held: number
  /** Tokens that others took. */
  readonly claimed: number
  /** Invoices paid, without the Lightning fees. */
  readonly paid: number
  /** Input fees and Lightning fees. */
  readonly fees: number
}

const NONE: Figures = {
  issued: 0,
  received: 0,
  restored: 0,
  spendable: 0,
  reserved: 0,
  outstanding: 0,
  held: 0,
  claimed: 0,
  paid: 0,
  fees: 0,
}

/** The heading under which an operation that succeeded goes, by kind and state. */
const HEADINGS: Readonly<Record<string, keyof Figures>> = {
  'mint.issued': 'issued',
  'receive.received': 'received',
  'receive.receivedPartly': 'received',
  'restore.restored': 'restored',
  'send.claimed': 'claimed',
  // What of it was claimed.
  'send.reclaimed': 'claimed',
  'melt.paid': 'paid',
}

export async function figuresOf(wallet: Wallet): Promise<Figures> {
  const figures = { ...NONE }
  for (const { kind, state, amount, fee } of await wallet.history.list({ limit: 100_000 })) {
    const heading = HEADINGS[`${kind}.${state}`]
    if (heading) figures[heading] += amount.toNumber()
    // What came in before the mint kept its fee.
    if (heading === 'received') figures.received += fee.toNumber()
    figures.fees += fee.toNumber()
  }
  for (const balance of await wallet.balances())
    for (const heading of ['spendable', 'reserved', 'outstanding', 'held'] as const)
      figures[heading] += balance[heading].toNumber()
  return figures
}

export function sumOf(all: readonly Figures[]): Figures {
  const sum = { ...NONE }
  for (const figures of all)
    for (const heading of Object.keys(NONE) as (keyof Figures)[]) sum[heading] += figures[heading]
  return sum
}

/** A wallet whose store was lost, with the one that got its money back: nothing came in by that. */
export const withSuccessor = (lost: Figures, successor: Figures): Figures => {
  const { spendable, reserved, outstanding, held } = successor
  return { ...sumOf([lost, successor]), restored: 0, spendable, reserved, outstanding, held }
}

/** What came in, and what became of it; equal where no sat was lost and none invented. */
export const cameIn = ({ issued, received }: Figures): number => issued + received
export const isOrWent = ({ spendable, reserved, outstanding, claimed, paid, fees, held }: Figures): number =>
  spendable + reserved + outstanding + claimed + paid + fees + held
/** Ecash in the wallet's hands, or in tokens that it made. */
export const inHand = ({ spendable, reserved, outstanding, held }: Figures): number =>
  spendable + reserved + outstanding + held
