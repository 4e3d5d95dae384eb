/**
 * Backups of a mint's database, as a person makes them: a copy of the file, nothing at all, a real backup under load, one
 * that was killed, and what is put back. Coins that were spent stay spent, or it is said that they do not.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { systemRandom } from '../../src/kernel/util/ports.ts'
import { backUp, LossRefused, restore } from '../../src/mint-server/db/backup.ts'
import { createMintServer, markFile, type MintServer } from '../../src/mint-server/index.ts'
import { WrongDatabase } from '../../src/mint-server/db/high-water.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { client, overHttp, type Client, type Proof } from '../kits/mint-server-client.ts'

const CLI = join(import.meta.dirname, '../../src/mint-server/cli/cli.ts')
const root = mkdtempSync(join(tmpdir(), 'mint-backup-'))
const running = new Set<MintServer>()
let wallets = 0

afterEach(async () => {
  for (const server of running) await server.close({ deadlineMs: 0 })
  running.clear()
})
afterAll(() => rmSync(root, { recursive: true }))

const SEED = new Uint8Array(32).fill(5)

/** A folder with the database of a mint and its mark. */
function place() {
  const folder = mkdtempSync(join(root, 'run-'))
  const at = (name: string): string => join(folder, name)
  const highWaterMark = markFile(at('mint.mark'))
  return {
    at,
    folder,
    highWaterMark,
    start: async (name = 'mint.db', options: { acceptEmptyDatabase?: boolean } = {}) => {
      const store = sqliteStore({ path: at(name) })
      const server = await createMintServer({
        store,
        seed: SEED,
        highWaterMark,
        lightning: { autoPayMs: 0 },
        ...options,
      })
      running.add(server)
      const wallet = client(overHttp(server.url), nobleCrypto, ++wallets)
      await wallet.keyset()
      const stop = async () => {
        running.delete(server)
        await server.close()
      }
      return { server, wallet, stop }
    },
    restore: (from: string, acceptLoss = false, mark = highWaterMark) =>
      restore({ path: at('mint.db'), from: at(from), mark, acceptLoss, random: systemRandom, now: Date.now }),
  }
}

/** Swaps a coin: true where the mint took it. */
async function takes({ blind, keyset }: Client, url: string, proof: Proof): Promise<boolean> {
  const outputs = blind([proof.amount], (await keyset()).id).map(({ message }) => message)
  const body = JSON.stringify({ inputs: [proof], outputs })
  const { status } = await fetch(`${url}/v1/swap`, { method: 'POST', body })
  return status === 200
}

async function cli(args: readonly string[], cwd: string) {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = once(child, 'close')
  return { child, ended: ended.then(([code]) => ({ code: code as number | null, stdout, stderr })) }
}

