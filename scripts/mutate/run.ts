/** Makes mistakes, one at a time on each core, and asks the tests and scenarios that run them. */
import { readFileSync } from 'node:fs'
import type { Measured } from './check.ts'
import { FIRST_LIVES } from './checks.ts'
import { mutatedSource, type Mutation } from './mutations.ts'
import { root } from './places.ts'
import { plan, type Batch, type Coverage } from './pick.ts'
import { exploring, newTestProcess, workspace, type TestProcess, type Workspace } from './runners.ts'
import type { Most } from './test-host.ts'

/** What came of a mistake. */
export interface Verdict {
  readonly result: 'caught' | 'hangs' | 'survived'
  /** The test or the scenario that caught it, and what it said. */
  readonly by?: string
  /** How many tests and scenarios were asked, and how many that run it were not. */
  readonly asked: number
  readonly left: number
  readonly cpuMs: number
}

/** So many times what it takes without the mistake, and this much besides. */
const TIMES = 10
const BESIDES_MS = 15_000
const IDLE_MS = 20_000

const mostOf = (checks: readonly Measured[], idleMs: number): Most => ({
  cpuMs: BESIDES_MS + TIMES * checks.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  idleMs: idleMs + Math.max(0, ...checks.map(({ wallMs }) => wallMs)),
})

export interface LaneOptions {
  /** What a mistake is worth, as the tests and scenarios take without it. */
  readonly budgetMs: number
  /** How long nothing may happen. */
  readonly idleMs?: number
}

/** A core's own processes and files. */
export class Lane implements Disposable {
  readonly #place: Workspace = workspace(false)
  readonly #coverage: Coverage
  readonly #budgetMs: number
  readonly #idleMs: number
  #tests: TestProcess | undefined
  #dirty: string[] = []

  constructor(coverage: Coverage, { budgetMs, idleMs = IDLE_MS }: LaneOptions) {
    this.#coverage = coverage
    this.#budgetMs = budgetMs
    this.#idleMs = idleMs
  }

  async try(mutation: Mutation): Promise<Verdict> {
    const { file, folder } = mutation
    const first = folder === 'kernel' || folder === 'machines' || folder === 'wallet' ? 'scenario' : 'test'
    const { batches, left } = plan(this.#coverage.ranked(mutation), this.#budgetMs, first)
    this.#place.put(file, mutatedSource(readFileSync(root + file, 'utf8'), mutation))
    try {
      let [asked, cpuMs] = [0, 0]
      for (const batch of batches) {
        const ended = batch.sort === 'test' ? await this.#test(batch, file) : await this.#explore(batch)
        cpuMs += ended.cpuMs
        if (!batch.isWhole) asked += batch.checks.length
        if (ended.result !== 'survived') return { ...ended, asked, left, cpuMs }
      }
      return { result: 'survived', asked, left, cpuMs }
    } finally {
      this.#place.drop(file)
    }
  }

  async #test({ checks }: Batch, file: string): Promise<Pick<Verdict, 'result' | 'by' | 'cpuMs'>> {
    this.#tests ??= newTestProcess(this.#place)
    const changed = [...new Set([...this.#dirty, file])]
    const most = mostOf(checks, this.#idleMs)
    const outcome = await this.#tests.run({ files: checks.map(({ name }) => name), changed, most })
    const { failed, hangs = false, cpuMs } = outcome
    this.#dirty = [file]
    if (hangs) this.#endTests()
    if (failed === undefined && !hangs) return { result: 'survived', cpuMs }
    return { result: hangs ? 'hangs' : 'caught', by: failed ?? 'a test', cpuMs }
  }

  async #explore({ checks, isWhole = false }: Batch): Promise<Pick<Verdict, 'result' | 'by' | 'cpuMs'>> {
    let [cpuMs, by, last] = [0, undefined as string | undefined, checks[0]?.name ?? '']
    const end = await exploring(
      this.#place,
      {
        scenarios: checks.map(({ name }) => name),
        mostLives: isWhole ? Infinity : FIRST_LIVES,
        most: (scenario) =>
          mostOf(
            checks.filter(({ name }) => name === scenario),
            this.#idleMs,
          ),
      },
      ({ scenario, violation, cpuMs: took }) => {
        cpuMs += took
        last = scenario
        if (violation !== undefined) by = `${scenario}: ${violation}`
      },
    )
    if (by !== undefined) return { result: 'caught', by, cpuMs }
    if (end === undefined) return { result: 'survived', cpuMs }
    return { result: end === 'hangs' ? 'hangs' : 'caught', by: `after ${last}: ${end}`, cpuMs }
  }

  #endTests(): void {
    this.#tests?.end()
    this.#tests = undefined
    this.#dirty = []
  }

  [Symbol.dispose](): void {
    this.#endTests()
    this.#place[Symbol.dispose]()
  }
}
