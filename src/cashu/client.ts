/**
 * The mint client's vocabulary: one HTTP request, one reply. A reply never claims more than it proves.
 */
import { LONGEST_TIMER_MS } from '../timer.ts'
import { normalizeMintUrl } from './codec.ts'
import {
  parseInfo,
  parseKeys,
  parseKeysets,
  parseMelted,
  parseMeltQuote,
  parseMintQuote,
  parseRestored,
  parseSignatures,
  parseStates,
} from './parse.ts'
import type { RequestName } from './codes.ts'
import type {
  BlindedMessage,
  BlindSignature,
  KeysetInfo,
  KeysetKeys,
  Melted,
  MeltQuote,
  MintInfo,
  MintQuote,
  ProofState,
  Restored,
} from './parse.ts'
import { classify } from './reply.ts'
import type { Reply } from './reply.ts'
import { expected } from './shape.ts'
import type { Parse } from './shape.ts'
import type { Transport } from './transport.ts'
import type { Clock } from '../kernel/util/ports.ts'

export type { Reply } from './reply.ts'
export type { Transport } from './transport.ts'

/** How to wait for an answer. */
export interface RequestOptions {
  /** Aborting stops the waiting. The outcome of the request is then unknown. */
  readonly signal: AbortSignal
  /** How long to wait for the whole answer; the client's own time-out where left out. */
  readonly timeoutMs?: number | undefined
}

/** The payment method in the path, `bolt11` where left out. */
export interface MethodOptions extends RequestOptions {
  readonly method?: string | undefined
}

/** One mint's API. Each call is one request, and resolves whatever happens: it never rejects. */
export interface MintClient {
  readonly mintUrl: string
  /** Settings (NUT-06). */
  info(options: RequestOptions): Promise<Reply<MintInfo>>
  /** All keysets, old ones too (NUT-02). */
  keysets(options: RequestOptions): Promise<Reply<readonly KeysetInfo[]>>
  /** One keyset's public keys (NUT-01). That they give this id is for the caller to check. */
  keys(keysetId: string, options: RequestOptions): Promise<Reply<KeysetKeys>>
  /** Asks for a mint quote (NUT-04). Bodies are JSON, sent to the byte as given. */
  createMintQuote(body: string, options: MethodOptions): Promise<Reply<MintQuote>>
  mintQuote(quoteId: string, options: MethodOptions): Promise<Reply<MintQuote>>
  /** Has a paid quote issued (NUT-04). */
  issue(body: string, options: MethodOptions): Promise<Reply<{ readonly signatures: readonly BlindSignature[] }>>
  /** Asks for a melt quote (NUT-05). */
  createMeltQuote(body: string, options: MethodOptions): Promise<Reply<MeltQuote>>
  meltQuote(quoteId: string, options: MethodOptions): Promise<Reply<MeltQuote>>
  /** Pays (NUT-05). A mint may answer when the payment is through: waits ten minutes unless given. */
  melt(body: string, options: MethodOptions): Promise<Reply<Melted>>
  /** Exchanges inputs for outputs (NUT-03). */
  swap(body: string, options: RequestOptions): Promise<Reply<{ readonly signatures: readonly BlindSignature[] }>>
  /** The states of proofs, one for each Y in the order asked (NUT-07). */
  checkState(Ys: readonly string[], options: RequestOptions): Promise<Reply<readonly ProofState[]>>
  /** Which of these outputs the mint has signed (NUT-09); only outputs that were asked for come back, each once. */
  restore(outputs: readonly BlindedMessage[], options: RequestOptions): Promise<Reply<Restored>>
}

