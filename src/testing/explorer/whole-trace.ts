/** What a trace says of steps whose contexts and events may be shown whole. */
import type { AnyMachineSnapshot } from 'xstate'
import { stateNodes } from '../../kernel/define/chart.ts'
import { dotted, type OperationKind } from '../../kernel/define/operation.ts'
import type { InspectedEvent, InspectionEvent } from '../../kernel/inspect/inspect.ts'
import { tablesOf } from '../../kernel/run/durable.ts'
import { delayIn } from '../../kernel/step/timers.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import { operationIn, operationsIn } from '../invariants/rows.ts'
import { isHistory } from './world.ts'

type Say = (column: 'event' | 'context', text: string) => void

const isStep = (write: Write): boolean => 'put' in write && isHistory(write.put, write.row)
const nameIn = ({ name }: InspectionEvent): string => name.replace(/ .*/, '')

/** Follows the operations of one life. */
export class WholeTrace {
  /** Each operation's state, by its id. */
  readonly #states: Map<string, string>
  readonly #say: Say

  /** The effect or local step of each invoke. */
  readonly #srcs: ReadonlyMap<string, string>

  constructor(kinds: readonly OperationKind<never>[], rows: Dump, say: Say) {
    const invokes = kinds.flatMap(({ machine }) => stateNodes(machine).flatMap(({ invoke }) => invoke))
    this.#srcs = new Map(invokes.flatMap(({ id, src }) => (typeof src === 'string' ? [[id, src] as const] : [])))
    this.#states = new Map(operationsIn(rows).map(({ id, state }) => [id, state]))
    this.#say = say
  }

  /** A commit, with the states that it leads from and to, and why an operation was set aside. */
  commit(writes: readonly Write[]): string {
    const lines = writes.flatMap((write) => {
      const row = operationIn(write)
      if (!row) return 'patch' in write && write.patch === 'operations' ? ['taken over'] : []
      const { id, kind, state, status, reason } = row
      const before = this.#states.get(id)
      this.#states.set(id, state)
      return [`${kind}: ${before ?? '(new)'} → ${state}${status === 'quarantined' ? `, quarantined: ${reason}` : ''}`]
    })
    return [
      ...lines,
      ...tablesOf(writes.filter((write) => !isStep(write))).filter((table) => table !== 'operations'),
    ].join(', ')
  }

  /** A committed step: the events that led to it, and the context that it left. */
  step(event: InspectionEvent): void {
    if (event.type === '@xstate.microstep') this.#say('event', `${nameIn(event)}: ${this.#eventText(event.event)}`)
    if (event.type !== '@xstate.snapshot') return
    const { snapshot } = event
    const state = dotted(snapshot.value as AnyMachineSnapshot['value'])
    this.#say('context', `${nameIn(event)} in ${state}: ${JSON.stringify(snapshot.context)}`)
  }

  /** An event as the chart's author knows it, with all that it carries. */
  #eventText(event: InspectedEvent): string {
    const { type, output } = event
    const [, invoke = ''] = /^xstate\.done\.actor\.(.*)$/.exec(type) ?? []
    const src = this.#srcs.get(invoke)
    if (src !== undefined) return `${src} answered ${JSON.stringify(output)}`
    const delay = delayIn(type)
    return delay === undefined ? JSON.stringify(event) : `after ${delay}`
  }
}