describe('a seed on its own', () => {
  test('a copy of the file of a running mint is not taken for its database', async () => {
    const { at, start } = place()
    const { server, wallet } = await start()
    const [coin] = await wallet.mint([8])
    await wallet.swap([coin!])
    copyFileSync(at('mint.db'), at('copy.db'))
    await expect(start('copy.db')).rejects.toThrow(WrongDatabase)
    // The mint that runs is none the worse for it.
    expect(await takes(wallet, server.url, coin!)).toBe(false)
    await wallet.mint([1])
  })

  test('a database that was deleted is not begun anew', async () => {
    const { at, start } = place()
    const first = await start()
    const [coin] = await first.wallet.mint([8])
    await first.wallet.swap([coin!])
    await first.stop()
    for (const part of ['', '-wal', '-shm']) rmSync(at(`mint.db${part}`), { force: true })
    await expect(start()).rejects.toThrow(/empty/)
    await expect(start()).rejects.toThrow(/empty/)
    const told = await start('mint.db', { acceptEmptyDatabase: true })
    expect(await takes(told.wallet, told.server.url, coin!)).toBe(true)
    await told.stop()
    // Once is enough.
    await start()
  })

  test('a copy of the files of a mint that has gone on since is found to be older', async () => {
    const { at, start } = place()
    const first = await start()
    const [coin] = await first.wallet.mint([8])
    await first.stop()
    copyFileSync(at('mint.db'), at('older.db'))
    const second = await start()
    expect(await takes(second.wallet, second.server.url, coin!)).toBe(true)
    await second.stop()
    await expect(start('older.db')).rejects.toThrow(/older/)
    await start()
  })

  test('the command line says so in one line, and starts when it is told to', async () => {
    const { folder, at } = place()
    const args = (name: string, ...more: string[]) =>
      ['mint', '--store', `sqlite:${name}`, '--seed-file', 'm.seed', '--log', 'none', ...more] as const
    const begin = async (...line: readonly string[]) => {
      const run = await cli(line, folder)
      await Promise.race([once(run.child.stdout, 'data'), run.ended])
      return run
    }
    const first = await begin(...args('m.db'))
    copyFileSync(at('m.db'), at('copy.db'))
    copyFileSync(at('m.seed'), at('copy.db.seed'))
    first.child.kill('SIGKILL')
    await first.ended
    const [copied, seedOnly] = await Promise.all([
      (await cli(args('copy.db'), folder)).ended,
      (await cli(['mint', '--store', 'sqlite:none.db', '--seed-file', 'copy.db.seed'], folder)).ended,
    ])
    for (const { code, stdout, stderr } of [copied, seedOnly]) {
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^hardshell: [^\n]*--accept-empty-database[^\n]*\n$/)
    }
    const told = await begin(...args('copy.db', '--accept-empty-database'))
    told.child.kill('SIGTERM')
    expect(await told.ended).toMatchObject({ code: 0 })
    // The first one is another database now.
    expect(await (await cli(args('m.db'), folder)).ended).toMatchObject({ code: 1 })
    expect(readFileSync(at('m.mark'), 'utf8')).not.toContain(readFileSync(at('m.seed'), 'utf8').trim())
  }, 120_000)
})

