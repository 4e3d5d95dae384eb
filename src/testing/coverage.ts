/**
 * What must be seen of a kind, derived from its chart: every state in which it can be found after a crash, every
 * transition (an event's guarded ones each), every answer of every effect and local step, every delay, and every event
 * that a watch sends. A new state, effect or answer is required from the day it stands in the chart.
 */
import type { Declared } from '../kernel/authoring.ts'
import type { InspectionEvent } from '../kernel/inspect.ts'
import { stateNodes, type OperationKind } from '../kernel/operation.ts'
import { placeOf, type Move } from '../kernel/step.ts'
import { meltKind } from '../wallet/kinds/melt.ts'
import { mintKind } from '../wallet/kinds/mint.ts'
import { receiveKind } from '../wallet/kinds/receive.ts'
import { restoreKind } from '../wallet/kinds/restore.ts'
import { sendKind } from '../wallet/kinds/send.ts'
import { swapKind } from '../wallet/kinds/swap.ts'
import { exceptions } from './exceptions.ts'

export const kinds = new Map(
  [mintKind, meltKind, receiveKind, restoreKind, sendKind, swapKind].map((kind) => [kind.kind, kind as OperationKind]),
)

const named = (kind: string): OperationKind => {
  const found = kinds.get(kind)
  if (!found) throw new RangeError(`there is no kind '${kind}'`)
  return found
}

const DONE = /^xstate\.done\.actor\./
const AFTER = /^xstate\.after\.([^.]+)\./

/** An event as the chart's author wrote it. */
const wordOf = (event: string): string =>
  DONE.test(event) ? 'done' : event === '' ? 'always' : event.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1')

const stateText = (state: string): string => `state ${state}`
const answerText = (src: string, answer: string): string => `answer ${src}: ${answer}`
const delayText = (delay: string): string => `delay ${delay}`
const newsText = (event: string): string => `news ${event}`
const moveText = ({ source, on, index, targets }: Pick<Move, 'source' | 'on' | 'index' | 'targets'>): string =>
  `move ${source}: ${wordOf(on)}[${index}] → ${targets.join(', ') || 'stays'}`

/** Everything that must be seen of a kind. */
export function requirementsOf(kindName: string): Set<string> {
  const { machine, watches } = named(kindName)
  const required = new Set<string>()
  const asked = watches?.({}) ?? {}
  for (const node of stateNodes(machine)) {
    const { always = [], invoke, tags, type, path } = node
    const meta = node.meta as { watch?: string } | undefined
    const passing = tags.includes('local') || always.some(({ guard }) => guard === undefined)
    if ((type === 'atomic' || type === 'final') && !passing) required.add(stateText(path.join('.')))
    for (const transition of [...always, ...[...node.transitions.values()].flat()])
      required.add(moveText(placeOf(transition)))
    for (const { src } of invoke) {
      const { answers } = machine.implementations.actors[src as string] as unknown as Declared<never, never>
      for (const answer of answers) required.add(answerText(src as string, answer))
    }
    for (const delay of Object.keys(node.config.after ?? {})) required.add(delayText(delay))
    const watch = (meta as { watch?: string } | undefined)?.watch
    if (watch !== undefined) for (const event of asked[watch]!.sends) required.add(newsText(event))
  }
  return required
}

/** Notes what is seen of one kind. */
export class Coverage {
  readonly visited = new Set<string>()
  readonly #kind: string
  /** Effects and local steps by the event that says that they are done. */
  readonly #srcs: ReadonlyMap<string, string>

  constructor(kind: string) {
    this.#kind = kind
    const invokes = stateNodes(named(kind).machine).flatMap(({ invoke }) => invoke)
    this.#srcs = new Map(invokes.map(({ id, src }) => [`xstate.done.actor.${id}`, src as string]))
  }

  /** Takes the kernel's inspection events, which tell of committed steps only. */
  readonly inspect = ({ name, move, snapshot }: InspectionEvent): void => {
    if (!name.startsWith(`${this.#kind} `)) return
    if (snapshot) this.visited.add(stateText((snapshot.context as { state: string }).state))
    if (!move) return
    const { event, answer } = move
    this.visited.add(moveText(move)).add(newsText(event))
    const [, delay] = AFTER.exec(event) ?? []
    if (delay !== undefined) this.visited.add(delayText(delay))
    const src = this.#srcs.get(event)
    if (src !== undefined && answer !== undefined) this.visited.add(answerText(src, answer))
  }
}

export interface Covered {
  readonly required: number
  readonly uncovered: readonly string[]
  /** Exceptions that nothing needs. */
  readonly idle: readonly string[]
}

/** Holds what was seen of a kind against what is required. */
export function covered(kind: string, visited: ReadonlySet<string>): Covered {
  const required = requirementsOf(kind)
  const open = [...required].filter((what) => !visited.has(what))
  const excused = exceptions[kind] ?? []
  return {
    required: required.size,
    uncovered: open.filter((what) => !excused.some((exception) => exception.what.test(what))),
    idle: excused
      .filter((exception) => !open.some((what) => exception.what.test(what)))
      .map(({ what }) => `${kind}: ${what}`),
  }
}
