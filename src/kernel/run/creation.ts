/** Creates operations: the first step is computed and committed, or nothing is stored. */
import { checkKeys, checkObject } from '../../arguments.ts'
import type { OperationRow, OperationView } from '../define/operation.ts'
import type { Kernel, LoadedKind } from '../kernel.ts'
import type { CreateOptions } from '../options.ts'
import type { Step } from '../step/step.ts'
import type { Outcome } from '../step/commit.ts'
import { canonical } from '../util/canonical.ts'
import { HardshellError } from '../util/errors.ts'
import { afterConflict } from './contention.ts'
import { rowOf, tablesOf } from './durable.ts'
import { forkedStep, type ForkedStep, type Origin } from './fork.ts'
import { KERNEL_STEPS } from '../define/steps.ts'
import { loadedOf, type KindOf, type Reads } from './reads.ts'
import { commitStep, unlessConflict } from './step-commit.ts'
import type { Cause } from './step-history.ts'

/** How long a commit is retried while the store is busy. */
const RETRY_MS = 5_000

/** What became of the commit, and the row where it landed. */
interface Stored {
  readonly outcome: Outcome['outcome']
  readonly rows: readonly OperationRow[]
}

/** Whether the input is only asked for where the operation is not there yet. */
const isAsked = (input: object): input is () => Promise<object> => typeof input === 'function'

/** How an operation begins. */
interface Beginning {
  /** What its key is used for. */
  readonly request: string | null
  readonly cause: Cause
  /** Its first step, and the version of the kind on which it runs; `conflict` where the rows that it read have changed. */
  readonly first: (id: string) => Promise<ForkedStep | 'conflict'>
}

interface CreationOptions {
  readonly kernel: Kernel
  readonly reads: Reads
  readonly signal: AbortSignal
}

export class Creation {
  readonly #of: CreationOptions

  constructor(of: CreationOptions) {
    this.#of = of
  }

  /** See `KindOperations.create`. */
  async create(kind: string, input: object, options: CreateOptions): Promise<OperationView> {
    checkObject(options, 'options')
    checkKeys({ key: options.key, id: options.id, parent: options.parent })
    if (!isAsked(input)) checkObject(input, 'input')
    const loaded = this.#loaded(kind)
    const request = options.key === undefined ? null : canonical(options.request ?? input)
    let made: object | undefined
    return this.#begin(loaded, options, {
      ...{ request, cause: { event: KERNEL_STEPS.created } },
      async first(id) {
        made ??= isAsked(input) ? await input() : input
        const step = await unlessConflict(loaded.stepper.first({ ...made, id }))
        return step === 'conflict' ? step : { loaded, step }
      },
    })
  }

  /** See `KindOperations.fork`. */
  async fork(asked: KindOf, origin: Origin, options: Pick<CreateOptions, 'id' | 'key'>): Promise<OperationView> {
    const newest = this.#loaded(asked.kind)
    return this.#begin(newest, options, {
      request: options.key === undefined ? null : canonical({ forkedFrom: origin }),
      cause: { event: KERNEL_STEPS.forked, forkedFrom: origin },
      first: (id) => forkedStep(this.#of.kernel, newest, { asked, origin, id }),
    })
  }

  #loaded(kind: string): LoadedKind {
    const { kinds } = this.#of.kernel
    const loaded = kinds.get(kind)
    if (!loaded) throw new TypeError(`kind: one of ${[...kinds.keys()].join(', ')}`)
    return loaded
  }

  async #begin(
    { kind: { kind } }: LoadedKind,
    options: CreateOptions,
    { request, cause, first }: Beginning,
  ): Promise<OperationView> {
    const { kernel, reads } = this.#of
    const { key = null, parent = null } = options
    const id = options.id ?? kernel.newId()
    for (let tries = 1; ; tries++) {
      const there = (await reads.byKey(kind, options.key, request)) ?? (await options.existing?.())
      if (there !== undefined) return reads.get(there)
      const begun = await first(id)
      if (begun === 'conflict') {
        await this.#afterConflict(kind, tries)
        continue
      }
      const { loaded, step } = begun
      const blank = blankRow(kernel.clock.now(), { id, kind, request, parent, key })
      const made = rowOf(kernel, loaded, blank, step, cause)
      const { row } = made
      const { outcome } = await kernel.begin([id], () => this.#commit(loaded, made, step))
      if (outcome === 'landed') return loadedOf(row, step.snapshot)
      if (outcome === 'superseded' && options.id !== undefined)
        throw new HardshellError('ID_REUSED', `there is an operation '${id}' already`, { operationId: id })
      // Nobody else draws this id: it landed, and another process has moved it on already.
      if (outcome === 'superseded') return reads.get(id)
      await this.#afterConflict(kind, tries)
    }
  }

  #afterConflict(kind: string, tries: number): Promise<void> {
    const { kernel, signal } = this.#of
    return afterConflict(kernel, tries, { signal, gaveUp: `the rows of a new '${kind}' kept changing` })
  }

  async #commit(
    loaded: LoadedKind,
    { row, writes, committing }: ReturnType<typeof rowOf>,
    step: Step,
  ): Promise<Stored> {
    const { kernel, signal } = this.#of
    const { snapshot, emitted, moves } = step
    const outcome = await commitStep(
      kernel,
      loaded,
      step,
      { row, before: 0, writes, retryMs: RETRY_MS, signal, committing },
      () => {
        if (signal.aborted)
          throw new HardshellError('CLOSED', 'closed; the operation is stored', { operationId: row.id })
        kernel.changed({ before: undefined, row, snapshot, emitted, moves, tables: tablesOf(writes) })
      },
    )
    return { outcome, rows: outcome === 'landed' ? [row] : [] }
  }
}

/** The row of an operation before its first step. */
export function blankRow(
  nowMs: number,
  of: Pick<OperationRow, 'id' | 'kind' | 'request' | 'parent' | 'key'>,
): OperationRow {
  const { id, kind, request, parent, key } = of
  return {
    ...{ id, kind, version: 0, reason: null, parent, key, request },
    ...{ createdAt: nowMs, updatedAt: nowMs },
  } as unknown as OperationRow
}
