/**
 * What wallets wait for (NUT-17): each subscriber hears how things stand, and then of every change. The mint is looked
 * at, all that is watched in few questions, when it says that something may have changed and once a second at the least:
 * what another process did, or Lightning, is noticed as well. One look is made at a time, so that none brings older news.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../kernel/ports.ts'
import { failureOf, type Log } from './log.ts'
import type { Mint, Topic } from './mint-api.ts'

export interface Watching {
  /**
   * Tells the state of each, as JSON: first as it is now, then whenever it has become another. What the mint does not
   * know is told of once it does. Returns the way to stop; undefined where too much is watched already.
   */
  subscribe(topic: Topic, ids: readonly string[], tell: (payload: string) => void): (() => void) | undefined
  close(): void
}

export interface WatchingOptions {
  readonly mint: Pick<Mint, 'look' | 'onChange'>
  readonly clock: Clock
  readonly log: Log
  /** So many different things may be watched at once. */
  readonly maxWatched: number
}

interface Listener {
  readonly tell: (payload: string) => void
  /** Looks up to this one were begun before it listened. */
  readonly since: number
  /** What it was told last. */
  told: string | undefined
}

type Watched = Set<Listener>

/** By topic, the ids that are to be looked at. */
type Queue = Map<Topic, Set<string>>

const POLL_MS = 1000
const SHORTEST_PAUSE_MS = 50
/** So many are asked about in one look. */
const BATCH = 500

export function watchMint({ mint, clock, log, maxWatched }: WatchingOptions): Watching {
  const topics = new Map<Topic, Map<string, Watched>>()
  let watchedCount = 0
  /** Somebody waits to hear of these for the first time: they go before the rest. */
  const fresh: Queue = new Map()
  const rest: Queue = new Map()
  let looks = 0
  let isLooking = false
  let isFailing = false
  let isClosed = false
  let round: { readonly timer: unknown; readonly atMs: number } | undefined
  let roundAt = -Infinity
  let lookedMs = 0

  const idsOf = (queue: Queue, topic: Topic): Set<string> => {
    let ids = queue.get(topic)
    if (!ids) queue.set(topic, (ids = new Set()))
    return ids
  }

  /** Takes the next ids to be looked at out of the queues. */
  function next(): { topic: Topic; ids: string[] } | undefined {
    if (isClosed) return undefined
    for (const queue of [fresh, rest])
      for (const [topic, waiting] of queue) {
        const ids: string[] = []
        for (const id of waiting) if (ids.push(id) === BATCH) break
        for (const id of ids) waiting.delete(id)
        if (ids.length > 0) return { topic, ids }
      }
    return undefined
  }

  function tell(watched: Watched | undefined, payload: object | undefined, look: number): void {
    if (!watched || payload === undefined) return
    const text = JSON.stringify(payload)
    for (const listener of [...watched]) {
      if (listener.since >= look || listener.told === text) continue
      listener.told = text
      listener.tell(text)
    }
  }

  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const startedAt = clock.now()
    for (let batch = next(); batch; batch = next()) {
      const { topic, ids } = batch
      const number = ++looks
      try {
        const payloads = await mint.look(topic, ids)
        isFailing = false
        for (const [index, id] of ids.entries()) tell(topics.get(topic)?.get(id), payloads[index], number)
      } catch (error) {
        // The next round looks at everything again.
        if (!isFailing && !isClosed) log({ event: 'failure', at: 'look', ...failureOf(error) })
        isFailing = true
        break
      }
      // A store in this process answers without a pause: others get their turn.
      await setImmediate()
    }
    isLooking = false
    lookedMs = clock.now() - startedAt
    plan(POLL_MS)
  }

  /** Sees to it that everything is looked at again within so long. */
  function plan(delayMs: number): void {
    if (isClosed || watchedCount === 0) return
    const atMs = clock.now() + delayMs
    if (round && round.atMs <= atMs) return
    clock.clearTimeout(round?.timer)
    round = { atMs, timer: clock.setTimeout(startRound, delayMs) }
  }

  function startRound(): void {
    round = undefined
    roundAt = clock.now()
    for (const [topic, watched] of topics) for (const id of watched.keys()) idsOf(rest, topic).add(id)
    void look()
  }

  const stopListening = mint.onChange(() => {
    // A pause at least as long as looking took, so that a busy mint is not kept busy by this.
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, lookedMs)
    plan(Math.min(pauseMs, Math.max(0, roundAt + pauseMs - clock.now())))
  })

  function unsubscribe(topic: Topic, listeners: ReadonlyMap<string, Listener>): void {
    const watched = topics.get(topic)
    for (const [id, listener] of listeners) {
      const all = watched?.get(id)
      if (!all?.delete(listener) || all.size > 0) continue
      for (const ids of [watched, fresh.get(topic), rest.get(topic)]) ids?.delete(id)
      watchedCount--
    }
    if (watchedCount > 0) return
    clock.clearTimeout(round?.timer)
    round = undefined
  }

  return {
    subscribe(topic, ids, tell) {
      let watched = topics.get(topic)
      if (!watched) topics.set(topic, (watched = new Map<string, Watched>()))
      const wanted = new Set(ids)
      const added = [...wanted].filter((id) => !watched.has(id)).length
      if (watchedCount + added > maxWatched) return undefined
      watchedCount += added
      const listeners = new Map<string, Listener>()
      for (const id of wanted) {
        const listener: Listener = { tell, since: looks, told: undefined }
        listeners.set(id, listener)
        const all = watched.get(id)
        if (all) all.add(listener)
        else watched.set(id, new Set([listener]))
        idsOf(fresh, topic).add(id)
      }
      void look()
      return () => unsubscribe(topic, listeners)
    },
    close() {
      isClosed = true
      stopListening()
      clock.clearTimeout(round?.timer)
    },
  }
}
