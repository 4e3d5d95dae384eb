/** The operations of databases as `hardshell ops` shows them, and what `hardshell doctor` says of folders that are right and wrong. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryClaims, memoryCredits, openBounties } from '../../src/bounty/index.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/http/run-server.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { Commands } from '../kits/command.ts'

let mint: MintServer
let commands: Commands
/** The mint's own database. */
let store = ''

beforeAll(async () => {
  commands = new Commands()
  store = `sqlite:${commands.home('mint.db')}`
  mint = await createMintServer({
    store: sqliteStore({ path: commands.home('mint.db') }),
    lightning: { autoPayMs: 20 },
  })
  await commands.run('wallet init')
  await commands.run(`wallet mints trust ${mint.url}`)
  await commands.run('wallet invoice 100')
  await commands.run('wallet send 10 --memo secretly')
})
afterAll(async () => {
  await commands[Symbol.asyncDispose]()
  await mint.close()
})

interface Listed {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly quoteId?: string
}
const listed = async (more = ''): Promise<readonly Listed[]> =>
  (await commands.run(`ops list --json ${more}`)).last['operations'] as Listed[]

describe('hardshell ops', () => {
  test('lists what a wallet did, by kind, state and status', async () => {
    expect((await listed()).map(({ kind, state }) => `${kind} ${state}`)).toEqual(['send tokenCreated', 'mint issued'])
    expect(await listed('--kind mint --status done')).toHaveLength(1)
    expect(await listed('--state tokenCreated --limit 1')).toHaveLength(1)
    expect(await listed('--stuck-for-ms 3600000')).toEqual([])
    expect((await commands.run('ops list --status quarantined')).stdout).toBe('There is none.\n')
  })

  test('lists and explains what a mint did, while it runs', async () => {
    const [issue] = await listed(`--store ${store} --kind mint-issue`)
    expect(issue).toMatchObject({ kind: 'mint-issue', status: 'done' })
    const { code, last } = await commands.run(`ops explain ${issue?.id} --store ${store} --json`)
    expect([code, last['explanation']]).toEqual([0, expect.objectContaining({ kind: 'mint-issue', run: true })])
    const refused = await commands.run(`ops cancel ${issue?.id} --store ${store}`)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('(INVALID_STATE)')])
  })

  test('says why an operation waits, and that nobody runs it now', async () => {
    const [send] = await listed('--kind send')
    const { stdout } = await commands.run(`ops explain ${send?.id.slice(0, 8)}`)
    expect(stdout).toContain(`send ${send?.id}  10 sat\n  state    tokenCreated\n  why      The token is out.`)
    expect(stdout).toContain('(no process runs it now)')
  })

  test('shows and exports no token, proof, request or snapshot', async () => {
    const [send] = await listed('--kind send')
    using db = new DatabaseSync(commands.home('wallet/wallet.db'), { readOnly: true })
    const secrets = db
      .prepare('SELECT secret FROM proofs')
      .all()
      .map(({ secret }) => String(secret))
    for (const name of ['show', 'export', 'explain', 'steps']) {
      const { stdout, code } = await commands.run(`ops ${name} ${send?.id}`)
      expect(code).toBe(0)
      expect(stdout).not.toMatch(/cashuB|snapshot/)
      expect(secrets.filter((secret) => stdout.includes(secret))).toEqual([])
    }
    const { last } = await commands.run(`ops export ${send?.id} --json`)
    expect(Object.keys(last)).toEqual(['operation', 'history', 'explanation'])
  })

  test('tells how an operation came to where it is', async () => {
    const [issued] = await listed('--kind mint')
    const { last } = await commands.run(`ops steps ${issued?.id} --json`)
    const records = last['steps'] as { from: string | null; to: string; version: number }[]
    expect(records.map(({ version }) => version)).toEqual(records.map((_, at) => at + 1))
    expect([records[0]?.from, records.at(-1)?.to]).toEqual([null, 'issued'])
    const { stdout } = await commands.run(`ops steps ${issued?.id} --limit 2`)
    expect(stdout).toMatch(
      /^1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}→ \S+ +created\n2 {2}.* → .*answered ok after \d+ ms/,
    )
    const [issue] = await listed(`--store ${store} --kind mint-issue`)
    expect((await commands.run(`ops steps ${issue?.id} --store ${store}`)).stdout).toContain('created')
  })

  test('cancels what can be cancelled, and hands over to the next process what it leaves', async () => {
    const waiting = commands.start(['wallet', 'invoice', '77', '--no-wait', '--json'])
    const { json } = await waiting.ended
    const id = String(json[0]?.['operationId'])
    const { code, last } = await commands.run(`ops cancel ${id} --json`)
    expect([code, last['operation'], last['run']]).toEqual([0, expect.objectContaining({ id, kind: 'mint' }), false])
    const resumed = await commands.run(`ops resume ${id}`)
    expect([resumed.code, resumed.stdout]).toEqual([0, expect.stringContaining(`Resumed: mint ${id}`)])
    const over = await commands.run(`wallet pending ${id} --wait --json`)
    expect((over.last['operations'] as Listed[])[0]).toMatchObject({ id, status: 'done' })
  })

  test('puts an operation that was set aside back to work', async () => {
    const [send] = await listed('--kind send')
    using db = new DatabaseSync(commands.home('wallet/wallet.db'))
    db.prepare(`UPDATE operations SET status = 'quarantined', reason = 'a test', version = version + 1 WHERE id = ?`).run(send?.id ?? '') // prettier-ignore
    const doctor = await commands.run('doctor')
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining(`send ${send?.id} was set aside: a test`)])
    const waits = await commands.run(`wallet pending ${send?.id} --wait`)
    expect([waits.code, waits.stdout]).toEqual([3, expect.stringContaining('It was set aside')])
    expect((await commands.run(`ops resume ${send?.id}`)).stdout).toContain('is tokenCreated')
    expect((await commands.run('doctor')).code).toBe(0)
  })

  test('tells of changes until Ctrl-C', async () => {
    const watching = commands.start(['ops', 'watch', '--json', '--kind', 'send'])
    await watching.said(/tokenCreated/)
    await commands.run('wallet send 3')
    await watching.said(/"state":"tokenCreated"[^]*"state":"tokenCreated"/)
    watching.child.kill('SIGINT')
    expect((await watching.ended).code).toBe(0)
  })

  test('shows of a mint no id of a quote: whoever knows one that is paid may have its ecash', async () => {
    const [{ quoteId } = {}] = await listed('--kind mint')
    expect(quoteId).toMatch(/^\w{8,}/)
    const [issue] = await listed(`--store ${store} --kind mint-issue`)
    for (const line of ['list', `show ${issue?.id}`, `export ${issue?.id}`, `steps ${issue?.id}`]) {
      const { code, stdout } = await commands.run(`ops ${line} --store ${store} --json`)
      expect([code, stdout.includes(String(quoteId))]).toEqual([0, false])
    }
  })

  test('exports a bounty, which has no history', async () => {
    const path = commands.home('bounties.db')
    const bounties = await openBounties({ store: sqliteStore({ path }), credits: memoryCredits({ ada: 100 }), claims: memoryClaims() }) // prettier-ignore
    const { id } = await bounties.create({ payer: 'ada', amount: 20, deadlineAt: Date.now() + 86_400_000 })
    await bounties.close()
    const { code, last } = await commands.run(`ops export ${id} --store sqlite:${path} --json`)
    expect([code, last['history'], last['operation']]).toEqual([
      0,
      null,
      expect.objectContaining({ id, kind: 'bounty' }),
    ])
  })

  test('refuses what is no database, and makes none', async () => {
    writeFileSync(commands.home('text'), 'not a database')
    for (const path of ['nowhere.db', 'text', 'wallet/wallet.json']) {
      const { code, stderr } = await commands.run(`ops list --store sqlite:${path}`)
      expect([code, stderr]).toEqual([1, expect.stringContaining('(NO_DATABASE)')])
    }
    expect(existsSync(commands.home('nowhere.db'))).toBe(false)
    const folder = await commands.run(`ops list --store sqlite:wallet`)
    expect([folder.code, folder.stderr]).toEqual([1, expect.stringMatching(/wallet is no file \(NO_DATABASE\)/)])
    const unknown = await commands.run('ops show ffff --json')
    expect([unknown.code, unknown.last['error']]).toEqual([1, expect.objectContaining({ code: 'NOT_FOUND' })])
  })
})

