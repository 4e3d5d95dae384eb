/** The command `hardshell` as processes of their own, in folders that go away behind them. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const CLI = join(import.meta.dirname, '../../src/cli/cli.ts')

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Its lines of JSON. */
  readonly json: readonly Record<string, unknown>[]
  /** The last of them. */
  readonly last: Record<string, unknown>
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ended>
  /** Resolves once it has said what fits, on whichever stream. */
  said(what: RegExp): Promise<void>
}

/** What a command is started with. */
export interface How {
  readonly env?: NodeJS.ProcessEnv
  /** What stands on its stdin. */
  readonly input?: string
}

/** Commands in a folder of their own; whatever still runs is ended with it. */
export class Commands implements AsyncDisposable {
  /** Where the wallets' folders are. */
  readonly root = mkdtempSync(join(tmpdir(), 'hardshell-cli-'))
  /** What every command said, by its arguments. */
  readonly outputs: { readonly args: readonly string[]; readonly text: string }[] = []
  readonly #running = new Set<Running>()

  /** A folder for a wallet, that is not there yet. */
  home(name: string): string {
    return join(this.root, name)
  }

  /** Starts a command. */
  start(args: readonly string[], { env = {}, input }: How = {}): Running {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: this.root,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, HARDSHELL_HOME: this.home('wallet'), HARDSHELL_SEED: '', HOME: this.root, ...env },
    })
    child.stdin.on('error', () => {}) // It may end without reading.
    if (input !== undefined) child.stdin.end(input)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const ended = once(child, 'close').then(([code]: unknown[]): Ended => {
      this.#running.delete(running)
      this.outputs.push({ args, text: stdout + stderr })
      const json = stdout.split('\n').flatMap((line) => (line.startsWith('{"') ? [parsed(line)] : []))
      return { code: typeof code === 'number' ? code : null, stdout, stderr, json, last: json.at(-1) ?? {} }
    })
    const said = async (what: RegExp): Promise<void> => {
      while (!what.test(stdout + stderr)) {
        const more = Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended])
        const heard = await more
        if (!Array.isArray(heard) && !what.test(stdout + stderr))
          throw new Error(`it never said ${what}:\n${stdout}${stderr}`)
      }
    }
    const running: Running = { child, ended, said }
    this.#running.add(running)
    return running
  }

  /** Runs a command to its end. */
  run(line: string | readonly string[], how: How = {}): Promise<Ended> {
    const args = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line
    return this.start(args, { input: '', ...how }).ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#running]
    for (const { child } of left) child.kill('SIGKILL')
    await Promise.all(left.map(({ ended }) => ended))
    rmSync(this.root, { recursive: true })
  }
}

function parsed(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
