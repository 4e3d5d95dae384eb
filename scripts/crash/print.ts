/** What the crash explorer prints. */
import type { TraceEvent } from '../../src/testing/explorer/run-life.ts'

/** A table of texts: the first row is its head, columns of numbers stand to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        typeof cell === 'number' ? String(cell).padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  return [lines[0]!, widths.map((width) => '─'.repeat(width)).join('  '), ...lines.slice(1)].join('\n')
}

const COLUMNS = ['commit', 'request', 'state'] as const

/** A run, commits, requests and states side by side; times are seconds since it began. */
export function traceTable(trace: readonly TraceEvent[]): string {
  const startMs = trace[0]?.atMs ?? 0
  const width = (name: string): number =>
    Math.max(name.length, ...trace.filter(({ column }) => column === name).map(({ text }) => text.length))
  const widths = COLUMNS.map(width)
  const cells = (texts: readonly string[]): string =>
    texts
      .map((text, at) => text.padEnd(widths[at]!))
      .join('  ')
      .trimEnd()
  const lines = trace.map(({ column, text, atMs }) => {
    const time = ((atMs - startMs) / 1000).toFixed(2).padStart(10)
    if (column === 'life') return `${time}  ── ${text}`
    if (column === 'fault') return `${time}  ⚡ ${text}`
    return `${time}  ${cells(COLUMNS.map((name) => (name === column ? text : '')))}`
  })
  return [`${'seconds'.padStart(10)}  ${cells([...COLUMNS])}`, ...lines].join('\n')
}

/** One line that is written over again and again on a terminal; elsewhere nothing. */
export function liveLine(): { show: (text: string) => void; clear: () => void } {
  const { stdout } = process
  const clear = (): void => void (stdout.isTTY && stdout.write('\r\x1b[K'))
  const show = (text: string): void =>
    void (stdout.isTTY && stdout.write(`\r\x1b[K${text.slice(0, (stdout.columns || 80) - 1)}`))
  return { show, clear }
}
