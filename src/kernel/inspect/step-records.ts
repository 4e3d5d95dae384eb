/** Reads step history: what an operation went through, what the outside answered last, and its state at each step. */
import { checkCount, checkFlag, checkNames, checkText } from '../../arguments.ts'
import type { Tables } from '../../store/kit/rows.ts'
import type { KernelStore, PersistedSnapshot } from '../define/operation.ts'
import {
  isStepsTable,
  type LastAnswer,
  type StepRecord,
  type StepRow,
  type StepSnapshot,
  type StepsPage,
} from '../define/steps.ts'
import { delayIn } from '../step/timers.ts'
import { HardshellError } from '../util/errors.ts'

/** How many of the newest steps are searched for an answer: an operation that was asked nothing for longer than that has none. */
const MOST_SEARCHED = 20

interface StepRecordsOptions {
  readonly store: KernelStore
  readonly tables: Tables
}

export class StepRecords {
  readonly #store: KernelStore
  /** Whether the database has a table of steps. */
  readonly #isKept: boolean

  constructor({ store, tables }: StepRecordsOptions) {
    this.#store = store
    this.#isKept = isStepsTable(tables['steps'])
  }

  /** See `Operations.steps`. */
  async list(id: string, page: StepsPage): Promise<StepRecord[]> {
    checkText(id, 'id')
    checkNames(page, 'page', ['after', 'limit'])
    const { after = 0, limit } = page
    checkCount(after, 'after', 0)
    checkCount(limit, 'limit')
    if (!(await this.#store.get('operations', [id])))
      throw new HardshellError('NOT_FOUND', `no operation '${id}'`, { operationId: id })
    if (!this.#isKept) return []
    const rows = await this.#store.query({ table: 'steps', prefix: [id], from: after + 1, limit })
    return rows.map(recordOf)
  }

  /** What an effect of the operation answered last, as far as that is kept. */
  async lastAnswer(id: string): Promise<LastAnswer | undefined> {
    for (const { src, answer, from, at } of await this.#newest(id))
      if (src !== null && answer !== null && from !== null) return { src, answer, state: from, atMs: at }
    return undefined
  }

  /** The traces kept with an operation's steps, the newest first. */
  async traces(id: string): Promise<string[]> {
    return (await this.#newest(id)).flatMap(({ detail }) => detail?.trace ?? [])
  }

  async #newest(id: string): Promise<StepRow[]> {
    return this.#isKept ? this.#store.query({ table: 'steps', prefix: [id], reverse: true, limit: MOST_SEARCHED }) : []
  }

  /** See `Operations.stepSnapshot`. */
  async snapshot(
    id: string,
    version: number,
    options: { readonly unsafe?: boolean },
  ): Promise<StepSnapshot | undefined> {
    checkText(id, 'id')
    checkCount(version ?? null, 'version')
    checkNames(options, 'options', ['unsafe'])
    const { unsafe = false } = options
    checkFlag(unsafe, 'unsafe')
    const row = this.#isKept ? await this.#store.get('steps', [id, version]) : undefined
    if (!row || row.snapshot === null) return undefined
    const { status, value, context } = parsed(row.snapshot, id)
    return { version, kindVersion: row.kindVersion, status, value, context: unsafe ? context : outlined(context) }
  }
}

/** What the parser says of a text quotes it, and is told to nobody. */
function parsed(snapshot: string, id: string): PersistedSnapshot {
  try {
    return JSON.parse(snapshot) as PersistedSnapshot
  } catch {
    throw new HardshellError('UNLOADABLE', 'the snapshot of the step is no JSON', { operationId: id })
  }
}

/** A step as callers see it. */
function recordOf(row: StepRow): StepRecord {
  const { operation, version, at, event, src, answer, from, to, attempt, owner, tookMs, detail } = row
  const delay = delayIn(event) ?? null
  return { operation, version, atMs: at, event, src, answer, delay, from, to, attempt, owner, tookMs, detail }
}

/** What may be shown of a context without knowing what it means: any text, and any list, may be a secret. */
function outlined(part: unknown): unknown {
  if (typeof part === 'string') return `(text of ${part.length})`
  if (Array.isArray(part)) return `(list of ${part.length})`
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, outlined(inner)]))
}
