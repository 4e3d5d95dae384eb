/** Whether a chart goes on in the same way from contexts that fingerprints take for one. */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import { delayOf } from '../../src/kernel/define/chart.ts'
import type { OperationKind } from '../../src/kernel/index.ts'
import { bareStep } from '../../src/kernel/step/step.ts'
import { delaysOf, inputOf, isOver, walk, type Samples, type Spot } from '../../src/testing/contracts/machine-contract/walk.ts' // prettier-ignore
import { distance, likened, type Likeness } from '../../src/testing/explorer/world.ts'

/** So many contexts are tried of each state, and of each event in it. */
const MOST_ALIKE = 3
/** So much beyond the least number that means "so many or more". */
const BEYOND = [1, 12]

type Change = (value: unknown) => unknown

/** Two values of a field that a fingerprint takes for one. */
interface Pair {
  readonly field: string
  readonly what: string
  readonly one: Change
  readonly other: Change
  /** Events have the field, too. */
  readonly isNamed?: true
}

const same: Change = (value) => value
const otherwise: Change = (value) =>
  typeof value === 'number' ? value + 1 : typeof value === 'string' ? `${value}, or otherwise` : value
const counted =
  (count: number): Change =>
  (value) =>
    typeof value === 'number' ? count : value

/** What a fingerprint leaves out of a context, thing by thing. */
function pairsOf({ ignore = [], names = [], counts = {} }: Likeness): Pair[] {
  return [
    ...ignore.map((field) => ({ field, what: field, one: same, other: otherwise })),
    ...names.map((field) => ({
      field,
      what: `what ${field} says`,
      one: same,
      other: otherwise,
      isNamed: true as const,
    })),
    ...Object.entries(counts).flatMap(([field, most]) =>
      BEYOND.map((more) => ({
        field,
        what: `${field} of ${most} and of ${most + more}`,
        one: counted(most),
        other: counted(most + more),
      })),
    ),
  ]
}

/** A copy in which the values of one field are others, wherever the field stands. */
const changed = <T extends object>(value: T, field: string, by: Change): T =>
  JSON.parse(JSON.stringify(value, (key, item: unknown) => (key === field ? by(item) : item))) as T

const fields = new WeakMap<object, Set<string>>()

/** Whether a field stands anywhere in a value. */
function has(value: object, field: string): boolean {
  let known = fields.get(value)
  if (!known) {
    const found = new Set<string>()
    JSON.stringify(value, (key, item: unknown) => {
      found.add(key)
      return item
    })
    fields.set(value, (known = found))
  }
  return known.has(field)
}

/** The same state with another context. */
const withContext = (snapshot: AnyMachineSnapshot, context: object): AnyMachineSnapshot =>
  Object.assign(Object.create(Object.getPrototypeOf(snapshot) as object) as AnyMachineSnapshot, snapshot, { context })

/** Of things that are called the same, the first few. */
const few = <T>(all: readonly T[], name: (one: T) => string): T[] =>
  [...Map.groupBy(all, name).values()].flatMap((alike) => alike.slice(0, MOST_ALIKE))

/** What a chart tells apart, and fingerprints do not: by a step, by what an effect is asked, or by how long it waits. */
export function toldApart(kind: OperationKind, samples: Samples, alike: Likeness): string[] {
  const { machine } = kind
  const ids = new Map<string, string>()
  const print = likened(alike)
  /** Names count by the order in which they appear, as in fingerprints. */
  const textOf = (value: unknown): string => {
    ids.clear()
    const text = JSON.stringify(value, print) ?? 'undefined'
    return text.replaceAll(/\b[0-9a-f]{32}\b/g, (id) => {
      if (!ids.has(id)) ids.set(id, `#${ids.size}`)
      return ids.get(id)!
    })
  }
  const stepped = (snapshot: AnyMachineSnapshot, event: EventObject): string => {
    try {
      const { snapshot: next, actions } = bareStep(machine, { snapshot, event })
      const { value, status, context } = next as { readonly [name in 'value' | 'status' | 'context']: unknown }
      return textOf({ value, status, context, writes: actions.flatMap(({ type, params }) => (type === 'tx' ? [params] : [])) }) // prettier-ignore
    } catch (error) {
      return String(error)
    }
  }
  const waits = (snapshot: AnyMachineSnapshot): string =>
    snapshot._nodes
      .flatMap((node) => delaysOf(node))
      .map((name) => {
        const delay = delayOf(machine, name)
        if (typeof delay === 'number') return name
        const { context } = snapshot as { readonly context: unknown }
        return `${name} ${'until' in delay ? String(delay.until(context)) : distance(delay({ context }))}`
      })
      .join()
  const asks = (snapshot: AnyMachineSnapshot): string =>
    snapshot._nodes.flatMap(({ invoke }) => invoke.map(({ input }) => textOf(inputOf(input, snapshot.context)))).join()

  const walked = walk(kind, samples)
  const spots = few(walked.spots.filter((spot) => !isOver(spot)), ({ state }) => state) // prettier-ignore
  const edges = few(walked.edges.filter(({ after }) => after !== undefined), ({ before, next }) => `${before.state} ${JSON.stringify(next.event)}`) // prettier-ignore
  const found = new Set<string>()
  for (const { field, what, one, other, isNamed } of pairsOf(alike)) {
    const isIn = ({ snapshot }: Spot): boolean => has(snapshot.context as object, field)
    const both = ({ snapshot }: Spot): [AnyMachineSnapshot, AnyMachineSnapshot] => {
      const context = snapshot.context as object
      return [withContext(snapshot, changed(context, field, one)), withContext(snapshot, changed(context, field, other))] // prettier-ignore
    }
    for (const spot of spots.filter(isIn)) {
      const [left, right] = both(spot)
      if (waits(left) !== waits(right)) found.add(`${spot.state} waits by ${what}`)
      // A name is handed on, and stays a name.
      if (!isNamed && asks(left) !== asks(right)) found.add(`${spot.state} asks by ${what}`)
    }
    for (const { before, next } of edges.filter((edge) => isIn(edge.before))) {
      const [left, right] = both(before)
      const event = isNamed ? changed(next.event, field, other) : next.event
      if (stepped(left, next.event) !== stepped(right, event)) found.add(`${before.state} goes on by ${what}`)
    }
  }
  return [...found]
}
