/** What may stand on the command line, and what it means. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { LOG_LEVELS, type LogLevel } from '../../kernel/inspect/log.ts'
import { markPathOf } from '../db/mark-file.ts'

/** The command line is wrong: the message says where, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const HELP = `hardshell: a Cashu mint for development and demonstrations

  hardshell mint [options]           runs a mint
  hardshell mint backup [options]    copies a mint's database while it runs
  hardshell mint restore [options]   puts such a copy in the place of a database
  hardshell signatory [options]      holds the keys of a mint that runs elsewhere, and signs for it
  hardshell crash FILE [options]     proves kinds of operations: not the mint's, but the caller's own

With --help, each says what its options are.
`

export const MINT_HELP = `hardshell mint [options]

Runs a Cashu mint until SIGTERM or SIGINT; a second one stops it at once. When it listens, it prints one line of JSON,
{"url": …}. What a crash or a stop leaves unfinished goes on at the next start.

Its Lightning is a fake: nobody pays its invoices but a timer or a command, and any invoice can be "paid" by it. Its ecash
is play money. All else is as in a mint that is used: keys, signatures, the store.

  --port P                  any free port unless given
  --host H                  127.0.0.1 unless given
  --store S                 memory (unless given: forgotten at the end), sqlite:PATH, or postgres:URL (needs the package pg)
  --seed-file F             the seed of all keys, made on the first start; PATH.seed unless given, with sqlite:PATH
  --mark-file F             where it is kept how far the seed has signed; beside the seed (or the token) unless given
  --accept-empty-database   starts on a database that is empty, older, or another one than the seed has signed for:
                            ecash that was spent there is good again. To be given once, not for good
  --signatory URL           takes the signatures from a hardshell signatory there, and has no seed
  --signatory-token-file F  the token that it shares with that
  --fee-ppk N               input fee of the first keysets, in thousandths of a unit per input; 0 unless given
  --unit U                  sat unless given; may be given several times
  --name N                  what wallets show
  --min-amount N            the least that one quote may be for; 1 unless given
  --max-amount N            the most that one quote may be for; 10000000 unless given
  --quote-ttl-ms N          how long a quote can be used; an hour unless given
  --offer-ttl-ms N          how long an offer (bolt12) can be paid; without an end unless given
  --quote-retention-ms N    how long after its end a quote that nobody paid is kept; 30 days unless given
  --auto-pay-ms N           how long after its making an invoice is paid by itself; never unless given
  --payment-fee N           what each payment of the fake Lightning costs beyond its amount; 1 unless given
  --admin                   takes commands at /admin/… from programs on this machine: balance-sheet, settle, resolve, rotate, invoice
  --admin-anywhere          takes them from anybody; so does --admin, in effect, behind a proxy on this machine
  --client-header H         the header in which the proxy in front of the mint tells the client's address, X-Forwarded-For say (the
                            last address in it counts). Unless given, all that come through a proxy share one client's part
  --metrics                 serves metrics to Prometheus, at /metrics of a port of its own; {"metrics": …} says where
  --metrics-port P          that port; any free one unless given
  --metrics-host H          127.0.0.1 unless given
  --log W                   one line of JSON per request and event, without secrets: stderr (unless given) or none
  --log-level L             debug (each step of each operation too), info (unless given), warn or error
`

export const BACKUP_HELP = `hardshell mint backup [options]

Copies the database of a mint as it is at one moment, whether or not the mint runs, and prints one line of JSON. The seed is
not in it: back that up once, apart from this. A file that ends in .draft is what a backup left that was killed.

  --store S                 sqlite:PATH. For PostgreSQL take its own: pg_dump, or an archive of its WAL
  --to FILE                 where the copy goes; nothing may be there
`

export const RESTORE_HELP = `hardshell mint restore [options]

Puts a backup in the place of a mint's database while no mint runs on it, moves aside what is there, and prints one line of
JSON. What the mint did since the backup is forgotten: ecash that was spent since is good again, and what was paid since is
not known. If anything would be lost, it is listed, and nothing is done without --accept-loss. Where this is killed, run it again:
until it is done, a mint refuses to start.

  --from FILE               the backup
  --store S                 sqlite:PATH. After a PostgreSQL database was put back, start with --accept-empty-database once
  --seed-file F             as the mint has it; PATH.seed unless given
  --signatory-token-file F  as the mint has it, instead of a seed
  --mark-file F             as the mint has it
  --accept-loss             forgets what was done since the backup
`

export const SIGNATORY_HELP = `hardshell signatory [options]

Holds the keys of a mint that runs elsewhere (hardshell mint --signatory), and signs for it, until SIGTERM or SIGINT. When
it listens, it prints one line of JSON, {"url": …}. It keeps nothing but its two files. Put TLS in front of it where the
mint is on another machine.

  --seed-file F             the seed of all keys; made on the first start
  --token-file F            the token that the mint must show; made on the first start
  --port P                  any free port unless given
  --host H                  127.0.0.1 unless given
  --log W                   one line of JSON per request and event, without secrets: stderr (unless given) or none
  --log-level L             debug, info (unless given), warn or error
`

/** Where the rows live. */
export type StoreArgument =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly connection: string }

