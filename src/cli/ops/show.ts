/** `hardshell ops show` and `hardshell ops explain`: one operation, as its row has it and in words. */
import type { Explanation } from '../../kernel/inspect/explain.ts'
import type { OperationView } from '../../kernel/define/operation.ts'
import { command } from '../command.ts'
import { plain, table, timeText, durationText } from '../terminal.ts'
import { DATABASE_OPTIONS, isRun, operationOf, withDatabase, type Database } from './database.ts'
import { amountOf, operationJson } from './shown.ts'

const OPTIONS = { ...DATABASE_OPTIONS } as const

export const show = command({
  summary: 'shows the row of an operation, without secrets',
  usage: 'ID',
  words: [1, 1],
  about: 'The beginning of an id will do where no other begins so.',
  options: OPTIONS,
  run: (call) =>
    withDatabase(call, async (database) => {
      const view = await operationOf(database, call.given.words[0] ?? '')
      const shown = operationJson(view, database)
      const rows = Object.entries(shown).filter(([, value]) => value !== null && value !== '')
      for (const line of table(rows.map(([name, value]) => [name, plain(valueText(name, value))]))) call.out.say(line)
      call.out.give({ operation: shown })
      return 0
    }),
})

/** Columns of times end in At. */
const valueText = (name: string, value: unknown): string =>
  name.endsWith('At') && typeof value === 'number'
    ? timeText(value)
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

export const explain = command({
  summary: 'says why an operation is where it is, and what comes next',
  usage: 'ID',
  words: [1, 1],
  options: OPTIONS,
  run: (call) =>
    withDatabase(call, async (database) => {
      const view = await operationOf(database, call.given.words[0] ?? '')
      const explained = await explanationOf(database, view)
      for (const line of explanationLines(view, explained)) call.out.say(line)
      call.out.give({ explanation: explained })
      return 0
    }),
})

/** What a client says of an operation that it does not run itself. */
const ELSEWHERE = '(another process runs it)'

/** An explanation, and whether a process runs the database's operations now. */
export async function explanationOf(
  { operations, path }: Database,
  { id, status }: OperationView,
): Promise<Explanation & { readonly run: boolean }> {
  const explained = await operations.explain(id)
  const run = await isRun(path)
  const why = run || status !== 'active' ? explained.why : explained.why.replace(ELSEWHERE, '(no process runs it now)')
  return { ...explained, why, run }
}

/** An explanation in words. */
export function explanationLines(view: OperationView, of: Explanation): string[] {
  const { watching, timers, takes, underWay, lastError, lastAnswer } = of
  return [
    `${view.kind} ${view.id}  ${amountOf(view)}`.trimEnd(),
    `  state    ${of.state}${of.status === 'active' ? '' : `, ${of.status}`}`,
    `  why      ${plain(of.why)}`,
    ...(of.needsHuman ? ['  A person has to decide.'] : []),
    ...(lastError ? [`  error    ${plain(lastError.error)}, at attempt ${lastError.attempt}`] : []),
    ...(lastAnswer
      ? [
          `  heard    ${lastAnswer.src} answered ${lastAnswer.answer} in ${lastAnswer.state} (${timeText(lastAnswer.atMs)})`,
        ]
      : []),
    ...(underWay.length > 0 ? [`  requests ${underWay.join(', ')}`] : []),
    ...(watching === undefined ? [] : [`  asks     about its ${watching}, again and again`]),
    ...timers.map(({ name, atMs, inMs }) => `  timer    ${name}: in ${durationText(inMs)} (${timeText(atMs)})`),
    ...(takes.length > 0 ? [`  takes    ${takes.join(', ')}`] : []),
  ]
}
