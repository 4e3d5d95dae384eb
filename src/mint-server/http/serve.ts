/** A mint over HTTP and websockets. */
import type { Clock } from '../../kernel/util/ports.ts'
import { clientOf } from './client-address.ts'
import { Doors, type RequestLimits } from './doors.ts'
import { busy, refusal, serveHttp, type HttpRequest } from './http-server.ts'
import type { ServerLog } from '../cli/log.ts'
import type { Mint } from '../mint-api.ts'
import type { Answer } from './request.ts'
import { watchMint } from './watching.ts'
import { serveWebsockets, type WebsocketLimits } from './websocket.ts'

export interface ServeOptions {
  readonly mint: Mint
  /** Rejects where the store cannot be read. */
  readonly probe: () => Promise<unknown>
  /** Answers requests of the operator; undefined for all others. */
  readonly admin: (request: HttpRequest) => Promise<Answer> | undefined
  readonly port: number
  readonly host: string
  readonly maxBodyBytes: number
  readonly requestTimeoutMs: number
  readonly websockets: WebsocketLimits
  readonly requests: RequestLimits
  /** The header in which a proxy in front of the mint names the client. */
  readonly clientHeader?: string | undefined
  readonly clock: Clock
  readonly log: ServerLog
}

export interface Served {
  readonly url: string
  /** Stops listening, waits for the mint and for the answers under way, and cuts what is left after the deadline. */
  close(deadlineMs: number): Promise<void>
}

/** Wallets run in browsers, on any site. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
}
const METHODS = ['GET', 'POST', 'OPTIONS']
const PROBE_TIMEOUT_MS = 1000
/** How long answers may take to reach their clients when the server stops. */
const FLUSH_MS = 1000

const isAsync = (prefer: string | readonly string[] = ''): boolean =>
  /(^|,)\s*respond-async\s*(;|,|$)/i.test(String(prefer))

/** Starts to listen; rejects where it cannot. */
export async function serveMint(options: ServeOptions): Promise<Served> {
  const { mint, clock, log } = options
  const startedMs = clock.monotonicMs()
  const doors = new Doors(options.requests)
  const info = await mint.handle('GET', '/v1/info')
  const { version } = JSON.parse(info.body) as { version?: string }

  async function isWell(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>()
    const timer = clock.setTimeout(() => late.resolve(false), PROBE_TIMEOUT_MS)
    const read = options.probe().then(
      () => true,
      () => false,
    )
    const isOk = await Promise.race([read, late.promise])
    clock.clearTimeout(timer)
    return isOk
  }

  async function health(): Promise<Answer> {
    const ok = await isWell()
    const uptime = Math.floor((clock.monotonicMs() - startedMs) / 1000)
    return { status: ok ? 200 : 503, body: JSON.stringify({ ok, version, uptime }) }
  }

  async function answer(request: HttpRequest): Promise<Answer> {
    const { method, path, body, signal, headers, client } = request
    if (method === 'OPTIONS') return { status: 204, body: '' }
    if (!METHODS.includes(method)) return refusal(405, 'not a method of mints')
    if (method === 'GET' && path === '/health') return health()
    const given = options.admin(request)
    if (given) return given
    const leave = doors.enter(client, method, path)
    if (!leave) return busy(429, 'too many requests at once')
    try {
      return await mint.handle(method, path, body, { signal, client, respondAsync: isAsync(headers.prefer) })
    } finally {
      leave()
    }
  }

  const http = await serveHttp({ ...options, answer, headers: CORS })
  const watching = watchMint({ mint, clock, log })
  const websockets = serveWebsockets({
    ...{ server: http.server, watching, clock, log, limits: options.websockets },
    clientOf: (request) => clientOf(request, options.clientHeader),
  })
  log('info', { event: 'start', url: http.url })
  return {
    url: http.url,
    async close(deadlineMs) {
      const startedMs = performance.now()
      http.stop()
      watching.close()
      await Promise.all([websockets.close(), mint.close({ deadlineMs })])
      await http.end(FLUSH_MS)
      log('info', { event: 'stop', ms: Math.round(performance.now() - startedMs) })
    },
  }
}