describe('hardshell doctor', () => {
  test('finds nothing wrong with a wallet that is right, and says what is out', async () => {
    const { code, last } = await commands.run('doctor --json')
    expect([code, last['ok']]).toEqual([0, true])
    const findings = last['findings'] as { about: string; state: string; text: string }[]
    expect(findings.map(({ about }) => about)).toEqual(expect.arrayContaining(['node', 'words', 'crypto', 'folder', 'seed', 'database', 'owner', 'mint', 'operations', 'money'])) // prettier-ignore
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([])
    expect((await commands.run(`doctor --store ${store}`)).stdout).toContain("a mint's, is whole")
  })

  test('says what to do about rights, a seed of another wallet, and a mint that is away', async () => {
    const seed = commands.home('wallet/seed')
    const words = readFileSync(seed, 'utf8')
    chmodSync(seed, 0o644)
    const open = await commands.run('doctor')
    expect([open.code, open.stdout]).toEqual([1, expect.stringContaining(`chmod 600 ${seed}`)])
    expect((await commands.run('wallet balance')).stderr).toContain('can be read by others')
    writeFileSync(seed, `${'ab'.repeat(64)}\n`)
    const other = await commands.run('doctor')
    expect([other.code, other.stdout]).toEqual([1, expect.stringContaining('and the wallet is that of seed')])
    writeFileSync(seed, words)
    chmodSync(seed, 0o600)
    const away = await createMintServer({ store: sqliteStore({ path: commands.home('away.db') }) })
    await commands.run(`wallet mints trust ${away.url}`)
    await away.close()
    const gone = await commands.run('doctor')
    expect([gone.code, gone.stdout]).toEqual([1, expect.stringContaining(`${away.url} does not answer`)])
    await commands.run(`wallet mints distrust ${away.url}`)
    expect((await commands.run('doctor')).code).toBe(0)
  })

  test('says of a folder without a wallet how to make one, and makes none', async () => {
    const { code, stdout } = await commands.run(`doctor --home ${commands.home('nobody')}`)
    expect([code, stdout]).toEqual([1, expect.stringContaining('hardshell wallet init --home')])
    expect(existsSync(commands.home('nobody'))).toBe(false)
  })

  test('finds a database that is damaged', async () => {
    const copy = commands.home('damaged.db')
    using db = new DatabaseSync(commands.home('wallet/wallet.db'))
    db.exec(`VACUUM INTO '${copy}'`)
    const bytes = readFileSync(copy)
    bytes.fill(0xff, bytes.length - 12_000, bytes.length - 8_000)
    writeFileSync(copy, bytes)
    const { code, stdout } = await commands.run(`doctor --store sqlite:${copy}`)
    expect([code, stdout]).toEqual([1, expect.stringContaining('✗ database')])
    rmSync(copy)
  })

  test('finds a database that looks like a wallet’s and is another program’s, and tells all the rest', async () => {
    const other = commands.home('other.db')
    using db = new DatabaseSync(other)
    for (const table of ['proofs', 'seeds', 'history']) db.exec(`CREATE TABLE ${table} (a)`)
    const { code, last } = await commands.run(`doctor --store sqlite:${other} --json`)
    expect([code, last]).toEqual([1, { ok: false, findings: expect.any(Array) as unknown }])
    const text = expect.stringContaining('is no database of a wallet') as unknown
    const wrong = { about: 'database', state: 'wrong', text }
    expect(last['findings']).toContainEqual(expect.objectContaining(wrong))
    expect(last['findings']).toContainEqual(expect.objectContaining({ about: 'node', state: 'ok' }))
  })
})
