/** Time limits of calls to the outside, which may hang. The mint goes on without their answers. */
import { unlessAborted, type Clock } from '../../kernel/util/ports.ts'

/** How long the backend, or the signatory, is given for an answer that somebody waits for. */
export const ANSWER_LIMIT_MS = 30_000
/** How long the backend is given to say how a payment stands, or what came in. */
export const POLL_LIMIT_MS = 2_000
/** How long the backend is given to report further payments, when a known one can be answered already. */
export const KNOWN_FOR_MS = 250

/** The answer of a call that is given `ANSWER_LIMIT_MS` for it. @throws {Error} It took longer; what the call throws. */
export async function within<T>(
  clock: Clock,
  call: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const late = new AbortController()
  const timer = clock.setTimeout(() => late.abort(new Error('no answer in time')), ANSWER_LIMIT_MS)
  const limit = signal ? AbortSignal.any([late.signal, signal]) : late.signal
  try {
    return await unlessAborted(limit, call(limit))
  } finally {
    clock.clearTimeout(timer)
  }
}
