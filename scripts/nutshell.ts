/**
 * A real mint to test against: Nutshell (the Python package `cashu`) with its fake Lightning backend, on SQLite.
 *
 * `ensureNutshell` installs it once into a cache folder, `startNutshell` runs it and steers what Lightning answers,
 * `nutshellBalances` reads what the mint itself wrote down, and `foreignInvoice` makes invoices for it to pay.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { freePort } from './free-port.ts'

/** The releases this module knows how to run. They differ in error codes and in how a melt is settled. */
export type NutshellVersion = '0.20.3' | '0.21.0'

/** What the fake Lightning backend answers. */
export type LightningState = 'SETTLED' | 'FAILED' | 'PENDING' | 'UNKNOWN'

type Log = (line: string) => void

// Every package is pinned: the mint's own ranges let in releases that break it (limits 5, marshmallow 4), and one
// backend's SDK is no longer published in any release that they allow. All of these come as wheels, so nothing is
// compiled. (That SDK is left out, see `program`; async-timeout serves Pythons before 3.11.3; mnemonic and
// websocket-client are for Nutshell's wallet.)
const packages = `
  aiosqlite==0.20.0 annotated-types==0.8.0 anyio==4.16.0 asn1crypto==1.5.1 async-timeout==5.0.1 base58==2.1.1
  bech32==1.2.0 bip32==4.0 bitstring==3.1.9 bolt11==2.2.0 brotli==1.2.1 cbor2==5.9.0 certifi==2026.10.18 cffi==2.1.1
  click==8.5.1 coincurve==21.0.0 cryptography==43.0.3 Deprecated==1.3.1 environs==9.5.0 fastapi==0.115.14
  googleapis-common-protos==1.76.0 greenlet==3.5.6 grpcio==1.85.1 h11==0.14.0 httpcore==1.0.8 httpx==0.25.2
  idna==3.20 Jinja2==3.1.6 limits==4.8.0 loguru==0.7.3 MarkupSafe==3.0.4 marshmallow==3.26.2 mnemonic==0.20
  packaging==24.2 protobuf==7.36.2 pycparser==3.12 pycryptodomex==3.24.2 pydantic==2.14.3 pydantic-settings==2.16.3
  pydantic_core==2.50.4 PyJWT==2.15.1 python-dotenv==1.2.4 redis==5.3.1 slowapi==0.1.10 sniffio==1.3.1 socksio==1.0.0
  SQLAlchemy==2.1.9 starlette==0.46.2 typing-inspection==0.4.5 typing_extensions==4.16.0 uvicorn==0.31.1
  websocket-client==1.9.2 websockets==12.0 wrapt==2.5.2 zstandard==0.23.0`
  .trim()
  .split(/\s+/)
const databaseFile = 'mint.sqlite3'