/** Who signs. Without a file the seed is drawn anew at each start. */
export type KeysArgument =
  | { readonly kind: 'seed'; readonly file: string | undefined }
  | { readonly kind: 'signatory'; readonly url: string; readonly tokenFile: string }

interface CommonArguments {
  readonly port: number
  readonly host: string
  readonly log: 'stderr' | 'none'
  readonly logLevel?: LogLevel
}

export interface MintArguments extends CommonArguments {
  readonly store: StoreArgument
  readonly keys: KeysArgument
  /** Where the mark is, if not beside what stands for the keys. */
  readonly markFile?: string | undefined
  readonly acceptEmptyDatabase?: true | undefined
  /** Those of the mint itself that were given. */
  readonly settings: {
    readonly feePpk?: number
    readonly units?: readonly string[]
    readonly name?: string
    readonly minAmount?: number
    readonly maxAmount?: number
    readonly quoteTtlMs?: number
    readonly offerTtlMs?: number
    readonly quoteRetentionMs?: number
  }
  readonly autoPayMs: number | undefined
  readonly feeSat?: number | undefined
  readonly admin: boolean | 'anywhere'
  readonly clientHeader?: string
  /** Where metrics are served, if they are. */
  readonly metrics?: { readonly port?: number; readonly host?: string } | undefined
}

export interface BackupArguments {
  readonly path: string
  readonly to: string
}

export interface RestoreArguments {
  readonly path: string
  readonly from: string
  readonly markFile: string
  readonly acceptLoss: boolean
}

export interface SignatoryArguments extends CommonArguments {
  readonly seedFile: string
  readonly tokenFile: string
}

const COMMON = {
  port: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  log: { type: 'string', default: 'stderr' },
  'log-level': { type: 'string' },
  'seed-file': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const MINT = {
  ...COMMON,
  store: { type: 'string', default: 'memory' },
  'mark-file': { type: 'string' },
  'accept-empty-database': { type: 'boolean', default: false },
  'client-header': { type: 'string' },
  signatory: { type: 'string' },
  'signatory-token-file': { type: 'string' },
  'fee-ppk': { type: 'string' },
  unit: { type: 'string', multiple: true },
  name: { type: 'string' },
  'min-amount': { type: 'string' },
  'max-amount': { type: 'string' },
  'quote-ttl-ms': { type: 'string' },
  'offer-ttl-ms': { type: 'string' },
  'quote-retention-ms': { type: 'string' },
  'auto-pay-ms': { type: 'string' },
  'payment-fee': { type: 'string' },
  admin: { type: 'boolean', default: false },
  'admin-anywhere': { type: 'boolean', default: false },
  metrics: { type: 'boolean', default: false },
  'metrics-port': { type: 'string' },
  'metrics-host': { type: 'string' },
} as const

const HELP_OPTION = { help: COMMON.help }

const BACKUP = { ...HELP_OPTION, store: { type: 'string' }, to: { type: 'string' } } as const

const RESTORE = {
  ...HELP_OPTION,
  store: { type: 'string' },
  from: { type: 'string' },
  'seed-file': { type: 'string' },
  'signatory-token-file': { type: 'string' },
  'mark-file': { type: 'string' },
  'accept-loss': { type: 'boolean', default: false },
} as const

const SIGNATORY = { ...COMMON, 'token-file': { type: 'string' } } as const

function read<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    // Node's message has one useful sentence, the first.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0])
  }
}

