/** What the mint's and the signatory's servers have in common: JSON over HTTP, on Node's own server. */
import { randomUUID } from 'node:crypto'
import { createServer, STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { timerFor } from '../../timer.ts'
import { codes } from '../../cashu/codes.ts'
import { clientOf, partyOf } from './client-address.ts'
import { failureOf } from '../../kernel/util/failure.ts'
import { routeOf, type ServerLog } from '../cli/log.ts'
import { MintError, refusalOf, refuse, type Answer } from './request.ts'
import { Shares } from './shares.ts'

/** One request, with all of its body. */
export interface HttpRequest {
  /** GET where it was HEAD: the same answer, of which only the headers are sent. */
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Whom the request counts for where something is shared. */
  readonly client: string
  /** Whether it came from this machine. */
  readonly isLocal: boolean
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

export interface HttpServerOptions {
  /** Answers a request. If it rejects, the outcome is unknown, and the client gets a bare 503. */
  readonly answer: (request: HttpRequest) => Promise<Answer>
  /** The header in which the proxy in front names the client. Without it no header is trusted. */
  readonly clientHeader?: string | undefined
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>
  readonly port: number
  readonly host: string
  readonly maxBodyBytes: number
  /** How long a client may take to send a request. */
  readonly requestTimeoutMs: number
  readonly log: ServerLog
}

export interface HttpServer {
  readonly url: string
  readonly server: Server
  /** Takes no more connections, and refuses what still comes on those that are open. */
  stop(): void
  /** Resolves when the requests under way are answered. After the deadline, open connections are cut. */
  end(deadlineMs: number): Promise<void>
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }
/** How many bytes beyond the limit are read and dropped, because a client reads no answer while it sends its body. */
const DROPPED_BYTES = 2 ** 24
/** Of a body: what comes in more pieces is made of them to take up memory. */
const MOST_PIECES = 2 ** 14
/** Open at once, of all and of one address; websockets among them. */
const CONNECTIONS = { total: 10_000, each: 4000 }
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than proxies keep theirs, so that they never send into a connection that is being closed. */
const KEEP_ALIVE_MS = 75_000

/** A refusal that has no code of its own. */
export const refusal = (status: number, detail: string): Answer =>
  refusalOf(new MintError(codes.unclassified, detail, status))
/** Has no code, because nothing is refused: the outcome is unknown. */
const UNAVAILABLE: Answer = { status: 503, body: '{"detail":"the server cannot answer now"}', retryAfterMs: 1000 }
/** Nothing was started: this client (429) or all clients (503) have too many requests. They may retry. */
export const busy = (status: 429 | 503, detail: string): Answer => ({
  ...{ status, body: JSON.stringify({ detail }), retryAfterMs: 1000 },
})
const retryAfter = ({ retryAfterMs }: Answer): Record<string, string> =>
  retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(retryAfterMs / 1000)}` }

/** A request's body, as text. @throws {MintError} */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<string> {
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    refuse(codes.unclassified, 'the body has an encoding that is not supported')
  const pieces: Buffer[] = []
  let size = 0
  let isTooLong = false
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length
      isTooLong ||= size > maxBytes || pieces.length === MOST_PIECES
      if (!isTooLong) pieces.push(piece)
      if (size > maxBytes + DROPPED_BYTES) break
    }
  } catch {
    refuse(codes.unclassified, 'the body was cut off')
  }
  if (isTooLong) throw new MintError(codes.unclassified, `the body is longer than ${maxBytes} bytes`, 413)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    return refuse(codes.unclassified, 'the body is not UTF-8')
  }
}

/** Answers on a connection that has no request to answer to, and closes it. */
export function answerRaw(socket: Duplex, answer: Answer): void {
  const { status, body } = answer
  const headers = { ...HEADERS, ...retryAfter(answer), 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}

/** Answers what is not HTTP, or came too slowly. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex, isWorking: boolean): void {
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  // A client must not take this for the answer to its request under way.
  if (!socket.writable || error.code === 'ECONNRESET' || (isWorking && !isLate)) socket.destroy()
  else if (isLate) answerRaw(socket, refusal(408, 'the request took too long'))
  else if (error.code === 'HPE_HEADER_OVERFLOW') answerRaw(socket, refusal(431, 'the headers are too long'))
  else answerRaw(socket, refusal(400, 'not a request of HTTP'))
}

const isLoopback = (address = ''): boolean => /^(::1$|(::ffff:)?127\.)/.test(address)

const codeOf = ({ status, body }: Answer): { code?: number } => {
  const { code } = status < 400 ? {} : (JSON.parse(body) as { code?: number })
  return code === undefined ? {} : { code }
}

/** Starts a server; rejects where it cannot listen. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { answer, log, host, requestTimeoutMs } = options
  let isStopping = false
  /** How many requests of a connection are with `answer`. */
  const working = new WeakMap<Duplex, number>()
  const works = (socket: Duplex, more: number): unknown => working.set(socket, (working.get(socket) ?? 0) + more)

  async function answerTo(request: IncomingMessage, id: string, signal: AbortSignal): Promise<Answer> {
    const { headers, socket, url = '' } = request
    let body: string
    try {
      body = await bodyOf(request, options.maxBodyBytes)
    } catch (error) {
      return refusalOf(error)
    }
    if (isStopping) return UNAVAILABLE
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const [path] = url.split('?') as [string]
    works(socket, 1)
    try {
      return await answer({
        method,
        path,
        headers,
        body,
        signal,
        client: clientOf(request, options.clientHeader),
        isLocal: isLoopback(socket.remoteAddress),
      })
    } catch (error) {
      if (!signal.aborted) log('error', { event: 'failure', at: 'request', request: id, ...failureOf(error) })
      return UNAVAILABLE
    } finally {
      works(socket, -1)
    }
  }

  const timeouts = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  /** Counts by address alone: the header that names the client is read later. */
  const seats = new Shares(CONNECTIONS)
  const server = createServer({ ...timeouts, shouldUpgradeCallback: isWebsocket }, (request, response) => {
    const startedMs = performance.now()
    const id = randomUUID()
    const gone = new AbortController()
    response.on('close', () => response.writableFinished || gone.abort())
    void answerTo(request, id, gone.signal).then((given) => {
      const { status, body } = given
      const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) }
      const connection = isStopping || status === 413 ? { connection: 'close' } : {}
      response.writeHead(status, { ...HEADERS, ...options.headers, ...retryAfter(given), ...length, ...connection })
      response.end(body)
      log('info', {
        event: 'request',
        request: id,
        method: request.method ?? '',
        route: routeOf((request.url ?? '').split('?')[0]!),
        status: gone.signal.aborted ? 499 : status,
        ...codeOf(given),
        ms: Math.round(performance.now() - startedMs),
      })
    })
  })
  server.on('connection', (socket: Socket) => {
    const party = partyOf(socket.remoteAddress ?? '') ?? ''
    if (seats.take(party)) socket.once('close', () => seats.give(party))
    else socket.destroy()
  })
  server.on('clientError', (error, socket) => answerBroken(error, socket, (working.get(socket) ?? 0) > 0))

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', (error) => log('error', { event: 'failure', at: 'connection', ...failureOf(error) }))
  const closed = new Promise<void>((resolve) => server.once('close', resolve))
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    server,
    stop() {
      isStopping = true
      server.close()
    },
    async end(deadlineMs) {
      const cut = timerFor(() => server.closeAllConnections(), deadlineMs)
      server.closeIdleConnections()
      await closed
      clearTimeout(cut)
    },
  }
}

/** Ignores offers of other protocols (`h2c`): the request itself is ordinary. */
const isWebsocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket'
