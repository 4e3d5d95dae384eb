/** A queue of commits that wait for a transaction. Commits that wait at the same moment share one. */
import type { CheckedWrite } from './rows.ts'

export interface WaitingCommit {
  readonly writes: readonly CheckedWrite[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The most commits that share a transaction, so that other work gets its turn. */
const LARGEST_GROUP = 256

export class CommitQueue {
  readonly #waiting: WaitingCommit[] = []
  readonly #land: () => Promise<void>
  #draining: Promise<void> | undefined

  /** `land` takes a group and settles all of its commits. It is called while any commit waits. It must never reject. */
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

  /** Removes and returns the next commits: one group, or as many as given. */
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

/** The tables that commits write or check. */
export const tablesOf = (commits: readonly Pick<WaitingCommit, 'writes'>[]): string[] => [
  ...new Set(commits.flatMap(({ writes }) => writes.map(({ table }) => table))),
]
