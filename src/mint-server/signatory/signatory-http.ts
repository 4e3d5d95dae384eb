/**
 * A signatory in another process or on another machine: its server, and the client that stands for it in a mint. They
 * talk JSON over HTTP and share a token. Beyond one machine, put TLS in front: who reads the token can have signatures.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  checkClock,
  checkCount,
  checkDuration,
  checkFunction,
  checkNames,
  checkPort,
  checkText,
  checkTexts,
} from '../../arguments.ts'
import { amount, expected, field, flag, list, optional, point, record, text, type Parse } from '../../cashu/shape.ts'
import { sleep, systemClock, type Clock } from '../../kernel/util/ports.ts'
import { checkSignatory } from '../port-checks.ts'
import { refusal, serveHttp, type HttpRequest } from '../http/http-server.ts'
import { silent, type ServerLog } from '../cli/log.ts'
import { fieldsOf, refusalOf, textUpTo, type Answer, type Fields } from '../http/request.ts'
import {
  blindSignature,
  SignatoryRefusal,
  type KeysetPath,
  type Signatory,
  type SignedProof,
  type UnsignedOutput,
} from './signatory.ts'

/** The most amounts, proofs or outputs in one request, as in those of wallets. */
const MAX_ITEMS = 1000
const MAX_BODY_BYTES = 2 ** 22
const MAX_SECRET_LENGTH = 2 ** 16
const REQUEST_TIMEOUT_MS = 30_000
const SHORTEST_TOKEN = 16
/** How long answers under way may take when the server stops. */
const CLOSE_MS = 10_000

function items<T>(item: Parse<T>): Parse<T[]> {
  return (value, at) =>
    Array.isArray(value) && value.length > MAX_ITEMS ? expected(at, `at most ${MAX_ITEMS}`) : list(item)(value, at)
}

const path: Parse<KeysetPath> = (value, at) => {
  const from = record(value, at)
  return { unit: field(from, 'unit', text, at), generation: field(from, 'generation', amount, at) }
}

const proof: Parse<SignedProof> = (value, at) => {
  const from = record(value, at)
  return {
    ...path(value, at),
    amount: field(from, 'amount', amount, at),
    key: field(from, 'key', optional(point), at),
    secret: field(from, 'secret', textUpTo(MAX_SECRET_LENGTH), at),
    C: field(from, 'C', text, at),
  }
}

const output: Parse<UnsignedOutput> = (value, at) => {
  const from = record(value, at)
  return {
    ...path(value, at),
    amount: field(from, 'amount', amount, at),
    key: field(from, 'key', optional(point), at),
    B_: field(from, 'B_', text, at),
  }
}

const publicKeys: Parse<Record<string, string>> = (value, at) =>
  Object.fromEntries(Object.entries(record(value, at)).map(([key, entry]) => [key, point(entry, `${at}.${key}`)]))

function checkToken(token: string): void {
  checkText(token, 'token')
  if (!/^[!-~]+$/.test(token) || token.length < SHORTEST_TOKEN)
    throw new TypeError(`token: at least ${SHORTEST_TOKEN} visible ASCII characters expected`)
}

const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/** A signatory that listens. */
export interface SignatoryServer {
  /** The address. */
  readonly url: string
  /**
   * Waits for answers under way.
   *
   * @throws nothing
   */
  close(): Promise<void>
}

/**
 * Serves a signatory to whoever has the token.
 * @throws {TypeError} The token is short. @throws Error The port is taken.
 */
export async function signatoryServer(options: {
  readonly signatory: Signatory
  /** What the mint shows; at least 16 characters, and as hard to guess as the seed. */
  readonly token: string
  /** Any free port unless given. */
  readonly port?: number
  /** Loopback unless given. */
  readonly host?: string
  readonly log?: ServerLog
}): Promise<SignatoryServer> {
  checkNames(options, 'options', ['signatory', 'token', 'port', 'host', 'log'])
  checkSignatory(options.signatory)
  checkPort(options.port, 'port')
  checkTexts({ host: options.host })
  checkFunction(options.log, 'log')
  const { signatory, token, port = 0, host = '127.0.0.1', log = silent } = options
  checkToken(token)
  // Comparing digests takes the same time whatever the tokens are.
  const expectedDigest = digest(`Bearer ${token}`)
  const isKnown = (authorization = ''): boolean => timingSafeEqual(digest(authorization), expectedDigest)

  const commands: Readonly<Record<string, (request: Fields, signal: AbortSignal) => Promise<object>>> = {
    '/v1/public-keys': async (request, signal) => {
      const amounts = field(request, 'amounts', items(amount), '')
      return { keys: await signatory.publicKeys(path(request, 'body'), amounts, signal) }
    },
    '/v1/verify': async (request, signal) => ({
      genuine: await signatory.verify(field(request, 'proofs', items(proof), ''), signal),
    }),
    '/v1/sign': async (request, signal) => ({
      signatures: await signatory.sign(field(request, 'outputs', items(output), ''), signal),
    }),
  }

  async function answer(request: HttpRequest): Promise<Answer> {
    const { method, path, headers, body, signal } = request
    if (method === 'GET' && path === '/health') return { status: 200, body: '{"ok":true}' }
    if (!isKnown(headers.authorization)) return refusal(401, 'the token is missing or wrong')
    if (method !== 'POST' || !Object.hasOwn(commands, path)) return refusal(404, 'nothing here')
    try {
      return { status: 200, body: JSON.stringify(await commands[path]!(fieldsOf(body), signal)) }
    } catch (error) {
      return error instanceof SignatoryRefusal ? refusal(422, error.message) : refusalOf(error)
    }
  }

  const limits = { maxBodyBytes: MAX_BODY_BYTES, requestTimeoutMs: REQUEST_TIMEOUT_MS }
  const http = await serveHttp({ answer, headers: {}, port, host, log, ...limits })
  log('info', { event: 'start', url: http.url })
  return {
    url: http.url,
    async close() {
      const startedMs = performance.now()
      http.stop()
      await http.end(CLOSE_MS)
      log('info', { event: 'stop', ms: Math.round(performance.now() - startedMs) })
    },
  }
}

