/** Lives of a wallet process: each is ended by SIGKILL where an aim says so, but for the last. */
import { join } from 'node:path'
import { aims, trigger } from './aim.ts'
import { startScript, type Child } from './children.ts'
import { MOST_IDLE_SECONDS } from './idleness.ts'
import type { Life, Plan, Report, Sight, Step } from './plan.ts'
import { prng } from './prng.ts'

/** An operation, as its process last reported it. */
export interface Seen extends Sight {
  /** How many times a new process took it up. */
  readonly resumed: number
  /** How many kills hit it. */
  readonly struck: number
}

/** What is known of a run so far. */
export interface Progress {
  /** What each kill hit, as of its last reported commit. */
  readonly kills: readonly Sight[]
  /** In the order they were first seen. */
  readonly operations: ReadonlyMap<string, Seen>
  /** Operations that a process was waiting for when nothing happened any more. */
  readonly stuck: readonly Seen[]
}

/** When to kill: asked at each report of one process. The answer is a delay in ms; undefined lets it live. */
export type KillTiming = (report: Report, lifeMs: number) => number | undefined

/** Strikes only at what happened to an operation. */
export const atSight =
  (timing: (sight: Sight, lifeMs: number) => number | undefined): KillTiming =>
  (report, lifeMs) =>
    report.type === 'changed' || report.type === 'resumed' ? timing(report, lifeMs) : undefined

export interface Living {
  /** Where the process ends itself; see `Life`. */
  readonly arms?: Life['arms']
  /** Gets every report, the last ones of a dying process too. */
  readonly hear?: (report: Report) => void
  /** Ends the process. */
  readonly signal?: AbortSignal
}

/** `killed`: at no operation in particular. */
export type Ended = 'done' | 'stuck' | 'killed' | Sight

/** A process that says nothing at all for so long hangs. Counted, so that a machine that stood still for a while is no silence. */
const TICK_MS = 1_000
const LONGEST_SILENCE_TICKS = 600

/** A wallet process that has loaded its code, and waits for a plan. */
interface Worker {
  readonly child: Child
  readonly ready: Promise<void>
  hear: (report: Report) => void
}

export class Lab implements AsyncDisposable {
  readonly #cacheDir: string
  readonly #changed: (progress: Progress, report: Report | undefined) => void
  readonly #operations = new Map<string, Seen>()
  readonly #kills: Sight[] = []
  readonly #spares: Worker[] = []
  readonly #running = new Set<Worker>()
  #stuck: readonly Seen[] = []

  constructor(dir: string, changed: (progress: Progress, report: Report | undefined) => void = () => {}) {
    this.#cacheDir = join(dir, 'compiled')
    this.#changed = changed
  }

