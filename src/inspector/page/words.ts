/** How amounts, times and ids are written. */
const NUMBER = new Intl.NumberFormat('en')
const DAY_MS = 86_400_000

export const numberText = (value: number): string => NUMBER.format(value)

export const amountText = ({
  amount,
  unit,
}: {
  readonly amount: number | null
  readonly unit: string | null
}): string => (amount === null ? '' : `${numberText(amount)} ${unit ?? ''}`.trim())

/** `340 ms`, `4.2 s`, `12 min`, `3 h`, `5 d`. */
export function spanText(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1000) return `${Math.round(size)} ms`
  if (size < 10_000) return `${(size / 1000).toFixed(1)} s`
  if (size < 60_000) return `${Math.floor(size / 1000)} s`
  if (size < 3_600_000) return `${Math.floor(size / 60_000)} min`
  if (size < DAY_MS) return `${Math.floor(size / 3_600_000)} h`
  return `${Math.floor(size / DAY_MS)} d`
}

/** `now`, `4 s ago`. */
export const agoText = (ms: number): string =>
  ms < 1000 ? 'now' : `${spanText(Math.floor(ms / 1000) * 1000).replace('.0', '')} ago`

/** A time that is to come: `in 4.2 s`, with tenths while it is near; `due` where it has passed. */
export const inText = (ms: number): string => (ms <= 0 ? 'due' : `in ${spanText(ms)}`)

/** The time of day, with the date where it is not today's. */
export function clockText(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  const time = `${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${at.toISOString().slice(0, 10)} ${time}`
}

/** A mint's URL without what all of them have. */
export const laneText = (lane: string): string => lane.replace(/^https?:\/\//, '').replace(/\/$/, '')

export const shortId = (id: string): string => (id.length > 14 ? `${id.slice(0, 8)}…` : id)

/** `1 operation`, `3 operations`. */
export const countText = (count: number, what: string): string =>
  `${numberText(count)} ${what}${count === 1 ? '' : 's'}`
