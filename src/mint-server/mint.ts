/**
 * A Cashu mint: NUT-00 to 12, 14, 17, 19, 20, 23, 25, 29. Every request that moves ecash is a durable operation, so that
 * a crash leaves nothing half done, and any number of mints may share one store. Whatever is asked is answered from the
 * mint's rows; the mint object holds nothing that they don't give.
 */
import { codes } from '../cashu/codes.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import type { InspectionEvent } from '../kernel/inspect/inspect.ts'
import { openOperations, type Operations } from '../kernel/operations.ts'
import { hex, sleep, systemClock, systemRandom, type Clock, type Random } from '../kernel/util/ports.ts'
import type { Row, Store } from '../store/port.ts'
import { backendCalls } from './lightning/backend-calls.ts'
import { books } from './db/books.ts'
import { announcing } from './http/changes.ts'
import type { Context, Party } from './context.ts'
import { HighWater, type HighWaterMark } from './db/high-water.ts'
import { Housekeeping } from './db/pruning.ts'
import { keysets, matched } from './signatory/keysets.ts'
import { mintKinds } from './operations/index.ts'
import { meltAnswer } from './protocol/melt-quotes.ts'
import type { Mint } from './mint-api.ts'
import { LOOK_FOR_MS } from './lightning/time-limit.ts'
import type { PaymentBackend } from './lightning/payment-backend.ts'
import { DEFAULTS, has, type MintPorts, type MintSettings } from './ports.ts'
import { MintError, refuse } from './http/request.ts'
import type { Asked } from './http/requests.ts'
import { replay } from './http/responses.ts'
import { routes, type Engine } from './http/routes.ts'
import { Settling } from './protocol/results.ts'
import { WrongKeys } from './signatory/signatory.ts'
import { mintSchema, type MintQuoteRow } from './db/tables.ts'
import { TOPICS_OF } from './http/topics.ts'

/** What a mint is made of. */
export interface MintOptions
  extends Omit<MintPorts, 'settings' | 'clock' | 'backend' | 'calls'>, Partial<MintSettings> {
  /** Who pays and is paid. */
  readonly backend: PaymentBackend
  /** Opened with `mintSchema`. */
  readonly store: Store
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
  /** Bytes of randomness; the platform's unless given. */
  readonly random?: Random
  /** Where it is kept how far the seed has signed, so that an empty or older database is found out. Nowhere unless given. */
  readonly highWaterMark?: HighWaterMark
  /** Takes a database that is empty, older, or another one than the seed has signed for. Spent ecash is good again then. */
  readonly acceptEmptyDatabase?: boolean
  /** How long a request waits for its operation; half a minute unless told otherwise. */
  readonly waitMs?: number
  /** Gets every committed step in XState's inspection format, without secrets. */
  readonly inspect?: (event: InspectionEvent) => void
}

/** How long a start waits for the signatory to say that its keys are the store's. */
const MATCH_MS = 2_000
/** How many requests the signatory is asked at once. */
const LANE_LIMIT = 64
/** Why nobody waits any longer: one for all, as to make one takes longer than what it is for. */
const OVER = new Error('the request is answered')

/**
 * What the parts of a mint share, and its keysets, made on the first start. From then on a signatory that is away holds up
 * requests that need it, and not the start.
 *
 * @throws {WrongKeys} The store was made with other keys.
 */
