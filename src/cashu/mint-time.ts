/** A mint's deadlines in local time. The clocks of a mint and of a wallet differ, by hours at times. */

/** A later deadline means none. JavaScript can still show this date. */
const LATEST_MS = 8_640_000_000_000_000

/**
 * When a quote ends, in local milliseconds since the Unix epoch: as long after the answer as the mint's own clock says.
 * Undefined where the quote does not end, or nothing that is known tells when.
 *
 * The mint's clock is the answer's Date header. Without one it is when the mint says that it made the quote, if the
 * answer is the one that made it. Without either the local clock has to do, and an end that is over at the beginning is
 * not believed.
 */
export function expiresAtMs(of: {
  /** The quote's `expiry`, in seconds since the Unix epoch; null or 0 for none (NUT-04, NUT-05). */
  readonly expiryS: number | null | undefined
  /** The mint's clock at the answer, from `Reply.mintNowMs`. */
  readonly mintNowMs: number | undefined
  /** The quote's `created_at`, in seconds since the Unix epoch, where the answer is the one that made the quote. */
  readonly createdAtS?: number | undefined
  /** The local clock, when the request was sent or at the answer. */
  readonly nowMs: number
}): number | undefined {
  const { expiryS, mintNowMs, createdAtS, nowMs } = of
  if (typeof expiryS !== 'number' || !Number.isFinite(expiryS) || expiryS <= 0) return undefined
  const thereMs = mintNowMs ?? (createdAtS === undefined ? undefined : createdAtS * 1000)
  const atMs = Math.round(thereMs === undefined ? expiryS * 1000 : nowMs + (expiryS * 1000 - thereMs))
  if (atMs > LATEST_MS) return undefined
  if (thereMs === undefined && atMs <= nowMs) return undefined
  return atMs
}
