/**
 * A process that runs test files again and again in the program as the overlay has it. What it transformed stays from run to
 * run, so that a run costs its tests and little else. It ends itself where a run takes more than it is given.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BaseSequencer, createVitest, type TestModule, type TestSpecification } from 'vitest/node'
import base from '../../vitest.config.ts'
import { NOTES, OVERLAY, root } from './places.ts'

export interface TestJob {
  /** Test files from the root of the repository, in the order in which they run; the first that fails ends the run. */
  readonly files: readonly string[]
  /** The sources that the overlay has. */
  readonly changed: readonly string[]
  readonly most: Most
}

/** What a run may take before it counts as hanging. */
export interface Most {
  readonly cpuMs: number
  /** And this long without any work. */
  readonly idleMs: number
}

export interface TestOutcome {
  /** The test that failed, and how; undefined where all passed. */
  readonly failed?: string
  readonly hangs?: boolean
  readonly cpuMs: number
  readonly wallMs: number
}

const overlay = process.env[OVERLAY] ?? ''
const TICK_MS = 500
/** Less in a tick is no work. */
const IDLE_CPU_MS = 10

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** As they are named, and not as vitest would have them. */
let order: readonly string[] = []
class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => order.indexOf(a.moduleId) - order.indexOf(b.moduleId)))
  }
}

const { projects: _, maxWorkers: _most, ...test } = base.test ?? {}
const vitest = await createVitest(
  {
    ...test,
    config: false,
    watch: false,
    include: ['test/!(stores-real)/**/*.test.ts', 'test/stores-real/**/*.test.ts'],
    // What is changed must not find its way to those who run tests of what is not.
    fsModuleCache: false,
    isolate: false,
    maxWorkers: 1,
    fileParallelism: false,
    bail: 1,
    reporters: [{}],
    sequence: { sequencer: InOrder },
    ...(process.env[NOTES] !== undefined && { setupFiles: [fileURLToPath(new URL('test-notes.ts', import.meta.url))] }),
  },
  {
    ...(base.resolve && { resolve: base.resolve }),
    logLevel: 'silent',
    plugins: [
      {
        name: 'overlay',
        enforce: 'pre',
        transform(_code, id) {
          const path = id.startsWith(root) ? `${overlay}/${id.slice(root.length)}` : undefined
          return path !== undefined && existsSync(path) ? { code: readFileSync(path, 'utf8'), map: null } : undefined
        },
      },
    ],
  },
)
await vitest.standalone()

/** The message of the first test that failed, or of what failed outside of tests. */
function failureOf(modules: readonly TestModule[], unhandled: readonly unknown[]): string | undefined {
  for (const module of modules) {
    const file = module.moduleId.slice(root.length)
    const [error] = module.errors()
    if (error) return `${file}: ${error.message}`
    for (const it of module.children.allTests('failed')) {
      const [message = ''] = it.result().errors?.[0]?.message.split('\n') ?? []
      return `${file}: ${it.fullName}: ${message}`
    }
    if (!module.ok()) return `${file}: failed`
  }
  const [first] = unhandled
  return first === undefined
    ? undefined
    : `unhandled: ${first instanceof Error ? first.message : JSON.stringify(first)}`
}

async function run({ files, changed, most }: TestJob): Promise<TestOutcome> {
  for (const file of changed) vitest.invalidateFile(`${root}${file}`)
  order = files.map((file) => `${root}${file}`)
  const specifications = await vitest.globTestSpecifications([...order])
  const wanted = specifications.filter(({ moduleId }) => order.includes(moduleId))
  const [startedMs, before] = [performance.now(), cpuMs()]
  let [lastCpuMs, busyMs] = [before, startedMs]
  const ticks = setInterval(() => {
    const [nowMs, now] = [performance.now(), cpuMs()]
    if (now - lastCpuMs > IDLE_CPU_MS) busyMs = nowMs
    lastCpuMs = now
    if (now - before < most.cpuMs && nowMs - busyMs < most.idleMs) return
    process.send?.({ hangs: true, cpuMs: now - before, wallMs: nowMs - startedMs } satisfies TestOutcome)
  }, TICK_MS)
  try {
    // What came of earlier runs is no news.
    vitest.state.filesMap.clear()
    vitest.state.clearErrors()
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(wanted)
    const failed = failureOf(
      testModules.filter(({ moduleId }) => order.includes(moduleId)),
      unhandledErrors,
    )
    const took = { cpuMs: cpuMs() - before, wallMs: performance.now() - startedMs }
    return failed === undefined ? took : { failed, ...took }
  } finally {
    clearInterval(ticks)
    for (const file of changed) vitest.invalidateFile(`${root}${file}`)
  }
}

process.on('message', (job: TestJob) => void run(job).then((outcome) => process.send?.(outcome)))
process.on('disconnect', () => process.exit())
process.send?.('ready')
