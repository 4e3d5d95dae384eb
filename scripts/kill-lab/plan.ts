/** The commands to a wallet process, and its reports. Both travel as JSON. */
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
  /** The name of its store's module in `stores/`, and what that needs to find the rows. */
  readonly store: string
  readonly at: string
  /** A file that exists from the moment on that the rows count as lost. */
  readonly lostMarker: string
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

/** A commit, or a request to the mint, of one operation: where a kill can be aimed at. */
export interface Site {
  readonly what: 'commit' | 'request'
  /** The operation's; undefined where the wallet does it for itself. */
  readonly id: string | undefined
  readonly kind: string
  /** Of a commit the state that it leads to, or that it takes over; of a request its method and path. */
  readonly name: string
}

/** Before a commit or a request; while it is under way; when it is done, and not yet reported. */
export type Phase = 'before' | 'during' | 'after'

export const siteName = ({ what, kind, name }: Site): string => `${what} ${kind} ${name}`
export const phaseName = (site: Site, phase: Phase): string => `${phase} ${siteName(site)}`

/** The command to a wallet process that is ready. */
export interface Life {
  readonly plan: Plan
  /** Names of sites and phases at which it ends itself by SIGKILL; and how many times it passes each by. */
  readonly arms: Readonly<Record<string, number>>
}

/** A line that a wallet process prints. */
export type Report =
  /** Everything is loaded; nothing was opened. */
  | { readonly type: 'ready' }
  /** Found unfinished when the wallet was opened, and taken up. */
  | ({ readonly type: 'resumed' } & Sight)
  /** Committed a moment ago. */
  | ({ readonly type: 'changed' } & Sight)
  /** One commit may be of several operations, and one request too. Turns are numbered as they begin. */
  | { readonly type: 'begins'; readonly turn: number; readonly sites: readonly Site[] }
  /** `well`: it landed, or an answer came. */
  | { readonly type: 'ends'; readonly turn: number; readonly well: boolean }
  /** Of so many seconds, one after the other, none saw an operation move; see `Idleness`. */
  | { readonly type: 'idle'; readonly seconds: number }
  /** Reached what it was armed for: its last line. */
  | { readonly type: 'dies'; readonly turn: number; readonly at: string }
  /** Every step of the plan is done. */
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly message: string }

/** What a wallet had in its balances, and its operations, when its store was lost. */
export interface Lost {
  readonly figures: Figures
  readonly operations: readonly Sight[]
  readonly quoteIds: readonly string[]
}
