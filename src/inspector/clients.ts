/** Tells pages what changed, over a stream of events. A page that is slow is not told more and more: it is told to read all anew. */
import type { ServerResponse } from 'node:http'
import type { Told } from './feed.ts'
import { Refused } from './guard.ts'

/** Pages at once. */
const MOST_CLIENTS = 16
/** What may wait to be sent to one page. */
const MOST_WAITING_BYTES = 2 ** 18
/** How often a page hears that the server is there. */
const HEARTBEAT_MS = 15_000

interface Client {
  readonly response: ServerResponse
  /** It was not told everything. */
  behind: boolean
}

export class Clients {
  readonly #clients = new Set<Client>()
  readonly #mostBytes: number
  #heartbeat: NodeJS.Timeout | undefined

  constructor(mostBytes = MOST_WAITING_BYTES) {
    this.#mostBytes = mostBytes
  }

  get size(): number {
    return this.#clients.size
  }

  /** @throws {Refused} where there are too many already */
  add(response: ServerResponse, hello: Told): void {
    if (this.#clients.size >= MOST_CLIENTS) throw new Refused(503, 'TOO_MANY', 'too many pages are open')
    const client: Client = { response, behind: false }
    this.#clients.add(client)
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS).unref()
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
    response.on('drain', () => this.#caughtUp(client))
    response.on('close', () => {
      this.#clients.delete(client)
      if (this.#clients.size > 0) return
      clearInterval(this.#heartbeat)
      this.#heartbeat = undefined
    })
    response.on('error', () => response.destroy())
    response.write(textOf(hello))
  }

  tell(told: Told): void {
    if (this.#clients.size === 0) return
    const text = textOf(told)
    for (const client of this.#clients) this.#write(client, text)
  }

  #write(client: Client, text: string): void {
    const { response } = client
    if (client.behind) return
    if (response.writableLength > this.#mostBytes) client.behind = true
    else response.write(text)
  }

  #caughtUp(client: Client): void {
    if (!client.behind) return
    client.behind = false
    this.#write(client, textOf({ type: 'reload' }))
  }

  #beat(): void {
    for (const client of this.#clients) this.#write(client, ': here\n\n')
  }

  close(): void {
    for (const { response } of this.#clients) response.end()
  }
}

const textOf = (told: Told): string => `data: ${JSON.stringify(told)}\n\n`
