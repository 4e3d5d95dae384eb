/** The command line as a user meets it: what it refuses, what it makes on disk, and how its processes start and end. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { mintArguments, signatoryArguments, UsageError } from '../../src/mint-server/cli/arguments.ts'
import type { LogEntry } from '../../src/mint-server/cli/log.ts'
import { remoteSignatory } from '../../src/mint-server/signatory/signatory-http.ts'
import { localSignatory } from '../../src/mint-server/signatory/signatory.ts'
import { client, overHttp, type Keyset, type MintQuote } from '../kits/mint-server-client.ts'

const CLI = join(import.meta.dirname, '../../src/mint-server/cli/cli.ts')
const root = mkdtempSync(join(tmpdir(), 'mint-cli-'))
const children = new Set<ChildProcessByStdio<null, Readable, Readable>>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})
afterAll(() => rmSync(root, { recursive: true }))

const directory = (): string => mkdtempSync(join(root, 'run-'))

function launch(args: readonly string[], cwd = root) {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** Runs a command to its end. */
async function run(args: readonly string[], cwd?: string) {
  const { ended, stdout, stderr } = launch(args, cwd)
  return { code: await ended, stdout: stdout(), stderr: stderr() }
}

/** Starts a server, which has told where it listens. */
async function start(args: readonly string[], cwd?: string) {
  const process = launch(args, cwd)
  const lines = createInterface(process.child.stdout)
  const line = await Promise.race([once(lines, 'line'), process.ended])
  if (!Array.isArray(line)) throw new Error(process.stderr())
  const { url } = JSON.parse(line[0] as string) as { url: string }
  const entries = (): (LogEntry & { time: string })[] =>
    process
      .stderr()
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as LogEntry & { time: string })
  const stop = async (): Promise<number | null> => {
    process.child.kill('SIGTERM')
    return process.ended
  }
  return { ...process, url, entries, stop }
}

const keysets = async (url: string) =>
  ((await (await fetch(`${url}/v1/keysets`)).json()) as { keysets: Keyset[] }).keysets

describe('what is wrong on the command line', () => {
  test.each([
    'extra',
    '--nonsense',
    '--port',
    '--port x',
    '--port -1',
    '--port 65536',
    '--host=',
    '--store',
    '--store disk',
    '--store sqlite:',
    '--store postgres:',
    '--store memory:x',
    '--store postgres://localhost/x',
    '--fee-ppk 1.5',
    '--unit SAT',
    '--unit sat --unit sat',
    '--min-amount 0',
    '--min-amount 10 --max-amount 9',
    '--auto-pay-ms soon',
    '--log file',
    '--log-level loud',
    '--metrics-port 9100',
    '--metrics-host ::1',
    '--metrics --metrics-port 65536',
    '--metrics --metrics-host=',
    '--signatory nowhere --signatory-token-file t',
    '--signatory http://localhost:1',
    '--signatory http://localhost:1 --signatory-token-file t --seed-file s',
    '--signatory-token-file t',
  ])('mint %s', (line) => {
    expect(() => mintArguments(line.split(' '))).toThrow(UsageError)
  })

  test.each(['--port 1', '--seed-file s', '--seed-file s --token-file t --store memory'])('signatory %s', (line) => {
    expect(() => signatoryArguments(line.split(' '))).toThrow(UsageError)
  })

  test('is told in one line, with exit code 2, and nothing is made', async () => {
    const cwd = directory()
    const runs = await Promise.all(
      [[], ['mnit'], ['mint', '--store', 'sqlite:x.db', '--nonsense']].map((args) => run(args, cwd)),
    )
    for (const { code, stdout, stderr } of runs) {
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^hardshell: [^\n]+ \(--help explains\)\n$/)
    }
    expect(runs[2]!.stderr).toContain("'--nonsense'")
    expect(readdirSync(cwd)).toEqual([])
  })

  test('help says what it is', async () => {
    const [all, mint, signatory] = await Promise.all(
      [['--help'], ['mint', '--help'], ['signatory', '-h']].map((args) => run(args)),
    )
    expect([all!.code, mint!.code, signatory!.code]).toEqual([0, 0, 0])
    expect(all!.stdout).toContain('hardshell mint')
    expect(all!.stdout).toContain('hardshell crash FILE')
    expect(mint!.stdout).toMatch(/fake[^]*play\s+money/)
    for (const option of Object.keys(mintOptions)) expect(mint!.stdout).toContain(`  --${option} `)
    expect(signatory!.stdout).toContain('--token-file')
  })
})

