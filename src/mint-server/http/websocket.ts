/** NUT-17: wallets subscribe over a websocket at `/v1/ws`, in JSON-RPC. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { field, list, Malformed, oneOf, point, record, text } from '../../cashu/shape.ts'
import type { Clock } from '../../kernel/util/ports.ts'
import { answerRaw, busy, refusal } from './http-server.ts'
import type { ServerLog } from '../cli/log.ts'
import { idText, textUpTo, type Answer, type Fields } from './request.ts'
import { Shares } from './shares.ts'
import type { Topic } from './topics.ts'
import type { Watching } from './watching.ts'

/** What exceeds a limit is refused. A connection that exceeds the last two is closed. */
export interface WebsocketLimits {
  /** Open at once. */
  readonly connections: number
  /** Of one client. */
  readonly connectionsOfClient: number
  /** Of one connection, at a time. */
  readonly subscriptions: number
  /** Of one subscription. */
  readonly filters: number
  /** What one connection watches, by all of its subscriptions. */
  readonly watchedOfConnection: number
  /** What one client watches. */
  readonly watchedOfClient: number
  /** What all clients watch. */
  readonly watched: number
  /** Of one message to the mint. */
  readonly messageBytes: number
  /** Bytes sent that the client has not read yet. */
  readonly bufferedBytes: number
  /** The same of all connections. Beyond it, the connection that has most is cut. */
  readonly bufferedBytesOfAll: number
}

/** The limits on connections and subscriptions of a mint server, unless given. */
export const WEBSOCKET_LIMITS: WebsocketLimits = {
  connections: 1000,
  connectionsOfClient: 250,
  subscriptions: 100,
  filters: 1000,
  watchedOfConnection: 10_000,
  watchedOfClient: 25_000,
  watched: 100_000,
  messageBytes: 2 ** 17,
  bufferedBytes: 2 ** 22,
  bufferedBytesOfAll: 2 ** 27,
}

export interface WebsocketOptions {
  readonly server: Server
  /** Who a client is. */
  readonly clientOf: (request: IncomingMessage) => string
  readonly watching: Watching
  readonly clock: Clock
  readonly log: ServerLog
  readonly limits: WebsocketLimits
}

const PATH = '/v1/ws'
/** A peer that has not answered a ping by the next is gone. */
const PING_MS = 30_000
/** How long a peer may take to say goodbye when the server stops. */
const GOODBYE_MS = 500
const MAX_SUB_ID_LENGTH = 200
/** Of a close frame: the server goes away. */
const GOING_AWAY = 1001

/** JSON-RPC's own codes; the last is for servers to define. */
const rpc = { parse: -32700, request: -32600, method: -32601, params: -32602, limit: -32000 }

class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const kind = oneOf<Topic>(
  'bolt11_mint_quote',
  'bolt12_mint_quote',
  'bolt11_melt_quote',
  'bolt12_melt_quote',
  'proof_state',
)

type RpcId = string | number | null

/** How much one connection may watch. */
interface Allowance {
  take(count: number): boolean
  give(count: number): void
}

/** Shares what may be watched among clients, and each client's part among its connections. */
function allowances(limits: WebsocketLimits): (client: string, connection: string) => Allowance {
  // A client is bounded by what its connections may share.
  const all = new Shares({ total: limits.watched, each: limits.watched })
  const byClient = new Map<string, { readonly shares: Shares; taken: number }>()
  return (client, connection) => ({
    take(count) {
      const each = limits.watchedOfConnection
      const own = byClient.get(client) ?? { shares: new Shares({ total: limits.watchedOfClient, each }), taken: 0 }
      if (!own.shares.take(connection, count)) return false
      if (!all.take(client, count)) {
        own.shares.give(connection, count)
        return false
      }
      own.taken += count
      byClient.set(client, own)
      return true
    },
    give(count) {
      const own = byClient.get(client)
      if (!own) return
      own.shares.give(connection, count)
      all.give(client, count)
      own.taken -= count
      if (own.taken === 0) byClient.delete(client)
    },
  })
}

