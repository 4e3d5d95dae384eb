/**
 * Subscriptions (NUT-17): each subscriber gets the present state, and then every change, once and in order. Each topic has a loop
 * of its own, so that a slow topic does not delay the others.
 */
import type { Clock } from '../../kernel/util/ports.ts'
import type { ServerLog } from '../cli/log.ts'
import type { Mint } from '../mint-api.ts'
import { TOPICS_OF, type Topic } from './topics.ts'
import { WatchLoop } from './watch-loop.ts'

export interface Watching {
  /**
   * Sends the state of each id as JSON: first the present one, then each new one. For an id that the mint does not know yet,
   * sends the first state when it does. Returns the way to stop.
   */
  subscribe(topic: Topic, ids: ReadonlySet<string>, tell: (payload: string) => void): () => void
  close(): void
}

export interface WatchingOptions {
  readonly mint: Pick<Mint, 'statesOf' | 'ask' | 'onCommit' | 'onChange'>
  readonly clock: Clock
  readonly log: ServerLog
}

export function watchMint({ mint, clock, log }: WatchingOptions): Watching {
  const topics = Object.values(TOPICS_OF).flat()
  const loops = new Map(topics.map((topic) => [topic, new WatchLoop({ topic, mint, clock, log })]))
  const stops = [
    mint.onCommit((change) => {
      for (const topic of change.topics) loops.get(topic)?.heard(change)
    }),
    mint.onChange((stale) => {
      for (const topic of stale) loops.get(topic)?.stale()
    }),
  ]
  return {
    subscribe: (topic, ids, tell) => loops.get(topic)?.add(ids, tell) ?? (() => {}),
    close() {
      for (const stop of stops) stop()
      for (const loop of loops.values()) loop.close()
    },
  }
}