/** Runs a command to its end. @throws {Error} with the end of its output when it fails or cannot be started. */
async function run(command: string, args: readonly string[], log: Log = () => {}): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += line + '\n'
      log(line)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed:\n${output.slice(-2000)}`)
}

/** Finds a Python for which all pinned packages have wheels, able to make virtual environments. */
async function usablePython(): Promise<string> {
  const check = 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const found = await run(name, ['-c', check]).then(
      () => true,
      () => false,
    )
    if (found) return name
  }
  throw new Error('Nutshell needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3-venv)')
}

/**
 * Installs the mint into `$XDG_CACHE_HOME/hardshell/nutshell-<version>` (`~/.cache` by default) unless it is there.
 * An installation that was cut off, or made from another list of packages, is replaced. About 20 seconds when new.
 *
 * @returns the Python that runs it.
 * @throws {Error} saying what to install where Python 3.11 to 3.13, its `venv` or the network is missing.
 */
export async function ensureNutshell(options: { version?: NutshellVersion; log?: Log } = {}): Promise<string> {
  const { version = '0.20.3', log = () => {} } = options
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'hardshell', `nutshell-${version}`)
  const python = join(directory, 'bin', 'python')
  // The marker is written last, so it stands for a whole installation of exactly these packages.
  const marker = join(directory, 'installed')
  const wanted = [...packages, `cashu==${version}`]
  if (existsSync(python) && existsSync(marker) && (await readFile(marker, 'utf8')) === wanted.join('\n')) return python

  const base = await usablePython()
  log(`installing Nutshell ${version} into ${directory}`)
  await rm(directory, { recursive: true, force: true })
  await run(base, ['-m', 'venv', directory], log)
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off']
  // The versions are settled above: one package claims to need an older Python and library than it runs with.
  const asPinned = ['--no-deps', '--only-binary', ':all:', '--ignore-requires-python']
  await run(python, [...pip, ...asPinned, ...wanted], log)
  await writeFile(marker, wanted.join('\n'))
  return python
}

/** What Lightning does; changed by `restart`. */
export interface Steering {
  /** What paying an invoice comes to: the answer to the POST of a melt. SETTLED by default. */
  readonly payInvoiceState?: LightningState | undefined
  /** What asking for a payment later comes to: GET of a pending quote, and start-up. SETTLED by default. */
  readonly paymentState?: LightningState | undefined
  /** Makes this keyset the only active one: 0 at first, then 1 and so on. By default it stays as it was. */
  readonly keysetIndex?: number | undefined
  /** Any other setting of the mint, by environment variable. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

export interface NutshellOptions extends Steering {
  readonly version?: NutshellVersion
  /** Input fee of the keyset made at the first start, in thousandths of a sat per input. */
  readonly feePpk?: number
  /** The folder of the mint's database; a new temporary one by default, deleted when the mint is disposed of. */
  readonly database?: string
  /** A free one by default. */
  readonly port?: number
  /** Gets every line that the mint prints. */
  readonly log?: Log
}

export interface Nutshell extends AsyncDisposable {
  readonly url: string
  readonly databaseDir: string
  /** Process id of the running mint. */
  readonly pid: number
  /** Every invoice handed to Lightning so far, in order: one entry per payment attempt, restarts included. */
  readonly attempts: readonly string[]
  /** Ends the process; SIGKILL makes it a crash. The database stays. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Stops if need be and starts again: same port, same database, only the given steering. */
  restart(steering?: Steering): Promise<void>
}

// Two things before the mint itself. It imports the SDK that was left out, which only another backend uses: anything
// does in its place. And its standard input is a pipe that this process holds open: where that ends, this process has
// ended, in whatever way, and so does the mint.
const program = `
import os, sys, threading, types
class LeftOut(types.ModuleType):
    def __getattr__(self, name):
        return type(name, (), {})
