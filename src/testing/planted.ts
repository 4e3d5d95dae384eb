/**
 * Planted mistakes: the program with one thing wrong. The explorer must find each of them, by the invariant that it
 * breaks; one that escapes shows what the explorer cannot see. They are changes of the program's text, made while it
 * is loaded, so that the program itself knows nothing of them.
 */

/** What an exploration says was broken: the word with which a violation begins. */
export type Invariant =
  | 'conservation'
  | 'worthless'
  | 'release'
  | 'stranded'
  | 'reuse'
  | 'paid twice'
  | 'stuck'
  | 'endless'
  | 'does not converge'
  | 'restless'
  | 'failed'

export interface Plant {
  readonly name: string
  readonly changes: readonly {
    /** From the root of the repository. */
    readonly file: string
    /** Stands in the file once. */
    readonly from: string
    readonly to: string
  }[]
  /** The scenarios in which it shows, `kind.name`. */
  readonly scenarios: readonly string[]
  /** Faults in a life that it takes; 1 unless given. */
  readonly faults?: number
  /** The invariants that it breaks: one of them must fire. */
  readonly breaks: readonly Invariant[]
}

export const plants: readonly Plant[] = []
