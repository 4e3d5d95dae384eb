/** How a process starts in a world. */
import type { Choices } from './choices.ts'
import type { Fingerprint, World } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Rows that a program cannot load: their bytes are corrupt, or a later version wrote them. */
export type Misread = 'corrupt' | 'newer'

interface StartOptions {
  readonly from: World
  readonly choices: Choices
  readonly fingerprint: Fingerprint
  readonly owners?: boolean
}

interface Start {
  readonly nowMs: number
  readonly skewMs: number
  readonly misread?: Misread
}

/**
 * How the world may have changed before a process starts, while an operation is unfinished: time has passed, the clock
 * is wrong, or rows are unreadable.
 */
export function startOf({ from, choices, fingerprint, owners }: StartOptions): Start {
  const { nowMs, skewMs } = from
  const unfinished = from.rows['operations']?.some((row) => row['status'] === 'active') ?? false
  if (!unfinished || owners) return { nowMs, skewMs }
  const how = choices.pick(
    'start',
    ['now', 'hourLater', 'dayLater', 'eightDaysLater', 'hourBack', 'corrupt', 'newer'],
    { state: () => fingerprint(from) },
  )
  switch (how) {
    case 'now':
      return { nowMs, skewMs }
    case 'hourLater':
      return { nowMs: nowMs + HOUR_MS, skewMs }
    case 'dayLater':
      return { nowMs: nowMs + DAY_MS, skewMs }
    case 'eightDaysLater':
      return { nowMs: nowMs + 8 * DAY_MS, skewMs }
    case 'hourBack':
      return { nowMs, skewMs: skewMs - HOUR_MS }
    case 'corrupt':
    case 'newer':
      return { nowMs, skewMs, misread: how }
  }
}
