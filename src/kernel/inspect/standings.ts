/** What this process knows of how operations stand: it gathers what `explain` puts into words. */
import type { OperationView } from '../define/operation.ts'
import { providedOf, type Awaiting, type Kernel, type LoadedKind } from '../kernel.ts'
import type { Reads } from '../run/reads.ts'
import type { RequestLimiter } from '../run/request-limiter.ts'
import type { Supervisor } from '../run/supervisor.ts'
import type { Ownership } from '../share/ownership.ts'
import type { StepRecords } from './step-records.ts'
import { explain, type Explanation, type Here } from './explain.ts'

interface Parts {
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  readonly ownership: Ownership
  readonly limiter: RequestLimiter
  readonly reads: Reads
  readonly steps: StepRecords
}

export class Standings {
  readonly #of: Parts

  constructor(of: Parts) {
    this.#of = of
  }

  /** See `Operations.explain`. */
  async explain(view: OperationView): Promise<Explanation> {
    const { kernel, supervisor, limiter, reads, steps } = this.#of
    const { id, kind, row } = view
    const loaded = kernel.kinds.get(kind)?.of(row)
    return explain({
      view,
      loaded,
      unloadable: supervisor.unloadable(id) ?? reads.unloadable(view),
      crash: supervisor.crashOf(id),
      laneClosed: limiter.closed.includes(row.lane),
      pause: limiter.heldBack(row.lane),
      nowMs: kernel.clock.now(),
      lastAnswer: await steps.lastAnswer(id),
      here: { ...this.#here(view), awaiting: await this.#awaiting(view, loaded) },
    })
  }

  /** What of what the kernel does itself (`join`) an operation waits for. */
  async #awaiting(
    { id, status, snapshot }: OperationView,
    loaded: LoadedKind | undefined,
  ): Promise<readonly Awaiting[]> {
    if (!snapshot || !loaded || status !== 'active') return []
    const { machine } = loaded.kind
    const explained = loaded.stepper.invokes(snapshot).flatMap(({ src, input }) => {
      const provided = providedOf(machine, src)
      return provided ? [provided.explain(this.#of.kernel, { id, input })] : []
    })
    return Promise.all(explained)
  }

  /** What this process does about an operation, and what it does not. */
  #here({ id, row }: OperationView): Omit<Here, 'awaiting'> {
    const { kernel, supervisor, ownership } = this.#of
    const { underWay, hindrances, owner } = kernel
    const mine = [...underWay.values()].filter((request) => request.id === id && !request.signal.aborted)
    const isAnothers = row.owner !== '' && row.owner !== owner && !supervisor.get(id)
    const isFollower = ownership.role === 'follower' || ownership.role === 'client'
    return {
      underWay: mine.map(({ src }) => src),
      hindrance: hindrances.get(id),
      noOwner: isFollower ? ownership.reason : undefined,
      elsewhere: isFollower || isAnothers,
    }
  }
}