export async function prepared(
  options: MintOptions,
): Promise<{ context: Context; keysets: ReturnType<typeof keysets> }> {
  const { store, crypto, backend, clock = systemClock, random = systemRandom } = options
  const settings: MintSettings = { ...DEFAULTS, ...options }
  const signatory = matched(options.signatory, { store, crypto, clock })
  const rows = keysets({ store, crypto, signatory, amounts: settings.amounts, version: settings.keysetVersion, clock })
  for (const unit of settings.units) await rows.add(unit, { feePpk: settings.feePpk, onlyFirst: true })
  await rows.keepOnly(settings.units)
  const over = new AbortController()
  const matching = signatory.match().catch((error: unknown) => {
    if (error instanceof WrongKeys) throw error
  })
  await Promise.race([matching, sleep(clock, MATCH_MS, over.signal)]).finally(() => over.abort())
  const checkAmount = (amount: number): void => {
    const { minAmount, maxAmount } = settings
    if (amount < minAmount || amount > maxAmount)
      refuse(codes.amountOutOfRange, `not within ${minAmount} and ${maxAmount}`)
  }
  const context: Context = {
    ...{ store, crypto, signatory, backend, settings, clock, turn: options.turn },
    calls: backendCalls(backend, clock),
    newId: () => hex(random(16)),
    checkIssuable(unit, amount) {
      if (!settings.units.includes(unit)) refuse(codes.unitUnsupported, 'the mint has no such unit')
      if (amount !== null) checkAmount(amount)
    },
    async checkPayable(unit, amount) {
      const [keyset] = await store.query({ table: 'keysets', index: 'byUnit', prefix: [unit], limit: 1 })
      if (!keyset) refuse(codes.unitUnsupported, 'the mint has no such unit')
      checkAmount(amount)
    },
  }
  return { context, keysets: rows }
}

function highWaterOf(options: MintOptions): HighWater | undefined {
  const { highWaterMark: mark, acceptEmptyDatabase = false } = options
  const { store, clock = systemClock, random = systemRandom } = options
  return mark && new HighWater({ store, mark, acceptEmptyDatabase, clock, random })
}

/** A mint in this process, and its operations: what is unfinished, why, and what a person has to do about it. */
export interface RunningMint extends Mint {
  /** Its operations, for a person who looks after it. */
  readonly operations: Pick<Operations, 'get' | 'list' | 'explain' | 'resume' | 'resumed'>
}

/**
 * Starts a mint on its store, takes up what an earlier run left unfinished, and makes the first keyset of each unit.
 * @throws {WrongKeys} The store was made with other keys. @throws {WrongDatabase} The mark is of another database, or of a
 *   later state. @throws Error The first start found no signatory.
 */
