/** Keeps operations from harm where what follows them throws: it is reported, and they go on. And keeps their secrets from it. */
import { reportError, unharmed } from '../util/report.ts'
import type { Committing, Probe, RequestBegun, SeenOperation } from './telemetry.ts'

/** A row without what may be secret in it. */
export function seen(row: SeenOperation): SeenOperation {
  const { id, kind, state, status, version, attempt, parent, lane, createdAt } = row
  return { id, kind, state, status, version, attempt, parent, lane, createdAt }
}

/** A commit has one end, the first that is told. */
function guardedCommit(committing: Committing): Committing {
  let isOver = false
  const once = (end: () => void): void => {
    if (!isOver) unharmed(end)
    isOver = true
  }
  return {
    trace: committing.trace,
    ended: (outcome) => once(() => committing.ended(outcome)),
    failed: (error) => once(() => committing.failed(error)),
  }
}
const UNHEARD: Committing = { ended() {}, failed() {} }

/** A probe that throws nothing, makes each request once, and is shown no secrets of rows. */
export const guarded = (probe: Probe): Probe => ({
  found: (rows) => unharmed(() => probe.found(rows.map(seen))),
  committing({ before, row, event, src, answer }) {
    const begun = { before: before && seen(before), row: seen(row), event, src, answer }
    return unharmed(() => guardedCommit(probe.committing(begun))) ?? UNHEARD
  },
  erred: (row, error) => unharmed(() => probe.erred(seen(row), error)),
  async request<T>(
    { row, src, signal }: RequestBegun,
    make: () => Promise<T>,
    answerOf: (made: T) => string | undefined,
  ) {
    let made: Promise<T> | undefined
    const once = (): Promise<T> => (made ??= make())
    let thrown: unknown
    try {
      await probe.request({ row: seen(row), src, signal }, once, answerOf)
    } catch (error) {
      thrown = error
    }
    const answer = await once()
    // The request was answered, so what was thrown is the probe's.
    if (thrown !== undefined) reportError(thrown)
    return answer
  },
})
