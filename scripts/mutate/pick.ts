/** Which tests and scenarios are asked about a mistake, and in which order. */
import { dirname } from 'node:path'
import type { Measured } from './check.ts'
import type { Mutation } from './mutations.ts'

/** For a name that modules export, where functions mention it: `file#probe`. */
export type Mentions = ReadonlyMap<string, readonly { readonly file: string; readonly probe: number }[]>

/** What runs what. */
export class Coverage {
  readonly #all: readonly Measured[]
  readonly #mentions: Mentions
  readonly #ran = new Map<Measured, ReadonlyMap<string, ReadonlySet<number>>>()
  readonly #sizes = new Map<Measured, number>()
  readonly #byState: ReadonlyMap<string, readonly Measured[]>

  constructor(all: readonly Measured[], mentioned: Mentions) {
    this.#all = all
    this.#mentions = mentioned
    for (const it of all) {
      const ran = new Map(Object.entries(it.ran).map(([file, probes]) => [file, new Set(probes)]))
      this.#ran.set(it, ran)
      this.#sizes.set(it, [...ran.values()].reduce((sum, { size }) => sum + size, 1)) // prettier-ignore
    }
    const byState = new Map<string, Measured[]>()
    for (const it of all) for (const state of it.states) byState.set(state, [...(byState.get(state) ?? []), it])
    this.#byState = byState
  }

  /** All that run a mistake: those that visit its state, or run its function, or mention the value that it is part of. */
  of({ file, place }: Pick<Mutation, 'file' | 'place'>): readonly Measured[] {
    const running = this.#running([{ file, probe: place.probe }])
    const state = file.startsWith('machines/') && place.keys.find((key) => this.#byState.has(key))
    if (state) {
      const visiting = new Set(this.#byState.get(state))
      return running.filter((it) => visiting.has(it))
    }
    const mentioned = place.constant === undefined ? [] : (this.#mentions.get(place.constant) ?? [])
    const inside = mentioned.filter(({ probe }) => probe !== 0)
    return inside.length > 0 ? this.#running(inside) : running
  }

  #running(places: readonly { readonly file: string; readonly probe: number }[]): readonly Measured[] {
    return this.#all.filter((it) => places.some(({ file, probe }) => this.#ran.get(it)?.get(file)?.has(probe)))
  }

  /** The fast and specific first: much of what such a one runs is in the folder with the mistake. */
  ranked({ file, place }: Pick<Mutation, 'file' | 'place'>): readonly Measured[] {
    const folder = `${dirname(file)}/`
    const rank = (it: Measured): number => {
      const ran = [...(this.#ran.get(it) ?? [])].filter(([of]) => of.startsWith(folder))
      const share = ran.reduce((sum, [, { size }]) => sum + size, 0) / (this.#sizes.get(it) ?? 1)
      return costOf(it) / (share + 0.01)
    }
    const found = this.of({ file, place }).map((it) => ({ it, rank: rank(it) }))
    return found.toSorted((a, b) => a.rank - b.rank).map(({ it }) => it)
  }
}

/** Some tests wait: waiting costs as well, though less. */
export const costOf = ({ cpuMs, wallMs }: Pick<Measured, 'cpuMs' | 'wallMs'>): number => Math.max(cpuMs, wallMs / 3)

const total = (all: readonly Measured[]): number => all.reduce((sum, it) => sum + costOf(it), 0)

/** What is run together, in one process or thread, until something fails. */
export interface Batch {
  readonly sort: Measured['sort']
  readonly checks: readonly Measured[]
  /** Scenarios are explored as far as a quick exploration goes, and not their first lives only. */
  readonly isWhole?: boolean
}

export interface Plan {
  readonly batches: readonly Batch[]
  /** How many that run it are not asked, for they would take too long. */
  readonly left: number
}

/** A first look costs so much: most mistakes are caught by it. */
const FIRST_MS = 5_000
/** So many scenarios are explored further, where nothing else found the mistake. */
const WHOLE = 3

/** The first few of one sort, then of the other, then the rest of both as far as the budget goes, and some scenarios whole. */
export function plan(ranked: readonly Measured[], budgetMs: number, first: Measured['sort']): Plan {
  const second = first === 'test' ? 'scenario' : 'test'
  const sorts = [first, second].map((sort) => varied(ranked.filter((it) => it.sort === sort)))
  const looks = sorts.map((all) => within(all, FIRST_MS))
  const left = budgetMs - total(looks.flat())
  const [more = [], others = []] = sorts.map((all, at) => all.filter((it) => !looks[at]?.includes(it)))
  // The one sort gets what the other does not need of its half.
  const half = within(others, left / 2)
  const batches = [...looks, within(more, left - total(half)), half].map((checks, at): Batch => ({
    sort: at % 2 === 0 ? first : second,
    checks,
  }))
  const asked = batches.reduce((sum, { checks }) => sum + checks.length, 0)
  const last: Batch = {
    sort: 'scenario',
    checks: (sorts[first === 'scenario' ? 0 : 1] ?? []).slice(0, WHOLE),
    isWhole: true,
  }
  return { batches: [...batches, last].filter(({ checks }) => checks.length > 0), left: ranked.length - asked }
}

/** As many as the budget lasts for, and one at least. */
function within(all: readonly Measured[], budgetMs: number): readonly Measured[] {
  let left = budgetMs
  return all.filter((it, at) => {
    left -= costOf(it)
    return left >= 0 || at === 0
  })
}

/** Scenarios of one kind are much alike: kinds take turns. */
function varied(all: readonly Measured[]): readonly Measured[] {
  const kind = ({ sort, name }: Measured): string => (sort === 'test' ? name : name.replace(/\..*/, ''))
  const rounds = new Map<Measured, number>()
  const counts = new Map<string, number>()
  for (const it of all) {
    rounds.set(it, counts.get(kind(it)) ?? 0)
    counts.set(kind(it), (counts.get(kind(it)) ?? 0) + 1)
  }
  return all.toSorted((a, b) => (rounds.get(a) ?? 0) - (rounds.get(b) ?? 0))
}
