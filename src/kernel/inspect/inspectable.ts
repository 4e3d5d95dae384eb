/** What an inspector may see of a program that keeps its operations to itself, a wallet say. */
import type { Operations } from '../operations.ts'

/** What there is of something in all, by what it is divided by: money of a mint in a unit, say. */
export interface Sums {
  /** What it is divided by, by name: `{ mint: 'https://…', unit: 'sat' }`. */
  readonly of: { readonly [name: string]: string }
  /** Name → whole number. */
  readonly sums: { readonly [name: string]: number }
}

/** How a program is inspected. */
export interface Inspectable {
  readonly operations: Operations
  /** Tells an operation to give up; false where it cannot any more. Unless given, by the event that its kind names. */
  readonly cancel?: ((id: string) => Promise<boolean>) | undefined
  /** What can be done from here at most: `resume`, `execute`, `cancel`; all of it unless given. */
  readonly acts?: readonly string[] | undefined
  /** Columns of rows that are not shown, beside those that are shown of nobody's. */
  readonly hidden?: readonly string[] | undefined
  /** Figures beside the operations: balances. */
  readonly totals?: (() => Promise<readonly Sums[]>) | undefined
}

const known = new WeakMap<object, Inspectable>()

/** Says how a program is inspected. */
export const makeInspectable = (program: object, as: Inspectable): void => void known.set(program, as)

/** How a program is inspected; undefined where nobody said so. */
export const inspectableOf = (program: object): Inspectable | undefined => known.get(program)