/** One connection's subscriptions. Answers its messages; what the subscriptions bring goes to `send`. */
class Subscriber {
  readonly #watching: Watching
  readonly #limits: WebsocketLimits
  readonly #allowance: Allowance
  readonly #send: (message: string) => void
  /** By subId, the way to stop. */
  readonly #subscriptions = new Map<string, () => void>()

  constructor({ watching, limits }: WebsocketOptions, allowance: Allowance, send: (message: string) => void) {
    this.#watching = watching
    this.#limits = limits
    this.#allowance = allowance
    this.#send = send
  }

  /** The answer to a message, whatever it is. */
  answer(message: string): string {
    let id: RpcId = null
    try {
      const request = this.#parse(message)
      if (typeof request['id'] === 'number' || typeof request['id'] === 'string') id = request['id']
      const subId = this.#obey(request, id)
      return JSON.stringify({ jsonrpc: '2.0', result: { status: 'OK', subId }, id })
    } catch (error) {
      const known = error instanceof Malformed ? new RpcError(rpc.params, error.message) : error
      if (!(known instanceof RpcError)) throw error
      return JSON.stringify({ jsonrpc: '2.0', error: { code: known.code, message: known.message }, id })
    }
  }

  end(): void {
    for (const stop of this.#subscriptions.values()) stop()
    this.#subscriptions.clear()
  }

  #parse(message: string): Fields {
    let value: unknown
    try {
      value = JSON.parse(message)
    } catch {
      throw new RpcError(rpc.parse, 'not JSON')
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new RpcError(rpc.request, 'not a request')
    return value as Fields
  }

  #obey(request: Fields, id: RpcId): string {
    const { jsonrpc, method } = request
    if (jsonrpc !== '2.0' || typeof method !== 'string' || id === null)
      throw new RpcError(rpc.request, 'not a request of JSON-RPC 2.0 with an id')
    if (method !== 'subscribe' && method !== 'unsubscribe') throw new RpcError(rpc.method, 'no such method')
    const params = field(request, 'params', record, '')
    const subId = field(params, 'subId', textUpTo(MAX_SUB_ID_LENGTH), 'params')
    if (method === 'subscribe') this.#subscribe(subId, params)
    else this.#unsubscribe(subId)
    return subId
  }

  #subscribe(subId: string, params: Fields): void {
    const { subscriptions, filters } = this.#limits
    if (this.#subscriptions.has(subId)) throw new RpcError(rpc.params, 'the subId is in use')
    if (this.#subscriptions.size >= subscriptions)
      throw new RpcError(rpc.limit, `more than ${subscriptions} subscriptions`)
    const topic = field(params, 'kind', kind, 'params')
    const wanted = field(params, 'filters', list(text), 'params')
    if (wanted.length > filters) throw new RpcError(rpc.limit, `more than ${filters} filters`)
    const ids = new Set(wanted.map((id, at) => (topic === 'proof_state' ? point : idText)(id, `params.filters[${at}]`)))
    if (!this.#allowance.take(ids.size))
      throw new RpcError(rpc.limit, 'too much is watched: try again later, or with less')
    const start = `{"jsonrpc":"2.0","method":"subscribe","params":{"subId":${JSON.stringify(subId)},"payload":`
    const stop = this.#watching.subscribe(topic, ids, (payload) => this.#send(`${start}${payload}}}`))
    this.#subscriptions.set(subId, () => {
      stop()
      this.#allowance.give(ids.size)
    })
  }

  #unsubscribe(subId: string): void {
    const stop = this.#subscriptions.get(subId)
    if (!stop) throw new RpcError(rpc.params, 'no such subscription')
    stop()
    this.#subscriptions.delete(subId)
  }
}

