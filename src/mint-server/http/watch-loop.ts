/**
 * Notifies the subscribers of one topic (NUT-17). Commits of this mint are sent at once and in order. Commits of other processes
 * are found by polling the rows, and payments by polling the backend.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../kernel/util/ports.ts'
import { afterChange, between, mayHaveChanged, type Change } from './changes.ts'
import { failureOf } from '../../kernel/util/failure.ts'
import type { ServerLog } from '../cli/log.ts'
import type { Mint } from '../mint-api.ts'
import type { Topic } from './topics.ts'

/** Subscribes to one id. */
export interface Listener {
  readonly tell: (payload: string) => void
  /** Polls up to this number began before it subscribed. */
  since: number
  /** Whether it has received a first payload. */
  isNotified: boolean
}

interface Watched {
  readonly listeners: Set<Listener>
  /** The payload that notified listeners received last. */
  payload: object | undefined
  text: string | undefined
  /** Counts committed changes. A poll that began before a change may have read older rows. */
  changes: number
  /** When it was first watched, and when the backend is to be asked next; by the clock that never jumps. */
  readonly sinceMs: number
  askAtMs: number
  /** How many calls to the backend in a row got no answer. */
  silences: number
}

export interface LoopOptions {
  readonly topic: Topic
  readonly mint: Pick<Mint, 'statesOf' | 'ask'>
  readonly clock: Clock
  readonly log: ServerLog
}

const POLL_MS = 1000
const SHORTEST_PAUSE_MS = 50
/** A pause is at least this many times as long as the last poll took. */
const CALM = 4
/** How many ids one poll reads. */
const BATCH = 500
/** How many calls to the backend are under way at once. */
const MOST_CALLS = 32
/** The pause between two calls for an id, as a part of the time since it was subscribed, within the limits. */
const PAUSE_SHARE = 1 / 20
const LONGEST_PAUSE_MS = 60_000

export class WatchLoop {
  readonly #of: LoopOptions
  readonly #watched = new Map<string, Watched>()
  /** Ids with a listener that has received nothing yet. They are polled first. */
  readonly #fresh = new Set<string>()
  readonly #rest = new Set<string>()
  /** Ids to call the backend about. */
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
    // The pause is a multiple of the time that a poll takes, so that polling does not overload a busy mint.
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

  /** Takes the next ids to poll out of the queues. */
  #next(): string[] {
    for (const waiting of this.#isClosed ? [] : [this.#fresh, this.#rest]) {
      const ids: string[] = []
      for (const id of waiting) if (ids.push(id) === BATCH) break
      for (const id of ids) waiting.delete(id)
      if (ids.length > 0) return ids
    }
    return []
  }

  /** Sends each step since the last payload to listeners that have it, and the new payload to the others. */
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
          // A commit during the poll may be newer than the rows read.
          if (watched.changes === before[at]) this.#notify(watched, payloads[at], number)
          else this.#fresh.add(id)
        }
      } catch (error) {
        // The next round polls everything again.
        if (!this.#isFailing && !this.#isClosed) log('error', { event: 'failure', at: 'poll', ...failureOf(error) })
        this.#isFailing = true
        break
      }
      // A store in this process answers synchronously. Other work gets its turn here.
      await setImmediate()
    }
    this.#isPolling = false
    this.#pollMs = clock.monotonicMs() - startedMs
    this.#callBackend()
    this.#plan(Math.max(POLL_MS, this.#pollMs * CALM))
  }

  /** Schedules the next poll of everything within the delay. */
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

  /** Calls the backend about what is due. Polls do not wait for it. */
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
