/**
 * Another real mint to test against: cdk-mintd with its fake wallet for Lightning, on SQLite.
 *
 * `findCdkMintd` says where it is, if it was built; `buildCdkMintd` builds it once, into a cache folder, which takes up to
 * an hour on two cores; `startCdkMintd` runs it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export const CDK_VERSION = '0.18.3'

type Log = (line: string) => void

const root = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'hardshell', `cdk-mintd-${CDK_VERSION}`)

const cargoArguments = (): string[] => [
  ...['install', 'cdk-mintd', '--version', CDK_VERSION, '--locked'],
  ...['--no-default-features', '--features', 'sqlite,fakewallet', '--root', root()],
]

/** The program, where it was built; undefined elsewhere. */
export function findCdkMintd(): string | undefined {
  const program = join(root(), 'bin', 'cdk-mintd')
  return existsSync(program) ? program : undefined
}

/** How it is built, for people. */
export const howToBuildCdkMintd = (): string =>
  `cargo ${cargoArguments().join(' ')} (an hour on two cores; needs protoc, Debian's protobuf-compiler)`

/** Builds it. @throws {Error} where cargo fails or is not there. */
export async function buildCdkMintd(log: Log): Promise<string> {
  const child = spawn('cargo', cargoArguments(), { stdio: ['ignore', 'inherit', 'pipe'] })
  createInterface({ input: child.stderr }).on('line', log)
  const [code] = (await once(child, 'close')) as [number | null]
  const program = findCdkMintd()
  if (code !== 0 || program === undefined) throw new Error('cdk-mintd could not be built: see above')
  return program
}

export interface CdkMintd extends AsyncDisposable {
  readonly url: string
  /** Process id of the running mint. */
  readonly pid: number
}

// Play money: everybody may know them.
const MNEMONIC = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

const configuration = (of: { readonly url: string; readonly port: number; readonly feePpk: number }): string => `
[info]
url = "${of.url}"
listen_host = "127.0.0.1"
listen_port = ${of.port}
mnemonic = "env:CDK_MINTD_MNEMONIC"
input_fee_ppk = ${of.feePpk}

[info.quote_ttl]
mint_ttl = 3600
melt_ttl = 3600

[info.logging]
output = "stderr"
console_level = "warn"

[info.http_cache]
backend = "memory"
ttl = 60
tti = 60

[database]
engine = "sqlite"

[payment_backend]
backend = "fakewallet"

[fake_wallet]
fee_percent = 0.02
reserve_fee_min = 1
custom_payment_methods = []
min_delay_time = 0
max_delay_time = 1
`

// The shell ends the mint when its own standard input ends: that is when this process has ended, in whatever way.
const WITH_PARENT = 'exec 3<&0; "$@" 3<&- & mint=$!; echo "pid $mint"; { cat <&3 >/dev/null; kill $mint; } & wait $mint'

/** Starts a mint on an empty database and waits until it answers. @throws {Error} when it has not within a minute. */
export async function startCdkMintd(options: {
  readonly program: string
  /** For its database; made where it is not there. */
  readonly dir: string
  /** Input fee, in thousandths of a sat per input. */
  readonly feePpk: number
}): Promise<CdkMintd> {
  const { program, dir, feePpk } = options
  await mkdir(dir, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const file = join(dir, 'config.toml')
  await writeFile(file, configuration({ url, port, feePpk }))
  const env = { PATH: process.env['PATH'], HOME: dir, CDK_MINTD_MNEMONIC: MNEMONIC }
  const inDir = ['--work-dir', dir]
  const lines: string[] = []
  const kept = (line: string): void => void (lines.push(line) > 20 && lines.shift())
  const failed = (what: string): Error => new Error(`cdk-mintd ${what}:\n${lines.join('\n')}`)

  const init = spawn(program, [...inDir, 'config', 'init', '--new-mint', '--file', file], { cwd: dir, env })
  for (const stream of [init.stdout, init.stderr]) createInterface({ input: stream }).on('line', kept)
  const [code] = (await once(init, 'close')) as [number | null]
  if (code !== 0) throw failed('took no configuration')

  const shell = spawn('sh', ['-c', WITH_PARENT, 'sh', program, ...inDir], { cwd: dir, env })
  shell.stdin.on('error', () => {})
  const closed = once(shell, 'close')
  let pid: number | undefined
  for (const stream of [shell.stdout, shell.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const [, mint] = /^pid (\d+)$/.exec(line) ?? []
      if (mint !== undefined) pid ??= Number(mint)
      kept(line)
    })

  async function stop(): Promise<void> {
    if (shell.exitCode === null && shell.signalCode === null) {
      shell.stdin.end()
      const impatience = setTimeout(() => pid !== undefined && process.kill(pid, 'SIGKILL'), 5_000)
      await closed
      clearTimeout(impatience)
    }
  }

  for (const deadline = Date.now() + 60_000; Date.now() < deadline && shell.exitCode === null; await delay(50)) {
    const answer = await fetch(`${url}/v1/info`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok && pid !== undefined) return { url, pid, [Symbol.asyncDispose]: stop }
  }
  await stop()
  throw failed('did not start')
}