/** Where a signatory is, and how it is asked. */
export interface RemoteSignatoryOptions {
  /** The signatory's address. */
  readonly url: string
  /** The shared secret of mint and signatory. */
  readonly token: string
  /** For each try; 30 seconds unless given: a thousand signatures take some. */
  readonly timeoutMs?: number
  /** How often a request is made again, with growing pauses from 100 ms to 2 s; 4 unless given. */
  readonly retries?: number
  /** How it is asked; the platform's `fetch` unless given. */
  readonly fetch?: typeof fetch
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
}

const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000

/**
 * The signatory behind a `signatoryServer`. Its calls reject with `SignatoryRefusal` where that one refuses (422), with the
 * signal's reason where that aborts, and where no try was answered with an error that says nothing about the outcome.
 */
export function remoteSignatory(options: RemoteSignatoryOptions): Signatory {
  checkNames(options, 'options', ['url', 'token', 'timeoutMs', 'retries', 'fetch', 'clock'])
  checkText(options.url, 'url')
  if (!URL.canParse(options.url) || !/^https?:/i.test(options.url))
    throw new TypeError('url: an address with http or https')
  checkDuration(options.timeoutMs, 'timeoutMs')
  checkCount(options.retries, 'retries', 0)
  checkFunction(options.fetch, 'fetch')
  checkClock(options.clock)
  const { token, timeoutMs = 30_000, retries = 4, fetch = globalThis.fetch, clock = systemClock } = options
  checkToken(token)
  const base = new URL(options.url).href.replace(/\/$/, '')

  async function tryOnce<T>(path: string, body: string, parse: Parse<T>, signal?: AbortSignal): Promise<T> {
    const late = new AbortController()
    const timer = clock.setTimeout(() => late.abort(new Error('the signatory took too long')), timeoutMs)
    try {
      const answer = await fetch(base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body,
        redirect: 'error',
        signal: signal ? AbortSignal.any([late.signal, signal]) : late.signal,
      })
      const json: unknown = await answer.json()
      if (answer.status === 422) throw new SignatoryRefusal(field(record(json, 'answer'), 'detail', text, ''))
      if (!answer.ok) throw new Error(`the signatory answered with ${answer.status}`)
      return parse(json, 'answer')
    } finally {
      clock.clearTimeout(timer)
    }
  }

  async function ask<T>(path: string, request: object, parse: Parse<T>, signal?: AbortSignal): Promise<T> {
    const body = JSON.stringify(request)
    for (let tries = 0; ; tries++) {
      signal?.throwIfAborted()
      try {
        return await tryOnce(path, body, parse, signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof SignatoryRefusal) throw error
        if (tries >= retries) throw new Error('the signatory does not answer', { cause: error })
      }
      const pauseMs = Math.min(SHORTEST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS)
      await sleep(clock, pauseMs, signal ?? new AbortController().signal)
    }
  }

  /** The list in a field of the answer, of as many as were asked about. */
  const listed =
    <T>(name: string, item: Parse<T>, count: number): Parse<T[]> =>
    (value, at) => {
      const found = field(record(value, at), name, list(item), at)
      return found.length === count ? found : expected(at, `${count} ${name}`)
    }

  return {
    publicKeys: ({ unit, generation }, amounts, signal) => {
      const keysOf: Parse<Record<string, string>> = (value, at) => {
        const keys = field(record(value, at), 'keys', publicKeys, at)
        return Object.fromEntries(
          amounts.map((amount) => [amount, keys[amount] ?? expected(at, 'a key for each amount')]),
        )
      }
      return ask('/v1/public-keys', { unit, generation, amounts }, keysOf, signal)
    },
    verify: (proofs, signal) => ask('/v1/verify', { proofs }, listed('genuine', flag, proofs.length), signal),
    sign: (outputs, signal) =>
      ask('/v1/sign', { outputs }, listed('signatures', blindSignature, outputs.length), signal),
  }
}
