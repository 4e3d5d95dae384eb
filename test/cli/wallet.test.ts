/**
 * Goal: a person can live with the command alone. Method: one session, in order, of real processes against the project's own
 * mint: from the first words to the wallet that is restored from them. Every output is searched for secrets at the end.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMintServer, type MintServer } from '../../src/mint-server/http/run-server.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { Commands } from '../kits/command.ts'

let mint: MintServer
let commands: Commands

beforeAll(async () => {
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 20 }, feePpk: 100 })
  commands = new Commands()
})
afterAll(async () => {
  await commands[Symbol.asyncDispose]()
  await mint.close()
})

const friend = (): string => commands.home('friend')
let phrase = ''
let token = ''
let sendId = ''

describe('a wallet', () => {
  test('is made in a folder for its user only, and its words are shown once', async () => {
    const { code, stdout, stderr } = await commands.run('wallet init')
    expect([code, stderr]).toEqual([0, ''])
    const folder = commands.home('wallet')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder).toSorted()).toEqual(['seed', 'wallet.json'])
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    phrase = readFileSync(join(folder, 'seed'), 'utf8').trim()
    expect(phrase.split(' ')).toHaveLength(12)
    const shown = [...stdout.matchAll(/\d+ ([a-z]+)/g)].map(([, word = '']) => word)
    expect(shown.join(' ')).toContain(phrase)
  })

  test('is not made where there is one', async () => {
    const { code, stderr } = await commands.run('wallet init')
    expect(code).toBe(1)
    expect(stderr).toContain('(WALLET_EXISTS)')
    expect(readFileSync(commands.home('wallet/seed'), 'utf8').trim()).toBe(phrase)
  })

  test('trusts a mint, and says what it knows of it', async () => {
    expect((await commands.run('wallet mints')).stdout).toContain('No mint is known')
    const none = await commands.run('wallet invoice 5')
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('(MINT_UNKNOWN)')])
    expect((await commands.run(`wallet mints trust ${mint.url}`)).stdout).toMatch(`Trusted: ${mint.url}`)
    const { last } = await commands.run('wallet mints --json')
    expect(last['mints']).toEqual([
      expect.objectContaining({
        mintUrl: mint.url,
        trusted: true,
        keysets: [expect.objectContaining({ feePpk: 100 })],
      }),
    ])
  })

  test('gives an invoice as its first line, and waits until it is paid', async () => {
    const { code, stdout, stderr } = await commands.run('wallet invoice 1000')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^lnbc\w+\nReceived 1,000 sat\.\n$/)
    expect(stderr).toContain('Ctrl-C stops the waiting only')
    const { last } = await commands.run('wallet balance --json')
    expect(last).toEqual({
      balances: [{ mintUrl: mint.url, unit: 'sat', spendable: 1000, reserved: 0, outstanding: 0, held: 0, owed: 0 }],
    })
  })

  test('sends a token as its first line, the same one for the same key', async () => {
    const line = 'wallet send 100 --memo tea --key first'
    const one = await commands.run(line)
    expect(one.code).toBe(0)
    token = one.stdout.trim()
    expect(token).toMatch(/^cashuB\w+/)
    const again = await commands.run(`${line} --json`)
    expect(again.last['token']).toBe(token)
    sendId = (again.last['operation'] as { id: string }).id
    expect(one.stderr).toContain(`--reclaim ${sendId}`)
  })

  test('says what a token is, and whether it can be claimed, and shows no secret of it', async () => {
    const { last } = await commands.run('wallet decode --json', { input: token })
    expect(last).toMatchObject({ kind: 'token', mintUrl: mint.url, unit: 'sat', amount: 100, memo: 'tea' })
    const checked = await commands.run('wallet check - --json', { input: token })
    expect([checked.code, checked.last]).toEqual([0, { mintUrl: mint.url, unit: 'sat', unspent: 100, pending: 0, spent: 0 }]) // prettier-ignore
  })

  test('takes a token from stdin, in another folder, once its mint is trusted', async () => {
    const made = await commands.run(`wallet init --words 24 --json --home ${friend()}`)
    expect([made.code, String(made.last['phrase']).split(' ').length, made.last['stored']]).toEqual([0, 24, true])
    const refused = await commands.run(`wallet receive --home ${friend()}`, { input: token })
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toContain(`--trust`)
    const { code, last } = await commands.run(`wallet receive - --trust --json --home ${friend()}`, {
      input: `${token}\n`,
    })
    expect(code).toBe(0)
    const { amount, fee, state } = last['operation'] as { amount: number; fee: number; state: string }
    expect([amount + fee, state]).toEqual([100, 'received'])
    const spent = await commands.run(`wallet check - --home ${friend()}`, { input: token })
    expect([spent.code, spent.stdout]).toEqual([1, '0 sat can be claimed, 100 sat were spent.\n'])
    const again = await commands.run(`wallet receive - --home ${friend()} --json`, { input: token })
    expect(again.code).toBe(1)
    expect(again.last['error']).toMatchObject({ code: 'ALREADY_SPENT', advice: expect.any(String) as string })
  })

  test('hears of the claim when it checks', async () => {
    const { code, last } = await commands.run('wallet check --json')
    expect(code).toBe(0)
    expect(last).toMatchObject({ mints: [{ mintUrl: mint.url, ok: true }], changed: [{ id: sendId, was: 'tokenCreated', state: 'claimed' }] }) // prettier-ignore
  })

  test('takes back a token that nobody claimed', async () => {
    const { last } = await commands.run('wallet send 50 --json')
    const { id } = last['operation'] as { id: string }
    const { code, stdout } = await commands.run(`wallet send --reclaim ${id}`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Took back \d+ sat, fee \d sat\.\n$/)
  })

  test('pays an invoice once, within the fee that is allowed', async () => {
    const invoice = mint.backend.foreignInvoice({ amountSat: 200 })
    expect((await commands.run(`wallet decode ${invoice} --json`)).last).toMatchObject({
      kind: 'bolt11',
      msat: 200_000,
    })
    const dear = await commands.run(`wallet pay ${invoice} --max-fee 0 --json`)
    expect([dear.code, dear.last['error']]).toEqual([1, expect.objectContaining({ code: 'FEE_TOO_HIGH' })])
    const { code, last } = await commands.run(`wallet pay - --key bill --json`, { input: invoice })
    expect(code).toBe(0)
    expect(last).toMatchObject({
      operation: { kind: 'melt', state: 'paid', amount: 200 },
      evidence: 'preimage',
      owed: 0,
    })
    const again = await commands.run(`wallet pay ${invoice} --key bill --json`)
    expect(again.last['operation']).toEqual(last['operation'])
  })

  test('says what is too much, and what to do about it', async () => {
    const { code, stderr, stdout } = await commands.run('wallet send 100000')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('(INSUFFICIENT_FUNDS)')
    expect(stderr).toContain('hardshell wallet balance')
  })

  test('lists what came and went, and nothing that is pending', async () => {
    const { last } = await commands.run('wallet history --json --limit 3')
    const records = last['history'] as { kind: string; amount: number; state: string }[]
    expect(records.map(({ kind }) => kind)).toEqual(['melt', 'melt', 'send'])
    const { stdout } = await commands.run('wallet history --kind mint')
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}mint {2}\+1,000 sat.* issued {2}/)
    expect((await commands.run('wallet pending')).stdout).toBe('Nothing is pending.\n')
    expect((await commands.run('wallet pending --wait --json')).last).toEqual({ operations: [] })
  })

  test('is restored from its words alone, which come on stdin', async () => {
    const restored = commands.home('restored')
    const made = await commands.run(`wallet init --restore --home ${restored}`, { input: `${phrase}\n` })
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('wallet restore')])
    expect(made.stdout).not.toContain(phrase.split(' ')[0])
    const early = await commands.run(`wallet restore --home ${restored}`)
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('(MINT_UNKNOWN)')])
    await commands.run(`wallet mints trust ${mint.url} --home ${restored}`)
    const { code, last } = await commands.run(`wallet restore --home ${restored} --json`)
    expect([code, last['restored']]).toEqual([0, [expect.objectContaining({ state: 'restored', unavailable: [] })]])
    const balances = async (folder: string) => (await commands.run(`wallet balance --json --home ${folder}`)).last
    expect(await balances(restored)).toEqual(await balances(commands.home('wallet')))
  })

  test('takes its seed from the environment or a file where none is stored', async () => {
    const bare = commands.home('bare')
    const env = { HARDSHELL_SEED: phrase }
    const made = await commands.run(`wallet init --restore --no-store --home ${bare}`, { env })
    expect([made.code, readdirSync(bare)]).toEqual([0, ['wallet.json']])
    const line = `wallet balance --home ${bare}`
    const without = await commands.run(line)
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('(SEED_MISSING)')])
    expect((await commands.run(line, { env })).code).toBe(0)
    expect((await commands.run(`${line} --seed-file ${commands.home('wallet/seed')}`)).code).toBe(0)
    const other = await commands.run(`${line} --seed-file ${join(friend(), 'seed')}`)
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('(SEED_MISMATCH)')])
  })

  test('does not trust a mint any more when it is told so', async () => {
    expect((await commands.run(`wallet mints distrust ${mint.url} --json`)).last).toMatchObject({ trusted: false })
    const { code, stderr } = await commands.run(`wallet send 1 --mint ${mint.url}`)
    expect([code, stderr]).toEqual([1, expect.stringContaining('(MINT_NOT_TRUSTED)')])
  })
})

test('no output had a seed, a word of one, a proof or a token that was not asked for', async () => {
  const secrets = [phrase, readFileSync(join(friend(), 'seed'), 'utf8').trim()]
  for (const folder of ['wallet', 'friend', 'restored']) {
    using db = new DatabaseSync(commands.home(`${folder}/wallet.db`), { readOnly: true })
    for (const { secret } of db.prepare('SELECT secret FROM proofs').all()) secrets.push(String(secret))
    for (const { paymentProof } of db.prepare('SELECT paymentProof FROM history WHERE paymentProof IS NOT NULL').all())
      secrets.push(String(paymentProof))
  }
  expect(secrets.length).toBeGreaterThan(10)
  const quiet = commands.outputs.filter(({ args }) => !(args.includes('init') && !args.includes('--restore')))
  expect(quiet.length).toBeGreaterThan(30)
  for (const { args, text } of quiet)
    expect(
      secrets.filter((secret) => text.includes(secret)),
      args.join(' '),
    ).toEqual([])
  const tokens = quiet.filter(({ text }) => /cashu[AB]\w{20}/.test(text)).map(({ args }) => args[1])
  expect(new Set(tokens)).toEqual(new Set(['send']))
})
