/** The decisions of the services. They do not depend on where documents are stored. */
import type { Claims, Credits, Lease, Lookup, Reply, Reservation } from './ports.ts'

/** A reply, and the new document, if it changes. */
export interface Ruling<D> {
  readonly reply: Reply
  readonly put?: D
}

const OK: Reply = { answer: 'ok' }
const no = (reason: string): { reply: Reply } => ({ reply: { answer: 'rejected', reason } })

export const known = <T>(found: T | undefined): Lookup<T> => ({ answer: 'ok', found: found ?? null })

type Asked<F extends (request: never, signal?: AbortSignal) => unknown> = Parameters<F>[0]

/** Credits of an account, `by` more or less than before. */
export interface Entry {
  readonly account: string
  readonly by: number
}

/** What a reservation does to accounts, counted from when there was none. */
const entries = (it: Reservation | undefined): Entry[] =>
  it === undefined || it.state === 'voided'
    ? []
    : [
        { account: it.payer, by: -it.amount },
        ...(it.state === 'captured' ? [{ account: it.payee!, by: it.amount }] : []),
      ]

/** What a change of a reservation does to accounts; one entry for each. */
export function booked(before: Reservation | undefined, after: Reservation): Entry[] {
  const sums = new Map<string, number>()
  const all = [...entries(after), ...entries(before).map(({ account, by }) => ({ account, by: -by }))]
  for (const { account, by } of all) sums.set(account, (sums.get(account) ?? 0) + by)
  return [...sums].flatMap(([account, by]) => (by === 0 ? [] : [{ account, by }]))
}

/** The rules of credits. The same reservation may be made again in any state but voided. */
export const creditRules = {
  reserve(
    found: Reservation | undefined,
    { key, payer, amount }: Asked<Credits['reserve']>,
    balance: number,
  ): Ruling<Reservation> {
    if (found?.state === 'voided') return no('voided')
    if (found) return found.payer === payer && found.amount === amount ? { reply: OK } : no('the key was used for other credits') // prettier-ignore
    if (!Number.isSafeInteger(amount) || amount <= 0) return no('an amount is a positive integer')
    if (balance < amount) return no('too few credits')
    return { reply: OK, put: { key, payer, amount, state: 'reserved', payee: null } }
  },
  capture(found: Reservation | undefined, { payee }: Asked<Credits['capture']>): Ruling<Reservation> {
    if (typeof payee !== 'string' || payee === '') return no('nobody to pay')
    if (!found) return no('nothing is reserved')
    if (found.state === 'voided') return no('voided')
    if (found.state === 'captured') return found.payee === payee ? { reply: OK } : no('paid to somebody else')
    return { reply: OK, put: { ...found, state: 'captured', payee } }
  },
  void(found: Reservation | undefined, { key }: Asked<Credits['void']>): Ruling<Reservation> {
    if (!found) return { reply: OK, put: { key, payer: '', amount: 0, state: 'voided', payee: null } }
    if (found.state === 'voided') return { reply: OK }
    return found.state === 'captured' ? no('captured') : { reply: OK, put: { ...found, state: 'voided' } }
  },
}

/** The rules of claims. */
export const claimRules = {
  acquire(
    found: Lease | undefined,
    { key, task, worker, untilMs }: Asked<Claims['acquire']>,
    /** Another lease holds the task, or has completed it. */
    taken: boolean,
  ): Ruling<Lease> {
    if (found) {
      if (found.state !== 'held') return no(found.state)
      return found.task === task && found.worker === worker ? { reply: OK } : no('the key was used for another claim')
    }
    if (taken) return no('held by somebody else')
    return { reply: OK, put: { key, task, worker, untilMs, state: 'held' } }
  },
  renew(found: Lease | undefined, { untilMs }: Asked<Claims['renew']>): Ruling<Lease> {
    if (found?.state !== 'held') return no(found?.state ?? 'not held')
    return { reply: OK, ...(untilMs > found.untilMs && { put: { ...found, untilMs } }) }
  },
  release(found: Lease | undefined, { key }: Asked<Claims['release']>): Ruling<Lease> {
    if (!found) return { reply: OK, put: { key, task: '', worker: '', untilMs: 0, state: 'released' } }
    if (found.state === 'released') return { reply: OK }
    return found.state === 'completed' ? no('completed') : { reply: OK, put: { ...found, state: 'released' } }
  },
  complete(found: Lease | undefined): Ruling<Lease> {
    if (found?.state === 'completed') return { reply: OK }
    return found?.state === 'held' ? { reply: OK, put: { ...found, state: 'completed' } } : no(found?.state ?? 'not held') // prettier-ignore
  },
}
