/**
 * Scenarios of a kind as a table: what may be one way or another is a factor, and a row names what is otherwise than
 * usual. `test/explorer/scenarios.test.ts` holds that the rows cover every pair of values, but for those that cannot be.
 */
import type { WalletScenario as Scenario } from '../environments/wallet-subject.ts'

/** Each factor's values, the usual one first. */
export type Factors = Readonly<Record<string, readonly [string, ...string[]]>>
/** One value of each factor. */
export type Row<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] }

/** Two values that cannot come together, `factor: value` each, and why; `*` stands for all but the usual ones. */
export type Impossible = readonly [one: string, other: string, why: string]

export interface Table {
  readonly kind: string
  readonly factors: Factors
  readonly impossible: readonly Impossible[]
  readonly scenarios: readonly (Scenario & { readonly row: Readonly<Record<string, string>> })[]
}

/** Makes a table: a row's name, and what is unusual in it. */
export function table<const F extends Factors>(of: {
  readonly kind: string
  /** Stands before each row's name. */
  readonly named?: string
  readonly factors: F
  readonly impossible?: readonly Impossible[]
  readonly rows: Readonly<Record<string, Partial<Row<F>>>>
  readonly scenario: (row: Row<F>) => Omit<Scenario, 'kind' | 'name'>
}): Table {
  const { kind, named, factors, impossible = [], rows, scenario } = of
  const usual = Object.fromEntries(Object.entries(factors).map(([name, [value]]) => [name, value])) as Row<F>
  return {
    kind,
    factors,
    impossible,
    scenarios: Object.entries(rows).map(([rowName, unusual]) => {
      const name = named === undefined ? rowName : `${named}-${rowName}`
      const row = { ...usual, ...unusual }
      // Two unusual factors count as two faults; one more is injected.
      const troubled = Object.keys(unusual).length > 1
      return { kind, name, row, ...(troubled && { depth: 1 }), ...scenario(row) }
    }),
  }
}
