/** Several that follow the same operations, as one. */
import type { Committing, Probe, Telemetry } from '../kernel/inspect/telemetry.ts'

/** Tells all of them of everything. Of the traces the first one that is given is kept. */
export function together(all: readonly Telemetry[]): Telemetry {
  return { begin: (of) => allOf(all.map((each) => each.begin(of))) }
}

/** As `together`, of what has begun. */
export const allOf = (probes: readonly Probe[]): Probe => ({
  found: (rows) => probes.forEach((probe) => probe.found(rows)),
  committing(begun): Committing {
    const all = probes.map((probe) => probe.committing(begun))
    return {
      trace: all.find(({ trace }) => trace !== undefined)?.trace,
      ended: (outcome) => all.forEach((each) => each.ended(outcome)),
      failed: (error) => all.forEach((each) => each.failed(error)),
    }
  },
  request: (begun, make, answerOf) =>
    probes.reduceRight((inner, probe) => () => probe.request(begun, inner, answerOf), make)(),
  erred: (row, error) => probes.forEach((probe) => probe.erred(row, error)),
})
