/** Starts children in their parent's own commit. */
import type { AnyStateMachine } from 'xstate'
import { fitsKey, LONGEST_KEY_BYTES } from '../../arguments.ts'
import type { Write } from '../../store/port.ts'
import type { Start } from '../define/children.ts'
import type { OperationRow } from '../define/operation.ts'
import { KERNEL_STEPS } from '../define/steps.ts'
import type { Committing } from '../inspect/telemetry.ts'
import type { InputOf } from '../define/typed.ts'
import type { KindOf } from '../kind-operations.ts'
import type { Kernel, NewChildren, Parent, StartChildren } from '../kernel.ts'
import { blankRow } from '../run/creation.ts'
import { rowOf, tablesOf } from '../run/durable.ts'
import type { Outcome } from '../step/commit.ts'
import { Overlay } from '../step/overlay.ts'
import type { Step } from '../step/step.ts'
import { canonical } from '../util/canonical.ts'
import { HardshellError } from '../util/errors.ts'
import { own } from '../util/own.ts'
import { childId } from './family.ts'

/** A child of a kind that is known where it is started. */
export interface Named<Input> {
  /** As `Start.name`. */
  readonly name: string
  /** As `Start.input`. */
  readonly input: Input
}

/** The action by which a chart starts what follows from its context. */
export interface Starting<Context> {
  /** The action's name. */
  readonly type: 'start'
  /** The children. */
  readonly params: (of: { context: Context }) => readonly Start[]
}

/**
 * The action `start` with the children that follow from the context. Given the kind, another input than its chart's does not
 * compile; a chart that does not know the kind may give its name.
 *
 * @example
 * const order = setup({ actions: { start }, types: {} as { context: { lines: string[] } } }).createMachine({
 *   context: { lines: ['tea', 'cups'] },
 *   entry: starts('line', ({ lines }: { lines: string[] }) => lines.map((item) => ({ name: item, input: { item } }))),
 * })
 */
export function starts<Context, M extends AnyStateMachine>(
  kind: KindOf<M>,
  by: (context: Context) => readonly Named<InputOf<M>>[],
): Starting<Context>
/** As above, for a chart that knows the kind by its name alone. */
export function starts<Context>(kind: string, by: (context: Context) => readonly Named<object>[]): Starting<Context>
export function starts(
  kind: string | KindOf<AnyStateMachine>,
  by: (context: unknown) => readonly Named<object>[],
): Starting<unknown> {
  const name = typeof kind === 'string' ? kind : kind.kind
  return { type: 'start', params: ({ context }) => by(context).map((child) => ({ kind: name, ...child })) }
}

const startChildren: StartChildren = async (kernel, parent, started) => {
  const children = new Children(kernel)
  await children.add(parent, started)
  return children
}

/**
 * The action that starts children in the step's own commit; its params are a list of them. A child that is there already, of the
 * same kind and with the same input, is left as it is: to start it again does nothing, also after it has ended.
 *
 * @throws {HardshellError} `DEFECT`, at the step: for an unknown kind, a name or an input that cannot be stored, or a child that
 *   is there already with another kind or input
 * @example
 * setup({ actions: { start } }).createMachine({
 *   entry: { type: 'start', params: [{ kind: 'order', name: 'tea', input: { item: 'tea' } }] },
 * })
 */
export const start = Object.assign(<S extends Start = Start>(_: unknown, _children: readonly S[]): void => {}, {
  startChildren,
})

interface NewChild {
  readonly row: OperationRow
  readonly step: Step
  readonly tables: readonly string[]
  readonly committing: Committing | undefined
}

