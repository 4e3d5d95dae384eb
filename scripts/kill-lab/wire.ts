/** The wire between the wallets and the mint: a proxy that takes its time, so that a kill can fall while a request travels. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

export interface Wire extends AsyncDisposable {
  readonly url: string
}

/**
 * Carries requests to the mint, `eachWayMs` there and the same back. A request that was sent arrives, whatever becomes
 * of its sender. Where the mint is down the connection breaks, as it would without the proxy. A request is held up while
 * `held` says so of its path.
 */
export async function startWire(
  mintUrl: string,
  eachWayMs: number,
  held: (path: string) => Promise<void> | void = () => {},
): Promise<Wire> {
  async function carry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request
    try {
      const body = await text(request)
      await delay(eachWayMs)
      await held(url)
      const answer = await fetch(mintUrl + url, {
        method,
        headers: { 'content-type': headers['content-type'] ?? 'application/json' },
        ...(method === 'POST' && { body }),
      })
      const answered = await answer.text()
      await delay(eachWayMs)
      // Pages of other origins may read what the mint lets them read.
      const shared = [...answer.headers].filter(([name]) => name.startsWith('access-control-'))
      response
        .writeHead(answer.status, { ...Object.fromEntries(shared), 'content-type': 'application/json' })
        .end(answered)
    } catch {
      response.destroy()
    }
  }
  const server = createServer((request, response) => void carry(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
