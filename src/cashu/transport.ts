/** Carries one request; rejects where no whole answer came. No retries, ever: they would be sends we don't know of. */
export type Transport = (request: {
  readonly method: 'GET' | 'POST'
  /** Absolute. */
  readonly url: string
  /** The exact bytes to send, JSON. */
  readonly body?: string | undefined
  readonly signal: AbortSignal
}) => Promise<{ readonly status: number; readonly body: string; readonly retryAfterMs?: number | undefined }>

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
    return {
      status: response.status,
      body: await readText(response),
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
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

/** The header is seconds or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined
  const waitMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isSafeInteger(waitMs) ? Math.max(waitMs, 0) : undefined
}