  get progress(): Progress {
    return { kills: this.#kills, operations: this.#operations, stuck: this.#stuck }
  }

  #start(): Worker {
    const ready = Promise.withResolvers<void>()
    const worker: { -readonly [K in keyof Worker]: Worker[K] } = {
      // Compiled code is kept from life to life: a process is up in a tenth of a second.
      child: startScript(
        new URL('./worker.ts', import.meta.url),
        [],
        (line) => {
          const report = JSON.parse(line) as Report
          if (report.type === 'ready') ready.resolve()
          else worker.hear(report)
        },
        { NODE_COMPILE_CACHE: this.#cacheDir },
      ),
      ready: ready.promise,
      hear: () => {},
    }
    return worker
  }

  /**
   * Runs a wallet process until its plan is done, until it is killed or dies as it was armed to, or until nothing
   * happens any more. The next process loads its code meanwhile; it opens nothing before this one is dead.
   *
   * @throws {Error} where the process fails, ends by itself, or waits for no operation.
   */
  async live(
    plan: Plan,
    timing: KillTiming = () => undefined,
    { arms = {}, hear = () => {}, signal: broken }: Living = {},
  ): Promise<Ended> {
    const worker = this.#spares.shift() ?? this.#start()
    this.#spares.push(this.#start())
    const { child } = worker
    this.#running.add(worker)
    let isDone = false
    let error: string | undefined
    let aimed: { readonly id: string | undefined } | undefined
    const end = (): void => {
      aimed ??= { id: undefined }
      child.kill('SIGKILL')
    }
    broken?.addEventListener('abort', end)
    await Promise.race([worker.ready, child.ended])
    const startedAt = performance.now()
    let silentTicks = 0
    const silence = setInterval(() => {
      if (++silentTicks >= LONGEST_SILENCE_TICKS) child.kill('SIGKILL')
    }, TICK_MS)
    worker.hear = (report) => {
      silentTicks = 0
      if (report.type === 'idle' && report.seconds >= MOST_IDLE_SECONDS) child.kill('SIGKILL')
      if (report.type === 'done') isDone = true
      else if (report.type === 'error') error = report.message
      else if (report.type === 'dies') aimed = { id: undefined }
      else if (report.type === 'changed' || report.type === 'resumed') this.#note(report)
      hear(report)
      const delayMs = aimed ? undefined : timing(report, performance.now() - startedAt)
      if (delayMs !== undefined) {
        aimed = { id: 'id' in report ? report.id : undefined }
        setTimeout(() => child.kill('SIGKILL'), delayMs)
      }
      this.#changed(this.progress, report)
    }
    child.tell(JSON.stringify({ plan, arms } satisfies Life))
    const { signal } = await child.ended
    this.#running.delete(worker)
    clearInterval(silence)
    broken?.removeEventListener('abort', end)
    if (error !== undefined) throw new Error(`the wallet process failed: ${error}`)
    if (isDone) return 'done'
    if (signal !== 'SIGKILL') throw new Error('the wallet process ended by itself')
    if (aimed === undefined) {
      this.#stuck = [...this.#operations.values()].filter(({ wallet, ended }) => wallet in plan.wallets && !ended)
      if (this.#stuck.length === 0) throw new Error('the wallet process waits for nothing that is open')
      return 'stuck'
    }
    const hit = aimed.id === undefined ? undefined : this.#operations.get(aimed.id)
    if (hit === undefined) return 'killed'
    this.#operations.set(hit.id, { ...hit, struck: hit.struck + 1 })
    this.#kills.push(hit)
    this.#changed(this.progress, undefined)
    return hit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#spares, ...this.#running].map(({ child }) => child)
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map(({ ended }) => ended))
  }

  #note({ type, ...sight }: Extract<Report, { type: 'changed' | 'resumed' }>): void {
    const { resumed = 0, struck = 0 } = this.#operations.get(sight.id) ?? {}
    this.#operations.set(sight.id, { ...sight, resumed: resumed + (type === 'resumed' ? 1 : 0), struck })
  }
}

/**
 * Kills the wallet process again and again, then lets it finish. Where a plan is done before all kills are, or nothing
 * is left in it of the kinds that are due, the next one is asked for. Stops where something is stuck.
 */
export async function killAgain(
  lab: Lab,
  options: {
    readonly kills: number
    readonly seed: string
    /** How long a request is on the wire at least; kills follow within that time. */
    readonly wireMs: number
    readonly plan: (round: number, before: 'open' | 'done') => Promise<Plan>
  },
): Promise<Plan> {
  const aim = aims(prng(options.seed), options.wireMs)
  let round = 0
  let plan = await options.plan(round, 'done')
  let over: ReadonlySet<string> = new Set()
  const nextRound = async (before: 'open' | 'done'): Promise<void> => {
    if (before === 'done') over = new Set(lab.progress.operations.keys())
    plan = await options.plan(++round, before)
  }
  for (let kills = 0; kills < options.kills;) {
    const next = aim.next((kind) => left(kind, plan, lab.progress, over))
    if (!next) {
      await nextRound('open')
      continue
    }
    const fits = trigger(next)
    const timing = atSight((sight, lifeMs) => (fits(sight, lifeMs) ? next.delayMs : undefined))
    const ended = await lab.live(plan, timing)
    if (ended === 'stuck') return plan
    if (ended === 'done') await nextRound('done')
    else kills++
    if (next.kind !== undefined && (typeof ended === 'string' || ended.kind !== next.kind)) aim.missed(next.kind)
  }
  await lab.live(plan)
  return plan
}

/** The kinds of operations that a step leads to. */
const KINDS_OF: Readonly<Record<Step['do'], readonly string[]>> = {
  mint: ['mint'],
  pay: ['send', 'receive'],
  reclaim: ['send'],
  swap: ['swap'],
  melt: ['melt'],
  restore: ['restore'],
}

/** How many operations of a kind a plan has that may still make a request; one whose token is out makes none. */
function left(kind: string, { threads }: Plan, { operations }: Progress, before: ReadonlySet<string>): number {
  const planned = threads.flat().flatMap((step) => KINDS_OF[step.do]).filter((one) => one === kind).length // prettier-ignore
  const over = [...operations.values()].filter(
    (seen) => !before.has(seen.id) && seen.kind === kind && (seen.ended || seen.state === 'tokenCreated'),
  )
  return planned - over.length
}
