/** `hardshell ops list` and `hardshell ops watch`: the operations of a database, now and as they change. */
import type { OperationView, OperationStatus } from '../../kernel/define/operation.ts'
import { command, type Given, type Options } from '../command.ts'
import { Misused } from '../errors.ts'
import { durationText, table, type Cell } from '../terminal.ts'
import { DATABASE_OPTIONS, withDatabase } from './database.ts'
import { amountOf, operationJson } from './shown.ts'

const FILTER_OPTIONS = {
  ...DATABASE_OPTIONS,
  kind: { value: 'KIND', help: 'of one kind only' },
  state: { value: 'STATE', help: 'in one state only, and in those inside it' },
  status: { value: 'STATUS', help: 'active, done or quarantined' },
  limit: { value: 'N', help: 'how many, the newest first; 50 unless given' },
} as const satisfies Options

const STATUSES: readonly OperationStatus[] = ['active', 'done', 'quarantined']

function filterOf(given: Given<keyof typeof FILTER_OPTIONS>) {
  const [kind, state, asked] = [given.text('kind'), given.text('state'), given.text('status')]
  const status = STATUSES.find((each) => each === asked)
  if (asked !== undefined && status === undefined) throw new Misused(`--status: one of ${STATUSES.join(', ')}`)
  return {
    ...(kind !== undefined && { kind }),
    ...(state !== undefined && { state }),
    ...(status !== undefined && { status }),
    limit: given.count('limit', 1) ?? 50,
  }
}

const LIST_OPTIONS = {
  ...FILTER_OPTIONS,
  'stuck-for-ms': { value: 'N', help: 'unfinished, and as long in the same state' },
} as const

export const list = command({
  summary: 'lists operations, the newest first',
  usage: '',
  words: [0, 0],
  options: LIST_OPTIONS,
  async run(call) {
    const { given, out } = call
    const stuckForMs = given.count('stuck-for-ms')
    const filter = { ...filterOf(given), ...(stuckForMs !== undefined && { stuckForMs }) }
    return withDatabase(call, async (database) => {
      const found = await database.operations.list(filter)
      if (found.length === 0) out.say('There is none.')
      for (const line of table(found.map(rowOf))) out.say(line)
      out.give({ operations: found.map((view) => operationJson(view, database)) })
      return 0
    })
  },
})

export const watch = command({
  summary: 'tells of each operation that changes, until Ctrl-C',
  usage: '',
  words: [0, 0],
  options: FILTER_OPTIONS,
  async run(call) {
    const { given, out, signal } = call
    const filter = filterOf(given)
    return withDatabase(call, async (database) => {
      const known = new Map<string, number>()
      out.note('Watching. Ctrl-C ends that.')
      for await (const views of database.operations.watch(filter, signal))
        for (const view of views.toReversed()) {
          if (known.get(view.id) === view.version) continue
          known.set(view.id, view.version)
          out.say(table([rowOf(view)]).join(''))
          out.give(operationJson(view, database))
        }
      return 0
    })
  },
})

function rowOf(view: OperationView): Cell[] {
  const { id, kind, state, status, row } = view
  const age = durationText(Math.max(0, Date.now() - row.updatedAt))
  return [id, kind, status === 'active' ? state : `${status === 'done' ? '' : `${status}: `}${state}`, { right: amountOf(view) }, `${age} ago`] // prettier-ignore
}
