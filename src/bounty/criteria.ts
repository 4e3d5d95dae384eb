/**
 * Whether a contribution is what a bounty asks for. A pure function decides: the caller's own, or the one in this file.
 */
import type { Json } from '../store/port.ts'

/** Whether a contribution meets the criteria; if it does not, why. */
export type Verdict = { readonly met: true } | { readonly met: false; readonly why: string }

/**
 * Judges a contribution by a bounty's criteria. Pure: the same two give the same verdict, today and after a crash.
 * What it throws counts as unmet.
 */
export type Evaluate = (criteria: Json, contribution: Json) => Verdict

/** The criteria that `meets` reads. A contribution must meet all of them. */
export interface Criteria {
  /** The least that each number must be. */
  readonly metrics?: readonly {
    readonly name: string
    readonly direction: 'atLeast' | 'atMost'
    readonly threshold: number
  }[]
  /** Tags that the contribution must have, among others. */
  readonly tags?: readonly string[]
}

/** What `meets` reads of a contribution. */
export interface Contribution {
  /** Numbers by name. */
  readonly metrics?: { readonly [name: string]: number }
  /** Words that describe it. */
  readonly tags?: readonly string[]
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** No contribution meets criteria with fields that this function does not know. */
const readable = (criteria: Json): criteria is Criteria & Json =>
  isObject(criteria) &&
  Object.entries(criteria).every(([name, value]) => ['metrics', 'tags'].includes(name) && Array.isArray(value))

/** The evaluator unless another one is given: thresholds of metrics, and required tags. */
export const meets: Evaluate = (criteria, contribution) => {
  if (!readable(criteria)) return { met: false, why: 'the criteria cannot be read' }
  const { metrics = [], tags = [] } = criteria
  const { metrics: measured, tags: tagged } = (isObject(contribution) ? contribution : {}) as Contribution
  const has = (tag: string): boolean => Array.isArray(tagged) && tagged.includes(tag)
  const lacking = tags.filter((tag) => !has(tag)).map((tag) => `the tag '${tag}' is missing`)
  const short = metrics.flatMap(({ name, direction, threshold }) => {
    const value: unknown = isObject(measured) && Object.hasOwn(measured, name) ? measured[name] : undefined
    if (typeof value !== 'number') return [`'${name}' was not measured`]
    if (direction === 'atLeast' && value >= threshold) return []
    if (direction === 'atMost' && value <= threshold) return []
    return [`'${name}' is ${value}, and has to be ${direction === 'atLeast' ? 'at least' : 'at most'} ${threshold}`]
  })
  const why = [...lacking, ...short]
  return why.length === 0 ? { met: true } : { met: false, why: why.join('; ') }
}