export async function createMint(options: MintOptions): Promise<RunningMint> {
  const highWater = highWaterOf(options)
  await highWater?.check()
  const { store: announced, onCommit } = announcing(options.store)
  const { context, keysets: keysetRows } = await prepared({ ...options, store: announced })
  const { store, calls, settings, clock, newId } = context
  const { backend, random = systemRandom, waitMs = 30_000, inspect } = options
  await highWater?.start()
  await backend.start()
  const operations = openOperations({
    ...{ store: announced, tables: mintSchema.tables, kinds: mintKinds, clock, random, laneLimit: LANE_LIMIT },
    ports: context,
    ...(inspect && { inspect }),
  })
  const kept = async (key: string): Promise<string | undefined> =>
    has(settings, 19) ? replay(store, key, clock.now()) : undefined
  const settling = new Settling({ operations, kept })
  operations.on(({ row }) => {
    if (row.status !== 'active') calls.ended(row.id)
  })

  /** An operation that the same request began, and that is under way. */
  async function underway(key: string): Promise<string | undefined> {
    const query = { table: 'operations', index: 'byRequest', prefix: [key, 'active'], limit: 1 } as const
    const [row] = has(settings, 19) ? await store.query(query) : []
    return row?.id
  }

  /** A melt returns its current status; every other call returns its result. */
  async function joined(id: string, isMelt: boolean, signal: AbortSignal): Promise<string | undefined> {
    if (!isMelt) return settling.joined(id, signal)
    await lookAt(id)
    return undefined
  }

  /** The looks at payments that are under way: one for each, however many ask. */
  const looks = new Map<string, Promise<void>>()
  function lookAt(id: string): Promise<void> {
    const look = looks.get(id) ?? lookOnce(id).finally(() => looks.delete(id))
    looks.set(id, look)
    return look
  }

  /** Asks how a payment stands; not for long. */
  async function lookOnce(id: string): Promise<void> {
    const limit = new AbortController()
    const seen = async (): Promise<void> => {
      await operations.poll(id)
      const { state } = await operations.get(id)
      // What is paid is settled in a moment.
      if (!state.startsWith('paymentAttempted')) await settling.joined(id, limit.signal)
    }
    await Promise.race([seen().catch(() => {}), sleep(clock, LOOK_FOR_MS, limit.signal)])
    limit.abort()
  }

  /** Begins an operation, or finds the one that the same request began; gives its id. */
  async function begun(id: string, { kind, input }: Asked, key: string, client: Party): Promise<string> {
    for (let tries = 1; ; tries++)
      try {
        calls.began(id, client)
        await operations.create(kind, { ...input, request: key } as unknown as Row, { id })
        return id
      } catch (error) {
        if (!(error instanceof MintError)) throw error
        calls.ended(id)
        // What the same request has set aside is in its own way, or was until a moment ago.
        const other = await underway(key)
        if (other !== undefined) return other
        if (tries > 1) throw error
      }
  }

  const stop = new AbortController()
  const engine: Engine = {
    async carryOut(key, asked, { respondAsync = false, signal, client }) {
      highWater?.assertAlone()
      const before = await kept(key)
      if (before !== undefined) return before
      const wanted = await asked()
      const isMelt = wanted.kind === 'mint-melt'
      const id = newId()
      const limit = new AbortController()
      const limited = AbortSignal.any([limit.signal, stop.signal, ...(signal ? [signal] : [])])
      const answer = settling.answerOf(id, limited)
      answer.catch(() => {})
      try {
        const own = await begun(id, wanted, key, client)
        const patience = sleep(clock, respondAsync && isMelt ? 0 : waitMs, limited).then(() => undefined)
        const told = await Promise.race([own === id ? answer : joined(own, isMelt, limited), patience])
        if (told !== undefined) return told
        signal?.throwIfAborted()
        stop.signal.throwIfAborted()
        if (!isMelt) throw new Error('the operation takes longer than the wallet will wait')
        const { quoteId } = wanted.input
        return meltAnswer((await store.get('meltQuotes', [quoteId]))!)
      } catch (error) {
        // The same request was carried out just now.
        const now = error instanceof MintError ? await kept(key) : undefined
        if (now !== undefined) return now
        throw error
      } finally {
        limit.abort(OVER)
      }
    },
    async ask({ operationId }) {
      if (operationId !== null) await lookAt(operationId)
    },
  }

  const { handle, look, ask, heard } = routes(context, keysetRows, engine)
  const quotes = { retentionMs: settings.quoteRetentionMs, ask: (quote: MintQuoteRow) => heard(quote.requestId) }
  const house = new Housekeeping({ store, clock, quotes })
  void house.look()
  const underWay = new Set<Promise<unknown>>()
  let closed = false
  const assertOpen = (): void => {
    if (closed) throw new HardshellError('CLOSED', 'the mint is closed')
  }
  return {
    operations,
    ...{ look, ask, onCommit },
    books: () => books(store),
    async handle(...request) {
      assertOpen()
      void house.look()
      const answer = handle(...request)
      underWay.add(answer)
      try {
        return await answer
      } finally {
        underWay.delete(answer)
      }
    },
    onChange(listener) {
      const stops = Object.entries(TOPICS_OF).map(([table, topics]) => announced.watch(table, () => listener(topics)))
      // Who waits for the news hears of it as of any other commit.
      stops.push(backend.onIncoming?.((requestId) => void heard(requestId).catch(() => {})) ?? (() => {}))
      return () => stops.forEach((stop) => stop())
    },
    async rotate(unit, { feePpk } = {}) {
      context.checkIssuable(unit, null)
      return keysetRows.add(unit, { feePpk })
    },
    async close({ deadlineMs = 10_000 } = {}) {
      closed = true
      const over = new AbortController()
      await Promise.race([Promise.allSettled(underWay), sleep(clock, deadlineMs, over.signal)])
      over.abort()
      stop.abort(new HardshellError('CLOSED', 'the mint is closed; what was begun goes on at the next start'))
      operations.close()
      await Promise.all([operations.closed, house.stop()])
      await highWater?.stop()
      await backend.stop()
    },
  }
}
