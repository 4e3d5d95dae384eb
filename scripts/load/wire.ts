/** HTTP as the clients speak it: many connections that stay open, to one mint process or another. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../kill-lab/prng.ts'
import type { Keyset } from './protocol.ts'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Undefined where there was no answer, or one that leaves the outcome open (5xx): the mint may have been killed. */
export type Send = (method: 'GET' | 'POST', path: string, body?: object | string) => Promise<Answer | undefined>

/** Longer than the mint waits for anything. */
const TIMEOUT_MS = 60_000

export class Wire {
  /** What the swaps took that were carried out, each from the request to the whole answer. */
  swapMs: number[] = []
  readonly #urls: readonly string[]
  readonly #chance: Prng
  readonly #agent = new Agent({ keepAlive: true })

  /** Each request goes to one of the addresses, by chance. */
  constructor(urls: readonly string[], chance: Prng) {
    this.#urls = urls
    this.#chance = chance
  }

  readonly send: Send = async (method, path, body) => {
    const url = this.#urls[this.#chance.below(this.#urls.length)]! + path
    const startedMs = performance.now()
    const answer = await this.#exchange(method, url, typeof body === 'object' ? JSON.stringify(body) : body)
    if (!answer || answer.status >= 500) return undefined
    if (path === '/v1/swap' && answer.status === 200) this.swapMs.push(performance.now() - startedMs)
    return answer
  }

  close(): void {
    this.#agent.destroy()
  }

  #exchange(method: string, url: string, body?: string): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const sent = request(url, { method, headers, agent: this.#agent, timeout: TIMEOUT_MS }, (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(pieces).toString() }))
        response.on('close', () => resolve(undefined))
      })
      sent.on('timeout', () => sent.destroy())
      sent.on('error', () => resolve(undefined))
      sent.end(body)
    })
  }
}

const PAUSE_MS = 50
/** Longer than any kill and restart takes, on a slow machine. */
const STUCK_MS = 180_000

/** Tries until it gives something, and no more than a few minutes. @throws {Error} It gave nothing. */
export async function patiently<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (
    const deadlineMs = Date.now() + STUCK_MS;
    Date.now() < deadlineMs;
    await delay(PAUSE_MS * (0.5 + Math.random()))
  ) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new Error(`${what}: nothing for ${STUCK_MS} ms`)
}

/** Asks until there is an answer, what may be asked any number of times. @throws {Error} It is refused. */
export const insist = <T>(send: Send, method: 'GET' | 'POST', path: string, request?: object): Promise<T> =>
  patiently(path, async () => {
    const answer = await send(method, path, request)
    if (answer && answer.status !== 200) throw new Error(`${path} was refused: ${answer.body}`)
    return answer && (JSON.parse(answer.body) as T)
  })

export async function activeKeyset(send: Send): Promise<Keyset> {
  const [keyset] = (await insist<{ keysets: Keyset[] }>(send, 'GET', '/v1/keys')).keysets
  return keyset!
}
