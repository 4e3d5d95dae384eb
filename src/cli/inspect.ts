/** `hardshell inspect`: a page on which the operations of a wallet's database are seen, while whoever runs the wallet goes on. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { filmIn } from '../inspector/film.ts'
import { serve, type Inspector } from '../inspector/serve.ts'
import { StoreError, type StoreAdapter } from '../store/port.ts'
import { openInspected } from '../wallet/inspected.ts'
import { ask, canAsk } from './prompt.ts'

const HELP = `hardshell inspect --store sqlite:PATH [options]
hardshell inspect --store postgres://… [options]
hardshell inspect --replay FILE

Serves a page on 127.0.0.1 that shows the operations of a wallet's database, live, and prints its address. The program that
runs the wallet goes on meanwhile: this one makes no requests to mints, and needs no seed. A database that is encrypted asks for
its key on the terminal. The address has a token in it: whoever has it sees what the page shows. Ctrl-C ends it.

  --store S      sqlite:PATH, or postgres://… (needs the package pg)
  --write        the page may resume and cancel operations, after a confirmation; it only shows unless given
  --port N       any free port unless given
  --replay FILE  shows a run of the explorer, as hardshell crash --replay PATH --film FILE writes it
  --json         prints the address as one line of JSON, {"url": …}
`

const WRONG = 1
const MISUSED = 2

/** The command line is wrong, or what it names. */
class Misused extends Error {}

const OPTIONS = {
  store: { type: 'string' },
  write: { type: 'boolean', default: false },
  port: { type: 'string', default: '0' },
  replay: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Misused('--port: a number from 0 to 65535')
  return port
}

/** A database that is there: this command makes none. */
async function adapterOf(store: string): Promise<StoreAdapter> {
  const at = store.indexOf(':')
  const [kind, place] = [store.slice(0, at), store.slice(at + 1)]
  if (kind === 'sqlite') {
    if (!existsSync(place)) throw new Misused(`there is no file ${place}`)
    // To open a pipe would wait for whoever writes to it.
    if (!statSync(place).isFile()) throw new Misused(`${place} is no file`)
    return isEncrypted(place)
      ? encrypted(place)
      : (await import('../store/sqlite/index.ts')).sqliteStore({ path: place })
  }
  if (kind === 'postgres' || kind === 'postgresql') {
    // The URL alone says what it is of; its rest would be taken for a path, and be shown with its password.
    const connection = place.startsWith('//') ? store : place
    return (await import('../store/postgres/index.ts')).postgresStore({ connection })
  }
  throw new Misused('--store: sqlite:PATH or postgres://…')
}

const MAGIC = 'SQLite format 3\0'

/** A file that begins otherwise is encrypted, or no database. */
function isEncrypted(path: string): boolean {
  const bytes = Buffer.alloc(MAGIC.length)
  const file = openSync(path, 'r')
  const length = readSync(file, bytes)
  closeSync(file)
  return length > 0 && bytes.toString('latin1') !== MAGIC
}

async function encrypted(path: string): Promise<StoreAdapter> {
  const { encryptedSqliteStore } = await import('../store/sqlite/encrypted.ts')
  const said = canAsk() ? await ask('key or passphrase of the database: ', { hidden: true }) : await text(process.stdin)
  const key = said.replace(/\r?\n$/, '')
  if (key === '') throw new Misused('no key was given')
  const isKey = /^([0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$/i.test(key)
  return encryptedSqliteStore({ path, key: isKey ? key : { passphrase: key } })
}

async function opened(values: {
  store?: string | undefined
  write: boolean
  port: string
  replay?: string | undefined
}) {
  const { store, write, replay } = values
  const port = portOf(values.port)
  if (replay !== undefined) {
    if (!existsSync(replay)) throw new Misused(`there is no file ${replay}`)
    const film = filmIn(readFileSync(replay, 'utf8'))
    return { inspector: await serve({ film, port, title: film.path }), inspected: undefined }
  }
  if (store === undefined) throw new Misused('--store: sqlite:PATH or postgres://…')
  const inspected = await openInspected(await adapterOf(store)).catch((error: unknown) => {
    // What differs from a wallet's tables is a long list.
    if (error instanceof TypeError) throw new Misused('the database is no wallet’s, or one of another version')
    throw error
  })
  const title = store.startsWith('sqlite:') ? basename(store) : 'PostgreSQL'
  const inspector = await serve({ inspectable: inspected.inspectable, port, write, title }).catch(
    async (error: unknown) => {
      await inspected[Symbol.asyncDispose]()
      throw error
    },
  )
  return { inspector, inspected }
}

/** Resolves at SIGINT or SIGTERM. */
const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })

async function run(args: readonly string[]): Promise<void> {
  const { values } = parsed(args)
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  if (values.help) return print(HELP.trimEnd())
  const { inspector, inspected } = await opened(values)
  tell(inspector, values.json, print)
  await interrupted()
  await inspector.close()
  await inspected?.[Symbol.asyncDispose]()
}

const tell = ({ url }: Inspector, json: boolean, print: (text: string) => void): void =>
  print(json ? JSON.stringify({ url }) : `open ${url}`)

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS })
  } catch (error) {
    throw new Misused(error instanceof Error ? error.message : String(error))
  }
}

const [, , , ...args] = process.argv
try {
  await run(args)
} catch (error) {
  const isUsage = error instanceof Misused
  const what = error instanceof Error ? error.message : String(error)
  const code = error instanceof StoreError ? `${error.code}: ` : ''
  process.stderr.write(`hardshell inspect: ${code}${what}${isUsage ? ' (--help explains)' : ''}\n`)
  process.exitCode = isUsage ? MISUSED : WRONG
}
