/**
 * What lives must visit of a kind, derived from its chart: every state in which a crash can leave it, every transition
 * (each guarded branch of an event), every answer of every effect and local step, every delay, and every event that a
 * poll sends. A new state, effect or answer is required from the day it is added to the chart.
 *
 * If lives may have two faults, crashes are required as well: just before and just after the commit of every
 * transition, and before and after every effect's request. A crash after the answer is the same as one before the next
 * commit.
 */
import { pollOf, stateNodes } from '../../kernel/define/chart.ts'
import type { Declared } from '../../kernel/define/authoring.ts'
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { OperationKind, OperationRow } from '../../kernel/define/operation.ts'
import { providedOf } from '../../kernel/kernel.ts'
import { placeOf, type Move } from '../../kernel/step/step.ts'
import type { Dump } from '../../store/memory.ts'

const DONE = /^xstate\.done\.actor\./
const AFTER = /^xstate\.after\.([^.]+)\./

/** An event as the chart's author wrote it. */
const wordOf = (event: string): string =>
  DONE.test(event) ? 'done' : event === '' ? 'always' : event.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1')

const stateText = (state: string): string => `state ${state}`
const answerText = (src: string, answer: string): string => `answer ${src}: ${answer}`
const delayText = (delay: string): string => `delay ${delay}`
const eventText = (event: string): string => `event ${event}`
const moveText = ({ source, on, index, targets }: Pick<Move, 'source' | 'on' | 'index' | 'targets'>): string =>
  `move ${source}: ${wordOf(on)}[${index}] → ${targets.join(', ') || 'stays'}`
const crashTexts = (move: string): string[] => [
  `crash before the commit of ${move}`,
  `crash after the commit of ${move}`,
]
const requestTexts = (src: string): string[] => [
  `crash before the request of ${src}`,
  `crash after the request of ${src}`,
]

const isLocal = ({ tags }: { tags: readonly string[] }): boolean => tags.includes('local')

/** Everything that lives must visit of a kind, with crashes or without. */
export function requirementsOf(kind: OperationKind<never>, { crashes }: { crashes: boolean }): Set<string> {
  const { machine, polls } = kind as OperationKind
  const required = new Set<string>()
  const asked = polls?.({}) ?? {}
  const add = (...texts: readonly string[]): void => {
    for (const text of texts) required.add(text)
  }
  for (const node of stateNodes(machine)) {
    const { always = [], invoke, type, path } = node
    const passing = isLocal(node) || always.some(({ guard }) => guard === undefined)
    if ((type === 'atomic' || type === 'final') && !passing) add(stateText(path.join('.')))
    for (const transition of [...always, ...[...node.transitions.values()].flat()]) {
      const move = moveText(placeOf(transition))
      add(move, ...(crashes ? crashTexts(move) : []))
    }
    for (const { src } of invoke) {
      const { answers } = machine.implementations.actors[src as string] as unknown as Declared<never, never>
      add(...answers.map((answer) => answerText(src as string, answer)))
      if (crashes && !isLocal(node) && !providedOf(machine, src as string)) add(...requestTexts(src as string))
    }
    add(...Object.keys(node.config.after ?? {}).map(delayText))
    const poll = pollOf(node.meta)
    if (poll !== undefined) add(...asked[poll]!.sends.map(eventText))
  }
  return required
}

/** Records what lives visit of one kind. */
export class Coverage {
  readonly visited = new Set<string>()
  readonly #kind: string
  /** Effects and local steps by the event of their answer. */
  readonly #srcs: ReadonlyMap<string, string>
  /** Effects by the state that invokes them. */
  readonly #effects: ReadonlyMap<string, readonly string[]>
  /** Operations whose next commit was tried with a crash on both sides. */
  readonly #tried = new Set<string>()

  constructor({ kind, machine }: OperationKind) {
    this.#kind = kind
    const nodes = stateNodes(machine)
    this.#srcs = new Map(
      nodes.flatMap(({ invoke }) => invoke.map(({ id, src }) => [`xstate.done.actor.${id}`, src as string] as const)),
    )
    this.#effects = new Map(
      nodes
        .filter((node) => !isLocal(node))
        .map(({ path, invoke }) => [path.join('.'), invoke.map(({ src }) => src as string)]),
    )
  }

  /** Takes the kernel's inspection events, which report committed steps only. */
  readonly inspect = (told: InspectionEvent): void => {
    const { name, sessionId } = told
    if (!name.startsWith(`${this.#kind} `)) return
    if (told.type === '@xstate.snapshot') {
      this.visited.add(stateText((told.snapshot.context as { state: string }).state))
      this.#tried.delete(sessionId)
    }
    if (told.type !== '@xstate.microstep') return
    const { move } = told
    const { event, answer } = move
    const text = moveText(move)
    this.visited.add(text).add(eventText(event))
    if (this.#tried.has(sessionId)) for (const crash of crashTexts(text)) this.visited.add(crash)
    const [, delay] = AFTER.exec(event) ?? []
    if (delay !== undefined) this.visited.add(delayText(delay))
    const src = this.#srcs.get(event)
    if (src !== undefined && answer !== undefined) this.visited.add(answerText(src, answer))
  }

  /**
   * Takes the places at which every fault is tried, or was tried in the same state: commits, identified by the rows
   * that they write, and requests, whose operation is found in the rows.
   */
  readonly passed = (site: string, doing: readonly (string | object)[], rows: () => Dump): void => {
    if (site.startsWith('commit ')) {
      for (const row of doing)
        if (typeof row === 'object' && 'snapshot' in row) this.#tried.add((row as OperationRow).id)
      return
    }
    for (const it of rows()['operations'] ?? []) {
      const { kind, status, state } = it as unknown as OperationRow
      if (kind !== this.#kind || status !== 'active') continue
      for (const path of state.split('|'))
        for (const src of this.#effects.get(path) ?? []) for (const text of requestTexts(src)) this.visited.add(text)
    }
  }
}

/** A part of a chart that need not be visited, because it is visited elsewhere. An unused exception is an error. */
export interface Exception {
  /** Matches the requirements that it excuses. */
  readonly what: RegExp
  /** Why it need not be visited. */
  readonly why: string
  /** The requirement of another kind that replaces this one. It must not be excused there. */
  readonly as: (what: string) => { readonly kind: string; readonly what: string }
}

/** The part of a chart that was visited. */
export interface Covered {
  /** What must be visited. */
  readonly required: number
  /** What was not visited. */
  readonly uncovered: readonly string[]
  /** Exceptions that nothing needs. */
  readonly idle: readonly string[]
}

/** Compares what was visited of a kind with what is required. */
export function covered(
  kind: OperationKind<never>,
  visited: ReadonlySet<string>,
  { crashes = false, exceptions = [] }: { crashes?: boolean; exceptions?: readonly Pick<Exception, 'what'>[] } = {},
): Covered {
  const required = requirementsOf(kind, { crashes })
  const open = [...required].filter((what) => !visited.has(what))
  return {
    required: required.size,
    uncovered: open.filter((what) => !exceptions.some((exception) => exception.what.test(what))),
    idle: exceptions
      .filter((exception) => !open.some((what) => exception.what.test(what)))
      .map(({ what }) => `${kind.kind}: ${what}`),
  }
}
