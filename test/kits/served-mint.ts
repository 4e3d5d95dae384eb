/** A mint that does as it is told, behind the real HTTP and websockets. */
import { systemClock } from '../../src/kernel/util/ports.ts'
import { REQUEST_LIMITS } from '../../src/mint-server/http/doors.ts'
import { silent } from '../../src/mint-server/cli/log.ts'
import type { Change } from '../../src/mint-server/http/changes.ts'
import type { Mint } from '../../src/mint-server/mint-api.ts'
import { TOPICS_OF, type Topic } from '../../src/mint-server/http/topics.ts'
import type { Answer } from '../../src/mint-server/http/request.ts'
import { serveMint, type ServeOptions } from '../../src/mint-server/http/serve.ts'
import { WEBSOCKET_LIMITS } from '../../src/mint-server/http/websocket.ts'

/** A served mint. */
export interface Listening {
  readonly url: string
  close(deadlineMs?: number): Promise<void>
}

export interface FakeMint extends Mint {
  /** What it was asked. */
  readonly seen: { method: string; path: string; body: string; respondAsync: boolean }[]
  /** How it answers. */
  answer: (path: string, signal: AbortSignal) => Promise<Answer>
  /** What it does when it is closed. */
  closing: () => Promise<void>
  /** How things stand, by topic and id. */
  readonly states: Map<string, object>
  /** Every look, with its ids. */
  readonly reads: { topic: Topic; ids: readonly string[] }[]
  /** What a look waits for, or fails of. */
  reading: () => Promise<void>
  /** Says that something may have changed; of all kinds unless told which. */
  changed(...topics: readonly Topic[]): void
  /** Which quotes the backend was asked about. */
  readonly asked: { topic: Topic; id: string }[]
  /** How such a question ends. */
  asking: (id: string) => Promise<boolean>
  /** Says that this was committed. */
  committed(change: Change): void
}

const TOPICS = Object.values(TOPICS_OF).flat()

export function fakeMint(): FakeMint {
  const listeners = new Set<(topics: readonly Topic[]) => void>()
  const hearers = new Set<(change: Change) => void>()
  const mint: FakeMint = {
    seen: [],
    answer: () => Promise.resolve({ status: 200, body: '{}' }),
    closing: () => Promise.resolve(),
    states: new Map(),
    reads: [],
    reading: () => Promise.resolve(),
    changed: (...topics) => listeners.forEach((listener) => listener(topics.length > 0 ? topics : TOPICS)),
    asked: [],
    asking: () => Promise.resolve(true),
    ask(topic, id) {
      mint.asked.push({ topic, id })
      return mint.asking(id)
    },
    committed: (change) => hearers.forEach((hear) => hear(change)),
    onCommit(hear) {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    handle(method, path, body = '', { respondAsync = false, signal = new AbortController().signal } = {}) {
      mint.seen.push({ method, path, body, respondAsync })
      return mint.answer(path, signal)
    },
    async statesOf(topic, ids) {
      mint.reads.push({ topic, ids })
      const states = ids.map((id) => mint.states.get(`${topic} ${id}`))
      await mint.reading()
      return states
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    rotate: () => Promise.resolve('00'),
    balanceSheet: () => Promise.resolve({ units: {}, payments: {} }),
    close: () => mint.closing(),
  }
  return mint
}

/** Serves a mint on a free port, until the test has ended. */
export async function listening(
  running: Set<{ close(): Promise<void> }>,
  options: Partial<ServeOptions> & { mint: Mint },
): Promise<Listening> {
  const served = await serveMint({
    probe: () => Promise.resolve(),
    admin: () => undefined,
    port: 0,
    host: '127.0.0.1',
    maxBodyBytes: 2 ** 20,
    requestTimeoutMs: 30_000,
    websockets: WEBSOCKET_LIMITS,
    requests: REQUEST_LIMITS,
    clock: systemClock,
    log: silent,
    ...options,
  })
  let closed: Promise<void> | undefined
  const close = (deadlineMs = 100): Promise<void> => (closed ??= served.close(deadlineMs))
  running.add({ close: () => close() })
  return { url: served.url, close }
}
