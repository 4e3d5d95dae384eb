import { byStatus, meaningOf, type Meaning, type RequestName } from './codes.ts'
import { Malformed } from './shape.ts'
import type { Parse } from './shape.ts'
import type { TransportAnswer } from './transport.ts'

/** The outcome of one request, and the mint's clock at the answer. */
export type Reply<T> = Outcome<T> & {
  /** Milliseconds since the Unix epoch; absent where nothing was answered, or the answer did not say. */
  readonly mintNowMs?: number | undefined
}

/** The outcome of one request. */
export type Outcome<T> =
  /** A 200 (or 202) of the right shape. */
  | { readonly answer: 'ok'; readonly body: T }
  /**
   * The mint's own error document: HTTP 4xx with `{detail, code}`, or with a `detail` alone, which is code 0. It says
   * where to look, not what happened. Any 413 counts as one: a request that was not read whole is not carried out.
   */
  | { readonly answer: 'refused'; readonly code: number; readonly detail: string; readonly meaning: Meaning }
  /**
   * Unknown outcome: not sent, answer lost, timed out, 3xx, 5xx, 408, 429, a proxy's page. The hint is what it would mean as
   * a refusal: some mints say all of theirs with HTTP 500. It tells where to look first, and nothing else.
   */
  | {
      readonly answer: 'unknown'
      readonly reason: string
      readonly retryAfterMs?: number | undefined
      readonly hint?: Meaning | undefined
    }
  /** A 200 that is not what the NUT says. */
  | { readonly answer: 'malformed'; readonly reason: string }

/** Client errors that say nothing about the request: timed out, proxy login, wrong server, too early, too many. */
const NOT_A_REFUSAL = new Set([407, 408, 421, 425, 429])

const DETAIL_AT_MOST_CHARACTERS = 300

/** Says what an HTTP answer proves. */
export function classify<T>(answer: TransportAnswer, parse: Parse<T>, request: RequestName): Reply<T> {
  const outcome = outcomeOf(answer, parse, request)
  return answer.dateMs === undefined ? outcome : { ...outcome, mintNowMs: answer.dateMs }
}

function outcomeOf<T>(
  { status, body, retryAfterMs }: TransportAnswer,
  parse: Parse<T>,
  request: RequestName,
): Outcome<T> {
  const json = readJson(body)
  if (status >= 200 && status < 300) {
    try {
      return { answer: 'ok', body: parse(json, 'answer') }
    } catch (error) {
      if (error instanceof Malformed) return { answer: 'malformed', reason: error.message }
      throw error
    }
  }
  const document = status >= 400 ? errorDocument(json) : undefined
  const { code, detail } = document ?? { code: 0, detail: `HTTP ${status}` }
  const meaning = document ? meaningOf({ request, code, detail, status }) : byStatus(request, status)
  const definite = status >= 400 && status < 500 && !NOT_A_REFUSAL.has(status)
  if (definite && meaning !== undefined && (document || status === 413))
    return { answer: 'refused', code, detail, meaning }
  return {
    answer: 'unknown',
    reason: `HTTP ${status}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(meaning !== undefined && meaning !== 'unclassified' && { hint: meaning }),
  }
}

/** Undefined for what is no JSON. */
function readJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** A mint's error document, or undefined for anything else, such as a proxy's. */
function errorDocument(json: unknown): { readonly code: number; readonly detail: string } | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { code, detail } = json as { code?: unknown; detail?: unknown }
  const number = typeof code === 'string' ? Number(code) : code
  const coded = typeof number === 'number' && Number.isSafeInteger(number) && number > 0
  if (!coded && detail === undefined) return undefined
  return { code: coded ? number : 0, detail: readDetail(detail).slice(0, DETAIL_AT_MOST_CHARACTERS) }
}

/** Nutshell's validation errors are a list, whose entries repeat the request; only where and what is taken. */
function readDetail(detail: unknown): string {
  if (typeof detail === 'string') return detail
  if (!Array.isArray(detail)) return ''
  return detail
    .map((entry: { loc?: unknown; msg?: unknown } | null) => {
      const place = Array.isArray(entry?.loc) ? `${entry.loc.join('.')}: ` : ''
      return typeof entry === 'string' ? entry : place + (typeof entry?.msg === 'string' ? entry.msg : 'invalid')
    })
    .join('; ')
}
