/** Credits and claims in memory: for tests, and where the bounties themselves are in memory. */
import type { Claims, Credits, Lease, Reply, Reservation } from './ports.ts'
import { booked, claimRules, creditRules, known, type Ruling } from './rules.ts'

/** Stores the document of the ruling, if it has one. */
const settle = <D extends { readonly key: string }>(documents: Map<string, D>, { reply, put }: Ruling<D>): Reply => {
  if (put) documents.set(put.key, put)
  return reply
}

/** Credits in memory, with what their users see. */
export interface MemoryCredits extends Credits {
  /** What an account can spend. */
  balance(account: string): number
}

/** Accounts with these credits. */
export function memoryCredits(deposits: Readonly<Record<string, number>>): MemoryCredits {
  const reservations = new Map<string, Reservation>()
  const balance = (account: string): number =>
    [...reservations.values()]
      .flatMap((it) => booked(undefined, it))
      .reduce((sum, entry) => (entry.account === account ? sum + entry.by : sum), deposits[account] ?? 0)
  return {
    balance,
    reserve: async (request) =>
      settle(reservations, creditRules.reserve(reservations.get(request.key), request, balance(request.payer))),
    get: async ({ key }) => known(reservations.get(key)),
    capture: async (request) => settle(reservations, creditRules.capture(reservations.get(request.key), request)),
    void: async (request) => settle(reservations, creditRules.void(reservations.get(request.key), request)),
  }
}

/** Claims of tasks that nobody holds yet. */
export function memoryClaims(): Claims {
  const leases = new Map<string, Lease>()
  const taken = (task: string): boolean =>
    [...leases.values()].some((it) => it.task === task && it.state !== 'released')
  return {
    acquire: async (request) =>
      settle(leases, claimRules.acquire(leases.get(request.key), request, taken(request.task))),
    get: async ({ key }) => known(leases.get(key)),
    renew: async (request) => settle(leases, claimRules.renew(leases.get(request.key), request)),
    release: async (request) => settle(leases, claimRules.release(leases.get(request.key), request)),
    complete: async ({ key }) => settle(leases, claimRules.complete(leases.get(key))),
  }
}
