/**
 * Events that a caller may send at any time. They are options of injection points, like faults: at a commit the event
 * waits behind it, at a request it is handled before the request is carried out or before its answer arrives, and when
 * nothing else can happen it comes before time goes on.
 */
import type { EventObject } from 'xstate'
import { takes } from '../../kernel/define/chart.ts'
import type { OperationKind, OperationRow } from '../../kernel/define/operation.ts'
import { isDefect, textOf } from '../../kernel/run/defects.ts'
import { isUnstorable } from '../../kernel/util/retry.ts'
import type { Dump } from '../../store/memory.ts'
import { activeNodes } from '../invariants/active-nodes.ts'
import { kindOf, operationsIn } from '../invariants/rows.ts'
import type { Running, Stage } from './subject.ts'

/** The name of the injection point at which nothing else can happen, and time would go on. */
export const QUIET = 'quiet'

/** One event to one operation, as an option of an injection point. */
interface Sending {
  /** Its name in paths: `send-pause`, `send-pause-of2` to the second operation, `send-pause-after` before an answer arrives. */
  readonly option: string
  readonly operation: Pick<OperationRow, 'id' | 'kind' | 'kindVersion' | 'state'>
  readonly event: EventObject
  readonly isAfter: boolean
}

/** What a sent event adds to an injection point. */
export interface Sent {
  /** A request waits for it before it is carried out. */
  readonly before?: () => Promise<void>
  /** It is called after the commit or request is carried out. A request’s answer waits for it. */
  readonly applied: () => Promise<void> | void
}

interface Named {
  readonly name: string
  readonly event: EventObject
}

/** `order.pause` is `send-order-pause`; of several with one name, the second is `send-order-pause2`. */
function named(events: readonly EventObject[]): readonly Named[] {
  const names = events.map(({ type }) => `send-${type.replaceAll(/\W+/g, '-')}`)
  return events.map((event, at) => {
    const [name = ''] = names.slice(at)
    const before = names.slice(0, at).filter((it) => it === name).length
    return { name: before === 0 ? name : `${name}${before + 1}`, event }
  })
}

/**
 * Checks a scenario's events.
 *
 * @throws {TypeError} where no kind of the subject takes one
 */
export function checkEvents(events: readonly EventObject[], kinds: readonly OperationKind<never>[]): void {
  for (const { type } of events)
    if (!kinds.some(({ machine }) => takes(machine, type)))
      throw new TypeError(`anytime: no kind of ${kinds.map(({ kind }) => kind).join(', ')} takes '${type}'`)
}

interface CallerEventsOptions {
  readonly kinds: readonly OperationKind<never>[]
  readonly events: readonly EventObject[]
  readonly rows: () => Dump
  readonly stage: Pick<Stage, 'violated'>
  /** Called with what is sent, for the trace. */
  readonly said: (text: string) => void
}

/** The events of one life’s caller. */
export class CallerEvents {
  readonly #of: CallerEventsOptions
  readonly #events: readonly Named[]
  #send: Running<Stage>['send']
  /** Requests and answers that wait until the events were handled. */
  #held: (() => void)[] = []
  /** What was sent, and was not answered yet. */
  readonly #underWay = new Set<Sending>()

  constructor(of: CallerEventsOptions) {
    this.#of = of
    this.#events = named(of.events)
  }

  /** From now on there is a process to which events can be sent. @throws {TypeError} where its program takes none. */
  begin({ send }: Pick<Running<Stage>, 'send'>): void {
    if (this.#events.length === 0) return
    if (!send) throw new TypeError('anytime: the program of this subject takes no events')
    this.#send = send
  }

  /** What a process remembers of sent events: the same rows go on in another way while one of them is under way. */
  get pending(): readonly string[] {
    const sent = Array.from(this.#underWay, ({ operation: { id }, event: { type } }) => `${type} to ${id}`)
    return this.#held.length > 0 ? [...sent, `${this.#held.length} held`] : sent
  }

  /** The events that operations take at an injection point: those that a commit writes, or all of them. */
  at(site: string, doing: readonly (string | object)[]): readonly Sending[] {
    if (!this.#send) return []
    const isCommit = site.startsWith('commit ')
    const isRequest = !isCommit && site !== QUIET
    const all = operationsIn(this.#of.rows())
    const written = doing.flatMap((it) => (isOperation(it) ? [it] : []))
    const ids = [...new Set([...all, ...written].map(({ id }) => id))].toSorted()
    return (isCommit ? written : all).flatMap((row) =>
      this.#events
        .filter(({ event }) => this.#takes(row, event.type))
        .flatMap(({ name, event }): Sending[] => {
          const at = ids.indexOf(row.id)
          const sending = { option: at === 0 ? name : `${name}-of${at + 1}`, operation: row, event, isAfter: false }
          return isRequest ? [sending, { ...sending, option: `${sending.option}-after`, isAfter: true }] : [sending]
        }),
    )
  }

  /**
   * Sends one, when its time has come. After a commit that has landed nothing waits: the process does not know of it
   * yet, and takes the event when it does.
   */
  sent(site: string, sending: Sending): Sent {
    const held = (): Promise<void> => {
      this.send(sending)
      return new Promise((resolve) => void this.#held.push(resolve))
    }
    if (site.startsWith('commit ')) return { applied: () => this.send(sending) }
    return sending.isAfter ? { applied: held } : { before: held, applied() {} }
  }

  /** Sends one now. A program that is at fault for what becomes of it has broken an invariant. */
  send(sending: Sending): void {
    const { operation, event } = sending
    const { kind, state } = operation
    const { said, stage } = this.#of
    said(`${kind} is sent ${JSON.stringify(event)}`)
    this.#underWay.add(sending)
    this.#send?.(operation, event).then(
      (isTaken) => {
        this.#underWay.delete(sending)
        if (!isTaken) said(`${kind} takes no notice of '${event.type}'`)
      },
      (error: unknown) => {
        this.#underWay.delete(sending)
        said(`${kind} did not take '${event.type}': ${textOf(error)}`)
        // A database that refuses a step for good is mended later.
        if (isDefect(error) && !isUnstorable(error))
          stage.violated(`refused: ${kind} in '${state}' sent '${event.type}': ${textOf(error)}`)
      },
    )
  }

  /** Everything that could happen by now has happened: what was held goes on. False where nothing was. */
  release(): boolean {
    const held = this.#held
    this.#held = []
    for (const goOn of held) goOn()
    return held.length > 0
  }

  #takes(row: OperationRow, type: string): boolean {
    const of = kindOf(this.#of.kinds, row)
    if (row.status !== 'active' || !of) return false
    const nodes = [...activeNodes(of as OperationKind, row.snapshot)]
    return takes({ events: nodes.flatMap(({ transitions }) => [...transitions.keys()]) }, type)
  }
}

const isOperation = (it: string | object): it is OperationRow => typeof it === 'object' && 'snapshot' in it
