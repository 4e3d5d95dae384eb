/** The bounty as a kind of operation: how its effects ask the services. */
import { bounty, type BountyContext } from '../../machines/bounty.ts'
import {
  defineOperation,
  operationsTable,
  ownersTable,
  type ColumnsOf,
  type EffectArgs,
  type OperationKind,
} from '../kernel/define/operation.ts'
import { unlessAborted } from '../kernel/util/ports.ts'
import type { Schema } from '../store/port.ts'
import { meets, type Evaluate } from './criteria.ts'
import type { BountyPorts, Lease, Lookup, Reply, Reservation } from './ports.ts'

/** The tables of bounties. */
export const bountySchema = {
  version: 1,
  tables: {
    owners: ownersTable(),
    operations: operationsTable(
      { payer: 'text', worker: 'text?', amount: 'integer' },
      { byPayer: { columns: ['payer', 'createdAt'] }, byWorker: { columns: ['worker', 'createdAt'] } },
    ),
  },
} as const satisfies Schema

/** A service or an evaluator may say anything. */
const textOf = (why: unknown): string => (typeof why === 'string' ? why : 'without a reason')

type Replied = { answer: 'ok' | 'unknown' } | { answer: 'rejected'; reason: string }

/** A request's answer. If none came, or it makes no sense, the result is unknown. */
const asking =
  <In>(request: (input: In, signal: AbortSignal) => Promise<Reply>) =>
  async ({ input, signal }: EffectArgs<In>): Promise<Replied> => {
    try {
      const reply = await unlessAborted(signal, request(input, signal))
      if (reply.answer === 'ok') return { answer: 'ok' }
      if (reply.answer === 'rejected') return { answer: 'rejected', reason: textOf(reply.reason) }
      return { answer: 'unknown' }
    } catch {
      return { answer: 'unknown' }
    }
  }

/** Whether the request was carried out, according to what the service knows of its key. */
const wondering =
  <In, T>(ask: (input: In, signal: AbortSignal) => Promise<Lookup<T>>, happened: (found: T, input: In) => boolean) =>
  async ({ input, signal }: EffectArgs<In>): Promise<{ answer: 'done' | 'undone' | 'unknown' }> => {
    try {
      const lookup = await unlessAborted(signal, ask(input, signal))
      if (lookup.answer !== 'ok') return { answer: 'unknown' }
      return { answer: lookup.found && happened(lookup.found, input) ? 'done' : 'undone' }
    } catch {
      return { answer: 'unknown' }
    }
  }

/**
 * The kind, with the caller's own evaluator. An open bounty keeps the criteria that it was created with. The evaluator
 * of the program that settles it judges the contribution.
 */
export const bountyKind = (evaluate: Evaluate = meets): OperationKind<BountyPorts, typeof bounty> =>
  defineOperation({
    kind: 'bounty',
    version: 1,
    machine: bounty,
    // Only what runs an effect needs the services: a client has none.
    effects: (ports: BountyPorts) => ({
      'credits.reserve': asking((input, signal) => ports.credits.reserve(input, signal)),
      'credits.capture': asking((input, signal) => ports.credits.capture(input, signal)),
      'credits.void': asking((input, signal) => ports.credits.void(input, signal)),
      'credits.ask': wondering(
        ({ key }: { key: string; payee?: string; wanted: Reservation['state'] }, signal) =>
          ports.credits.get({ key }, signal),
        ({ state, payee }, asked) => state === asked.wanted && (asked.payee === undefined || asked.payee === payee),
      ),
      'claims.acquire': asking((input, signal) => ports.claims.acquire(input, signal)),
      'claims.renew': asking((input, signal) => ports.claims.renew(input, signal)),
      'claims.release': asking((input, signal) => ports.claims.release(input, signal)),
      'claims.complete': asking((input, signal) => ports.claims.complete(input, signal)),
      'claims.ask': wondering(
        ({ key }: { key: string; untilMs?: number; wanted: Lease['state'] }, signal) =>
          ports.claims.get({ key }, signal),
        ({ state, untilMs }, asked) => state === asked.wanted && untilMs >= (asked.untilMs ?? 0),
      ),
      'bounty.judge': ({ input: { criteria, contribution } }) => {
        try {
          const verdict = evaluate(criteria, contribution)
          return verdict.met ? { answer: 'met' } : { answer: 'unmet', why: textOf(verdict.why) }
        } catch (error) {
          return { answer: 'unmet', why: `it could not be judged: ${String(error)}` }
        }
      },
    }),
    lane: ({ service }: BountyContext) => service,
    columns: ({ payer, amount, claim, last }: BountyContext): ColumnsOf<typeof bountySchema.tables.operations> => ({
      payer,
      amount,
      worker: (claim ?? last)?.worker ?? null,
    }),
  })