sys.modules['breez_sdk_spark'] = LeftOut('breez_sdk_spark')
def leave_with_parent():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=leave_with_parent, daemon=True).start()
from cashu.mint.main import main
main()
`

/** Installs if need be, starts a mint and waits until it answers. @throws {Error} when it has not within a minute. */
export async function startNutshell(options: NutshellOptions = {}): Promise<Nutshell> {
  const { version = '0.20.3', feePpk = 100, log = () => {}, database } = options
  const python = await ensureNutshell({ version, log })
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const databaseDir = database === undefined ? await mkdtemp(join(tmpdir(), 'nutshell-')) : resolve(database)
  await mkdir(databaseDir, { recursive: true })
  const attempts: string[] = []
  let mint: ChildProcess | undefined

  // 0.21 calls an answer that says nothing an error.
  const inItsWords = (state: LightningState = 'SETTLED') =>
    state === 'UNKNOWN' && version !== '0.20.3' ? 'ERROR' : state

  async function start(steering: Steering): Promise<void> {
    const derivationPath = `m/0'/0'/${steering.keysetIndex ?? 0}'`
    if (steering.keysetIndex !== undefined && existsSync(join(databaseDir, databaseFile))) {
      // By itself the mint would leave the others active.
      using database = new DatabaseSync(join(databaseDir, databaseFile))
      database.prepare('UPDATE keysets SET active = (derivation_path = ?)').run(derivationPath)
    }
    // Only these variables, and a folder of its own as home and working directory: the mint reads .env files in both.
    const env = {
      PATH: process.env['PATH'],
      HOME: databaseDir,
      MINT_PRIVATE_KEY: 'hardshell',
      MINT_BACKEND_BOLT11_SAT: 'FakeWallet',
      MINT_LISTEN_HOST: '127.0.0.1',
      MINT_LISTEN_PORT: String(port),
      MINT_DATABASE: databaseDir,
      MINT_AUTH_DATABASE: databaseDir,
      MINT_INPUT_FEE_PPK: String(feePpk),
      MINT_DERIVATION_PATH: derivationPath,
      MINT_RATE_LIMIT: 'FALSE',
      MINT_QUOTE_BACKEND_CHECK_RATE_LIMIT: '0',
      TOR: 'FALSE',
      LOG_LEVEL: 'DEBUG', // at this level it tells of every payment
      FAKEWALLET_BRR: 'TRUE', // mint quotes are paid as soon as they are made
      FAKEWALLET_DELAY_INCOMING_PAYMENT: '0',
      FAKEWALLET_DELAY_OUTGOING_PAYMENT: '0',
      FAKEWALLET_PAY_INVOICE_STATE: inItsWords(steering.payInvoiceState),
      FAKEWALLET_PAYMENT_STATE: inItsWords(steering.paymentState),
      ...steering.env,
    }
    const child = spawn(python, ['-c', program], { cwd: databaseDir, env, stdio: ['pipe', 'pipe', 'pipe'] })
    mint = child
    const lastLines: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const paid = /Lightning: pay invoice (\w+)/.exec(line)?.[1]
        if (paid !== undefined) attempts.push(paid)
        lastLines.push(line)
        if (lastLines.length > 20) lastLines.shift()
        log(line)
      })
    }
    const deadline = Date.now() + 60_000
    while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
      const answer = await fetch(`${url}/v1/info`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
      await answer?.body?.cancel()
      if (answer?.ok) return
      await delay(50)
    }
    await stop()
    throw new Error(`Nutshell ${version} did not start:\n${lastLines.join('\n')}`)
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = mint
    mint = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    // Asked nicely it first finishes the requests under way, which may take for ever.
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await closed
    clearTimeout(impatience)
  }

  await start(options)
  return {
    url,
    databaseDir,
    attempts,
    get pid() {
      if (mint?.pid === undefined) throw new Error('the mint is stopped')
      return mint.pid
    },
    stop,
    async restart(steering = {}) {
      await stop()
      await start(steering)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      if (database === undefined) await rm(databaseDir, { recursive: true, force: true })
    },
  }
}

/** What the mint has in its own database, in sats. */
export interface NutshellBalances {
  /** All signatures given: minted, swapped, change. */
  readonly issued: number
  /** All proofs spent. */
  readonly redeemed: number
  /** Proofs held by a melt (or by a swap that a crash cut off). */
  readonly pendingProofs: number
  /** Amount and Lightning fee of all paid melts, those settled inside the mint included. */
  readonly paidOut: number
  /** Input fees taken, by the mint's own count. */
  readonly inputFees: number
  readonly mintQuotes: readonly { readonly quote: string; readonly amount: number; readonly state: string }[]
  readonly meltQuotes: readonly {
    readonly quote: string
    readonly request: string
    readonly amount: number
    readonly feePaid: number
    readonly state: string
  }[]
}

