/** Limits that clients share, so that no client can use up the whole limit. */

export interface ShareLimits {
  /** Of all parties together. Who has less than a fair share of it is let in beyond it. */
  readonly total: number
  /** Of one party. */
  readonly each: number
}

/** However many have less than a fair share, no more than so many times the total is let in. */
const MOST_BEYOND = 4

export class Shares {
  readonly #limits: ShareLimits
  readonly #byParty = new Map<string, number>()
  #taken = 0

  constructor(limits: ShareLimits) {
    this.#limits = limits
  }

  /** Takes a number of units for a party, or returns false. The caller must give them back. */
  take(party: string, count = 1): boolean {
    const { total, each } = this.#limits
    const own = (this.#byParty.get(party) ?? 0) + count
    const parties = this.#byParty.size + (this.#byParty.has(party) ? 0 : 1)
    if (own > each || this.#taken + count > MOST_BEYOND * total) return false
    if (this.#taken + count > total && own > total / parties) return false
    if (count > 0) this.#byParty.set(party, own)
    this.#taken += count
    return true
  }

  give(party: string, count = 1): void {
    const left = (this.#byParty.get(party) ?? 0) - count
    if (left > 0) this.#byParty.set(party, left)
    else this.#byParty.delete(party)
    this.#taken -= count
  }
}
