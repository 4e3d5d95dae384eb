/**
 * One kind of news for subscribers (NUT-17), apart from the others. What this mint commits is told at once, each change in
 * order; what other processes did is found by looking at the rows, and what nobody tells of by asking the backend.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../kernel/util/ports.ts'
import { afterChange, between, mayHaveChanged, type Change } from './changes.ts'
import { failureOf, type Log } from '../cli/log.ts'
import type { Mint } from '../mint-api.ts'
import type { Topic } from './topics.ts'

/** Hears of one thing. */
export interface Listener {
  readonly tell: (payload: string) => void
  /** Looks up to this one were begun before it listened. */
  since: number
  /** Whether it knows how things stand. */
  isNotified: boolean
}

interface Watched {
  readonly listeners: Set<Listener>
  /** How things stand, as all listeners were told that know. */
  payload: object | undefined
  text: string | undefined
  /** Goes up with each change that is heard: a look that was begun before it may have seen older rows. */
  changes: number
  /** When it was first watched, and when the backend is to be asked next; by the clock that never jumps. */
  readonly sinceMs: number
  askAtMs: number
  /** Since how many questions there was no answer. */
  silences: number
}

export interface LoopOptions {
  readonly topic: Topic
  readonly mint: Pick<Mint, 'statesOf' | 'ask'>
  readonly clock: Clock
  readonly log: Log
}

const POLL_MS = 1000
const SHORTEST_PAUSE_MS = 50
/** A pause is at least so many times as long as looking at everything took. */
const CALM = 4
/** So many are looked at in one look. */
const BATCH = 500
/** So many questions to the backend are under way at once. */
const MOST_CALLS = 32
/** A pause between two questions is this part of how long a thing has been watched, but for the limits. */
const PAUSE_SHARE = 1 / 20
const LONGEST_PAUSE_MS = 60_000

export class WatchLoop {
  readonly #of: LoopOptions
  readonly #watched = new Map<string, Watched>()
  /** Somebody waits to hear of these for the first time: they go before the rest. */
  readonly #fresh = new Set<string>()
  readonly #rest = new Set<string>()
  /** These are to be asked about. */
  readonly #due = new Set<string>()
  #calls = 0
  #polls = 0
  #isPolling = false
  #isFailing = false
  #isClosed = false
  #round: { readonly timer: unknown; readonly atMs: number } | undefined
  #roundMs = -Infinity
  #pollMs = 0

  constructor(options: LoopOptions) {
    this.#of = options
  }

