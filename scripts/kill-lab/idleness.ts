/** Tells what is stuck from what is slow. */
import { HardshellError, type Wallet } from '../../src/index.ts'

/** As many idle seconds mean that something is stuck. A request may hang for half a minute until it is given up. */
export const MOST_IDLE_SECONDS = 60

const SECOND_MS = 1_000
/** No pause between tries is longer. What ends later, a deadline say, is nothing to wait for. */
const LONGEST_PAUSE_MS = 300_000

/**
 * Counts the seconds, one after the other, in which no operation of some wallets moved, though the mint and the stores
 * answered and none paused before its next try. On a slow machine there are fewer of them, and none while it stands still.
 */
export class Idleness {
  readonly #mintUrl: string
  readonly #wallets = new Set<Wallet>()
  #seconds = 0
  #isOver = false

  /** `report` is called each idle second with the number of them since something moved. */
  constructor(mintUrl: string, report: (seconds: number) => void) {
    this.#mintUrl = mintUrl
    void this.#count(report)
  }

  add(wallet: Wallet): void {
    this.#wallets.add(wallet)
    wallet.on('operation', () => (this.#seconds = 0))
  }

  end(): void {
    this.#isOver = true
  }

  async #count(report: (seconds: number) => void): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, SECOND_MS))
      const isIdle = await this.#isIdle().catch(() => false)
      if (this.#isOver) return
      if (isIdle) report(++this.#seconds)
    }
  }

  async #isIdle(): Promise<boolean> {
    await fetch(`${this.#mintUrl}/v1/info`)
    for (const wallet of this.#wallets)
      try {
        for (const { id } of await wallet.operations.list({ status: 'active' })) {
          const { timers } = await wallet.operations.explain(id)
          if (timers.some(({ inMs }) => inMs > 0 && inMs <= LONGEST_PAUSE_MS)) return false
        }
      } catch (error) {
        if (!(error instanceof HardshellError) || error.code !== 'CLOSED') throw error
        this.#wallets.delete(wallet)
      }
    return true
  }
}
