/** Back-pressure: so many events are under way to a far side, and while it lags, of each thing only the newest waits. */
import type { Json } from '../store/port.ts'

/** An event to be sent: its name, what it is about, and its value. */
export interface QueuedEvent {
  readonly event: string
  readonly about: string
  readonly value: Json
}

/** Events that were sent and not heard yet. */
const MOST_UNHEARD = 64
/** Events that wait; beyond that the oldest are dropped. */
const MOST_WAITING = 1_000

export class EventQueue {
  readonly #send: (at: number, event: QueuedEvent) => void
  readonly #waiting = new Map<string, QueuedEvent>()
  #sent = 0
  #heard = 0

  constructor(send: (at: number, event: QueuedEvent) => void) {
    this.#send = send
  }

  push(event: QueuedEvent): void {
    const name = `${event.event} ${event.about}`
    this.#waiting.delete(name)
    this.#waiting.set(name, event)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MOST_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    this.#flush()
  }

  /** The far side has heard all events up to this one. */
  heard(at: number): void {
    if (!Number.isSafeInteger(at) || at <= this.#heard || at > this.#sent) return
    this.#heard = at
    this.#flush()
  }

  #flush(): void {
    for (const [name, event] of [...this.#waiting]) {
      if (this.#sent - this.#heard >= MOST_UNHEARD) return
      this.#waiting.delete(name)
      this.#send(++this.#sent, event)
    }
  }
}