  add(ids: ReadonlySet<string>, tell: (payload: string) => void): () => void {
    const nowMs = this.#of.clock.monotonicMs()
    const listeners = new Map<string, Listener>()
    for (const id of ids) {
      const listener: Listener = { tell, since: this.#polls, isNotified: false }
      listeners.set(id, listener)
      const watched = this.#watched.get(id)
      if (watched) watched.listeners.add(listener)
      else
        this.#watched.set(id, {
          ...{ listeners: new Set([listener]), payload: undefined, text: undefined, changes: 0 },
          ...{ sinceMs: nowMs, askAtMs: nowMs, silences: 0 },
        })
      this.#fresh.add(id)
    }
    void this.#poll()
    return () => this.#remove(listeners)
  }

  /** A change was committed here. */
  heard(change: Change): void {
    const watched = this.#watched.get(change.id)
    if (!watched) return
    watched.changes++
    if (watched.payload) this.#notify(watched, afterChange(this.#of.topic, watched.payload, change))
  }

  /** Something may have changed elsewhere. */
  stale(): void {
    // A pause some times as long as looking took, so that a busy mint is not kept busy by this.
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, this.#pollMs * CALM)
    this.#plan(Math.min(pauseMs, Math.max(0, this.#roundMs + pauseMs - this.#of.clock.monotonicMs())))
  }

  close(): void {
    this.#isClosed = true
    this.#of.clock.clearTimeout(this.#round?.timer)
  }

  #remove(listeners: ReadonlyMap<string, Listener>): void {
    for (const [id, listener] of listeners) {
      const watched = this.#watched.get(id)
      if (!watched?.listeners.delete(listener) || watched.listeners.size > 0) continue
      this.#watched.delete(id)
      for (const ids of [this.#fresh, this.#rest, this.#due]) ids.delete(id)
    }
    if (this.#watched.size > 0) return
    this.#of.clock.clearTimeout(this.#round?.timer)
    this.#round = undefined
  }

  /** Takes the next ids to be looked at out of the queues. */
  #next(): string[] {
    for (const waiting of this.#isClosed ? [] : [this.#fresh, this.#rest]) {
      const ids: string[] = []
      for (const id of waiting) if (ids.push(id) === BATCH) break
      for (const id of ids) waiting.delete(id)
      if (ids.length > 0) return ids
    }
    return []
  }

  /** Tells those who know how things stood of every step from there, and the others how they stand. */
  #notify(watched: Watched, payload: object, poll = Infinity): void {
    const text = JSON.stringify(payload)
    const steps = watched.payload && watched.text !== text ? between(this.#of.topic, watched.payload, payload) : []
    const missed = steps.map((step) => JSON.stringify(step))
    const isNew = watched.text !== text
    watched.payload = payload
    watched.text = text
    for (const listener of [...watched.listeners]) {
      if (listener.isNotified) {
        if (isNew) for (const each of [...missed, text]) listener.tell(each)
      } else if (listener.since < poll) {
        listener.isNotified = true
        listener.tell(text)
      }
    }
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return
    this.#isPolling = true
    const { topic, mint, clock, log } = this.#of
    const startedMs = clock.monotonicMs()
    for (let ids = this.#next(); ids.length > 0; ids = this.#next()) {
      const number = ++this.#polls
      const before = ids.map((id) => this.#watched.get(id)?.changes)
      try {
        const payloads = await mint.statesOf(topic, ids)
        this.#isFailing = false
        for (const [at, id] of ids.entries()) {
          const watched = this.#watched.get(id)
          if (!watched || payloads[at] === undefined) continue
          // What was heard meanwhile may be newer than what was seen.
          if (watched.changes === before[at]) this.#notify(watched, payloads[at], number)
          else this.#fresh.add(id)
        }
      } catch (error) {
        // The next round looks at everything again.
        if (!this.#isFailing && !this.#isClosed) log({ event: 'failure', at: 'poll', ...failureOf(error) })
        this.#isFailing = true
        break
      }
      // A store in this process answers without a pause: others get their turn.
      await setImmediate()
    }
    this.#isPolling = false
    this.#pollMs = clock.monotonicMs() - startedMs
    this.#callBackend()
    this.#plan(Math.max(POLL_MS, this.#pollMs * CALM))
  }

  /** Sees to it that everything is looked at again within so long. */
  #plan(delayMs: number): void {
    if (this.#isClosed || this.#watched.size === 0) return
    const { clock } = this.#of
    const atMs = clock.monotonicMs() + delayMs
    if (this.#round && this.#round.atMs <= atMs) return
    clock.clearTimeout(this.#round?.timer)
    this.#round = { atMs, timer: clock.setTimeout(() => this.#startRound(), delayMs) }
  }

  #startRound(): void {
    this.#round = undefined
    this.#roundMs = this.#of.clock.monotonicMs()
    for (const id of this.#watched.keys()) this.#rest.add(id)
    void this.#poll()
  }

  /** Asks about what is due; never waited for by those who look. */
  #callBackend(): void {
    const { clock, topic } = this.#of
    const nowMs = clock.monotonicMs()
    for (const [id, { payload, askAtMs }] of this.#watched)
      if (payload && askAtMs <= nowMs && mayHaveChanged(topic, payload, clock.now())) this.#due.add(id)
    for (const id of this.#due) {
      if (this.#calls >= MOST_CALLS || this.#isClosed) return
      this.#due.delete(id)
      void this.#ask(id)
    }
  }

  async #ask(id: string): Promise<void> {
    const { mint, clock, topic } = this.#of
    const watched = this.#watched.get(id)
    if (!watched) return
    watched.askAtMs = Infinity
    this.#calls++
    const isAnswered = await mint.ask(topic, id).catch(() => false)
    this.#calls--
    watched.silences = isAnswered ? 0 : watched.silences + 1
    const nowMs = clock.monotonicMs()
    const pauseMs = Math.max(POLL_MS, (nowMs - watched.sinceMs) * PAUSE_SHARE) * 2 ** Math.min(watched.silences, 6)
    watched.askAtMs = nowMs + Math.min(LONGEST_PAUSE_MS, pauseMs)
    if (this.#due.size > 0) this.#callBackend()
  }
}
