/** Runs explorations in worker threads, so many at a time, and looks after those that hang. */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ExploreOptions } from '../../src/testing/explorer/explorer.ts'
import type { Exploration } from '../../src/testing/explorer/findings.ts'
import type { Told } from '../../src/testing/lanes/crypto.ts'
import type { Mutant } from '../../src/testing/mutants/index.ts'
import type { StorePlace } from './stores.ts'

/** What a worker is to do. */
export interface Job {
  /** `kind.name` */
  readonly scenario: string
  readonly options: Omit<ExploreOptions, 'lives' | 'store' | 'drawn'>
  /** Of a quick exploration: one fault of so many is injected, drawn by the seed. */
  readonly draw?: { readonly oneOf: number; readonly seed: string } | undefined
  /** The mistake to make in the program first. */
  readonly mutant?: Mutant | undefined
  /** Where the program's rows are; in memory unless given. */
  readonly place?: StorePlace | undefined
  /** What is explored in the place of lives. */
  readonly lane?: LaneJob | undefined
  /** The program computes with the real crypto, not with the stub. */
  readonly isReal?: boolean | undefined
}

/** What a worker does for a lane; see `src/testing/lanes`. */
export type LaneJob =
  | { readonly lane: 'owners' }
  | { readonly lane: 'group' }
  /** Tells so many paths by chance, or these. */
  | { readonly lane: 'crypto'; readonly count: number; readonly seed: string }
  | { readonly lane: 'crypto'; readonly paths: readonly string[] }

/** What came of a job. */
export type Outcome =
  | { readonly exploration: Exploration; readonly told?: readonly Told[] | undefined }
  | { readonly error: string }

/** Shared with a worker: how many lives it has lived, and the path of the one it lives. */
export interface Board {
  readonly lives: Int32Array
  readonly path: Uint8Array
}

export const boardOf = (memory: SharedArrayBuffer): Board => ({
  lives: new Int32Array(memory, 0, 2),
  path: new Uint8Array(memory, 8),
})

const BOARD_BYTES = 8 + 2_000
/** A worker that starts no new life for this long hangs. */
const HANGS_AFTER_MS = 60_000
const TICK_MS = 200

interface Running {
  readonly job: Job
  /** Since the job began. */
  lives: number
  sinceMs: number
}

/** Does all jobs, in order as cores get free; tells each outcome as it comes, and now and then what is under way. */
export async function run(
  jobs: readonly Job[],
  tell: { outcome: (job: Job, outcome: Outcome) => void; progress?: (running: readonly Running[]) => void },
): Promise<void> {
  const waiting = [...jobs]
  const running = new Set<Running>()
  const ticks = setInterval(() => tell.progress?.([...running]), TICK_MS)
  const lane = async (): Promise<void> => {
    let thread: Thread | undefined
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      if (thread && thread.isReal !== (job.isReal ?? false)) {
        void thread.worker.terminate()
        thread = undefined
      }
      thread ??= newThread(job)
      const outcome = await work(thread, job, running)
      tell.outcome(job, outcome)
      // A mutant stays in its thread, and a thread that failed is not to be trusted.
      if (!job.mutant && !('error' in outcome)) continue
      void thread.worker.terminate()
      thread = undefined
    }
    void thread?.worker.terminate()
  }
  await Promise.all(Array.from({ length: Math.min(jobs.length, availableParallelism()) }, lane))
  clearInterval(ticks)
}

interface Thread {
  readonly worker: Worker
  readonly isReal: boolean
  readonly board: Board
}

function newThread({ mutant, isReal = false }: Job): Thread {
  const memory = new SharedArrayBuffer(BOARD_BYTES)
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: { mutant, memory, isReal } })
  return { worker, isReal, board: boardOf(memory) }
}

async function work({ worker, board }: Thread, job: Job, running: Set<Running>): Promise<Outcome> {
  const it: Running = { job, lives: 0, sinceMs: Date.now() }
  running.add(it)
  const before = Atomics.load(board.lives, 0)
  const ended = new AbortController()
  const ticks = setInterval(() => {
    const lives = Atomics.load(board.lives, 0) - before
    if (lives !== it.lives) Object.assign(it, { lives, sinceMs: Date.now() })
    else if (Date.now() - it.sinceMs > HANGS_AFTER_MS) ended.abort()
  }, TICK_MS)
  worker.postMessage(job)
  try {
    const [outcome] = (await once(worker, 'message', { signal: ended.signal })) as [Outcome]
    return outcome
  } catch (error) {
    if (ended.signal.aborted) return { error: `hangs in ${pathOf(board)}` }
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    clearInterval(ticks)
    running.delete(it)
  }
}

const pathOf = ({ lives, path }: Board): string => new TextDecoder().decode(path.slice(0, Atomics.load(lives, 1)))
