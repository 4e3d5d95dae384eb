/** The invariants that only lanes check, by the word with which a violation begins. */
export const laneInvariants = {
  /** No process acts for an operation that has been another's for a while, and no living process is taken for dead. */
  rivals: 'one process at a time runs the effects of an operation',
  follower: 'somebody runs what is unfinished once the owner is gone',
  unheard: 'every process hears of the steps that others commit',
  store: 'each commit of a group ends as it would have alone, and the rows are those that were committed',
} as const

export type LaneInvariant = keyof typeof laneInvariants