/** Ten years. */
const LONGEST_MS = 315_360_000_000

/** A number from `least` to `most`. */
function number(name: string, value: string | undefined, most: number, least = 0): number | undefined {
  if (value === undefined) return undefined
  const given = /^\d{1,15}$/.test(value) ? Number(value) : NaN
  if (given >= least && given <= most) return given
  throw new UsageError(`--${name} must be a number from ${least} to ${most}`)
}

function required(name: string, value: string | undefined, why = ''): string {
  if (value) return value
  throw new UsageError(`--${name} is needed${why}`)
}

interface CommonValues {
  readonly port?: string | undefined
  readonly host: string
  readonly log: string
  readonly 'log-level'?: string | undefined
}

function common({ port, host, log, 'log-level': level }: CommonValues): CommonArguments {
  if (log !== 'stderr' && log !== 'none') throw new UsageError('--log must be stderr or none')
  const logLevel = LOG_LEVELS.find((each) => each === level)
  if (level !== undefined && !logLevel) throw new UsageError(`--log-level must be one of ${LOG_LEVELS.join(', ')}`)
  const listens = { port: number('port', port, 65_535) ?? 0, host: required('host', host) }
  return { ...listens, log, ...(logLevel && { logLevel }) }
}

/** Where metrics are served; undefined where they are not. */
function metricsOf(values: {
  readonly metrics: boolean
  readonly 'metrics-port'?: string | undefined
  readonly 'metrics-host'?: string | undefined
}): MintArguments['metrics'] {
  const { metrics, 'metrics-port': port, 'metrics-host': host } = values
  if (!metrics && port !== undefined) throw new UsageError('--metrics-port needs --metrics')
  if (!metrics && host !== undefined) throw new UsageError('--metrics-host needs --metrics')
  if (!metrics) return undefined
  const found = number('metrics-port', port, 65_535)
  return {
    ...(found !== undefined && { port: found }),
    ...(host !== undefined && { host: required('metrics-host', host) }),
  }
}

function storeOf(value: string): StoreArgument {
  const [kind, rest = ''] = value.split(/:(.*)/s)
  if (value === 'memory') return { kind: 'memory' }
  if (kind === 'sqlite' && rest !== '') return { kind, path: rest }
  // postgres://… is a URL itself.
  if (kind === 'postgres' && rest !== '') return { kind, connection: rest.startsWith('//') ? value : rest }
  throw new UsageError('--store must be memory, sqlite:PATH or postgres:URL')
}

function keysOf(store: StoreArgument, seedFile?: string, signatory?: string, tokenFile?: string): KeysArgument {
  if (signatory !== undefined) {
    if (!/^https?:$/.test(URL.parse(signatory)?.protocol ?? '')) throw new UsageError('--signatory must be a URL')
    if (seedFile !== undefined) throw new UsageError('--seed-file is for the signatory where there is one')
    return { kind: 'signatory', url: signatory, tokenFile: required('signatory-token-file', tokenFile) }
  }
  if (tokenFile !== undefined) throw new UsageError('--signatory-token-file needs --signatory')
  if (store.kind === 'postgres') return { kind: 'seed', file: required('seed-file', seedFile, ' with postgres:URL') }
  return { kind: 'seed', file: seedFile ?? (store.kind === 'sqlite' ? `${store.path}.seed` : undefined) }
}

/** The path of a database in SQLite. */
function sqlitePathOf(value: string | undefined): string {
  const store = storeOf(required('store', value))
  if (store.kind !== 'sqlite') throw new UsageError('--store must be sqlite:PATH')
  return store.path
}