/** The children of one step, and theirs. */
class Children implements NewChildren {
  readonly writes: Write[] = []
  readonly #kernel: Kernel
  readonly #created: NewChild[] = []
  /** The store as the commit will leave it, as far as it is computed. */
  readonly #overlay: Overlay

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#overlay = new Overlay(kernel.reader, kernel.tables)
  }

  async add({ row: parent, writes }: Parent, started: readonly Start[]): Promise<void> {
    this.#overlay.add([{ put: 'operations', row: parent }, ...writes])
    const children = this.#checked(parent, started)
    const found = await Promise.all(children.map(({ id }) => this.#kernel.store.get('operations', [id])))
    for (const [at, child] of children.entries()) {
      const there = found[at]
      if (there) this.#keep(parent, child, there)
      else await this.#create(parent, child)
    }
  }

  #checked(parent: OperationRow, started: readonly Start[]): Checked[] {
    const children = new Map<string, Checked>()
    for (const child of started) {
      const { kind, name, input } = child
      const id = childId(parent.id, name)
      if (typeof name !== 'string' || name === '' || name.includes('/') || !name.isWellFormed())
        throw defect(parent, name, 'the name must be a text that is not empty, without a slash')
      if (!fitsKey(id)) throw defect(parent, name, `its id would be longer than ${LONGEST_KEY_BYTES} bytes of UTF-8`)
      if (typeof input !== 'object' || input === null || Array.isArray(input))
        throw defect(parent, name, 'the input must be an object')
      const request = canonical(own(input, `the input of '${name}'`))
      const twin = children.get(id)
      if (twin && (twin.kind !== kind || twin.request !== request))
        throw defect(parent, name, 'one step starts two different ones under this name')
      children.set(id, { ...child, id, request })
    }
    return [...children.values()]
  }

  /** It was started before. */
  #keep(parent: OperationRow, { id, kind, name, request }: Checked, there: OperationRow): void {
    if (there.parent !== parent.id || there.kind !== kind || there.request !== request)
      throw defect(parent, name, 'there is one already, of another kind or with another input')
    this.writes.push({ check: 'operations', key: [id], if: { kind, parent: parent.id } })
  }

  async #create(parent: OperationRow, { id, kind, name, input, request }: Checked): Promise<void> {
    const kernel = this.#kernel
    const loaded = kernel.kinds.get(kind)
    if (!loaded) throw defect(parent, name, `this program has no kind '${kind}'`)
    const step = await loaded.stepper.first({ ...input, id }, this.#overlay.reader)
    const blank = blankRow(kernel.clock.now(), { id, kind, request, parent: parent.id, key: null })
    const { row, writes, committing } = rowOf(kernel, loaded, blank, step, { event: KERNEL_STEPS.created })
    this.writes.push({ put: 'operations', row, if: 'absent' }, ...writes)
    this.#created.push({ row, step, tables: tablesOf(writes), committing })
    await this.add({ row, writes }, step.starts)
  }

  async land(commit: () => Promise<Outcome>): Promise<Outcome> {
    const kernel = this.#kernel
    const rows = this.#created.map(({ row }) => row)
    const ids = rows.map(({ id }) => id)
    const landing = kernel.begin(ids, async () => {
      const outcome = await commit()
      for (const { committing } of this.#created) committing?.ended(outcome.outcome)
      if (outcome.outcome !== 'landed') return { outcome, rows: [] }
      for (const { row, step, tables } of this.#created) {
        const { snapshot, emitted, moves } = step
        kernel.changed({ before: undefined, row, snapshot, emitted, moves, tables })
      }
      return { outcome, rows }
    })
    try {
      const { outcome } = await landing
      // It may have landed although its outcome was lost, and another process may have moved the parent on. This process runs the
      // children that name it as their owner.
      if (outcome.outcome === 'superseded') kernel.startOwn(ids)
      return outcome
    } catch (error) {
      for (const { committing } of this.#created) committing?.failed(error)
      kernel.startOwn(ids)
      throw error
    }
  }
}

interface Checked extends Start {
  readonly id: string
  readonly request: string
}

const defect = ({ kind, state }: OperationRow, name: unknown, why: string): HardshellError =>
  new HardshellError('DEFECT', `${kind} in '${state}' starts the child '${String(name)}': ${why}`)
