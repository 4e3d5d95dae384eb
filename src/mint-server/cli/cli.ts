#!/usr/bin/env node
/** The command line: `hardshell mint`, its `backup` and `restore`, and `hardshell signatory`. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { nobleMintCrypto } from '../../cashu/noble-mint-crypto.ts'
import { memoryStore } from '../../store/memory.ts'
import type { StoreAdapter } from '../../store/port.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import { backUp, restore } from '../db/backup.ts'
import {
  BACKUP_HELP,
  backupArguments,
  HELP,
  MINT_HELP,
  mintArguments,
  RESTORE_HELP,
  restoreArguments,
  SIGNATORY_HELP,
  signatoryArguments,
  UsageError,
  type MintArguments,
  type StoreArgument,
} from './arguments.ts'
import { WrongDatabase } from '../db/high-water.ts'
import { createMintServer, type MintServerOptions } from '../http/run-server.ts'
import { failureOf } from '../../kernel/util/failure.ts'
import { jsonLines, silent, type ServerLog } from './log.ts'
import { makeMarkFile, markFile, markPathOf } from '../db/mark-file.ts'
import { readOrMakeSecret, readSecret, seedOf } from '../signatory/secret-files.ts'
import { remoteSignatory, signatoryServer } from '../signatory/signatory-http.ts'
import { localSignatory } from '../signatory/signatory.ts'
import { inTimeSlices } from '../protocol/time-slices.ts'

const FAILED = 1
const MISUSED = 2
/** A wallet keeps its own tables in the same database under another name. */
const NAMESPACE = 'hardshell_mint'

const logTo = ({ log, logLevel }: Pick<MintArguments, 'log' | 'logLevel'>): ServerLog =>
  log === 'none' ? silent : jsonLines((line) => void process.stderr.write(line), Date.now, logLevel)

async function storeOf(store: StoreArgument): Promise<StoreAdapter> {
  if (store.kind === 'memory') return memoryStore()
  if (store.kind === 'sqlite') return sqliteStore({ path: store.path })
  try {
    const { postgresStore } = await import('../../store/postgres/index.ts')
    return postgresStore({ connection: store.connection, namespace: NAMESPACE })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('postgres:URL needs the package pg, which is not installed', { cause: error })
  }
}

type Keys = Pick<MintServerOptions, 'seed' | 'signatory' | 'highWaterMark'>

/** The source of the seed, if this process has one, and the file of its high-water mark. */
function keysOf({ keys, store, markFile: given }: MintArguments): Keys {
  const beside = keys.kind === 'seed' ? keys.file : keys.tokenFile
  const markPath = given ?? (beside === undefined ? undefined : markPathOf(beside))
  const marked = (missing?: 'unknown'): Keys =>
    markPath === undefined ? {} : { highWaterMark: markFile(markPath, { missing }) }
  if (keys.kind === 'signatory')
    return { ...marked(), signatory: remoteSignatory({ url: keys.url, token: readSecret(keys.tokenFile) }) }
  const { file } = keys
  if (file === undefined) return { ...marked(), seed: new Uint8Array(randomBytes(32)) }
  if (!existsSync(file)) {
    if (store.kind === 'sqlite' && existsSync(store.path))
      throw new Error(`${store.path} is there, and the seed of its keys is not: ${file}`)
    // The mark is made before the seed. A seed without a mark may have signed already.
    if (markPath !== undefined) makeMarkFile(markPath)
  }
  return { ...marked('unknown'), seed: seedOf(readOrMakeSecret(file), file) }
}

/** Prints where a server listens, and closes it on SIGTERM or SIGINT. */
function serve(
  {
    url,
    metricsUrl,
    close,
  }: { readonly url: string; readonly metricsUrl?: string | undefined; readonly close: () => Promise<void> },
  log: ServerLog,
): void {
  const fail = (error: unknown): never => {
    log('error', { event: 'failure', at: 'process', ...failureOf(error) })
    process.exit(FAILED)
  }
  process.on('uncaughtException', fail)
  // The reader of the log may exit before the mint.
  process.stderr.on('error', () => {})
  let isEnding = false
  const end = (): void => {
    if (isEnding) process.exit(FAILED)
    isEnding = true
    close().then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end)
  process.stdout.write(`${JSON.stringify({ url, ...(metricsUrl !== undefined && { metrics: metricsUrl }) })}\n`)
}

async function mint(args: readonly string[]): Promise<void> {
  const given = mintArguments(args)
  if (!given) return void process.stdout.write(MINT_HELP)
  const { port, host, admin, settings, autoPayMs, feeSat, acceptEmptyDatabase, clientHeader, metrics } = given
  const log = logTo(given)
  const server = await createMintServer({
    ...settings,
    ...keysOf(given),
    store: await storeOf(given.store),
    lightning: { ...(autoPayMs !== undefined && { autoPayMs }), ...(feeSat !== undefined && { feeSat }) },
    ...{ port, host, admin, log },
    ...(metrics && { metrics }),
    ...(clientHeader !== undefined && { clientHeader }),
    ...(acceptEmptyDatabase && { acceptEmptyDatabase }),
  }).catch((error: unknown) => {
    if (!(error instanceof WrongDatabase)) throw error
    throw new Error(`${error.message}. Spent ecash would be good again (--accept-empty-database starts all the same)`)
  })
  const { url, metricsUrl } = server
  serve({ url, metricsUrl, close: () => server.close() }, log)
}

async function backup(args: readonly string[]): Promise<void> {
  const given = backupArguments(args)
  if (!given) return void process.stdout.write(BACKUP_HELP)
  process.stdout.write(`${JSON.stringify(await backUp(given))}\n`)
}

async function restored(args: readonly string[]): Promise<void> {
  const given = restoreArguments(args)
  if (!given) return void process.stdout.write(RESTORE_HELP)
  const { path, from, acceptLoss } = given
  const report = await restore({ path, from, acceptLoss, mark: markFile(given.markFile), random: randomBytes, now: Date.now }) // prettier-ignore
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

async function signatory(args: readonly string[]): Promise<void> {
  const given = signatoryArguments(args)
  if (!given) return void process.stdout.write(SIGNATORY_HELP)
  const { port, host, seedFile, tokenFile } = given
  const log = logTo(given)
  const seed = seedOf(readOrMakeSecret(seedFile), seedFile)
  const token = readOrMakeSecret(tokenFile)
  const local = inTimeSlices(localSignatory({ seed, crypto: nobleMintCrypto }))
  const server = await signatoryServer({ signatory: local, token, port, host, log })
  serve({ url: server.url, close: () => server.close() }, log)
}

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = { mint, signatory }

/** What may stand behind `mint`. */
const OF_MINT: typeof COMMANDS = { backup, restore: restored }

async function run([command = '', ...args]: readonly string[]): Promise<void> {
  const [second = ''] = args
  if (command === 'mint' && Object.hasOwn(OF_MINT, second)) return OF_MINT[second]!(args.slice(1))
  if (command === '--help' || command === '-h' || command === 'help') return void process.stdout.write(HELP)
  if (!Object.hasOwn(COMMANDS, command)) throw new UsageError('a command is needed: mint or signatory')
  await COMMANDS[command]!(args)
}

const [, , ...args] = process.argv
try {
  await run(args)
} catch (error) {
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
  const isUsage = error instanceof UsageError
  process.stderr.write(`hardshell: ${reason}${isUsage ? ' (--help explains)' : ''}\n`)
  process.exit(isUsage ? MISUSED : FAILED)
}
