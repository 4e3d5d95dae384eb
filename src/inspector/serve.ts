/** Serves the inspector's page, and what it shows. */
import { checkFlag, checkNames, checkObject, checkPort } from '../arguments.ts'
import type { Bounties } from '../bounty/index.ts'
import { inspectableOf, type Inspectable } from '../kernel/inspect/inspectable.ts'
import { Operations } from '../kernel/operations.ts'
import type { MintServer, RunningMint } from '../mint-server/index.ts'
import type { Wallet } from '../wallet/api.ts'
import { askedOf, perform } from './acts.ts'
import { Charts } from './charts.ts'
import { followChanges } from './changes.ts'
import { Clients } from './clients.ts'
import { detailOf } from './detail.ts'
import type { Film, Overview, SummaryPage } from './feed.ts'
import { Refused } from './guard.ts'
import { PACKED_PAGE, PageFiles } from './page-files.ts'
import { listen, type Route } from './server.ts'
import { Source } from './source.ts'

/** What is inspected, and how. */
export interface InspectorOptions {
  /** The operations to show, where they are nothing of what follows. One of these four is given. */
  readonly operations?: Operations | undefined
  /** A wallet that this process opened: no far side. */
  readonly wallet?: Wallet | undefined
  /** A mint that this process runs: what `createMintServer` or `createMint` gave. */
  readonly mint?: MintServer | RunningMint | undefined
  /** Bounties that this process opened. */
  readonly bounties?: Bounties | undefined
  /** Any free port unless given. */
  readonly port?: number | undefined
  /** Whether the page may resume, cancel and execute operations; false unless given. */
  readonly write?: boolean | undefined
  /** What the page says is shown: the name of a file, say. */
  readonly title?: string | undefined
}

/** A page that is served. */
export interface Inspector extends AsyncDisposable {
  /** The page's address. It has a token in it, without which nothing is shown: it is for a person of this machine. */
  readonly url: string
  /**
   * Stops serving. The operations go on.
   *
   * @throws nothing
   */
  close(): Promise<void>
}

/** What is served beside the options of users. */
export interface Serving {
  readonly inspectable?: Inspectable | undefined
  readonly film?: Film | undefined
  readonly port?: number | undefined
  readonly write?: boolean | undefined
  readonly title?: string | undefined
  /** Where the page's files are. */
  readonly page?: URL | undefined
}

/** Operations in one answer, unless asked otherwise; and at most. */
const PAGE = 500
const MOST_PAGE = 2000

/**
 * Serves a page on which operations are seen live: a list, each one's chart with the way that it took, and why it is where it is.
 * It listens on 127.0.0.1 alone, and shows no secrets.
 *
 * @throws {TypeError} naming the argument; what the platform says where the port cannot be had
 * @example
 * await using inspector = await serveInspector({ wallet })
 * console.log(`open ${inspector.url}`)
 */
export async function serveInspector(options: InspectorOptions): Promise<Inspector> {
  checkObject(options, 'options')
  checkNames(options, 'options', ['operations', 'wallet', 'mint', 'bounties', 'port', 'write', 'title'])
  const { port, write, title } = options
  const inspectable = shownOf(options)
  checkPort(port, 'port')
  checkFlag(write, 'write')
  if (title !== undefined && typeof title !== 'string') throw new TypeError('title: a text')
  return serve({ inspectable, port, write, title })
}

/** @throws {TypeError} naming the argument */
function shownOf({ operations, wallet, mint, bounties }: InspectorOptions): Inspectable {
  const given = [operations, wallet, mint, bounties].filter((value) => value !== undefined)
  if (given.length !== 1) throw new TypeError('operations: those, or a wallet, or a mint, or bounties')
  if (operations !== undefined) {
    if (operations instanceof Operations) return { operations }
    throw new TypeError('operations: what openOperations or openClient gave')
  }
  const inspectable = inspectableOf(wallet ?? mint ?? bounties ?? {})
  if (inspectable) return inspectable
  if (mint !== undefined) throw new TypeError('mint: what createMintServer or createMint gave')
  if (bounties !== undefined) throw new TypeError('bounties: what openBounties gave')
  throw new TypeError('wallet: a wallet that this process opened')
}

/** As `serveInspector`, of what the package itself shows. */
export async function serve(serving: Serving): Promise<Inspector> {
  const { inspectable, film, write = false, title = 'hardshell', port = 0, page = PACKED_PAGE } = serving
  const clients = new Clients()
  const source = inspectable && new Source(inspectable)
  const routes = [
    ...overviewRoutes({ source, film, write, title, clients }),
    ...(source ? routesOf(source, write) : []),
  ]
  const charts = new Charts((kind, version) => source?.machineOf(kind, version), page)
  routes.push({
    path: /^\/api\/charts\/[^/]+\/\d+$/,
    method: 'GET',
    answer: async ({ path }) => charts.at(nameIn(path.slice(0, path.lastIndexOf('/'))), Number(nameIn(path))),
  })
  const listening = await listen({ routes, page: new PageFiles(page), port })
  const stop = source && followChanges(source, clients)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    stop?.()
    clients.close()
    return (closing ??= listening.close())
  }
  return { url: listening.url, close, [Symbol.asyncDispose]: close }
}

interface Shown {
  readonly source: Source | undefined
  readonly film: Film | undefined
  readonly write: boolean
  readonly title: string
  readonly clients: Clients
}

function overviewRoutes({ source, film, write, title, clients }: Shown): Route[] {
  const nowMs = (): number => source?.parts.clock.now() ?? Date.now()
  return [
    {
      path: /^\/api\/overview$/,
      method: 'GET',
      answer: async (): Promise<Overview> => ({
        ...{ title, write, nowMs: nowMs(), film: film !== undefined },
        role: source?.of.operations.role ?? 'film',
        roleReason: source?.of.operations.roleReason ?? null,
        totals: (await source?.of.totals?.()) ?? [],
      }),
    },
    {
      path: /^\/api\/changes$/,
      method: 'GET',
      answer: async ({ response }) => {
        clients.add(response, { type: 'hello', nowMs: nowMs() })
        return undefined
      },
    },
    ...(film ? [{ path: /^\/api\/film$/, method: 'GET' as const, answer: async () => film }] : []),
  ]
}

function routesOf(source: Source, write: boolean): Route[] {
  return [
    {
      path: /^\/api\/operations$/,
      method: 'GET',
      answer: async ({ query }) => pageOf(source, query),
    },
    {
      path: /^\/api\/operations\/[^/]+$/,
      method: 'GET',
      answer: async ({ path }) => detailOf(source, nameIn(path)),
    },
    {
      path: /^\/api\/act$/,
      method: 'POST',
      answer: async ({ body }) => {
        if (!write) throw new Refused(403, 'READ_ONLY', 'this inspector only shows')
        await perform(source, askedOf(body))
        return { done: true }
      },
    },
  ]
}

/** @throws {Refused} */
function nameIn(path: string): string {
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  } catch {
    throw new Refused(400, 'ARGUMENT', 'the path is not understood')
  }
}

async function pageOf(source: Source, query: URLSearchParams): Promise<SummaryPage> {
  const limit = Math.min(numberIn(query, 'limit') ?? PAGE, MOST_PAGE)
  const changedSince = numberIn(query, 'since')
  const after = query.get('after') ?? undefined
  const filter = { limit, after, ...(changedSince !== undefined && { changedSince }) }
  const { operations, next } = await source.parts.reads.rowPage(filter)
  return { operations: operations.map((row) => source.summary(row)), next: next ?? null }
}

/** A whole number above zero, where there is one. */
function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? ''
  return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}