/** Every option of the mint, with what it comes to. */
const mintOptions: Readonly<Record<string, readonly [readonly string[], object]>> = {
  port: [['--port', '3338'], { port: 3338 }],
  host: [['--host', '::1'], { host: '::1' }],
  store: [['--store', 'sqlite:a:b.db'], { store: { kind: 'sqlite', path: 'a:b.db' } }],
  'seed-file': [['--seed-file', 'x'], { keys: { kind: 'seed', file: 'x' } }],
  signatory: [
    ['--signatory', 'http://h:1', '--signatory-token-file', 't'],
    { keys: { kind: 'signatory', url: 'http://h:1', tokenFile: 't' } },
  ],
  'mark-file': [['--mark-file', 'x'], { markFile: 'x' }],
  'accept-empty-database': [['--accept-empty-database'], { acceptEmptyDatabase: true }],
  'fee-ppk': [['--fee-ppk', '100'], { settings: { feePpk: 100 } }],
  unit: [['--unit', 'sat', '--unit', 'usd'], { settings: { units: ['sat', 'usd'] } }],
  name: [['--name', 'a mint'], { settings: { name: 'a mint' } }],
  'min-amount': [['--min-amount', '5'], { settings: { minAmount: 5 } }],
  'max-amount': [['--max-amount', '5'], { settings: { maxAmount: 5 } }],
  'quote-ttl-ms': [['--quote-ttl-ms', '60000'], { settings: { quoteTtlMs: 60_000 } }],
  'offer-ttl-ms': [['--offer-ttl-ms', '60000'], { settings: { offerTtlMs: 60_000 } }],
  'quote-retention-ms': [['--quote-retention-ms', '0'], { settings: { quoteRetentionMs: 0 } }],
  'auto-pay-ms': [['--auto-pay-ms', '0'], { autoPayMs: 0 }],
  'payment-fee': [['--payment-fee', '0'], { feeSat: 0 }],
  admin: [['--admin'], { admin: true }],
  'admin-anywhere': [['--admin-anywhere'], { admin: 'anywhere' }],
  log: [['--log', 'none'], { log: 'none' }],
  'log-level': [['--log-level', 'debug'], { logLevel: 'debug' }],
  metrics: [['--metrics'], { metrics: {} }],
  'metrics-port': [['--metrics', '--metrics-port', '9100'], { metrics: { port: 9100 } }],
  'metrics-host': [['--metrics', '--metrics-host', '::1'], { metrics: { host: '::1' } }],
}

describe('what options mean', () => {
  const defaults = {
    port: 0,
    host: '127.0.0.1',
    log: 'stderr',
    store: { kind: 'memory' },
    keys: { kind: 'seed', file: undefined },
    settings: {},
    autoPayMs: undefined,
    admin: false,
  }
  test('nothing', () => expect(mintArguments([])).toEqual(defaults))

  test.each(Object.entries(mintOptions))('%s', (name, [args, meaning]) => {
    const seed = name === 'store' ? { keys: { kind: 'seed', file: 'a:b.db.seed' } } : {}
    expect(mintArguments(args)).toEqual({ ...defaults, ...seed, ...meaning })
  })

  test('both ways to write where PostgreSQL is', () => {
    for (const url of ['postgres://me@host/db', 'postgres:postgres://me@host/db'])
      expect(mintArguments(['--store', url, '--seed-file', 's'])).toMatchObject({
        store: { kind: 'postgres', connection: 'postgres://me@host/db' },
      })
  })
})

