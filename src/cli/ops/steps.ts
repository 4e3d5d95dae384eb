/** `hardshell ops steps`: how an operation came to where it is, step by step. */
import { KERNEL_STEPS, type StepRecord } from '../../kernel/define/steps.ts'
import { command } from '../command.ts'
import { plain, table, timeText } from '../terminal.ts'
import { DATABASE_OPTIONS, operationOf, withDatabase } from './database.ts'

const OPTIONS = {
  ...DATABASE_OPTIONS,
  limit: { value: 'N', help: 'how many at most, from the first one; all unless given' },
} as const

export const steps = command({
  summary: 'how an operation came to where it is, step by step',
  usage: 'ID',
  words: [1, 1],
  about:
    'Each line is a commit: when, from which state to which, and what for. They are kept for a while after its end.',
  options: OPTIONS,
  async run(call) {
    const { given, out } = call
    const limit = given.count('limit', 1)
    return withDatabase(call, async (database) => {
      const { id } = await operationOf(database, given.words[0] ?? '')
      const records = await database.operations.steps(id, limit === undefined ? {} : { limit })
      if (records.length === 0) out.say('None is kept: it is older than its database keeps them, or keeps none.')
      for (const line of table(records.map((record, at) => rowOf(record, records[at - 1])))) out.say(line)
      out.give({ steps: records })
      return 0
    })
  },
})

function rowOf(record: StepRecord, before: StepRecord | undefined): string[] {
  const { version, atMs, from, to, detail } = record
  const way = from === null ? `→ ${to}` : from === to ? to : `${from} → ${to}`
  const because = detail?.because
  const isNew = because !== undefined && because !== before?.detail?.because
  return [`${version}`, `${timeText(atMs)}:${secondsOf(atMs)}`, way, causeOf(record), isNew ? plain(because) : '']
}

/** To the millisecond: steps follow each other quickly. */
const secondsOf = (atMs: number): string => ((atMs % 60_000) / 1_000).toFixed(3).padStart(6, '0')

/** What brought the step about. */
function causeOf({ event, src, answer, delay, tookMs, attempt }: StepRecord): string {
  const took = tookMs === null ? '' : ` after ${tookMs} ms`
  const again = attempt > 1 ? `, attempt ${attempt}` : ''
  if (src !== null) return `${src} answered ${answer ?? 'nothing'}${took}${again}`
  if (delay !== null) return `${delay} is over`
  return WORDS[event] ?? `event ${event}`
}

/** What the kernel did itself. */
const WORDS: Readonly<Record<string, string>> = {
  [KERNEL_STEPS.created]: 'created',
  [KERNEL_STEPS.takenOver]: 'taken over by another process',
  [KERNEL_STEPS.setAside]: 'set aside',
  [KERNEL_STEPS.resumed]: 'resumed by a person',
  [KERNEL_STEPS.forked]: 'forked',
}
