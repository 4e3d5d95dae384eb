/** Keeps operations from harm where what follows them throws: it is reported, and they go on. */
import { reportError } from '../util/report.ts'
import type { Committing, Probe } from './telemetry.ts'

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    reportError(error)
    return undefined
  }
}

const guardedCommit = (committing: Committing): Committing => ({
  trace: committing.trace,
  ended: (outcome) => attempt(() => committing.ended(outcome)),
  failed: (error) => attempt(() => committing.failed(error)),
})
const UNHEARD: Committing = { ended() {}, failed() {} }

/** A probe that throws nothing, and makes each request once. */
export const guarded = (probe: Probe): Probe => ({
  found: (rows) => attempt(() => probe.found(rows)),
  committing: (begun) => attempt(() => guardedCommit(probe.committing(begun))) ?? UNHEARD,
  erred: (row, error) => attempt(() => probe.erred(row, error)),
  async request<T>(
    begun: Parameters<Probe['request']>[0],
    make: () => Promise<T>,
    answerOf: (made: T) => string | undefined,
  ) {
    let made: Promise<T> | undefined
    const once = (): Promise<T> => (made ??= make())
    let thrown: unknown
    try {
      await probe.request(begun, once, answerOf)
    } catch (error) {
      thrown = error
    }
    const answer = await once()
    // The request was answered, so what was thrown is the probe's.
    if (thrown !== undefined) reportError(thrown)
    return answer
  },
})
