/** A run of the explorer as a film, and the file in which it is kept. */
import type { AnyStateMachine } from 'xstate'
import { viewOf } from './charts.ts'
import type { ChartView, Film, Scene } from './feed.ts'

/** What the explorer tells of a run. */
export interface Run {
  readonly trace: readonly { readonly column: Scene['column']; readonly text: string; readonly atMs: number }[]
  readonly violations: readonly string[]
}

/** A kind that may be in a run. */
interface Filmed {
  readonly kind: string
  readonly version: number
  readonly machine: AnyStateMachine
}

/** Makes a film of a run. Of what was handed over it has nothing: a program's own kinds may have secrets there. */
export async function filmOf(path: string, { trace, violations }: Run, kinds: readonly Filmed[]): Promise<Film> {
  const seen = new Set(trace.filter(({ column }) => column === 'state').map(({ text }) => text.replace(/ .*/, '')))
  const charts: Record<string, ChartView> = {}
  for (const { kind, version, machine } of kinds)
    if (seen.has(kind)) charts[kind] ??= await viewOf(machine, kind, version)
  let life = 0
  let isOver = true
  const scenes = trace.map(({ column, text, atMs }): Scene => {
    // A life is told of when it begins, and when it ends.
    if (column === 'life') {
      if (isOver) life++
      isOver = !isOver
    }
    return { atMs, life, column, text }
  })
  return { film: 1, path, scenes, violations, charts }
}

const isFilm = (value: unknown): value is Film =>
  typeof value === 'object' &&
  value !== null &&
  'film' in value &&
  value.film === 1 &&
  'scenes' in value &&
  Array.isArray(value.scenes) &&
  'violations' in value &&
  Array.isArray(value.violations) &&
  'charts' in value &&
  typeof value.charts === 'object'

/** @throws {TypeError} where the text is no film's */
export function filmIn(text: string): Film {
  const wrong = new TypeError('it is no film: hardshell crash FILE --replay PATH --film FILE writes one')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong
  }
  if (!isFilm(value)) throw wrong
  return value
}
