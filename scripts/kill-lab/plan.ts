/** What a wallet process is told to do, and what it reports. Both travel as JSON. */
import type { Figures } from './figures.ts'

/** One thing to do, again and again until it is done: each has keys of its own, so that doing it again changes nothing. */
export type Step =
  | { readonly do: 'mint'; readonly wallet: string; readonly key: string; readonly amount: number }
  /** A token from one wallet to the other. */
  | { readonly do: 'pay'; readonly wallet: string; readonly to: string; readonly key: string; readonly amount: number }
  /** A token that nobody wants, taken back. */
  | { readonly do: 'reclaim'; readonly wallet: string; readonly key: string; readonly amount: number }
  | { readonly do: 'swap'; readonly wallet: string; readonly key: string; readonly amounts: readonly number[] }
  | { readonly do: 'melt'; readonly wallet: string; readonly key: string; readonly request: string }
  /** The wallet's store is lost; another wallet, of the same seed, gets its money back from the mint. */
  | { readonly do: 'restore'; readonly wallet: string; readonly to: string; readonly key: string }

export interface WalletPlace {
  /** The SQLite file. */
  readonly path: string
  /** Hex. */
  readonly seed: string
}

export interface Plan {
  readonly mintUrl: string
  readonly wallets: Readonly<Record<string, WalletPlace>>
  /** Side by side; the steps of each one after the other. */
  readonly threads: readonly (readonly Step[])[]
}

/** How an operation stands. */
export interface Sight {
  readonly wallet: string
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly ended: boolean
  /** A request is under way. */
  readonly underWay: boolean
}

/** A line that a wallet process prints. */
export type Report =
  /** Found unfinished when the wallet was opened, and taken up. */
  | ({ readonly type: 'resumed' } & Sight)
  /** Found ended when the wallet was opened: the process that ended it may have had no time to say so. */
  | ({ readonly type: 'ended' } & Sight)
  /** Committed a moment ago. */
  | ({ readonly type: 'changed' } & Sight)
  /** Every step of the plan is done. */
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly message: string }

/** What a wallet had in its books, and its operations, when its store was lost. */
export interface Lost {
  readonly figures: Figures
  readonly operations: readonly Sight[]
  readonly quoteIds: readonly string[]
}

/** Exists from the moment on that a store counts as lost. */
export const lostMarker = (place: WalletPlace): string => `${place.path}.lost`
