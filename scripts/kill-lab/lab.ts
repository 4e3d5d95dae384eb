/** Lives of a wallet process: each is ended by SIGKILL where an aim says so, but for the last. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aims, trigger } from './aim.ts'
import { startScript } from './children.ts'
import type { Plan, Report, Sight, Step } from './plan.ts'
import { prng } from './prng.ts'

/** An operation, as its process last told of it. */
export interface Seen extends Sight {
  /** How many times a new process took it up. */
  readonly resumed: number
  /** How many kills struck it. */
  readonly struck: number
}

/** What is known of a run so far. */
export interface Progress {
  /** What each kill struck, as of its last reported commit. */
  readonly kills: readonly Sight[]
  /** In the order they were first seen. */
  readonly operations: ReadonlyMap<string, Seen>
  /** Operations that a process was waiting for when nothing happened any more. */
  readonly stuck: readonly Seen[]
}

/** When to strike: asked at each report of one process. The answer is a delay in ms; undefined lets it live. */
export type Strike = (report: Sight, lifeMs: number) => number | undefined

/** A process that reports nothing for so long is stuck; between tries an operation may pause for some seconds. */
const LONGEST_SILENCE_MS = 20_000

export class Lab {
  readonly #planFile: string
  readonly #cacheDir: string
  readonly #changed: (progress: Progress, report: Report | undefined) => void
  readonly #operations = new Map<string, Seen>()
  readonly #kills: Sight[] = []
  #stuck: readonly Seen[] = []

  constructor(dir: string, changed: (progress: Progress, report: Report | undefined) => void = () => {}) {
    this.#planFile = join(dir, 'plan.json')
    this.#cacheDir = join(dir, 'compiled')
    this.#changed = changed
  }

  get progress(): Progress {
    return { kills: this.#kills, operations: this.#operations, stuck: this.#stuck }
  }

  /**
   * Runs a wallet process until its plan is done, until it is struck, or until nothing happens any more.
   *
   * @throws {Error} where the process fails, ends by itself, or waits for no operation.
   */
  async live(plan: Plan, strike: Strike = () => undefined): Promise<'done' | 'stuck' | Sight> {
    writeFileSync(this.#planFile, JSON.stringify(plan))
    const startedAt = performance.now()
    let isDone = false
    let error: string | undefined
    let aimedAt: string | undefined
    const hear = (line: string): void => {
      silence.refresh()
      const report = JSON.parse(line) as Report
      if (report.type === 'done') isDone = true
      else if (report.type === 'error') error = report.message
      else {
        this.#note(report)
        const fair = aimedAt === undefined && report.type !== 'ended'
        const delayMs = fair ? strike(report, performance.now() - startedAt) : undefined
        if (delayMs !== undefined) {
          aimedAt = report.id
          setTimeout(() => worker.kill('SIGKILL'), delayMs)
        }
      }
      this.#changed(this.progress, report)
    }
    // Compiled code is kept from life to life: a process is up in a tenth of a second.
    const env = { NODE_COMPILE_CACHE: this.#cacheDir }
    const worker = startScript(new URL('./worker.ts', import.meta.url), [this.#planFile], hear, env)
    const silence = setTimeout(() => worker.kill('SIGKILL'), LONGEST_SILENCE_MS)
    const { signal } = await worker.ended
    clearTimeout(silence)
    if (error !== undefined) throw new Error(`the wallet process failed: ${error}`)
    if (isDone) return 'done'
    if (signal !== 'SIGKILL') throw new Error('the wallet process ended by itself')
    if (aimedAt === undefined) {
      this.#stuck = [...this.#operations.values()].filter(({ wallet, ended }) => wallet in plan.wallets && !ended)
      if (this.#stuck.length === 0) throw new Error('the wallet process waits for nothing that is open')
      return 'stuck'
    }
    const struck = this.#operations.get(aimedAt)!
    this.#operations.set(aimedAt, { ...struck, struck: struck.struck + 1 })
    this.#kills.push(struck)
    this.#changed(this.progress, undefined)
    return struck
  }

  #note({ type, ...sight }: Exclude<Report, { type: 'done' | 'error' }>): void {
    const { resumed = 0, struck = 0 } = this.#operations.get(sight.id) ?? {}
    this.#operations.set(sight.id, { ...sight, resumed: resumed + (type === 'resumed' ? 1 : 0), struck })
  }
}

/**
 * Kills the wallet process again and again, then lets it finish. Where a plan is done before all kills are, the next
 * one is asked for; each must contain the one before. Stops where something is stuck.
 */
export async function killAgain(
  lab: Lab,
  options: {
    readonly kills: number
    readonly seed: string
    /** How long a request is on the wire at least; strikes follow within that time. */
    readonly wireMs: number
    readonly plan: (round: number) => Promise<Plan>
  },
): Promise<Plan> {
  const aim = aims(prng(options.seed), options.wireMs)
  let round = 0
  let plan = await options.plan(round)
  for (let kills = 0; kills < options.kills;) {
    const next = aim.next((kind) => left(kind, plan, lab.progress))
    if (!next) {
      plan = await options.plan(++round)
      continue
    }
    const fits = trigger(next)
    const ended = await lab.live(plan, (sight, lifeMs) => (fits(sight, lifeMs) ? next.delayMs : undefined))
    if (ended === 'stuck') return plan
    if (ended === 'done') plan = await options.plan(++round)
    else kills++
    if (next.kind !== undefined && (ended === 'done' || ended.kind !== next.kind)) aim.missed(next.kind)
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
function left(kind: string, { threads }: Plan, { operations }: Progress): number {
  const planned = threads.flat().flatMap((step) => KINDS_OF[step.do]).filter((one) => one === kind).length // prettier-ignore
  const over = [...operations.values()].filter(
    (seen) => seen.kind === kind && (seen.ended || seen.state === 'tokenCreated'),
  )
  return planned - over.length
}
