/** The effect `join`: an operation waits for its children. Its chart declares it, and the kernel does it. */
import type { AnyMachineSnapshot } from 'xstate'
import { checkNames, checkOneOf, checkTexts } from '../../arguments.ts'
import { effect, type Declared, type Json } from '../define/authoring.ts'
import type { Child, Joined, Joining } from '../define/children.ts'
import type { OperationRow } from '../define/operation.ts'
import type { Awaiting, Call, Change, Done, Kernel, Provided } from '../kernel.ts'
import { HardshellError } from '../util/errors.ts'
import { sleep } from '../util/ports.ts'
import { untilAnswered } from '../util/retry.ts'
import { childId, nameOf } from './family.ts'

/** The pauses after which it is looked whether a child has ended unheard: of another process on a store that tells of no commits. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/** The tag of states in which a child has failed. */
const FAILED = 'failed'

const provided: Provided = {
  run: (kernel, call) => new Join(kernel, call).run(),
  explain,
}

/**
 * The effect by which an operation waits for children that it has started. It is declared like any other, and is none of the
 * kind's `effects`: the kernel does it. It makes no request, and takes no place in a lane. The commit with which the last child
 * ends wakes it.
 *
 * @example
 * setup({ actors: { join: join() } }).createMachine({
 *   initial: 'waiting',
 *   states: {
 *     waiting: {
 *       invoke: {
 *         src: 'join',
 *         input: { until: 'failed' },
 *         onDone: [{ guard: answered('ended'), target: 'done' }, { target: 'cancelling' }],
 *       },
 *     },
 *     cancelling: { invoke: { src: 'join', input: { cancel: true }, onDone: 'failed' } },
 *     done: { type: 'final' },
 *     failed: { type: 'final', tags: 'failed' },
 *   },
 * })
 */
export const join = (): Declared<Joined, Joining> & { readonly provided: Provided } =>
  Object.assign(effect<Joined, Joining>({ answers: { ended: true, failed: true } }), { provided })

/** The joins of one kernel, by the operation that waits. */
class Joins {
  readonly #waiting = new Map<string, Set<Join>>()

  constructor(kernel: Kernel) {
    kernel.on((change) => {
      const { parent } = change.row
      if (parent !== null) for (const join of this.#waiting.get(parent) ?? []) join.heard(change)
    })
  }

  /** Returns the way out. */
  add(id: string, join: Join): () => void {
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(join))
    return () => {
      waiting.delete(join)
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id)
    }
  }
}

const joinsOf = new WeakMap<Kernel, Joins>()

function joinsIn(kernel: Kernel): Joins {
  let joins = joinsOf.get(kernel)
  if (!joins) joinsOf.set(kernel, (joins = new Joins(kernel)))
  return joins
}

/** A child, and how it has ended, where it has and this program can load it. */
interface Found {
  readonly name: string
  readonly row: OperationRow
  readonly ended: { readonly failed: boolean; readonly output: Json } | undefined
}

/** @throws {TypeError} naming the argument */
function checked(input: unknown): Joining {
  const joining: Joining = input ?? {}
  checkNames(joining, 'the input of join', ['names', 'until', 'cancel'])
  checkOneOf(joining.until, 'until', ['all', 'failed'])
  checkOneOf(joining.cancel, 'cancel', [true, false])
  if (joining.names !== undefined) {
    if (!Array.isArray(joining.names)) throw new TypeError('names: a list of names')
    for (const name of joining.names) checkTexts({ name })
  }
  return joining
}

/** The children that an operation waits for. @throws {HardshellError} `DEFECT` where one of the names is nobody's */
async function read({ store, kinds }: Kernel, id: string, names: Joining['names']): Promise<Found[]> {
  const named = async (name: string): Promise<readonly [string, OperationRow]> => {
    const row = await store.get('operations', [childId(id, name)])
    if (row?.parent === id) return [name, row]
    throw new HardshellError('DEFECT', `it joins the child '${name}', which it has not started`)
  }
  const all = async (): Promise<(readonly [string, OperationRow])[]> => {
    const rows = await store.query({ table: 'operations', index: 'byParent', prefix: [id] })
    return rows.flatMap((row): (readonly [string, OperationRow])[] => {
      const name = nameOf(id, row.id)
      return name === undefined ? [] : [[name, row]]
    })
  }
  const found = await (names ? Promise.all(names.map(named)) : all())
  return found.map(([name, row]) => ({ name, row, ended: endOf(kinds, row) }))
}

/** How a child has ended; undefined where it has not, or where this program cannot load it. */
function endOf(kinds: Kernel['kinds'], row: OperationRow): Found['ended'] {
  const snapshot = row.status === 'done' ? snapshotOf(kinds, row) : undefined
  const output = snapshot && kinds.get(row.kind)?.of(row).stepper.persist(snapshot).output
  return snapshot && { failed: snapshot.hasTag(FAILED), output: output ?? null }
}

function snapshotOf(kinds: Kernel['kinds'], row: OperationRow): AnyMachineSnapshot | undefined {
  try {
    return kinds.get(row.kind)?.restore(row)
  } catch {
    return undefined
  }
}

const childOf = ({ name, row: { id, kind, state }, ended }: Found): Child => {
  return { name, id, kind, state, output: ended?.output ?? null }
}

