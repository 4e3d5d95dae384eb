/** Mistakes that are none: the program does the same with them. Each is known by its file and the lines that it changes. */
import type { Mutation } from './mutations.ts'

export interface Equivalent {
  readonly file: string
  /** The changed lines before and after; how they are indented and broken does not matter. */
  readonly before: string
  readonly after: string
  readonly why: string
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/store/sqlite/index.ts',
    before: 'if (path === IN_MEMORY) return',
    after: 'if (path === IN_MEMORY) {}',
    why: 'a database in memory has no file, and a file that cannot be opened is passed over',
  },
]

const flat = (text: string): string => text.trim().replaceAll(/\s+/g, ' ')

type Change = Pick<Mutation, 'file' | 'before' | 'after'>

const matches = (it: Equivalent, mutation: Change): boolean =>
  it.file === mutation.file && flat(it.before) === flat(mutation.before) && flat(it.after) === flat(mutation.after)

export const equivalentOf = (mutation: Change, list: readonly Equivalent[] = equivalents): Equivalent | undefined =>
  list.find((it) => matches(it, mutation))

/** Entries that are about nothing any more. */
export const idle = (all: readonly Change[], list: readonly Equivalent[] = equivalents): Equivalent[] =>
  list.filter((it) => !all.some((mutation) => matches(it, mutation)))
