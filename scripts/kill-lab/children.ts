/** Child processes that never outlive this one. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../free-port.ts'

export interface Child {
  readonly pid: number
  /** All that it printed was handed over by then. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Writes a line to its standard input, if it still lives. */
  tell(line: string): void
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
  child.stdin.on('error', () => {}) // `ended` reports that it is gone
  return {
    pid: child.pid ?? 0,
    ended,
    tell: (text) => void child.stdin.write(`${text}\n`),
    kill: (signal) => void child.kill(signal),
  }
}

export interface MintProcess extends AsyncDisposable {
  readonly url: string
  /** Kills the mint, and starts it again at the same address. */
  crash(): Promise<void>
}

/**
 * Starts the embedded mint as a process of its own, with paid invoices and an input fee; its store is a SQLite file,
 * or in memory where it need not outlive a crash.
 */
export async function startMint(file?: string): Promise<MintProcess> {
  const store = file === undefined ? 'memory' : `sqlite:${file}`
  const port = `${await freePort()}`
  const start = async (): Promise<{ mint: Child; url: string }> => {
    const first = Promise.withResolvers<string>()
    const settings = ['--admin', '--fee-ppk', '100', '--auto-pay-ms', '20', '--log', 'none']
    const args = ['mint', ...settings, '--store', store, '--port', port]
    const mint = startScript(new URL('../../src/mint-server/cli/cli.ts', import.meta.url), args, first.resolve)
    mint.ended.then(() => first.reject(new Error('the mint ended')), first.reject)
    return { mint, ...(JSON.parse(await first.promise) as { url: string }) }
  }
  const first = await start()
  const { url } = first
  let { mint } = first
  return {
    url,
    async crash() {
      mint.kill('SIGKILL')
      await mint.ended
      ;({ mint } = await start())
    },
    async [Symbol.asyncDispose]() {
      mint.kill('SIGTERM')
      await mint.ended
    },
  }
}
