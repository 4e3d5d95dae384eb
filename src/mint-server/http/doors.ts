/**
 * Limits the requests under way, by what they cost: payments may take long, signatures keep the thread busy, the rest is
 * quick. Each kind has its own limit, which clients share. A client beyond its share is refused for now, and others are
 * not affected.
 */
import { Shares, type ShareLimits } from './shares.ts'

/** Requests under way, of all clients and of each. */
export interface RequestLimits {
  readonly payments: ShareLimits
  readonly signatures: ShareLimits
  readonly rest: ShareLimits
}

export const REQUEST_LIMITS: RequestLimits = {
  payments: { total: 2000, each: 500 },
  signatures: { total: 1000, each: 250 },
  rest: { total: 1000, each: 250 },
}

function kindOf(method: string, path: string): keyof RequestLimits {
  if (method !== 'POST' || path.startsWith('/v1/mint/quote') || path.startsWith('/v1/melt/quote')) return 'rest'
  if (path.startsWith('/v1/melt')) return 'payments'
  return path === '/v1/swap' || path.startsWith('/v1/mint') ? 'signatures' : 'rest'
}

export class Doors {
  readonly #shares: Readonly<Record<keyof RequestLimits, Shares>>

  constructor({ payments, signatures, rest }: RequestLimits) {
    this.#shares = { payments: new Shares(payments), signatures: new Shares(signatures), rest: new Shares(rest) }
  }

  /** Admits a request and returns its release; undefined where its client has too many. */
  enter(client: string, method: string, path: string): (() => void) | undefined {
    const shares = this.#shares[kindOf(method, path)]
    return shares.take(client) ? () => shares.give(client) : undefined
  }
}
