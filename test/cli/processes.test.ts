/**
 * Goal: Ctrl-C and a second process harm nothing. Method: real processes; a mint whose invoices are paid when the test says so, so
 * that whatever is waited for is surely not over before.
 */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMintServer, type MintServer } from '../../src/mint-server/http/run-server.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { Commands } from '../kits/command.ts'

let mint: MintServer
let commands: Commands

beforeEach(async () => {
  mint = await createMintServer({ store: memoryStore() })
  commands = new Commands()
  await commands.run('wallet init')
  await commands.run(`wallet mints trust ${mint.url}`)
})
afterEach(async () => {
  await commands[Symbol.asyncDispose]()
  await mint.close()
})

/** Somebody pays. */
async function settled(invoice: unknown): Promise<void> {
  const request = mint.backend.decode('bolt11', String(invoice))
  if (!request) throw new Error('no invoice of this mint')
  expect(await mint.backend.settle(request.requestId)).toBe(true)
}

/** An operation's id. */
const idIn = (json: Record<string, unknown> | undefined): string => String(json?.['operationId'])

test('Ctrl-C stops the waiting and not the operation: paid meanwhile, the next command takes it up', async () => {
  const waiting = commands.start(['wallet', 'invoice', '64', '--json'])
  await waiting.said(/lnbc/)
  waiting.child.kill('SIGINT')
  const { code, json, last } = await waiting.ended
  expect(code).toBe(130)
  const id = idIn(json[0])
  expect(last['error']).toEqual({
    code: 'INTERRUPTED',
    message: 'stopped waiting; the operation was not stopped',
    operationId: id,
    advice: expect.stringContaining(`hardshell wallet pending ${id} --wait`) as string,
  })
  const { last: listed } = await commands.run('wallet pending --json')
  expect(listed['pending']).toEqual([
    expect.objectContaining({ id, kind: 'mint', status: 'active', needsHuman: false }),
  ])
  await settled(json[0]?.['request'])
  const over = await commands.run(`wallet pending ${id} --wait --json`)
  expect([over.code, over.last['operations']]).toEqual([
    0,
    [expect.objectContaining({ id, state: 'issued', amount: 64 })],
  ])
})

test('a wait that is too short ends with exit code 3, and says how to go on', async () => {
  const { code, last, json } = await commands.run('wallet invoice 64 --wait-ms 1 --json')
  expect([code, last['error']]).toEqual([3, expect.objectContaining({ code: 'PENDING', operationId: idIn(json[0]) })])
  const only = await commands.run('wallet invoice 64 --no-wait')
  expect([only.code, only.stdout]).toEqual([0, expect.stringMatching(/^lnbc\w+\n$/)])
  const listed = await commands.run(`wallet pending ${idIn(json[0]).slice(0, 12)} --wait --wait-ms 1`)
  expect(listed.code).toBe(3)
})

test('the same key is the same invoice, however often it is asked for', async () => {
  const line = 'wallet invoice 7 --key rent --wait-ms 1 --json'
  const [one, two] = [await commands.run(line), await commands.run(line)]
  expect(two.json[0]).toEqual(one.json[0])
})

test('a command beside another process hands its work to that one, and sees what comes of it', async () => {
  const owner = commands.start(['wallet', 'history', '--watch', '--json'])
  await owner.said(/"history":\[\]/)
  const doctor = await commands.run('doctor --json')
  expect([doctor.code, doctor.last['findings']]).toEqual([0, expect.arrayContaining([expect.objectContaining({ about: 'owner', text: expect.stringContaining('another process has it open') as string })])]) // prettier-ignore
  const waiting = commands.start(['wallet', 'invoice', '32', '--json'])
  await waiting.said(/lnbc/)
  const [operation] = (await commands.run('ops list --json')).last['operations'] as { id: string }[]
  const explained = await commands.run(`ops explain ${operation?.id.slice(0, 10)}`)
  expect(explained.stdout).toContain('(another process runs it)')
  const exported = await commands.run(`ops export ${operation?.id} --json`)
  const { request } = exported.last['history'] as { request: string }
  await settled(request)
  const { code, last } = await waiting.ended
  expect([code, last['operation']]).toEqual([0, expect.objectContaining({ state: 'issued', amount: 32 })])
  const sent = await commands.run('wallet send 5 --json')
  expect(sent.code).toBe(0)
  owner.child.kill('SIGINT')
  const { code: ownersCode, json } = await owner.ended
  expect(ownersCode).toBe(0)
  const told = json.map(({ kind, state }) => `${String(kind)} ${String(state)}`)
  expect(told).toEqual(expect.arrayContaining(['mint issued', 'send tokenCreated']))
})