describe('a backup', () => {
  test('made while the mint works is of one moment, and put back it says what it forgets', async () => {
    const { at, start, restore } = place()
    const first = await start()
    const [early, late] = await first.wallet.mint([8, 16])
    expect(await takes(first.wallet, first.server.url, early!)).toBe(true)
    const load = { isOver: false, done: Promise.resolve() }
    load.done = (async () => {
      const [, ...rest] = await first.wallet.mint([1, 1])
      for (let coins = rest; !load.isOver;) coins = await first.wallet.swap(coins)
    })()
    await backUp({ path: at('mint.db'), to: at('backup.db') })
    load.isOver = true
    await load.done
    await expect(backUp({ path: at('mint.db'), to: at('backup.db') })).rejects.toThrow('there already')
    expect(await takes(first.wallet, first.server.url, late!)).toBe(true)
    await expect(restore('backup.db', true)).rejects.toThrow('a mint runs')
    await first.stop()
    const before = readFileSync(at('mint.db'))

    await expect(start('backup.db')).rejects.toThrow(/older/)
    const refused: unknown = await restore('backup.db').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(LossRefused)
    const { units } = (refused as LossRefused).loss
    expect(units!['sat']).toMatchObject({
      issued: expect.any(Number) as number,
      redeemed: expect.any(Number) as number,
    })
    expect(units!['sat']!.redeemed).toBeGreaterThanOrEqual(16)
    expect((refused as Error).message).toMatch(/sat redeemed/)
    expect(readFileSync(at('mint.db')).equals(before)).toBe(true)

    const report = await restore('backup.db', true)
    expect(report.lost).toEqual((refused as LossRefused).loss)
    const second = await start()
    expect(await takes(second.wallet, second.server.url, early!)).toBe(false)
    expect(await takes(second.wallet, second.server.url, late!)).toBe(true)
    const { outstanding } = (await second.server.mint.balanceSheet()).units['sat']!
    expect([24, 26]).toContain(outstanding)
    await second.stop()
    // What was moved aside does not come back by mistake.
    copyFileSync(report.aside!, at('old.db'))
    await expect(start('old.db')).rejects.toThrow(/another database/)
  })

  test('of a mint that did nothing since is put back without a question', async () => {
    const { at, start, restore } = place()
    const first = await start()
    await first.wallet.mint([4])
    await first.stop()
    await backUp({ path: at('mint.db'), to: at('backup.db') })
    expect(await restore('backup.db')).toMatchObject({ lost: null })
    await start()
  })

  test('takes the place of a database that is broken, or gone', async () => {
    const { at, start, restore } = place()
    const first = await start()
    await first.wallet.mint([4])
    await backUp({ path: at('mint.db'), to: at('backup.db') })
    await first.wallet.mint([2])
    await first.stop()
    writeFileSync(at('mint.db'), 'nothing that SQLite would know')
    const refused = (await restore('backup.db').catch((error: unknown) => error)) as LossRefused
    expect(refused).toBeInstanceOf(LossRefused)
    expect(refused.loss.units).toBeUndefined()
    rmSync(at('mint.db'))
    await expect(restore('backup.db')).rejects.toThrow(LossRefused)
    expect(await restore('backup.db', true)).toMatchObject({ aside: null })
    const second = await start()
    expect((await second.server.mint.balanceSheet()).units['sat']!.outstanding).toBe(4)
  })

  test('is refused where it is none', async () => {
    const { at, start, restore } = place()
    await (await start()).stop()
    writeFileSync(at('text'), 'text')
    await expect(restore('text', true)).rejects.toThrow('not a database')
    await expect(restore('none', true)).rejects.toThrow('ENOENT')
    await expect(backUp({ path: at('none.db'), to: at('b') })).rejects.toThrow('unable to open')
    await expect(backUp({ path: at('text'), to: at('b') })).rejects.toThrow('not a database')
    expect(existsSync(at('none.db'))).toBe(false)
    expect(existsSync(at('b'))).toBe(false)
    await start()
  })

  test('cut off where a restore can be cut off, it is a start that is refused, or the old database', async () => {
    const { at, start, restore, highWaterMark } = place()
    const first = await start()
    await first.wallet.mint([4])
    await backUp({ path: at('mint.db'), to: at('backup.db') })
    await first.wallet.mint([2])
    await first.stop()

    // Before the mark is kept.
    const failing = { ...highWaterMark, write: () => Promise.reject(new Error('killed')) }
    await expect(restore('backup.db', true, failing)).rejects.toThrow('killed')
    await expect(start()).rejects.toThrow(/another database/)
    expect(await restore('backup.db', true)).toMatchObject({ restored: at('mint.db') })
    const second = await start()
    await second.wallet.mint([1])
    await second.stop()

    // When the old database is aside, and nothing is in its place.
    renameSync(at('mint.db'), at('aside.db'))
    await expect(start()).rejects.toThrow(/empty/)
    await restore('backup.db', true)
    const third = await start()
    expect((await third.server.mint.balanceSheet()).units['sat']!.outstanding).toBe(4)
  })

  test('killed at any moment, backup and restore leave all or nothing', async () => {
    const { at, start, folder } = place()
    const first = await start()
    await first.wallet.mint(Array.from({ length: 60 }, () => 1))
    await backUp({ path: at('mint.db'), to: at('good.db') })
    await first.wallet.mint([2])
    await first.stop()
    const commands = [
      ['mint', 'backup', '--store', 'sqlite:mint.db', '--to', 'b.db'],
      [
        'mint',
        'restore',
        '--store',
        'sqlite:mint.db',
        '--from',
        'good.db',
        '--mark-file',
        'mint.mark',
        '--accept-loss',
      ],
    ] as const
    const drafts = () => readdirSync(folder).filter((name) => name.endsWith('.draft'))
    for (const [kind, command] of commands.entries())
      for (const afterMs of [0, 2, 20]) {
        rmSync(at('b.db'), { force: true })
        const { child, ended } = await cli(command, folder)
        const had = drafts().length
        while (drafts().length === had && child.exitCode === null) await pause(1)
        await pause(afterMs)
        child.kill('SIGKILL')
        await ended
        // Under its name a backup is whole, or it is not there.
        expect(['ok', 'missing']).toContain(inspected(at('b.db')))
        // A restore is run again until it is done.
        const again = kind === 0 ? { code: 0 } : await (await cli(command, folder)).ended
        expect(again).toMatchObject({ code: 0 })
        const mint = await start()
        expect((await mint.server.mint.balanceSheet()).units['sat']!.outstanding).toBe(kind === 0 ? 62 : 60)
        await mint.stop()
      }
  }, 180_000)
})

function inspected(path: string): string {
  if (!existsSync(path)) return 'missing'
  const db = new DatabaseSync(path, { readOnly: true })
  const [row] = db.prepare('PRAGMA quick_check(1)').all()
  db.close()
  return String(row!['quick_check'])
}