/** Serves websockets on a server's upgrades. To close says goodbye to all, and resolves when they are gone. */
export function serveWebsockets(options: WebsocketOptions): { close(): Promise<void> } {
  const { server, clock, log, limits, clientOf } = options
  const allowanceOf = allowances(limits)
  const seats = new Shares({ total: limits.connections, each: limits.connectionsOfClient })
  let served = 0
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytes, clientTracking: false })
  /** Each with the way to cut it. */
  const connections = new Map<WebSocket, { hasAnswered: boolean; readonly cut: (why: string) => void }>()
  let isClosing = false
  const allGone = Promise.withResolvers<void>()

  /** What was sent since it was last counted how much of it is still here. */
  let sentBytes = 0
  /** Cuts the connections that read least when all together hold too much. */
  function relieve(): void {
    const held = [...connections].map(([{ bufferedAmount: bytes }, { cut }]) => ({ bytes, cut }))
    sentBytes = held.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const { bytes, cut } of held.toSorted((a, b) => b.bytes - a.bytes)) {
      if (sentBytes <= limits.bufferedBytesOfAll / 2) return
      sentBytes -= bytes
      cut('slow')
    }
  }

  function serve(socket: WebSocket, client: string): void {
    const startedMs = performance.now()
    let messages = 0
    let end = 'gone'
    const cut = (why: string): void => {
      end = why
      socket.terminate()
    }
    const send = (message: string): void => {
      if (socket.readyState !== socket.OPEN) return
      socket.send(message)
      if (socket.bufferedAmount > limits.bufferedBytes) return cut('slow')
      sentBytes += message.length
      if (sentBytes > limits.bufferedBytesOfAll) relieve()
    }
    const subscriber = new Subscriber(options, allowanceOf(client, `${++served}`), send)
    const connection = { hasAnswered: true, cut }
    connections.set(socket, connection)
    socket.on('pong', () => {
      connection.hasAnswered = true
    })
    socket.on('message', (data: RawData) => {
      messages++
      send(subscriber.answer((data as Buffer).toString('utf8')))
    })
    // Frames that are none, or too long: the library closes the connection.
    socket.on('error', () => {})
    socket.on('close', () => {
      subscriber.end()
      seats.give(client)
      connections.delete(socket)
      const ms = Math.round(performance.now() - startedMs)
      log('info', { event: 'websocket', end: isClosing ? 'stopped' : end, messages, ms })
      if (isClosing && connections.size === 0) allGone.resolve()
    })
  }

  function refusalOfUpgrade({ url = '' }: IncomingMessage): Answer | undefined {
    if (url.split('?')[0] !== PATH) return refusal(404, 'no websocket here')
    if (isClosing) return refusal(503, 'the mint stops')
    return undefined
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refused = refusalOfUpgrade(request)
    if (refused) return answerRaw(socket, refused)
    const client = clientOf(request)
    if (!seats.take(client)) return answerRaw(socket, busy(429, 'too many connections'))
    let isServed = false
    const release = (): void => void (isServed || seats.give(client))
    socket.once('close', release)
    return sockets.handleUpgrade(request, socket, head, (open) => {
      isServed = true
      serve(open, client)
    })
  })
  sockets.on('wsClientError', (_, socket) => {
    answerRaw(socket, refusal(400, 'not a handshake of websockets'))
  })

  let ping = clock.setTimeout(function check() {
    for (const [socket, connection] of connections) {
      if (!connection.hasAnswered) connection.cut('dead')
      connection.hasAnswered = false
      socket.ping()
    }
    ping = clock.setTimeout(check, PING_MS)
  }, PING_MS)

  return {
    async close() {
      isClosing = true
      clock.clearTimeout(ping)
      if (connections.size === 0) return
      for (const socket of connections.keys()) socket.close(GOING_AWAY)
      const cutAll = setTimeout(() => {
        for (const { cut } of connections.values()) cut('stopped')
      }, GOODBYE_MS)
      await allGone.promise
      clearTimeout(cutAll)
    },
  }
}
