/** What comes of callers' events, and the rows by which the same key gets the same reply. */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import { eventsIn } from '../define/chart.ts'
import { dotted, type KernelStore, type KernelWrite } from '../define/operation.ts'
import type { Step } from '../step/step.ts'
import { canonical } from '../util/canonical.ts'
import { HardshellError } from '../util/errors.ts'

/** What came of an event: its step is committed, with the reply that it gave; or why the chart takes no notice of it. */
export type Delivered = { readonly reply: unknown } | { readonly refused: string }

/** Why the chart takes no notice of an event in its state. */
export function refusalOf(snapshot: AnyMachineSnapshot, { type }: EventObject): string {
  const state = dotted(snapshot.value)
  if (snapshot.status !== 'active') return hasEnded(state)
  const takes = eventsIn(snapshot)
  if (takes.includes(type)) return `'${state}' takes '${type}', but not now: a condition of the chart does not hold`
  return `'${state}' takes no '${type}'; it takes ${takes.length > 0 ? takes.join(', ') : 'no events'}`
}

/** Why an operation that has ended takes no events. */
export const hasEnded = (state: string): string => `it has ended in '${state}'`

/** How many old replies are deleted with a new one. */
const MOST_OLD = 20

/** An event with an idempotency key. Its step is committed once, with a row that says what it replied. */
export class KeyedEvent {
  readonly #store: KernelStore
  readonly #operation: string
  readonly #key: string
  readonly #event: string
  /** Deletes replies that are too old. */
  #prune: readonly KernelWrite[] = []

  constructor(store: KernelStore, operation: string, key: string, event: EventObject) {
    this.#store = store
    this.#operation = operation
    this.#key = key
    this.#event = canonical(event)
  }

  /** What came of the event where its step is committed. @throws {HardshellError} `KEY_REUSED` */
  async recorded(): Promise<Delivered | undefined> {
    const row = await this.#store.get('replies', [this.#operation, this.#key])
    if (!row) return undefined
    if (row.event !== this.#event)
      throw new HardshellError('KEY_REUSED', `key '${this.#key}' was used for another event`, {
        operationId: this.#operation,
      })
    return { reply: row.reply === null ? undefined : JSON.parse(row.reply) }
  }

  /** Finds replies of the operation that are too old by now: some go with each new one, so that they do not pile up. */
  async findOld(keepMs: number | undefined, nowMs: number): Promise<void> {
    if (keepMs === undefined) return
    const to = Math.max(0, Math.floor(nowMs - keepMs))
    const read = { table: 'replies', index: 'byTime', prefix: [this.#operation], to, limit: MOST_OLD } as const
    const old = await this.#store.query(read)
    this.#prune = old.map(({ operation, key }) => ({ delete: 'replies', key: [operation, key] }))
  }

  /** A step with the row that says what it replied. */
  record(step: Step, atMs: number): Step {
    const row = {
      operation: this.#operation,
      key: this.#key,
      event: this.#event,
      reply: step.reply === undefined ? null : JSON.stringify(step.reply),
      at: atMs,
    }
    const put: KernelWrite = { put: 'replies', row, if: 'absent' }
    return { ...step, writes: [...step.writes, ...this.#prune, put] }
  }
}
