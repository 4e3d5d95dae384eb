/**
 * Goal: `hardshell inspect` shows the database of a wallet, a mint or bounties beside the program that runs it, and harms nothing. Method: the command runs as a
 * process of its own, on databases that are in use, encrypted, missing, and somebody else's.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { openWallet } from '../../src/index.ts'
import { filmOf } from '../../src/inspector/film.ts'
import type { Detail, Film, Overview, SummaryPage } from '../../src/inspector/feed.ts'
import { memoryClaims, memoryCredits, openBounties } from '../../src/bounty/index.ts'
import { createMintServer, mintSchema } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

const cli = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'inspect-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Running {
  /** The page's address, once it is there. */
  readonly url: Promise<string>
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>
  stop(): void
}

/** `typed` goes to its standard input. */
function inspect(args: readonly string[], typed = ''): Running {
  const child = spawn(process.execPath, [cli, 'inspect', '--json', ...args], { stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>
  const url = line.then(([text]) => (JSON.parse(text) as { url: string }).url)
  child.stdin.end(typed)
  const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => ({ code, errors }))
  return { url, ended, stop: () => void child.kill('SIGINT') }
}

/** Asks as the page does. */
async function asking(running: Running) {
  const { origin, hash } = new URL(await running.url)
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  return {
    get: async <T>(path: string): Promise<T> => (await fetch(origin + path, { headers })).json() as Promise<T>,
    act: async (id: string, act: string): Promise<number> => {
      const more = { origin, 'content-type': 'application/json' }
      const body = JSON.stringify({ id, act })
      return (await fetch(`${origin}/api/act`, { method: 'POST', headers: { ...headers, ...more }, body })).status
    },
  }
}

async function openedWallet(store = sqliteStore({ path: join(dir, `${crypto.randomUUID()}.db`) })) {
  const mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  const wallet = await openWallet({ store, seed: crypto.getRandomValues(new Uint8Array(64)) })
  onTestFinished(async () => {
    await wallet.close()
    await mint.close()
  })
  await wallet.mints.trust(mint.url)
  await (await wallet.mint.prepare({ mintUrl: mint.url, amount: 100 })).finished()
  return { wallet, mintUrl: mint.url }
}

test('it shows a wallet that another process runs, hears of its commits, and cancels for it', async () => {
  const path = join(dir, 'used.db')
  const { wallet, mintUrl } = await openedWallet(sqliteStore({ path }))
  const running = inspect(['--store', `sqlite:${path}`, '--write'])
  const { get, act } = await asking(running)
  expect(await get<Overview>('/api/overview')).toMatchObject({
    ...{ title: 'used.db', write: true, role: 'client' },
    totals: [{ of: { mint: mintUrl, unit: 'sat' }, sums: { spendable: 100 } }],
  })
  const send = await wallet.send.prepare({ mintUrl, amount: 8 })
  await expect
    .poll(async () => (await get<SummaryPage>('/api/operations')).operations.map(({ id }) => id))
    .toContain(send.id)
  // To execute it takes the wallet's keys.
  expect((await get<Detail>(`/api/operations/${send.id}`)).acts).toEqual(['resume', 'cancel'])
  expect(await act(send.id, 'execute')).toBe(409)
  expect(await act(send.id, 'cancel')).toBe(200)
  await expect.poll(async () => (await send.refresh()).state).toBe('cancelled')
  expect((await get<Detail>(`/api/operations/${send.id}`)).steps.map(({ to }) => to)).toEqual(['prepared', 'cancelled'])
  running.stop()
  expect(await running.ended).toEqual({ code: 0, errors: '' })
})

test('an encrypted database asks for its key, shows nothing of it, and says where it is wrong', async () => {
  const path = join(dir, 'locked.db')
  const passphrase = 'correct horse battery staple'
  const { wallet } = await openedWallet(encryptedSqliteStore({ path, key: { passphrase } }))
  const running = inspect(['--store', `sqlite:${path}`], `${passphrase}\n`)
  const { get } = await asking(running)
  expect((await get<SummaryPage>('/api/operations')).operations).toHaveLength((await wallet.operations.list()).length)
  running.stop()
  const { errors } = await running.ended
  expect(errors).not.toContain('horse')

  const wrong = inspect(['--store', `sqlite:${path}`], 'wrong horse battery staple\n')
  wrong.url.catch(() => {})
  const ended = await wrong.ended
  expect(ended.code).toBe(1)
  expect(ended.errors).toContain('WRONG_KEY')
  expect(ended.errors).not.toContain('wrong horse')
})

test.each([
  ['no store', [], '--store'],
  ['a store of another kind', ['--store', 'mysql:x'], '--store'],
  ['a file that is not there, which is not made', ['--store', `sqlite:${join(dir, 'none.db')}`], 'there is no file'],
  ['a port that is none', ['--store', 'sqlite:x', '--port', '99999'], '--port'],
  ['an option that it has not', ['--key', 'x'], '--key'],
  ['a film that is none', ['--replay', cli], 'no film'],
])('%s is refused in one line', async (_, args, said) => {
  const running = inspect(args)
  running.url.catch(() => {})
  const { code, errors } = await running.ended
  expect(code === 1 || code === 2).toBe(true)
  expect(errors).toContain(said)
  expect(errors.trim().split('\n')).toHaveLength(1)
})

/** The bytes of a database that nobody has open, and of its log. */
const bytesOf = (path: string): readonly Buffer[] =>
  ['', '-wal']
    .flatMap((suffix) => (existsSync(path + suffix) ? [readFileSync(path + suffix)] : []))
    .filter((bytes) => bytes.length > 0)

test('it shows a mint that another process runs, hears of its commits, and changes nothing', async () => {
  const path = join(dir, 'mint.db')
  const mint = await createMintServer({ store: sqliteStore({ path }), lightning: { autoPayMs: 0 } })
  onTestFinished(() => mint.close())
  const running = inspect(['--store', `sqlite:${path}`, '--write'])
  const { get, act } = await asking(running)
  expect(await get<Overview>('/api/overview')).toMatchObject({ title: 'mint.db', write: true, role: 'client' })
  using db = new DatabaseSync(path, { readOnly: true })
  const written = (): unknown => db.prepare('PRAGMA data_version').get()
  const before = written()
  await get<SummaryPage>('/api/operations')
  expect(written()).toEqual(before)

  const wallet = await openWallet({ store: memoryStore(), seed: crypto.getRandomValues(new Uint8Array(64)) })
  onTestFinished(() => wallet.close())
  await wallet.mints.trust(mint.url)
  await (await wallet.mint.prepare({ mintUrl: mint.url, amount: 100 })).finished()
  await expect
    .poll(async () => (await get<SummaryPage>('/api/operations')).operations.map(({ kind, status }) => [kind, status]))
    .toEqual([['mint-issue', 'done']])
  expect(await get<Overview>('/api/overview')).toMatchObject({
    totals: [{ of: { unit: 'sat' }, sums: { issued: 100, outstanding: 100 } }],
  })
  const [issue] = (await get<SummaryPage>('/api/operations')).operations
  const { acts, row, hidden, steps } = await get<Detail>(`/api/operations/${issue?.id}`)
  expect([acts, hidden]).toEqual([[], ['snapshot', 'request', 'quoteId', 'requestKey']])
  expect(row).not.toHaveProperty('quoteId')
  expect(steps.at(-1)?.to).toBe(issue?.state)
  expect(await act(String(issue?.id), 'cancel')).toBe(409)
  // It has not taken the mint over.
  expect((await mint.mint.balanceSheet()).units['sat']?.outstanding).toBe(100)
  running.stop()
  expect(await running.ended).toEqual({ code: 0, errors: '' })
})

test('it shows the database of bounties', async () => {
  const path = join(dir, 'bounties.db')
  const bounties = await openBounties({
    ...{ store: sqliteStore({ path }), credits: memoryCredits({ ada: 100 }), claims: memoryClaims() },
  })
  onTestFinished(() => bounties.close())
  const { id } = await bounties.create({ payer: 'ada', amount: 20, deadlineAt: Date.now() + 86_400_000 })
  const running = inspect(['--store', `sqlite:${path}`, '--write'])
  const { get, act } = await asking(running)
  expect((await get<Detail>(`/api/operations/${id}`)).acts).toEqual(['resume', 'cancel'])
  expect(await act(id, 'cancel')).toBe(200)
  expect((await bounties.finished(id)).state).toBe('cancelled')
  running.stop()
  expect((await running.ended).code).toBe(0)
})

test('the database of another program, and one of an older version, are left as they are', async () => {
  const foreign = join(dir, 'foreign.db')
  const tables = { notes: { columns: { id: 'text' }, key: ['id'] } } as const
  await (await sqliteStore({ path: foreign }).open({ version: 1, tables })).close()
  const older = join(dir, 'older.db')
  const { steps: _, ...before } = mintSchema.tables
  await (await sqliteStore({ path: older }).open({ version: 1, tables: before })).close()
  const empty = join(dir, 'empty.db')
  writeFileSync(empty, '')
  for (const [path, code] of [
    [foreign, 'NO_DATABASE'],
    [older, 'OLDER'],
    [empty, 'NO_DATABASE'],
  ] as const) {
    const bytes = bytesOf(path)
    const running = inspect(['--store', `sqlite:${path}`])
    running.url.catch(() => {})
    const ended = await running.ended
    expect([ended.code, ended.errors]).toEqual([1, expect.stringContaining(code)])
    expect(ended.errors.trim().split('\n')).toHaveLength(1)
    expect(bytesOf(path)).toEqual(bytes)
  }
})

test('a film is shown from its file', async () => {
  const path = join(dir, 'film.json')
  const trace = [
    { column: 'life', text: '1.crashAfter', atMs: 5 },
    { column: 'state', text: 'order paying', atMs: 5 },
    { column: 'life', text: 'crashed', atMs: 6 },
    { column: 'life', text: 'nothing goes wrong', atMs: 6 },
  ] as const
  writeFileSync(path, JSON.stringify(await filmOf('order.paid:1.crashAfter/', { trace, violations: [] }, [])))
  const running = inspect(['--replay', path])
  const { get } = await asking(running)
  const film = await get<Film>('/api/film')
  expect(film.scenes.map(({ life }) => life)).toEqual([1, 1, 1, 2])
  expect(await get<Overview>('/api/overview')).toMatchObject({ film: true, title: 'order.paid:1.crashAfter/' })
  running.stop()
  expect((await running.ended).code).toBe(0)
})

test('the URL of a PostgreSQL that is down is a URL with or without a word in front, and its password is not shown', async () => {
  for (const store of ['postgres://me:hushhush@127.0.0.1:1/db', 'postgres:postgres://me:hushhush@127.0.0.1:1/db']) {
    const running = inspect(['--store', store])
    running.url.catch(() => {})
    const { code, errors } = await running.ended
    expect([code, errors]).toEqual([1, expect.stringContaining('ECONNREFUSED 127.0.0.1:1')])
    expect(errors).not.toContain('hushhush')
  }
})
