/** `hardshell inspect`: a page on which the operations of a database are seen, while whoever runs them goes on. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { filmIn } from '../inspector/film.ts'
import { serve, type Inspector } from '../inspector/serve.ts'
import { HardshellError, messageOf } from '../kernel/util/errors.ts'
import { openAs, SCHEMAS, type OpenedDatabase } from './databases.ts'
import { whose } from './described.ts'
import { EXIT, Misused, Refused } from './errors.ts'
import { ownLine, runOwn } from './own-line.ts'
import { placeOf } from './place.ts'

const HELP = `hardshell inspect --store sqlite:PATH [options]
hardshell inspect --store postgres://… [options]
hardshell inspect --replay FILE

Serves a page on 127.0.0.1 that shows the operations of a wallet's database, a mint's, or one of bounties, live, and prints its
address. Which it is, its tables tell. The program that runs them goes on meanwhile: this one makes no requests, needs no seed, and
brings no older database up to date. A database that is encrypted asks for its key on the terminal. The address has a token in
it: whoever has it sees what the page shows. Ctrl-C ends it.

  --store S      sqlite:PATH, or postgres://… (needs the package pg)
  --namespace N  of PostgreSQL, where several have operations; the only one unless given
  --write        the page may resume and cancel operations, after a confirmation; it only shows unless given
  --port N       any free port unless given
  --replay FILE  shows a run of the explorer, as hardshell crash --replay PATH --film FILE writes it
  --json         prints the address as one line of JSON, {"url": …}
`

const OPTIONS = {
  store: { type: 'string' },
  namespace: { type: 'string' },
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

/** Opens a database as whose it is. @throws {Misused}; {Refused} `NO_DATABASE`, `OLDER`; {StoreError} */
async function databaseOf(store: string, namespace: string | undefined): Promise<OpenedDatabase> {
  const { adapter, described } = await placeOf(store, namespace)
  const of = described && whose(described)
  if (!of) throw new Refused('NO_DATABASE', 'the database is no wallet’s, no mint’s and none of bounties')
  // To open it would change it, under a program that may have it open.
  if (described.version < SCHEMAS[of].version)
    throw new Refused('OLDER', 'an older version of hardshell has made the database; open it once with the program that it belongs to') // prettier-ignore
  return openAs(of, adapter).catch((error: unknown) => {
    // What differs from the tables is a long list.
    if (error instanceof TypeError) throw new Refused('NO_DATABASE', 'the tables are not those of this version')
    throw error
  })
}

async function opened(values: {
  store?: string | undefined
  namespace?: string | undefined
  write: boolean
  port: string
  replay?: string | undefined
}) {
  const { store, namespace, write, replay } = values
  const port = portOf(values.port)
  if (replay !== undefined) {
    if (!existsSync(replay)) throw new Misused(`there is no file ${replay}`)
    const film = filmIn(readFileSync(replay, 'utf8'))
    return { inspector: await serve({ film, port, title: film.path }), inspected: undefined }
  }
  if (store === undefined) throw new Misused('--store: sqlite:PATH or postgres://…')
  const inspected = await databaseOf(store, namespace)
  const title = store.startsWith('sqlite:') ? basename(store) : 'PostgreSQL'
  const inspector = await serve({ inspectable: inspected.inspectable, port, write, title }).catch(
    async (error: unknown) => {
      await inspected.close()
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

async function run(args: string[]): Promise<number> {
  const { values } = ownLine({ args, options: OPTIONS })
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  if (values.help) {
    print(HELP.trimEnd())
    return EXIT.done
  }
  const { inspector, inspected } = await opened(values)
  tell(inspector, values.json, print)
  await interrupted()
  await inspector.close()
  await inspected?.close()
  return EXIT.done
}

const tell = ({ url }: Inspector, json: boolean, print: (text: string) => void): void =>
  print(json ? JSON.stringify({ url }) : `open ${url}`)

await runOwn('inspect', run, (error) =>
  error instanceof HardshellError ? `${error.code}: ${error.message}` : messageOf(error),
)
