/** What a person sees: colours, tables, amounts and times. Nothing here is in what `--json` prints. */
import { styleText } from 'node:util'

/** Colours are for terminals, and for nobody who asked for none (NO_COLOR). */
export const isColoured = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'

/** How a text is set off. */
export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** A text in a style, where the stream shows styles. */
export const styled = (stream: NodeJS.WriteStream, style: Style, text: string): string =>
  isColoured(stream) ? styleText(style, text, { validateStream: false }) : text

/** What a line of ours may have of them: its end, and `styleText`'s sequences. */
// eslint-disable-next-line no-control-regex -- a style is a control sequence
const STYLED = /(\n|\u001b\[(?:1|2|22|3[1-3]|39)m)/u
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Control characters of others (a mint's name, a memo) would write over what stands on a terminal. */
export const plain = (text: string): string => text.replaceAll(CONTROLS, ' ')

/** A whole line, in which our own styles stay and other control characters do not. */
export const plainLine = (text: string): string =>
  text
    .split(STYLED)
    .map((part, at) => (at % 2 === 1 ? part : plain(part)))
    .join('')

/** `21,000 sat`. */
export const amountText = (amount: number | bigint | { toString(): string }, unit: string): string =>
  `${BigInt(amount.toString()).toLocaleString('en-US')} ${plain(unit)}`

/** The local time of a clock on the wall, to the minute. */
export function timeText(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number): string => `${value}`.padStart(2, '0')
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** `3 hours`; of several units the largest. */
export function durationText(durationMs: number): string {
  const [name, unitMs] = UNITS.find(([, eachMs]) => durationMs >= eachMs) ?? UNITS[3]
  const count = Math.round(durationMs / unitMs)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** A cell of a table: numbers stand at the right. */
export type Cell = string | { readonly right: string }

const textOf = (cell: Cell | undefined): string => (typeof cell === 'object' ? cell.right : (cell ?? ''))

/** Rows with their columns under each other; the first row may be a heading. */
export function table(rows: readonly (readonly Cell[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => textOf(row[at]).length)))
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const width = widths[at] ?? 0
        return typeof cell === 'object' ? cell.right.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** One line on stderr that is written over again and again; nothing where that is no terminal. */
export function progressLine(): { readonly isShown: boolean; show(text: string): void; clear(): void } {
  const { stderr } = process
  const isShown = stderr.isTTY
  const write = (text: string): void => void (isShown && stderr.write(`\r\x1b[K${text}`))
  return { isShown, show: (text) => write(plain(text).slice(0, (stderr.columns || 80) - 1)), clear: () => write('') }
}