test('a command goes on where the process that did the work for it is killed', async () => {
  const owner = commands.start(['wallet', 'history', '--watch'])
  await owner.said(/Watching/)
  const waiting = commands.start(['wallet', 'invoice', '16', '--json'])
  await waiting.said(/lnbc/)
  owner.child.kill('SIGKILL')
  await owner.ended
  const [operation] = (await commands.run('ops list --json')).last['operations'] as { id: string }[]
  const exported = await commands.run(`ops export ${operation?.id} --json`)
  await settled((exported.last['history'] as { request: string }).request)
  const { code, last } = await waiting.ended
  expect([code, last['operation']]).toEqual([0, expect.objectContaining({ state: 'issued', amount: 16 })])
})

test('several commands at once spend no coin twice', async () => {
  // Coins of 64, 32 and 16: each of the three finds one.
  const made = commands.start(['wallet', 'invoice', '112', '--json'])
  await made.said(/lnbc/)
  const [operation] = (await commands.run('ops list --json')).last['operations'] as { id: string }[]
  const exported = await commands.run(`ops export ${operation?.id} --json`)
  await settled((exported.last['history'] as { request: string }).request)
  await made.ended
  const sent = await Promise.all([1, 2, 3].map(() => commands.run('wallet send 10 --json')))
  expect(sent.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(new Set(sent.map(({ last }) => last['token'])).size).toBe(3)
  const { last } = await commands.run('wallet balance --json')
  expect(last['balances']).toEqual([expect.objectContaining({ spendable: 82, outstanding: 30, reserved: 0 })])
})

test('Ctrl-C ends the waiting for a text that another program never hands over', async () => {
  // What it warns of is said once it hears Ctrl-C.
  chmodSync(commands.home('wallet/seed'), 0o644)
  const waiting = commands.start(['wallet', 'receive', '--json'])
  await waiting.said(/can be read by others/)
  waiting.child.kill('SIGINT')
  const { code, last } = await waiting.ended
  expect([code, last['error']]).toEqual([130, { code: 'INTERRUPTED', message: 'interrupted' }])
})

// Writing to it fails as on a disk that is full.
const FULL = '/dev/full'

test.skipIf(!existsSync(FULL))('a token that cannot be written, for the disk is full, is no success', async () => {
  const made = commands.start(['wallet', 'invoice', '16', '--json'])
  await made.said(/lnbc/)
  const [operation] = (await commands.run('ops list --json')).last['operations'] as { id: string }[]
  const exported = await commands.run(`ops export ${operation?.id} --json`)
  await settled((exported.last['history'] as { request: string }).request)
  await made.ended
  const cli = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))
  const env = { ...process.env, HARDSHELL_HOME: commands.home('wallet'), HARDSHELL_SEED: '' }
  const sent = promisify(execFile)('sh', ['-c', `"$0" "$1" wallet send 5 > ${FULL}`, process.execPath, cli], { env })
  await expect(sent).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('(ENOSPC)') as string })
  const { last } = await commands.run('wallet pending --json')
  expect(last['pending']).toEqual([expect.objectContaining({ kind: 'send', state: 'tokenCreated' })])
})
