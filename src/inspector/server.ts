/** The inspector's server: on 127.0.0.1 alone, for whoever has its token. `guard.ts` says what it asks of a request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HardshellError } from '../kernel/util/errors.ts'
import { reportError } from '../kernel/util/report.ts'
import { StoreError } from '../store/port.ts'
import { checkPlace, checkToken, newToken, Refused, SAFE_HEADERS } from './guard.ts'
import type { PageFiles } from './page-files.ts'

/** A request that was let in. */
export interface Asking {
  readonly path: string
  readonly query: URLSearchParams
  /** Empty where it is a GET. */
  readonly body: string
  readonly response: ServerResponse
}

/** What answers a path: JSON, or undefined where it answered by itself. */
export type Answerer = (asking: Asking) => Promise<object | undefined>

/** How a path is answered, by its method. */
export interface Route {
  readonly path: RegExp
  readonly method: 'GET' | 'POST'
  readonly answer: Answerer
}

const HOST = '127.0.0.1'
const MOST_BODY_BYTES = 4096
const MOST_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000

export interface Listening {
  /** With the token. */
  readonly url: string
  readonly token: string
  readonly port: number
  close(): Promise<void>
}

export async function listen(options: {
  readonly routes: readonly Route[]
  readonly page: PageFiles
  readonly port: number
}): Promise<Listening> {
  const { routes, page } = options
  const token = newToken()
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    // Node looks for connections whose time is over each half minute unless told otherwise: they would hold all places meanwhile.
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 8192,
  })
  server.maxConnections = MOST_CONNECTIONS
  await listening(server, options.port)
  const { port } = addressOf(server)
  server.on('request', (request, response) => {
    answer({ request, response, routes, page, port, token }).catch((error: unknown) => refuse(response, error))
  })
  return {
    url: `http://${HOST}:${port}/#token=${token}`,
    token,
    port,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

function listening(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, HOST, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen')
  return address
}

interface Arrived {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly routes: readonly Route[]
  readonly page: PageFiles
  readonly port: number
  readonly token: string
}

async function answer({ request, response, routes, page, port, token }: Arrived): Promise<void> {
  for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value)
  checkPlace(request, port)
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', `http://${HOST}`)
  const method = request.method ?? ''
  const file = path.startsWith('/api/') ? undefined : await page.at(path)
  if (file) {
    checkMethod(response, method, ['GET', 'HEAD'])
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.length }).end(file.body)
    return
  }
  checkToken(request.headers, token)
  const found = routes.filter((route) => route.path.test(path))
  if (found.length === 0) throw new Refused(404, 'NOT_FOUND', 'there is no such path')
  checkMethod(
    response,
    method,
    found.map((route) => route.method),
  )
  const route = found.find((each) => each.method === method)
  const body = method === 'POST' ? await bodyOf(request) : ''
  const answered = await route?.answer({ path, query, body, response })
  if (answered) sendJson(response, 200, answered)
}

function checkMethod(response: ServerResponse, method: string, allowed: readonly string[]): void {
  if (allowed.includes(method)) return
  response.setHeader('allow', allowed.join(', '))
  throw new Refused(405, 'METHOD', 'not by this method')
}

/** @throws {Refused} where it is no JSON, or too long */
async function bodyOf(request: IncomingMessage): Promise<string> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refused(415, 'BODY', 'a body of JSON')
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    length += chunk.length
    if (length > MOST_BODY_BYTES) throw new Refused(413, 'BODY', 'the body is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(body)
}

/** What is not known to be harmless is reported to the platform, and the page hears nothing of it. */
function refuse(response: ServerResponse, error: unknown): void {
  const { status, code, message } = refusalOf(error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (status === 413) response.setHeader('connection', 'close')
  sendJson(response, status, { error: { code, message } })
}

function refusalOf(error: unknown): { readonly status: number; readonly code: string; readonly message: string } {
  if (error instanceof Refused) return error
  if (error instanceof HardshellError)
    return { status: error.code === 'NOT_FOUND' ? 404 : 409, code: error.code, message: error.message }
  if (error instanceof StoreError) return { status: 503, code: error.code, message: 'the store cannot be read now' }
  if (error instanceof TypeError) return { status: 400, code: 'ARGUMENT', message: 'the request is not understood' }
  reportError(error)
  return { status: 500, code: 'DEFECT', message: 'the inspector failed' }
}
