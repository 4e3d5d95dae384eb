/** The description of a mutant, and how it is applied. */
import type { BountyInvariant } from '../invariants/bounty-judge.ts'
import type { MintInvariant } from '../invariants/mint-judge.ts'
import type { Invariant } from '../invariants/oracle.ts'
import type { LaneInvariant } from '../lanes/invariants.ts'

export interface Mutant {
  /** The row in the list of mistakes of other wallets. Mistakes of the kernel and of the bounty have none. */
  readonly row?: number
  readonly name: string
  readonly changes: readonly {
    /** The path from the root of the repository. */
    readonly file: string
    /** The text to replace. It must be in the file exactly once. */
    readonly from: string
    readonly to: string
  }[]
  /** The invariant that it breaks and that must find it. */
  readonly breaks: Invariant | BountyInvariant | MintInvariant | LaneInvariant
  /** The lane that finds it; the explorer's lives unless given. */
  readonly lane?: 'owners' | 'group' | 'crypto'
  /** The scenario that finds it, as `kind.name`. */
  readonly scenario: string
  /** The number of faults in a life that are needed to find it; 1 unless given. */
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