/** One wait of one operation. */
class Join {
  readonly #kernel: Kernel
  readonly #id: string
  readonly #signal: AbortSignal
  readonly #joining: Joining
  readonly #names: ReadonlySet<string> | undefined
  /** The children that have ended, as far as it was read or heard. */
  readonly #ended = new Set<string>()
  /** Those that have not. */
  readonly #open = new Set<string>()
  /** One of them has failed. */
  #failed = false
  /** The states of children in which they were told to end before their time. */
  readonly #told = new Set<string>()
  #pauseMs = FIRST_PAUSE_MS
  #wake = (): void => {}

  constructor(kernel: Kernel, { id, input, signal }: Call & { readonly signal: AbortSignal }) {
    this.#kernel = kernel
    this.#id = id
    this.#signal = signal
    this.#joining = checked(input)
    this.#names = this.#joining.names && new Set(this.#joining.names)
  }

  async run(): Promise<Done | undefined> {
    const { clock } = this.#kernel
    const signal = this.#signal
    const leave = joinsIn(this.#kernel).add(this.#id, this)
    signal.addEventListener('abort', leave, { once: true })
    // Until its answer is taken it hears of children that are started meanwhile.
    const holds = (): boolean => {
      leave()
      return !this.#waits
    }
    try {
      while (!signal.aborted) {
        const { names } = this.#joining
        const children = await untilAnswered({ clock, signal }, () => read(this.#kernel, this.#id, names))
        const output = this.#joined(children)
        if (output) return { output, holds }
        await this.#change()
      }
      return undefined
    } catch (error) {
      leave()
      if (signal.aborted) return undefined
      throw error
    }
  }

  /** What came of it; undefined while it waits. */
  #joined(children: readonly Found[]): Joined | undefined {
    for (const { row, ended } of children)
      if (ended) this.#end(row.id, ended.failed)
      else this.#goesOn(row)
    const failed = children.some(({ ended }) => ended?.failed === true)
    const over = children.every(({ ended }) => ended)
    // What was heard to begin or to end meanwhile is read once more.
    if (this.#waits || !(over || (failed && this.#joining.until === 'failed'))) return undefined
    return { answer: failed ? 'failed' : 'ended', children: children.map(childOf) }
  }

  /** A child made a step, in whichever process. */
  heard({ row, snapshot }: Change): void {
    const name = nameOf(this.#id, row.id)
    if (name === undefined || this.#names?.has(name) === false) return
    if (row.status === 'done') this.#end(row.id, snapshot.hasTag(FAILED))
    else this.#goesOn(row)
    if (!this.#waits) this.#wake()
  }

  #end(id: string, failed: boolean): void {
    this.#ended.add(id)
    this.#open.delete(id)
    this.#failed ||= failed
  }

  #goesOn(row: OperationRow): void {
    // It was read, or heard of, before it was heard to end.
    if (this.#ended.has(row.id)) return
    this.#open.add(row.id)
    this.#cancel(row)
  }

  get #waits(): boolean {
    return this.#open.size > 0 && !(this.#failed && this.#joining.until === 'failed')
  }

  /** Resolves when there is something to read. While nothing is heard, one child that has not ended stands for all. */
  async #change(): Promise<void> {
    const { clock, store } = this.#kernel
    const { until, cancel } = this.#joining
    while (this.#waits && !this.#signal.aborted) {
      if (await this.#woken()) continue
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
      this.#told.clear()
      if (until === 'failed' || cancel === true) return
      const [id = ''] = this.#open
      const row = await untilAnswered({ clock, signal: this.#signal }, () => store.get('operations', [id]))
      if (!row || endOf(this.#kernel.kinds, row)) this.#open.delete(id)
    }
  }

  /** True where a child's commit woke it, false after the pause. */
  async #woken(): Promise<boolean> {
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    this.#wake = wake
    this.#signal.addEventListener('abort', wake)
    await sleep(this.#kernel.clock, this.#pauseMs, woken.signal)
    this.#signal.removeEventListener('abort', wake)
    return woken.signal.aborted
  }

  /** Tells a child to end before its time, once in each of its states, and again after a pause. */
  #cancel(row: OperationRow): void {
    const { id, state, status } = row
    const kind = this.#kernel.kinds.get(row.kind)?.of(row).kind
    const event = kind?.cancel
    const told = `${id} ${state}`
    if (this.#joining.cancel !== true || !kind || !event || status !== 'active' || this.#told.has(told)) return
    this.#told.add(told)
    // Where it cannot be told, or takes no notice, it is told again.
    this.#kernel.send(id, event, kind).catch(() => {})
  }
}

/** What an operation waits for, in words. */
async function explain(kernel: Kernel, { id, input }: Call): Promise<Awaiting> {
  const children = await read(kernel, id, checked(input).names).catch((error: unknown) => {
    if (error instanceof HardshellError && error.code === 'DEFECT') return error
    throw error
  })
  // Whoever runs it will set it aside.
  if (children instanceof HardshellError) return { why: children.message, needsHuman: true }
  const open = children.filter(({ ended }) => !ended)
  const aside = open.filter(({ row: { status } }) => status === 'quarantined').length
  const unloadable = open.filter(({ row }) => row.status !== 'quarantined' && !snapshotOf(kernel.kinds, row)).length
  const parts = [
    `it waits for ${open.length} of ${children.length} children`,
    aside > 0 ? `${aside} of them set aside` : '',
    unloadable > 0 ? `${unloadable} of them not to be loaded by this program` : '',
  ]
  return { why: parts.filter((part) => part !== '').join(', '), needsHuman: aside + unloadable > 0 }
}
