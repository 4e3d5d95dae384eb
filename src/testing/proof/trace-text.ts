/** A trace as lines for people: what happened, one line each, with whole arguments, answers and events where there are any. */
import type { TraceEvent } from '../explorer/run-life.ts'

const LONGEST_LINE = 400

/**
 * The lines of a trace: seconds since its beginning, what it is, and what happened.
 *
 * @example
 * const { trace } = await replay(scenario, 'order.paid:2.crashAfter/')
 * for (const line of traceLines(trace)) console.log(line)
 */
export function traceLines(trace: readonly TraceEvent[]): string[] {
  const startMs = trace[0]?.atMs ?? 0
  // A context says in which state it is.
  const isWhole = trace.some(({ column }) => column === 'context')
  return trace
    .filter(({ column }) => column !== 'state' || !isWhole)
    .map(({ column, text, whole = text, atMs }) => {
      const time = ((atMs - startMs) / 1000).toFixed(2).padStart(10)
      const line = `${time}  ${column === 'life' ? `── ${whole}` : `${column.padEnd(7)}  ${whole}`}`
      return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line
    })
}
