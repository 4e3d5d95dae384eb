/** What befalls clients and mint in the stormy half. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../kill-lab/prng.ts'
import type { Client } from './client.ts'
import type { MintProcess } from './mints.ts'

/** How payments to the outside go (see `scriptOf` of the fake backend): all are made in the end, but the last one. */
const SCRIPTS: readonly object[] = [
  {},
  { settle_after_ms: 400 },
  { pay_invoice_state: 'PENDING', check_payment_state: 'PAID', settle_after_ms: 800 },
  { pay_err: true, check_payment_state: 'PAID' },
  { pay_invoice_state: 'FAILED' },
]
const MOST_AMOUNT = 200
/** Of more proofs, many are made into few. */
const MANY_PROOFS = 12
/** A kill follows within so long after its turn. */
const KILL_WITHIN_MS = 50

/** One of the things that a client does. */
export async function stormy(client: Client, chance: Prng): Promise<void> {
  const turn = chance.next()
  const amount = 1 + chance.below(MOST_AMOUNT)
  if (turn < 0.75) return client.swap(client.proofs.length > MANY_PROOFS ? 6 : 1 + chance.below(3), false)
  if (turn >= 0.95) return client.mint(amount)
  const isPaid = turn < 0.85 ? await client.payItself(amount) : await client.pay(amount, SCRIPTS[chance.below(SCRIPTS.length)]!) // prettier-ignore
  if (!isPaid) await client.mint(2 * MOST_AMOUNT)
}

/** Kills the mint's processes. */
export class Killing {
  count = 0
  readonly #mints: readonly MintProcess[]
  readonly #chance: Prng

  constructor(mints: readonly MintProcess[], chance: Prng) {
    this.#mints = mints
    this.#chance = chance
  }

  /** Kills one of them at each of so many moments, while `progress` goes from 0 to 1. */
  async run(kills: number, progress: () => number): Promise<void> {
    const moments = Array.from({ length: kills }, () => this.#chance.next()).toSorted((a, b) => a - b)
    for (const at of moments) {
      while (progress() < at) await delay(10)
      await delay(KILL_WITHIN_MS * this.#chance.next())
      await this.#mints[this.#chance.below(this.#mints.length)]!.crash()
      this.count++
    }
  }
}