/** Undefined where help is asked for. @throws {UsageError} */
export function backupArguments(args: readonly string[]): BackupArguments | undefined {
  const values = read(args, BACKUP)
  if (values.help) return undefined
  return { path: sqlitePathOf(values.store), to: required('to', values.to) }
}

/** Undefined where help is asked for. @throws {UsageError} */
export function restoreArguments(args: readonly string[]): RestoreArguments | undefined {
  const values = read(args, RESTORE)
  if (values.help) return undefined
  const path = sqlitePathOf(values.store)
  const { 'seed-file': seedFile, 'signatory-token-file': tokenFile } = values
  if (seedFile !== undefined && tokenFile !== undefined)
    throw new UsageError('--seed-file is for the signatory where there is one')
  return {
    path,
    from: required('from', values.from),
    markFile: values['mark-file'] ?? markPathOf(tokenFile ?? seedFile ?? `${path}.seed`),
    acceptLoss: values['accept-loss'],
  }
}

/** Undefined where help is asked for. @throws {UsageError} */
export function mintArguments(args: readonly string[]): MintArguments | undefined {
  const values = read(args, MINT)
  if (values.help) return undefined
  const store = storeOf(values.store)
  const clientHeader = values['client-header']
  if (clientHeader !== undefined && !/^[\w-]{1,100}$/.test(clientHeader))
    throw new UsageError('--client-header must be the name of a header')
  const feePpk = number('fee-ppk', values['fee-ppk'], 1_000_000)
  const feeSat = number('payment-fee', values['payment-fee'], 1_000_000)
  const minAmount = number('min-amount', values['min-amount'], 2 ** 45, 1)
  const maxAmount = number('max-amount', values['max-amount'], 2 ** 45, minAmount ?? 1)
  const quoteTtlMs = number('quote-ttl-ms', values['quote-ttl-ms'], LONGEST_MS, 1000)
  const offerTtlMs = number('offer-ttl-ms', values['offer-ttl-ms'], LONGEST_MS, 1000)
  const quoteRetentionMs = number('quote-retention-ms', values['quote-retention-ms'], LONGEST_MS)
  const { unit: units, name } = values
  if (units && new Set(units).size < units.length) throw new UsageError('--unit is given twice with the same unit')
  if (units?.some((unit) => !/^[a-z][a-z0-9_-]{0,31}$/.test(unit)))
    throw new UsageError('--unit must be a word in small letters')
  const keys = keysOf(store, values['seed-file'], values.signatory, values['signatory-token-file'])
  const metrics = metricsOf(values)
  return {
    ...common(values),
    ...{ store, keys },
    ...(values['mark-file'] !== undefined && { markFile: values['mark-file'] }),
    ...(values['accept-empty-database'] && { acceptEmptyDatabase: true }),
    ...(clientHeader !== undefined && { clientHeader }),
    ...(metrics && { metrics }),
    settings: {
      ...(feePpk === undefined ? {} : { feePpk }),
      ...(units === undefined ? {} : { units }),
      ...(name === undefined ? {} : { name }),
      ...(minAmount === undefined ? {} : { minAmount }),
      ...(maxAmount === undefined ? {} : { maxAmount }),
      ...(quoteTtlMs === undefined ? {} : { quoteTtlMs }),
      ...(offerTtlMs === undefined ? {} : { offerTtlMs }),
      ...(quoteRetentionMs === undefined ? {} : { quoteRetentionMs }),
    },
    ...(feeSat !== undefined && { feeSat }),
    autoPayMs: number('auto-pay-ms', values['auto-pay-ms'], 2 ** 31),
    admin: values['admin-anywhere'] ? 'anywhere' : values.admin,
  }
}

/** Undefined where help is asked for. @throws {UsageError} */
export function signatoryArguments(args: readonly string[]): SignatoryArguments | undefined {
  const values = read(args, SIGNATORY)
  if (values.help) return undefined
  return {
    ...common(values),
    seedFile: required('seed-file', values['seed-file']),
    tokenFile: required('token-file', values['token-file']),
  }
}
