/** Collects what an exploration has found, and decides when it may stop. */
import type { Choices } from './choices.ts'

/** A life that broke an invariant. */
export interface Violation {
  /** Replays it: `npm run crash -- --replay PATH`. */
  readonly path: string
  /** The broken invariants. */
  readonly what: string
}

/** What an exploration found. */
export interface Exploration {
  /** Injection points with more than one option. */
  readonly sites: number
  /** How many different worlds were come to. */
  readonly worlds: number
  /** How many lives had so many faults, from none on. */
  readonly runs: readonly number[]
  /** How many lives were lived. */
  readonly lives: number
  /** At how many places of them it was looked at what a crash would leave. */
  readonly crashes: number
  /** Every world that can come about within the bound was lived on from, and nothing is wrong. */
  readonly closed: boolean
  /**
   * Where `mostLives` or `deadlineMs` ended it: how much is left, and what grows if worlds are new for ever: `not closed:
   * growing in invoices.period; 12 worlds are left after 5000 lives`.
   */
  readonly unclosed?: string | undefined
  /** The states that were seen. */
  readonly visited: ReadonlySet<string>
  /** The broken invariants. */
  readonly violations: readonly Violation[]
}

const MOST_VIOLATIONS = 10

/** Gathers what lives come to. */
export class Findings {
  readonly violations: Violation[] = []
  readonly #runs: number[] = []
  readonly #sites = new Set<string>()
  readonly #mostViolations: number
  readonly #until: string | undefined

  /** It is enough after so many violations, or once this invariant was found broken. */
  constructor({ mostViolations = MOST_VIOLATIONS, until }: { mostViolations?: number; until?: string | undefined }) {
    this.#mostViolations = mostViolations
    this.#until = until
  }

  get enough(): boolean {
    const { violations } = this
    if (violations.length >= this.#mostViolations) return true
    return this.#until !== undefined && violations.some(({ what }) => what.startsWith(`${this.#until}:`))
  }

  /** The number of lives so far. */
  get lives(): number {
    return this.#runs.reduce((total, count) => total + (count ?? 0), 0)
  }

  /** Something is wrong that no life has shown. */
  wrong(path: string, found: Iterable<string>): void {
    for (const what of found) this.violations.push({ path, what })
  }

  /** A life is over: what it chose, on which path, and what was wrong. */
  add(choices: Choices, path: string, wrong: Iterable<string>): void {
    const injected = choices.faults.length
    this.#runs[injected] = (this.#runs[injected] ?? 0) + 1
    for (const { untried, site, isFault } of choices.taken) if (untried.length > 0 || isFault) this.#sites.add(site)
    this.wrong(path, wrong)
  }

  report(of: Pick<Exploration, 'worlds' | 'crashes' | 'visited' | 'unclosed'>): Exploration {
    const { violations } = this
    return {
      ...of,
      sites: this.#sites.size,
      runs: this.#runs,
      lives: this.lives,
      closed: violations.length === 0 && of.unclosed === undefined,
      violations,
    }
  }
}
