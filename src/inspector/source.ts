/** What is inspected: a program's operations, and what is read of them for the list. */
import type { AnyStateMachine } from 'xstate'
import type { OperationRow } from '../kernel/define/operation.ts'
import { stateNodes } from '../kernel/define/chart.ts'
import type { Inspectable } from '../kernel/inspect/inspectable.ts'
import { partsIn } from '../kernel/operations.ts'
import { messageOf } from '../kernel/util/errors.ts'
import type { Summary } from './feed.ts'

type Parts = ReturnType<typeof partsIn>

export class Source {
  readonly of: Inspectable
  readonly parts: Parts
  /** The states of each chart in which a person decides, or a caller who has prepared something. */
  readonly #human = new WeakMap<AnyStateMachine, ReadonlySet<string>>()

  constructor(of: Inspectable) {
    this.of = of
    this.parts = partsIn(of.operations)
  }

  /** An operation as its row shows it, also where this program cannot load it. */
  summary(row: OperationRow): Summary {
    const { id, kind, kindVersion, state, version, lane, createdAt, updatedAt, dueAt, attempt, parent } = row
    const { mintUrl, unit, amount } = row
    const known = this.parts.kinds.get(kind)?.of(row).kind
    const isKnown = known !== undefined && kindVersion <= known.version
    const hindrance = this.parts.hindrances.get(id)
    return {
      ...{ id, kind, kindVersion, state, version, createdAt, updatedAt, dueAt, attempt, parent },
      status: isKnown ? row.status : 'unloadable',
      lane: typeof mintUrl === 'string' && mintUrl !== '' ? mintUrl : lane,
      unit: typeof unit === 'string' ? unit : null,
      amount: typeof amount === 'number' ? amount : null,
      human: row.status === 'active' && isKnown && this.#humanIn(known.machine).has(state),
      reason: isKnown
        ? (row.reason ?? (hindrance === undefined ? null : messageOf(hindrance)))
        : `this program has no version ${kindVersion} of ${kind}`,
    }
  }

  /** The chart of a version of a kind; of one that is not known any more, the chart to which its operations are led. */
  machineOf(kind: string, version: number): AnyStateMachine | undefined {
    const loaded = this.parts.kinds.get(kind)
    return (loaded?.versions.find((each) => each.kind.version === version) ?? loaded)?.kind.machine
  }

  #humanIn(machine: AnyStateMachine): ReadonlySet<string> {
    const known = this.#human.get(machine)
    if (known) return known
    const states = stateNodes(machine)
      .filter((node) => node.tags.includes('human') || node.ownEvents.map(String).includes('execute'))
      .flatMap((node) => stateNodes(machine).filter((inner) => isIn(inner.path, node.path)))
      .map(({ path }) => path.join('.'))
    const found = new Set(states)
    this.#human.set(machine, found)
    return found
  }
}

const isIn = (path: readonly string[], outer: readonly string[]): boolean =>
  outer.every((name, at) => path[at] === name)