describe('hardshell mint', () => {
  test('makes keys and database on its first start, and finds them on the second', async () => {
    const cwd = directory()
    const args = ['mint', '--store', 'sqlite:mint.db', '--fee-ppk', '250', '--auto-pay-ms', '0']
    const first = await start(args, cwd)
    expect(statSync(join(cwd, 'mint.db.seed')).mode & 0o777).toBe(0o600)
    const seed = readFileSync(join(cwd, 'mint.db.seed'), 'utf8')
    expect(seed).toMatch(/^[0-9a-f]{64}\n$/)
    const made = await keysets(first.url)
    expect(made).toMatchObject([{ unit: 'sat', active: true, input_fee_ppk: 250 }])
    expect((await fetch(`${first.url}/admin/balance-sheet`)).status).toBe(404)
    const wallet = client(overHttp(first.url), nobleCrypto)
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 9, unit: 'sat' })
    const proofs = await wallet.issue(quote, [1, 8])
    expect(await first.stop()).toBe(0)
    expect(first.stdout()).toBe(`${JSON.stringify({ url: first.url })}\n`)

    const events = first.entries().map((entry) => (entry.event === 'request' ? entry.route : entry.event))
    expect(events).toEqual([
      'start',
      '/v1/keysets',
      '/admin/balance-sheet',
      '/v1/mint/quote/bolt11',
      '/v1/keys',
      '/v1/mint/bolt11',
      'stop',
    ])
    const secrets = [seed.trim(), quote, ...proofs.flatMap(({ secret, C }) => [secret, C])]
    for (const secret of secrets) expect(first.stderr()).not.toContain(secret)

    const second = await start(args, cwd)
    expect(await keysets(second.url)).toEqual(made)
    expect(await client(overHttp(second.url), nobleCrypto).states(proofs)).toEqual(['UNSPENT', 'UNSPENT'])
    expect(await second.stop()).toBe(0)
    expect(readFileSync(join(cwd, 'mint.db.seed'), 'utf8')).toBe(seed)
    expect(readdirSync(cwd).filter((name) => name.includes('seed'))).toEqual(['mint.db.seed'])
  })

  test('refuses a database with other keys, and one whose seed is gone', async () => {
    const cwd = directory()
    const args = ['mint', '--store', 'sqlite:mint.db', '--log', 'none']
    const first = await start(args, cwd)
    expect(await first.stop()).toBe(0)
    expect(first.stderr()).toBe('')

    writeFileSync(join(cwd, 'mint.db.seed'), `${'ab'.repeat(32)}\n`)
    const other = await run(args, cwd)
    expect([other.code, other.stdout]).toEqual([1, ''])
    expect(other.stderr).toMatch(/^hardshell: [^\n]*seed[^\n]*\n$/)
    expect(other.stderr).not.toContain('abab')

    writeFileSync(join(cwd, 'mint.db.seed'), 'no seed')
    expect(await run(args, cwd)).toMatchObject({ code: 1, stderr: expect.stringContaining('not a seed') as string })

    rmSync(join(cwd, 'mint.db.seed'))
    const lost = await run(args, cwd)
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('mint.db.seed') as string })
    expect(existsSync(join(cwd, 'mint.db.seed'))).toBe(false)
  })

  test('says in one line what is in its way', async () => {
    const cwd = directory()
    const first = await start(['mint', '--log', 'none'])
    const { port } = new URL(first.url)
    writeFileSync(join(cwd, 'text.db'), 'this is no database, however long it may be'.repeat(100))
    writeFileSync(join(cwd, 'text.db.seed'), 'ab'.repeat(32))
    writeFileSync(join(cwd, 'empty'), '')
    chmodSync(join(cwd, 'empty'), 0o600)
    const cases: readonly [readonly string[], string][] = [
      [['mint', '--port', port], 'EADDRINUSE'],
      [['mint', '--store', 'sqlite:nowhere/mint.db'], 'nowhere'],
      [['mint', '--store', 'sqlite:text.db'], 'database'],
      [['mint', '--seed-file', 'empty'], 'empty'],
      [['mint', '--signatory', 'http://localhost:1', '--signatory-token-file', 'none'], 'none'],
    ]
    const runs = await Promise.all(cases.map(([args]) => run(args, cwd)))
    for (const [index, [, reason]] of cases.entries()) {
      const { code, stdout, stderr } = runs[index]!
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^hardshell: [^\n]+\n$/)
      expect(stderr).toContain(reason)
    }
    expect(await first.stop()).toBe(0)
  })

  test('has the settings that it is given', async () => {
    const { url, stop } = await start(
      'mint --unit sat --unit usd --name blue --max-amount 100 --admin --host 127.0.0.1 --log none'.split(' '),
    )
    const wallet = client(overHttp(url), nobleCrypto)
    expect((await keysets(url)).map(({ unit }) => unit).toSorted()).toEqual(['sat', 'usd'])
    expect(await wallet.get('/v1/info')).toMatchObject({
      name: 'blue',
      nuts: { 4: { methods: Array.from({ length: 4 }, () => ({ max_amount: 100 })) } },
    })
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 5, unit: 'usd' })
    expect(await wallet.post('/admin/settle', { quote })).toEqual({ settled: true })
    expect(await wallet.get(`/v1/mint/quote/bolt11/${quote}`)).toMatchObject({ state: 'PAID' })
    expect(await stop()).toBe(0)
  })

  test('tells Prometheus of its operations on a port of its own, and its log of each step, without a secret', async () => {
    const { url, stdout, entries, stderr, stop } = await start(
      'mint --auto-pay-ms 0 --metrics --log-level debug'.split(' '),
    )
    const { metrics } = JSON.parse(stdout()) as { metrics: string }
    expect(new URL(metrics)).toMatchObject({ hostname: '127.0.0.1', pathname: '/metrics' })
    const wallet = client(overHttp(url), nobleCrypto)
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 9, unit: 'sat' })
    const proofs = await wallet.swap(await wallet.issue(quote, [1, 8]))
    const answer = await fetch(metrics)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await answer.text()
    for (const kind of ['mint-issue', 'mint-swap'])
      expect(text).toMatch(
        new RegExp(`^hardshell_operations_ended_total\\{hardshell_operation_kind="${kind}",[^}]*\\} 1$`, 'm'),
      )
    expect(text).toContain('hardshell_requests_total{hardshell_operation_kind="mint-swap"')
    expect(text).toContain('hardshell_commit_duration_seconds_bucket{hardshell_operation_kind="mint-swap"')
    expect((await fetch(`${metrics}/more`)).status).toBe(404)
    expect((await fetch(metrics, { method: 'POST', body: '{}' })).status).toBe(404)
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
    expect(await stop()).toBe(0)
    const steps = entries().flatMap((entry) => (entry.event === 'step' ? [entry.kind] : []))
    expect(new Set(steps)).toEqual(new Set(['mint-issue', 'mint-swap']))
    // Scrapes are no requests to the mint; of the others there was one that it has not.
    expect(entries().filter((entry) => entry.event === 'request' && entry.route === '/:id')).toHaveLength(1)
    const secrets = [quote, ...proofs.flatMap(({ secret, C }) => [secret, C])]
    for (const secret of secrets) expect(text + stderr()).not.toContain(secret)
  })

  test('ends at once when it is told twice', async () => {
    const { child, ended, url } = await start(['mint', '--log', 'none'])
    // A peer that says no goodbye is waited for.
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(
      'GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
    )
    await once(socket, 'data')
    child.kill('SIGTERM')
    child.kill('SIGINT')
    expect(await ended).toBe(1)
    socket.destroy()
  })

  test('does without those who read its log', async () => {
    const { child, url, stop } = await start(['mint'])
    child.stderr.destroy()
    for (let n = 0; n < 3; n++) expect((await fetch(`${url}/v1/info`)).status).toBe(200)
    expect(await stop()).toBe(0)
  })
})

