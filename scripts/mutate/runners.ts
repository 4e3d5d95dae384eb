/** Runs tests and scenarios in a changed program: in a process that ends with all that it started, and in a thread. */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import base from '../../vitest.config.ts'
import type { ExploreJob, ExploreOutcome } from './explore-thread.ts'
import { NOTES, OVERLAY, preloads } from './places.ts'
import { remove, temporary } from './temporary.ts'
import type { Most, TestJob, TestOutcome } from './test-host.ts'

/** A folder of its own: the sources that are changed, and what is noted of what runs. */
export interface Workspace extends Disposable {
  readonly overlay: string
  readonly notes: string
  /** For the temporary files of tests. */
  readonly files: string
  readonly isProbed: boolean
  put(file: string, source: string): void
  drop(file: string): void
}

export function workspace(isProbed: boolean): Workspace {
  const folder = temporary('mutate')
  const files = temporary('mutated', base.test?.env?.['TMPDIR'])
  const [overlay, notes] = [`${folder}/overlay`, `${folder}/notes`]
  for (const it of [overlay, notes]) mkdirSync(it)
  return {
    ...{ overlay, notes, files, isProbed },
    put(file, source) {
      mkdirSync(dirname(`${overlay}/${file}`), { recursive: true })
      writeFileSync(`${overlay}/${file}`, source)
    },
    drop: (file) => rmSync(`${overlay}/${file}`, { force: true }),
    [Symbol.dispose]: () => [folder, files].forEach(remove),
  }
}

const environment = ({ overlay, notes, files, isProbed }: Workspace): NodeJS.ProcessEnv => ({
  ...process.env,
  TMPDIR: files,
  [OVERLAY]: overlay,
  ...(isProbed && { [NOTES]: notes }),
  NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...preloads(isProbed)].join(' ').trim(),
})

export interface TestProcess {
  run(job: TestJob): Promise<TestOutcome>
  /** Ends it, and all that it started. */
  end(): void
}

const open = new Set<ChildProcess>()
/** Nothing stays behind, whatever ends this process. */
process.on('exit', () => open.forEach(endGroup))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

/** The process leads a group of its own, in which its children are. */
function endGroup(child: ChildProcess): void {
  open.delete(child)
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

export function newTestProcess(place: Workspace): TestProcess {
  const child = fork(new URL('test-host.ts', import.meta.url), {
    detached: true,
    env: environment(place),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  open.add(child)
  let answered: (outcome: TestOutcome) => void = () => {}
  const ready = new Promise<void>((resolve) => child.once('message', () => resolve()))
  child.on('message', (outcome: TestOutcome | 'ready') => outcome !== 'ready' && answered(outcome))
  const gone = new Promise<TestOutcome>((resolve) =>
    child.once('exit', () => resolve({ failed: 'the process ended', hangs: true, cpuMs: 0, wallMs: 0 })),
  )
  return {
    async run(job) {
      await Promise.race([ready, gone])
      const answer = new Promise<TestOutcome>((resolve) => (answered = resolve))
      if (child.connected) child.send(job)
      return Promise.race([answer, gone])
    },
    end: () => endGroup(child),
  }
}

const TICK_MS = 200
const IDLE_CPU_MS = 4

/** Explores scenarios one after the other in a thread. @returns why it ended before they were through, if it did. */
export async function exploring(
  place: Workspace,
  { most, ...job }: ExploreJob & { readonly most: (scenario: string) => Most },
  tell: (outcome: ExploreOutcome) => void,
): Promise<string | undefined> {
  const worker = new Worker(new URL('explore-thread.ts', import.meta.url), {
    workerData: job satisfies ExploreJob,
    env: environment(place),
    execArgv: preloads(place.isProbed),
    resourceLimits: { maxOldGenerationSizeMb: 2_000 },
    stdout: true,
    stderr: true,
  })
  let why: string | undefined
  let at = 0
  let [cpuBefore, lastCpuMs, busyMs] = [0, 0, performance.now()]
  worker.on('message', (outcome: ExploreOutcome) => {
    at++
    cpuBefore = lastCpuMs
    tell(outcome)
  })
  worker.on('error', (error) => (why ??= `threw: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)) // prettier-ignore
  const look = async (): Promise<void> => {
    const { user, system } = await worker.cpuUsage()
    const [nowMs, cpuMs] = [performance.now(), (user + system) / 1_000]
    if (cpuMs - lastCpuMs > IDLE_CPU_MS) busyMs = nowMs
    lastCpuMs = cpuMs
    const limit = most(job.scenarios[Math.min(at, job.scenarios.length - 1)] ?? '')
    if (cpuMs - cpuBefore < limit.cpuMs && nowMs - busyMs < limit.idleMs) return
    why ??= 'hangs'
    await worker.terminate()
  }
  // A thread that has ended has no usage.
  const ticks = setInterval(() => void look().catch(() => {}), TICK_MS)
  const code = await new Promise<number>((ended) => worker.once('exit', ended))
  clearInterval(ticks)
  return why ?? (code === 0 ? undefined : `ended with ${code}`)
}
