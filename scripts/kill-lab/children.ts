/** Child processes that never outlive this one. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly pid: number
  /** All that it printed was handed over by then. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  kill(signal: NodeJS.Signals): void
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Runs a script of this repository; each line that it prints is handed over. What it says on stderr goes to ours. */
export function startScript(
  url: URL,
  args: readonly string[],
  line: (text: string) => void,
  env: NodeJS.ProcessEnv = {},
): Child {
  const preload = new URL('./with-parent.ts', import.meta.url)
  const child = spawn(process.execPath, ['--import', preload.href, fileURLToPath(url), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  running.add(child)
  createInterface({ input: child.stdout }).on('line', line)
  const ended = new Promise<Awaited<Child['ended']>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
  return { pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal) }
}

export interface MintProcess extends AsyncDisposable {
  readonly url: string
}

/** Starts the embedded mint as a process of its own, with its store in memory, paid invoices and an input fee. */
export async function startMint(): Promise<MintProcess> {
  const first = Promise.withResolvers<string>()
  const script = new URL('../mint.ts', import.meta.url)
  const mint = startScript(script, ['--admin', '--fee-ppk', '100', '--auto-pay-ms', '20'], first.resolve)
  mint.ended.then(() => first.reject(new Error('the mint ended')), first.reject)
  const { url } = JSON.parse(await first.promise) as { url: string }
  return {
    url,
    async [Symbol.asyncDispose]() {
      mint.kill('SIGTERM')
      await mint.ended
    },
  }
}