describe('hardshell signatory', () => {
  test('signs for who has its token, with the same keys at each start', async () => {
    const cwd = directory()
    const args = ['signatory', '--seed-file', 'seed', '--token-file', 'token']
    const file = (name: string): string => readFileSync(join(cwd, name), 'utf8').trim()
    const path = { unit: 'sat', generation: 0 }

    const first = await start(args, cwd)
    for (const name of ['seed', 'token']) expect(statSync(join(cwd, name)).mode & 0o777).toBe(0o600)
    const [seed, token] = [file('seed'), file('token')]
    const keys = await remoteSignatory({ url: first.url, token, retries: 0 }).publicKeys(path, [1, 2])
    const local = localSignatory({ seed: Buffer.from(seed, 'hex'), crypto: nobleMintCrypto })
    expect(keys).toEqual(await local.publicKeys(path, [1, 2]))
    const stranger = remoteSignatory({ url: first.url, token: 'f'.repeat(64), retries: 0 })
    await expect(stranger.publicKeys(path, [1])).rejects.toThrow('does not answer')
    expect(await first.stop()).toBe(0)
    expect(first.entries().map((entry) => entry.event)).toEqual(['start', 'request', 'request', 'stop'])
    for (const secret of [seed, token]) expect(first.stderr()).not.toContain(secret)

    const second = await start(args, cwd)
    expect(await remoteSignatory({ url: second.url, token }).publicKeys(path, [1, 2])).toEqual(keys)
    expect(await second.stop()).toBe(0)
    expect([file('seed'), file('token')]).toEqual([seed, token])
  })
})