const TIMEOUT_MS = 30_000
const MELT_TIMEOUT_MS = 600_000
/** The platform's timers. */
const TIMERS: Pick<Clock, 'setTimeout' | 'clearTimeout'> = {
  setTimeout: (call, delayMs) => globalThis.setTimeout(call, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
}

/** @throws {CashuError} `MINT_URL_MALFORMED` */
export function mintClient({
  mintUrl,
  transport,
  timeoutMs = TIMEOUT_MS,
  clock = TIMERS,
}: {
  readonly mintUrl: string
  readonly transport: Transport
  readonly timeoutMs?: number | undefined
  /** Time-outs go by it; by the platform's timers unless given. */
  readonly clock?: Pick<Clock, 'setTimeout' | 'clearTimeout'> | undefined
}): MintClient {
  const base = normalizeMintUrl(mintUrl)

  const request = async <T>(
    name: RequestName,
    path: string,
    body: string | undefined,
    parse: Parse<T>,
    options: RequestOptions,
    defaultMs = timeoutMs,
  ): Promise<Reply<T>> => {
    const { signal } = options
    if (signal.aborted) return { answer: 'unknown', reason: 'aborted' }
    const limitMs = options.timeoutMs ?? defaultMs
    const stop = new AbortController()
    // A transport that ignores the signal is abandoned.
    const stopped = new Promise<never>((_, reject) => {
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true })
    })
    const abort = () => stop.abort(new Error('aborted'))
    signal.addEventListener('abort', abort, { once: true })
    const late = () => stop.abort(new Error(`no answer in ${limitMs} ms`))
    const timer = limitMs <= LONGEST_TIMER_MS ? clock.setTimeout(late, limitMs) : undefined
    try {
      const sent = transport({
        method: body === undefined ? 'GET' : 'POST',
        url: base + path,
        body,
        signal: stop.signal,
      })
      return classify(await Promise.race([sent, stopped]), parse, name)
    } catch (error) {
      return { answer: 'unknown', reason: stop.signal.aborted ? (stop.signal.reason as Error).message : failure(error) }
    } finally {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  const method = (options: MethodOptions) => encodeURIComponent(options.method ?? 'bolt11')
  const post = JSON.stringify

  return {
    mintUrl: base,
    info: (options) => request('info', '/v1/info', undefined, parseInfo, options),
    keysets: (options) => request('keysets', '/v1/keysets', undefined, parseKeysets, options),
    keys: (id, options) => request('keys', `/v1/keys/${encodeURIComponent(id)}`, undefined, parseKeys(id), options),
    createMintQuote: (body, options) =>
      request('createMintQuote', `/v1/mint/quote/${method(options)}`, body, parseMintQuote, options),
    mintQuote: (id, options) =>
      request(
        'mintQuote',
        `/v1/mint/quote/${method(options)}/${encodeURIComponent(id)}`,
        undefined,
        asked(id, parseMintQuote),
        options,
      ),
    issue: (body, options) => request('issue', `/v1/mint/${method(options)}`, body, parseSignatures, options),
    createMeltQuote: (body, options) =>
      request('createMeltQuote', `/v1/melt/quote/${method(options)}`, body, parseMeltQuote, options),
    meltQuote: (id, options) =>
      request(
        'meltQuote',
        `/v1/melt/quote/${method(options)}/${encodeURIComponent(id)}`,
        undefined,
        asked(id, parseMeltQuote),
        options,
      ),
    melt: (body, options) =>
      request('melt', `/v1/melt/${method(options)}`, body, parseMelted, options, Math.max(timeoutMs, MELT_TIMEOUT_MS)),
    swap: (body, options) => request('swap', '/v1/swap', body, parseSignatures, options),
    checkState: (Ys, options) => request('checkState', '/v1/checkstate', post({ Ys }), statesOf(Ys), options),
    restore: (outputs, options) => request('restore', '/v1/restore', post({ outputs }), restoredOf(outputs), options),
  }
}

/** Shows only the system's code of a transport error, such as ECONNREFUSED. The message may repeat the request. */
function failure(error: unknown): string {
  const { cause = error } = (error ?? {}) as { cause?: unknown }
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? `no answer: ${code}` : 'no answer'
}

/** Checks that the answer is about the requested quote: a cache on the way may mix answers up. */
const asked =
  <T extends { readonly quote: string }>(quoteId: string, parse: Parse<T>): Parse<T> =>
  (value, at) => {
    const quote = parse(value, at)
    return quote.quote === quoteId ? quote : expected('quote', 'the asked quote')
  }

/**
 * One state for each Y, in the order asked. A Y without a readable state, or with two that differ, counts as pending:
 * nothing follows from that, and the wallet asks again.
 */
const statesOf =
  (Ys: readonly string[]): Parse<readonly ProofState[]> =>
  (value, at) => {
    const byY = new Map<string, ProofState>()
    for (const told of parseStates(value, at)) {
      const { state = told.state } = byY.get(told.Y) ?? {}
      byY.set(told.Y, { ...told, state: state === told.state ? state : 'PENDING' })
    }
    if (Ys.length > 0 && !Ys.some((Y) => byY.has(Y))) expected('states', 'a state for each Y')
    return Ys.map((Y) => byY.get(Y) ?? { Y, state: 'PENDING' as const })
  }

/** Outputs that were asked for, each at most once. */
const restoredOf =
  (outputs: readonly BlindedMessage[]): Parse<Restored> =>
  (value, at) => {
    const restored = parseRestored(value, at)
    const open = new Set(outputs.map((output) => output.B_))
    for (const { B_ } of restored.outputs) if (!open.delete(B_)) expected('outputs', 'asked outputs, each once')
    return restored
  }
