/** Retries while a fault passes: a lock that another holds, a server that restarts. */

const LONGEST_PAUSE_MS = 50

/**
 * Tries again, with growing pauses, while `passes` says that the error will pass; for at most `retryMs`, 5,000 unless
 * given.
 */
export async function retryFor<T>(
  retryMs = 5_000,
  passes: (error: unknown) => boolean,
  attempt: () => T | Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + retryMs
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!passes(error) || performance.now() >= deadlineMs) throw error
    }
    const waitMs = pauseMs * (0.5 + Math.random())
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