describe('a mint whose signatory is elsewhere', () => {
  test('has its keys, starts without it, and goes on when it is back', async () => {
    const cwd = directory()
    const signs = (port: string, seed = 'seed') =>
      start(['signatory', '--seed-file', seed, '--token-file', 'token', '--port', port, '--log', 'none'], cwd)
    const signatory = await signs('0')
    const { port } = new URL(signatory.url)
    const args = ['mint', '--store', 'sqlite:mint.db', '--signatory', signatory.url, '--signatory-token-file', 'token']
    const first = await start([...args, '--auto-pay-ms', '0', '--log', 'none'], cwd)
    const wallet = client(overHttp(first.url), nobleCrypto)
    const proofs = await wallet.swap(await wallet.mint([1, 8, 16]))
    expect(proofs.map(({ amount }) => amount)).toEqual([1, 8, 16])
    expect(await first.stop()).toBe(0)
    expect(await signatory.stop()).toBe(0)
    expect(readdirSync(cwd).filter((name) => name.endsWith('seed'))).toEqual(['seed'])

    const second = await start([...args, '--auto-pay-ms', '0'], cwd)
    expect((await fetch(`${second.url}/health`)).status).toBe(200)
    const again = client(overHttp(second.url), nobleCrypto, 2)
    expect(await keysets(second.url)).toHaveLength(1)
    const outputs = again.blind([1, 8, 16], proofs[0]!.id).map(({ message }) => message)
    const body = JSON.stringify({ inputs: proofs, outputs })
    const swap = async () => (await fetch(`${second.url}/v1/swap`, { method: 'POST', body })).status
    expect(await swap()).toBe(503)
    expect(await again.states(proofs)).toEqual(['UNSPENT', 'UNSPENT', 'UNSPENT'])
    const back = await signs(port)
    expect(await swap()).toBe(200)
    expect(await again.states(proofs)).toEqual(['SPENT', 'SPENT', 'SPENT'])
    expect(await back.stop()).toBe(0)
    expect(await second.stop()).toBe(0)
  })

  test('refuses one with other keys: at the start, or before the first signature', async () => {
    const cwd = directory()
    const signs = (port: string, seed: string) =>
      start(['signatory', '--seed-file', seed, '--token-file', 'token', '--port', port, '--log', 'none'], cwd)
    const ours = await signs('0', 'ours')
    const { port } = new URL(ours.url)
    const args = ['mint', '--store', 'sqlite:mint.db', '--signatory', ours.url, '--signatory-token-file', 'token']
    const first = await start([...args, '--auto-pay-ms', '0'], cwd)
    const proofs = await client(overHttp(first.url), nobleCrypto).mint([4])
    expect(await first.stop()).toBe(0)
    expect(await ours.stop()).toBe(0)

    const second = await start(args, cwd)
    const other = await signs(port, 'other')
    const again = client(overHttp(second.url), nobleCrypto, 2)
    const outputs = again.blind([4], (await again.keyset()).id).map(({ message }) => message)
    const body = JSON.stringify({ inputs: proofs, outputs })
    expect((await fetch(`${second.url}/v1/swap`, { method: 'POST', body })).status).toBe(503)
    expect(await again.states(proofs)).toEqual(['UNSPENT'])
    const failures = second.entries().flatMap((entry) => (entry.event === 'failure' ? [entry.error] : []))
    expect(failures).toEqual([expect.stringContaining('WrongKeys')])
    expect(await second.stop()).toBe(0)

    const third = await run(args, cwd)
    expect(third).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('other keys') as string })
    expect(await other.stop()).toBe(0)
  })
})
