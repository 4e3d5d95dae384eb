/**
 * Calls to a backend that may be slow, bounded in number so that no party and no slow call keeps the others waiting. A
 * call holds one of the few slots while it is new: nearly all end in that time. What takes longer gives its slot to
 * whoever waits and goes on beside the rest; where too many do, the oldest one is given up, of the party that has most.
 */
import { unlessAborted, type Clock } from '../../kernel/util/ports.ts'

export interface SlotLimits {
  /** New calls at once. */
  readonly slots: number
  /** Of these, those of one party at most. Calls of no known party are bounded by `slots` alone. */
  readonly share: number
  /** How long a call may hold its slot while others wait for one. */
  readonly newMs: number
  /** Calls at once that are no longer new. */
  readonly slow: number
}

export const SLOT_LIMITS: SlotLimits = { slots: 64, share: 32, newMs: 100, slow: 256 }

interface Call {
  readonly party: string | undefined
  readonly begin: () => void
  readonly giveUp: AbortController
  startedMs: number
}

export class Slots {
  readonly #clock: Clock
  readonly #limits: SlotLimits
  /** Both in the order in which they began. */
  readonly #new = new Set<Call>()
  readonly #slow = new Set<Call>()
  /** By party; the party at the front is served next. */
  readonly #waiting = new Map<string | undefined, Set<Call>>()
  #timer: unknown

  constructor(clock: Clock, limits: SlotLimits = SLOT_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /** How many calls of a party wait for a slot. */
  waiting(party: string | undefined): number {
    return this.#waiting.get(party)?.size ?? 0
  }

  /**
   * The call's answer, once it has had its turn. The call is given a signal that aborts where the caller's does, or where
   * the call is given up for others.
   * @throws {Error} The call was given up; the caller's signal aborted; what the call throws.
   */
  async run<T>(
    party: string | undefined,
    signal: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const { promise: turn, resolve: begin } = Promise.withResolvers<void>()
    const call: Call = { party, begin, giveUp: new AbortController(), startedMs: 0 }
    const limit = signal ? AbortSignal.any([signal, call.giveUp.signal]) : call.giveUp.signal
    this.#enqueue(call)
    this.#fill()
    try {
      await unlessAborted(limit, turn)
      return await unlessAborted(limit, ask(limit))
    } finally {
      this.#drop(call)
      this.#fill()
    }
  }

  #enqueue(call: Call): void {
    const queue = this.#waiting.get(call.party)
    if (queue) queue.add(call)
    else this.#waiting.set(call.party, new Set([call]))
  }

  #drop(call: Call): void {
    this.#new.delete(call)
    this.#slow.delete(call)
    const queue = this.#waiting.get(call.party)
    if (queue?.delete(call) && queue.size === 0) this.#waiting.delete(call.party)
  }

  /** Gives slots to those that wait, and sees to it that it happens again when the next slot becomes free. */
  #fill(): void {
    if (this.#waiting.size > 0) {
      this.#age()
      for (let call = this.#next(); call; call = this.#next()) {
        call.startedMs = this.#clock.monotonicMs()
        this.#new.add(call)
        call.begin()
      }
      this.#trim()
    }
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const [oldest] = this.#new
    if (this.#waiting.size === 0 || !oldest) return
    const leftMs = oldest.startedMs + this.#limits.newMs - this.#clock.monotonicMs()
    this.#timer = this.#clock.setTimeout(() => this.#fill(), Math.max(1, leftMs))
  }

  /** Those that are no longer new make room. */
  #age(): void {
    const until = this.#clock.monotonicMs() - this.#limits.newMs
    for (const call of [...this.#new]) {
      if (call.startedMs > until) return
      this.#new.delete(call)
      this.#slow.add(call)
    }
  }

  /** Takes the call whose turn it is out of the queues. */
  #next(): Call | undefined {
    const { slots, share } = this.#limits
    if (this.#new.size >= slots) return undefined
    for (const [party, queue] of this.#waiting) {
      if (party !== undefined && countOf(this.#new, party) >= share) continue
      const [call] = queue
      queue.delete(call!)
      // The party goes to the end of the line.
      this.#waiting.delete(party)
      if (queue.size > 0) this.#waiting.set(party, queue)
      return call
    }
    return undefined
  }

  #trim(): void {
    while (this.#slow.size > this.#limits.slow) {
      const parties = new Map<string | undefined, number>()
      for (const { party } of this.#slow) parties.set(party, (parties.get(party) ?? 0) + 1)
      const most = Math.max(...parties.values())
      const oldest = [...this.#slow].find(({ party }) => parties.get(party) === most)
      if (!oldest) return
      this.#slow.delete(oldest)
      oldest.giveUp.abort(new Error('given up for calls of others'))
    }
  }
}

function countOf(calls: ReadonlySet<Call>, party: string): number {
  let count = 0
  for (const call of calls) if (call.party === party) count++
  return count
}
