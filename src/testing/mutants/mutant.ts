/** What a mutant is, and how it is made. */
import type { BountyInvariant } from '../invariants/bounty-judge.ts'
import type { MintInvariant } from '../invariants/mint-judge.ts'
import type { Invariant } from '../invariants/oracle.ts'
import type { LaneInvariant } from '../lanes/invariants.ts'

export interface Mutant {
  /** The row of the list of what went wrong elsewhere; none for other mistakes: the kernel's own, and the bounty's. */
  readonly row?: number
  readonly name: string
  readonly changes: readonly {
    /** From the root of the repository. */
    readonly file: string
    /** Stands in the file once. */
    readonly from: string
    readonly to: string
  }[]
  /** The invariant that it breaks: this one must fire. */
  readonly breaks: Invariant | BountyInvariant | MintInvariant | LaneInvariant
  /** The lane that finds it; the explorer's lives unless given. */
  readonly lane?: 'owners' | 'group' | 'crypto'
  /** Where it shows, `kind.name`. */
  readonly scenario: string
  /** Faults in a life that it takes; 1 unless given. */
  readonly faults?: number
}

/** Signatures are taken without the proof that they are the mint's (NUT-12), or with a wrong one. */
export const PROOFS_UNREAD: Mutant['changes'] = [
  {
    file: 'src/wallet/outputs.ts',
    from: `if (!signature.dleq && dleq === 'needed') return undefined`,
    to: ``,
  },
  {
    file: 'src/wallet/outputs.ts',
    from: `return A && dleq && !crypto.verifyDleq(B_, C_, A, dleq) ? undefined : A`,
    to: `return A`,
  },
]

/** A source with one change made; how it is broken into lines does not matter. @throws {Error} where it does not fit. */
export function mutated(source: string, { file, from, to }: Mutant['changes'][number]): string {
  const escaped = from.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const parts = source.split(new RegExp(escaped.replaceAll(/\s+/g, String.raw`\s+`)))
  if (parts.length !== 2) throw new Error(`${file} has the text to change ${parts.length - 1} times: ${from}`)
  return parts.join(to)
}
