/** Nutshell's own wallet: its command line, and a script on its Python classes. */
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { run } from './child.ts'

export interface NutshellCli extends AsyncDisposable {
  /**
   * Runs a command of a wallet, which is made when it is first named, and gives what it prints.
   * @throws {Error} in its own words where it fails, or when it takes too long.
   */
  run(wallet: string, ...args: readonly string[]): Promise<string>
  /** Makes a wallet of a phrase (NUT-13), and gives what that prints. */
  restore(wallet: string, phrase: string): Promise<string>
  /** Runs a Python script of this folder, with mint, folder and arguments, and gives the JSON that it prints last. */
  script<T>(name: string, ...args: readonly string[]): Promise<T>
}

/** A command that waits for what does not come would wait for ever. */
const LIMIT_MS = 45_000

/** `python` is what `ensureNutshell` gives. Every wallet has its own database below `dir`. */
export async function nutshellCli(options: {
  readonly python: string
  readonly dir: string
  readonly mintUrl: string
}): Promise<NutshellCli> {
  const { python, dir, mintUrl } = options
  await mkdir(dir)
  // Only these variables, and a folder of its own as home and working directory: it reads .env files in both.
  const env = { PATH: process.env['PATH'], HOME: dir, CASHU_DIR: dir, MINT_URL: mintUrl, TOR: 'FALSE' }

  const start = (script: string, args: readonly string[]) =>
    run(python, [fileURLToPath(new URL(script, import.meta.url)), ...args], { cwd: dir, env })

  const { child: commands, ended } = start('commands.py', [])
  // What it logs is not of interest until it ends, and must not fill the pipe.
  let lastWords = ''
  createInterface({ input: commands.stderr }).on('line', (line) => (lastWords = line))
  const answers = createInterface({ input: commands.stdout })[Symbol.asyncIterator]()

  async function command(wallet: string, args: readonly string[], typed = ''): Promise<string> {
    if (commands.exitCode === null && commands.signalCode === null)
      commands.stdin.write(`${JSON.stringify([['--yes', '--wallet', wallet, ...args], typed])}\n`)
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      commands.kill('SIGKILL')
    }, LIMIT_MS)
    const { value, done } = await answers.next()
    clearTimeout(limit)
    if (done) throw new Error(`cashu ${args[0]}: ${isLate ? 'took too long' : await end()}`)
    const { out, error } = JSON.parse(value) as { out: string; error: string | null }
    if (error !== null) throw new Error(error)
    return out
  }

  /** How Python ended. */
  async function end(): Promise<string> {
    const code = await ended
    return `Python ended (${code ?? commands.signalCode ?? 'not started'})${lastWords === '' ? '' : `: ${lastWords}`}`
  }

  return {
    run: (wallet, ...args) => command(wallet, args),
    restore: (wallet, phrase) => command(wallet, ['restore'], `${phrase}\n`),
    async script<T>(name: string, ...args: readonly string[]): Promise<T> {
      const { child, ended } = start(name, [mintUrl, dir, ...args])
      const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
      const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
      clearTimeout(limit)
      if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) ?? `${name} was killed`)
      return JSON.parse(out.trim().split('\n').at(-1)!) as T
    },
    async [Symbol.asyncDispose]() {
      commands.stdin.end()
      await ended
    },
  }
}

/** The balance that a command prints last. */
export function balanceIn(out: string): number {
  const found = [...out.matchAll(/^Balance: (\d+) sat/gm)].at(-1)
  if (!found) throw new Error(`no balance in: ${out.trim().split('\n').at(-1)}`)
  return Number(found[1])
}

/** The token that a command prints. */
export function tokenIn(out: string): string {
  const [token] = /cashu[AB][\w+/=-]+/.exec(out) ?? []
  if (token === undefined) throw new Error(`no token in: ${out.trim().split('\n').at(-1)}`)
  return token
}
