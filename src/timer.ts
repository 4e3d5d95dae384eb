/** Timers of the platform. */

/** The longest delay that they take: JavaScript fires those of a longer one at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Calls after a delay; never, where no timer is that long: `Infinity` is such a delay. */
export const timerFor = (call: () => void, delayMs: number): ReturnType<typeof setTimeout> | undefined =>
  delayMs <= LONGEST_TIMER_MS ? setTimeout(call, delayMs) : undefined
