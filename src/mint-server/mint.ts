/**
 * A Cashu mint: NUT-00 to 12, 14, 17, 19, 20, 23, 25, 29. Every request that moves ecash is a durable operation, so a crash
 * leaves nothing half done. Any number of mints may share one store: answers are read from its rows, and the mint object
 * holds no state of its own.
 */
import { checkCount, checkDuration, checkNames, checkText } from '../arguments.ts'
import { makeInspectable } from '../kernel/inspect/inspectable.ts'
import { openOperations, type Operations } from '../kernel/operations.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { sleep, systemClock, systemRandom } from '../kernel/util/ports.ts'
import { balanceSheet } from './db/balance-sheet.ts'
import { HighWater } from './db/high-water.ts'
import { Pruner } from './db/pruning.ts'
import { mintSchema, type MintQuoteRow } from './db/tables.ts'
import { OperationEngine } from './engine.ts'
import { announcing } from './http/changes.ts'
import { routes } from './http/routes.ts'
import { TOPICS_OF } from './http/topics.ts'
import { inspectedMint } from './inspected.ts'
import type { Mint } from './mint-api.ts'
import { checkMintOptions, type MintOptions } from './mint-options.ts'
import { mintKinds } from './operations/index.ts'
import { prepared } from './prepare.ts'

/** How many requests to the signatory are under way at once. */
const LANE_LIMIT = 64

/** A mint in this process, and its operations: what is unfinished, why, and what a person has to do about it. */
export interface RunningMint extends Mint {
  /** The mint's operations, for its operator. */
  readonly operations: Pick<Operations, 'get' | 'list' | 'explain' | 'resume' | 'resumed'>
}

function highWaterOf(options: MintOptions): HighWater | undefined {
  const { highWaterMark: mark, acceptEmptyDatabase = false } = options
  const { store, clock = systemClock, random = systemRandom } = options
  return mark && new HighWater({ store, mark, acceptEmptyDatabase, clock, random })
}

/**
 * Starts a mint on its store, resumes what an earlier run left unfinished, and makes the first keyset of each unit.
 * @throws {TypeError} naming the argument. @throws {WrongKeys} The store was made with other keys. @throws {WrongDatabase} The
 *   mark is of another database, or of a later state. @throws Error The first start found no signatory.
 */
export async function createMint(options: MintOptions): Promise<RunningMint> {
  checkMintOptions(options)
  return startMint(options)
}

/** Starts a mint with options that were checked. */
export async function startMint(options: MintOptions): Promise<RunningMint> {
  const highWater = highWaterOf(options)
  await highWater?.check()
  const { store, onCommit } = announcing(options.store)
  const { context, keysets } = await prepared({ ...options, store })
  const { backend, random = systemRandom, waitMs = 30_000, keepSteps } = options
  const { inspect, onError, log, telemetry } = options
  const { settings, clock } = context
  await highWater?.start()
  await backend.start()
  const operations = openOperations({
    ...{ store, tables: mintSchema.tables, kinds: mintKinds, ports: context, clock, random, laneLimit: LANE_LIMIT },
    ...(inspect && { inspect }),
    ...(onError && { onError }),
    ...(log && { log }),
    ...(telemetry && { telemetry }),
    // They are deleted with their operations, a day after the end.
    keepSteps: keepSteps === false ? false : { ...keepSteps, days: Infinity },
  })
  const stop = new AbortController()
  const assertAlone = (): void => highWater?.assertAlone()
  const engine = new OperationEngine({ context, operations, assertAlone, waitMs, stopped: stop.signal })
  const { handle, statesOf, ask, heard } = routes(context, keysets, engine)
  const quotes = { retentionMs: settings.quoteRetentionMs, ask: (quote: MintQuoteRow) => heard(quote.requestId) }
  const pruner = new Pruner({ store, clock, quotes })
  void pruner.pruneIfDue()
  const underWay = new Set<Promise<unknown>>()
  let closed = false
  const mint: RunningMint = {
    operations,
    ...{ statesOf, ask, onCommit },
    balanceSheet: () => balanceSheet(store),
    async handle(...request) {
      if (closed) throw new HardshellError('CLOSED', 'the mint is closed')
      void pruner.pruneIfDue()
      const answer = handle(...request)
      underWay.add(answer)
      try {
        return await answer
      } finally {
        underWay.delete(answer)
      }
    },
    onChange(listener) {
      const stops = Object.entries(TOPICS_OF).map(([table, topics]) => store.watch(table, () => listener(topics)))
      // The payment is committed, and listeners hear of it as of any other commit.
      stops.push(backend.onIncoming?.((requestId) => void heard(requestId).catch(() => {})) ?? (() => {}))
      return () => stops.forEach((each) => each())
    },
    async rotate(unit, options = {}) {
      checkText(unit, 'unit')
      checkNames(options, 'options', ['feePpk'])
      checkCount(options.feePpk, 'feePpk', 0)
      context.checkIssuable(unit, null)
      return keysets.add(unit, { feePpk: options.feePpk })
    },
    async close(options = {}) {
      checkNames(options, 'options', ['deadlineMs'])
      const { deadlineMs = 10_000 } = options
      checkDuration(deadlineMs, 'deadlineMs')
      closed = true
      const over = new AbortController()
      await Promise.race([Promise.allSettled(underWay), sleep(clock, deadlineMs, over.signal)])
      over.abort()
      stop.abort(new HardshellError('CLOSED', 'the mint is closed; what was begun goes on at the next start'))
      operations.close()
      await Promise.all([operations.closed, pruner.stop()])
      await highWater?.stop()
      await backend.stop()
    },
  }
  makeInspectable(mint, inspectedMint(operations, store))
  return mint
}
