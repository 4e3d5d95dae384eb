/** Carries one request; rejects where no whole answer came. No retries, ever: they would be sends we don't know of. */
export type Transport = (request: {
  readonly method: 'GET' | 'POST'
  /** Absolute. */
  readonly url: string
  /** The exact bytes to send, JSON. */
  readonly body?: string | undefined
  readonly signal: AbortSignal
}) => Promise<TransportAnswer>

/** A whole answer, and what its headers say. */
export interface TransportAnswer {
  /** The status of HTTP. */
  readonly status: number
  /** The body, as text. */
  readonly body: string
  /** How long the mint asks to be left alone (Retry-After), in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /**
   * The mint's clock when it answered (Date), in milliseconds since the Unix epoch. Browsers show it only where the
   * mint exposes the header (CORS).
   */
  readonly dateMs?: number | undefined
  /**
   * Where a redirect leads, as it stands in the header (Location). Null for a redirect whose address is not told, as in
   * browsers. Absent for everything else.
   */
  readonly location?: string | null | undefined
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

const BODY_AT_MOST_BYTES = 10_000_000

/**
 * Carries requests by `fetch`, the global one unless given another. Redirects are not followed, so that proofs go to
 * the address that was trusted and nowhere else; nothing is cached, and no cookies or referrers are sent.
 */
export function fetchTransport(options: { readonly fetch?: typeof fetch | undefined } = {}): Transport {
  return async ({ method, url, body, signal }) => {
    const send = options.fetch ?? fetch
    const response = await send(url, {
      method,
      headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
      signal,
      redirect: 'manual',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    })
    // A browser hides what a redirect says.
    if (response.type === 'opaqueredirect') return { status: response.status, body: '', location: null }
    const dateMs = readDateMs(response.headers.get('date'))
    return {
      status: response.status,
      body: await readText(response),
      retryAfterMs: readRetryAfterMs(response.headers.get('retry-after'), dateMs),
      dateMs,
      ...(REDIRECTS.has(response.status) && { location: response.headers.get('location') }),
    }
  }
}

/** The whole body, or an error: half an answer is none. */
async function readText(response: Response): Promise<string> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  // A reader and not `for await`, which browsers lack on streams.
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.length
    if (bytes > BODY_AT_MOST_BYTES) {
      await reader.cancel()
      throw Object.assign(new Error(`the answer is longer than ${BODY_AT_MOST_BYTES} bytes`), { code: 'TOO_LONG' })
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** A date of HTTP; undefined where there is none, or one that no clock shows. */
function readDateMs(header: string | null): number | undefined {
  const atMs = header === null ? Number.NaN : Date.parse(header)
  return Number.isSafeInteger(atMs) && atMs >= 0 ? atMs : undefined
}

/** The header is seconds or a date, and that is a date of the mint's clock. */
function readRetryAfterMs(header: string | null, mintNowMs = Date.now()): number | undefined {
  if (header === null) return undefined
  const waitMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - mintNowMs
  return Number.isSafeInteger(waitMs) ? Math.max(waitMs, 0) : undefined
}
