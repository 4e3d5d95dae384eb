/** Commits that wait for a transaction: those that wait at the same moment share one. */
import type { CheckedWrite } from './rows.ts'

export interface WaitingCommit {
  readonly writes: readonly CheckedWrite[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** So many at most share a transaction, so that others get their turn. */
const LARGEST_GROUP = 256

export class CommitQueue {
  readonly #waiting: WaitingCommit[] = []
  readonly #land: () => Promise<void>
  #draining: Promise<void> | undefined

  /** `land` takes a group and settles all of its commits; it is called as long as any wait, and never rejects. */
  constructor(land: () => Promise<void>) {
    this.#land = land
  }

  /** Resolves when it has landed. */
  add(writes: readonly CheckedWrite[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  get length(): number {
    return this.#waiting.length
  }

  /** The next ones; a group unless told how many. */
  take(most = LARGEST_GROUP): readonly WaitingCommit[] {
    return this.#waiting.splice(0, most)
  }

  /** Resolves when none waits. */
  async drained(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#land()
    this.#draining = undefined
  }
}

/** The tables that commits write or look at. */
export const tablesOf = (commits: readonly Pick<WaitingCommit, 'writes'>[]): string[] => [
  ...new Set(commits.flatMap(({ writes }) => writes.map(({ table }) => table))),
]