/** Reads the mint's database; the mint may be running, stopped or crashed. */
export function nutshellBalances(databaseDir: string): NutshellBalances {
  using database = new DatabaseSync(join(databaseDir, databaseFile), { readOnly: true, timeout: 5_000 })
  // One transaction, so that all of it is of the same moment.
  database.exec('BEGIN')
  const sum = (of: string, from: string) =>
    Number(database.prepare(`SELECT TOTAL(${of}) AS n FROM ${from}`).get()?.['n'])
  const rows = (columns: string, table: string) =>
    database
      .prepare(`SELECT ${columns} FROM ${table} ORDER BY rowid`)
      .all()
      .map((row) => ({ ...row }))
  return {
    issued: sum('amount', 'promises WHERE c_ IS NOT NULL'),
    redeemed: sum('amount', 'proofs_used'),
    pendingProofs: sum('amount', 'proofs_pending WHERE y NOT IN (SELECT y FROM proofs_used)'),
    paidOut: sum('amount + fee_paid', "melt_quotes WHERE state = 'PAID'"),
    inputFees: sum('fees_paid', 'keysets'),
    mintQuotes: rows('quote, amount, state', 'mint_quotes') as unknown as NutshellBalances['mintQuotes'],
    meltQuotes: rows(
      'quote, request, amount, COALESCE(fee_paid, 0) AS feePaid, state',
      'melt_quotes',
    ) as unknown as NutshellBalances['meltQuotes'],
  }
}

// Bech32 (BIP-173), as invoices use it.
const bech32Characters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
function checksum(prefix: string, words: readonly number[]): number[] {
  const codes = [...Buffer.from(prefix)]
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
  let state = 1
  for (const word of [...expanded, ...words, ...Buffer.alloc(6)]) {
    const top = state >>> 25
    state = ((state & 0x1ffffff) << 5) ^ word
    for (const [bit, generator] of [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].entries()) {
      if ((top >> bit) & 1) state ^= generator
    }
  }
  return [25, 20, 15, 10, 5, 0].map((shift) => ((state ^ 1) >>> shift) & 31)
}

/** Packs values of `from` bits into values of `to` bits, the last one filled with zero bits. */
function regroup(values: Iterable<number>, from: number, to: number): number[] {
  const bits = [...values].map((value) => value.toString(2).padStart(from, '0')).join('')
  return (bits.match(new RegExp(`.{1,${to}}`, 'g')) ?? []).map((group) => Number.parseInt(group.padEnd(to, '0'), 2))
}

/**
 * A BOLT11 invoice by a random node: nobody can pay it, but the fake backend says that it did. An invoice of one of the
 * mint's own quotes would not do: the mint settles it inside and asks no backend. Of no sats, it names no amount.
 */
export function foreignInvoice(amountSats: number, options: { expirySeconds?: number } = {}): string {
  const { expirySeconds = 3600 } = options
  const number = (value: number, length: number) =>
    Array.from({ length }, (_, index) => Math.floor(value / 32 ** (length - 1 - index)) % 32)
  const field = (tag: string, words: number[]) => [bech32Characters.indexOf(tag), ...number(words.length, 2), ...words]
  const prefix = amountSats === 0 ? 'lnbc' : `lnbc${amountSats * 10}n`
  const words = [
    ...number(Math.floor(Date.now() / 1000), 7),
    ...field('p', regroup(randomBytes(32), 8, 5)), // payment hash
    ...field('s', regroup(randomBytes(32), 8, 5)), // payment secret
    ...field('d', []), // description
    ...field('x', number(expirySeconds, 6)),
    ...field('9', number(2 ** 14, 3)), // features: the payment secret is needed
  ]
  const signed = Uint8Array.from([...Buffer.from(prefix), ...regroup(words, 5, 8)])
  const [recovery, ...signature] = secp256k1.sign(signed, secp256k1.utils.randomSecretKey(), { format: 'recovered' })
  words.push(...regroup([...signature, recovery!], 8, 5))
  return `${prefix}1${[...words, ...checksum(prefix, words)].map((word) => bech32Characters[word]).join('')}`
}
