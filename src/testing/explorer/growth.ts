/**
 * What grows where an exploration does not close. A world's generation is the number of crashes that led to it. What takes
 * a value in each late generation that no generation before it had is what makes worlds new for ever.
 */
import type { Dump } from '../../store/memory.ts'
import { isHistory, likened, opened, unmarked, type Likeness, type World } from './world.ts'

/** Worlds that are kept of a generation. */
const MOST_KEPT = 60
/** Generations that are kept: the first, and the last. */
const FIRST = 3
const LAST = 6
/** So many of the last generations must bring a new value each; at least so many, where there are no more. */
const MOST_NEW = 3
const LEAST_NEW = 2
const MOST_NAMES = 6

/** Names of fields, each with the values that it took. */
type Fields = Map<string, Set<string>>

/** The worlds of an exploration, by generation. */
export class Growth {
  readonly #alike: Likeness
  readonly #kept = new Map<number, World[]>()

  constructor(alike: Likeness) {
    this.#alike = alike
  }

  /** Takes a world that was not met before. */
  add(generation: number, world: World): void {
    const kept = this.#kept.get(generation)
    if (!kept) {
      this.#kept.set(generation, [world])
      if (generation >= FIRST + LAST) this.#kept.delete(generation - LAST)
    } else if (kept.length < MOST_KEPT) kept.push(world)
  }

  /** The columns and outside fields that take ever new values: `invoices.period`, `outside.sent`. None before a few generations. */
  get names(): readonly string[] {
    const generations = [...this.#kept.keys()].toSorted((a, b) => a - b)
    const late = generations.slice(FIRST - 1).slice(-MOST_NEW - 1)
    const seen: Fields = new Map()
    const times = new Map<string, number>()
    let growing: string[] | undefined
    for (const generation of generations) {
      const added = this.#enter(seen, this.#kept.get(generation) ?? [])
      if (!late.includes(generation)) continue
      for (const name of added) times.set(name, (times.get(name) ?? 0) + 1)
      // The last generation is not complete: what it lacks may yet come.
      if (generation !== generations.at(-1)) growing = growing?.filter((name) => added.has(name)) ?? [...added]
    }
    const found = (growing ?? []).filter((name) => (times.get(name) ?? 0) >= LEAST_NEW)
    // A list grows wherever a field in it does.
    const deepest = found.filter((name) => !found.some((it) => it !== name && isWithin(it, name)))
    return deepest.toSorted().slice(0, MOST_NAMES)
  }

  /** Enters the values of worlds, and returns the names of the fields that had one for the first time. */
  #enter(seen: Fields, worlds: readonly World[]): Set<string> {
    const added = new Set<string>()
    const { over = () => false, matters = (all: unknown) => [all as object] } = this.#alike
    const like = likened(this.#alike)
    const note = (name: string, value: string): void => {
      const values = seen.get(name) ?? new Set()
      if (!values.has(value)) added.add(name)
      seen.set(name, values.add(value))
    }
    const visit = (name: string, key: string, given: unknown): void => {
      const value = like(key, given)
      if (value === undefined) return
      if (typeof value !== 'object' || value === null) return note(name, unmarked(JSON.stringify(value)))
      const entries = Object.entries(value)
      note(name, `${entries.length}`)
      for (const [inner, it] of entries)
        visit(Array.isArray(value) ? `${name}[]` : `${name}.${unmarked(inner)}`, Array.isArray(value) ? key : inner, it)
    }
    for (const world of worlds) {
      for (const [table, all] of Object.entries(world.rows as Dump)) {
        const rows = all.filter((row) => !over(table, row) && !isHistory(table, row))
        note(table, `${rows.length}`)
        for (const row of rows) {
          const { snapshot, ...columns } = opened(row) as { snapshot?: { value?: unknown; context?: unknown } }
          for (const [column, value] of Object.entries(columns)) visit(`${table}.${column}`, column, value)
          if (typeof snapshot === 'object') visit(`${row['kind'] as string}.context`, 'context', snapshot.context)
        }
      }
      for (const part of matters(world.outside, new Set(), world.nowMs)) visit('outside', 'outside', part)
      visit('notes', 'notes', world.notes)
    }
    return added
  }
}

const isWithin = (name: string, outer: string): boolean => name.startsWith(`${outer}.`) || name.startsWith(`${outer}[`)
