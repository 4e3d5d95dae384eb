/** What is said of mistakes: the score by folder, and those that nothing caught. */
import { table } from '../crash/print.ts'
import { FOLDERS, type Folder, type Mutation } from './mutations.ts'
import type { Verdict } from './run.ts'

export interface Result {
  readonly mutation: Mutation
  /** Or why it is none. */
  readonly verdict: Verdict | { readonly result: 'equivalent'; readonly why: string }
}

export interface Score {
  /** All that were made, without those that are none. */
  readonly mutants: number
  readonly caught: number
  readonly equivalent: number
  readonly score: number
}

export function scoreOf(results: readonly Result[]): Score {
  const count = (...wanted: string[]): number =>
    results.filter(({ verdict: { result } }) => wanted.includes(result)).length
  const equivalent = count('equivalent')
  const [mutants, caught] = [results.length - equivalent, count('caught', 'hangs')]
  return { mutants, caught, equivalent, score: mutants === 0 ? 1 : Math.floor((caught / mutants) * 1_000) / 1_000 }
}

export function report(results: readonly Result[]): { byFolder: Partial<Record<Folder, Score>>; isGood: boolean } {
  const folders = Object.keys(FOLDERS) as Folder[]
  const scores = folders.flatMap((folder) => {
    const own = results.filter(({ mutation }) => mutation.folder === folder)
    return own.length === 0 ? [] : [[folder, scoreOf(own)] as const]
  })
  return {
    byFolder: Object.fromEntries(scores),
    isGood: scores.every(([folder, { score }]) => score >= FOLDERS[folder].goal),
  }
}

export function scoreTable(results: readonly Result[]): string {
  const { byFolder } = report(results)
  const row = (name: string, { mutants, caught, equivalent, score }: Score, goal: string) => [
    name,
    ...[mutants, caught, equivalent],
    `${(score * 100).toFixed(1)} %`,
    goal,
  ]
  const rows = Object.entries(byFolder).map(([name, score]) =>
    row(name, score, `${FOLDERS[name as Folder].goal * 100} %`),
  )
  return table([
    ['folder', 'mutants', 'caught', 'equivalent', 'score', 'goal'],
    ...rows,
    row('all', scoreOf(results), ''),
  ])
}

export function diffOf({ id, file, line, operator, before, after }: Mutation): string {
  const lines = (sign: string, text: string): string[] => text.split('\n').map((it) => `    ${sign} ${it}`)
  return [`${id}  ${file}:${line}  ${operator}`, ...lines('-', before), ...lines('+', after)].join('\n')
}

export function lineOf({ mutation, verdict }: Result): string {
  const { id, file, line, operator } = mutation
  const sign = { caught: '✓', hangs: '✓', equivalent: '=', survived: '✗' }[verdict.result]
  const how = verdict.result === 'equivalent' ? verdict.why : toldOf(verdict)
  return `${sign} ${id} ${file}:${line} ${operator}: ${how}`
}

function toldOf({ result, by = '', asked, left, cpuMs }: Verdict): string {
  const cost = `${(cpuMs / 1_000).toFixed(1)} s`
  if (result !== 'survived') return `${result === 'hangs' ? 'hangs: ' : ''}${by.slice(0, 160)} (${cost})`
  if (asked === 0) return 'survived: nothing runs it'
  return `survived ${asked} tests and scenarios (${cost})${left > 0 ? `; ${left} more that run it were not asked` : ''}`
}
