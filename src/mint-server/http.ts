/** The mint as an HTTP server on Node, with a fake Lightning backend: for demonstrations and tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { codes } from '../cashu/codes.ts'
import { systemClock, systemRandom } from '../kernel/ports.ts'
import { nobleMintCrypto } from '../cashu/noble-mint-crypto.ts'
import { amount, field, optional, text } from '../cashu/shape.ts'
import type { Store, StoreAdapter } from '../store/port.ts'
import type { MintCrypto, SignatoryCrypto } from '../cashu/crypto.ts'
import { fakeBackend, type FakeBackend, type FakeBackendOptions } from './fake-backend.ts'
import type { Mint } from './mint-api.ts'
import { createMint, type MintOptions } from './mint.ts'
import { localSignatory } from './signatory.ts'
import { fieldsOf, MintError, quoteIdOf, refusalOf, refuse, textUpTo, type Answer, type Fields } from './request.ts'
import { mintSchema, type MintQuoteRow } from './tables.ts'

type Supplied = 'store' | 'backend' | 'signatory' | 'crypto'

export interface MintServerOptions
  extends Omit<MintOptions, Supplied> {
  readonly seed?: Uint8Array
  readonly crypto?: MintCrypto & SignatoryCrypto
  readonly store: StoreAdapter
  readonly lightning?: Pick<FakeBackendOptions, 'autoPayMs' | 'feeSat' | 'invoiceCodec'>
  /** Any free port unless told otherwise. */
  readonly port?: number
  /** Loopback unless told otherwise. */
  readonly host?: string
  /** Serves `/admin/…` too, to anybody. */
  readonly admin?: boolean
  /** 2 MiB unless told otherwise. */
  readonly maxBodyBytes?: number
}

export interface MintServer {
  readonly url: string
  readonly mint: Mint
  readonly backend: FakeBackend
  /** Waits for requests under way, then closes the store. */
  close(): Promise<void>
}

/** Everybody knows this seed: its ecash is play money, as the Lightning behind it is. */
const DEMO_SEED = new Uint8Array(32).fill(7)
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS = {
  'content-type': 'application/json',
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': '*',
}

async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // A body that is too long is read to its end all the same, or the sender would not hear the answer.
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
    }
  } catch {
    refuse(codes.unclassified, 'the body was cut off')
  }
  if (size > maxBytes) throw new MintError(codes.unclassified, `the body is longer than ${maxBytes} bytes`, 413)
  return Buffer.concat(chunks).toString('utf8')
}

const ok = (body: unknown): Answer => ({ status: 200, body: JSON.stringify(body) })

/** Where the store or the backend failed, the outcome is open: not a 4xx, or the wallet would take it for a refusal. */
function failureOf(error: unknown): Answer {
  try {
    return refusalOf(error)
  } catch {
    console.error(error)
    return { status: 500, body: '{"detail":"the mint failed"}' }
  }
}

/** Opens the store, starts a mint on it and listens. */
export async function createMintServer(options: MintServerOptions): Promise<MintServer> {
  const store = await options.store.open(mintSchema)
  try {
    return await listen(store, options)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function listen(store: Store, options: MintServerOptions): Promise<MintServer> {
  const { port = 0, host = '127.0.0.1', admin = false, maxBodyBytes = 2 ** 21, lightning = {}, ...given } = options
  const clock = given.clock ?? systemClock
  const random = given.random ?? systemRandom
  const backend = fakeBackend({ ...lightning, store, clock: () => clock.now(), random })
  const { seed = DEMO_SEED, crypto = nobleMintCrypto, ...rest } = given
  const signatory = localSignatory({ seed, crypto })
  const mint = await createMint({ ...rest, crypto, signatory, clock, random, store, backend })

  const commands: Record<string, (request: Fields) => unknown> = {
    '/admin/settle': async (request) => {
      const quote = await store.get<MintQuoteRow>('mintQuotes', [quoteIdOf(request)])
      return { settled: await backend.settle((quote ?? refuse(codes.unclassified, 'no such quote')).requestId) }
    },
    '/admin/rotate': async (request) => {
      const feePpk = field(request, 'fee_ppk', optional(amount), '')
      const unit = field(request, 'unit', optional(text), '') ?? 'sat'
      return { id: await mint.rotate(unit, feePpk === undefined ? {} : { feePpk }) }
    },
    '/admin/invoice': (request) => {
      const memo = field(request, 'description', optional(textUpTo(200)), '')
      return { request: backend.foreignInvoice({ amountSat: field(request, 'amount', amount, ''), memo }) }
    },
  }

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    const method = request.method ?? 'GET'
    const [path] = (request.url ?? '/').split('?') as [string]
    try {
      const body = await bodyOf(request, maxBodyBytes)
      if (method === 'OPTIONS') return { status: 204, body: '' }
      if (path === '/health') return ok({ ok: true })
      if (admin && method === 'GET' && path === '/admin/books') return ok(await mint.books())
      if (admin && method === 'POST' && Object.hasOwn(commands, path)) return ok(await commands[path]!(fieldsOf(body)))
      return await mint.handle(method, path, body)
    } catch (error) {
      return failureOf(error)
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await answerTo(request)
    response.writeHead(status, HEADERS)
    response.end(body)
  }

  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void serve(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    mint,
    backend,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
      await mint.close()
      await store.close()
    },
  }
}
