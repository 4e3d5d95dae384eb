/** What a command prints: text for people, or one JSON object a line. */
import { shown } from './errors.ts'
import { plain, plainLine, styled, type Style } from './terminal.ts'

const STDOUT = process.stdout
const STDERR = process.stderr

/** Where a command says what it does. */
export interface Output {
  /** Whether JSON was asked for. */
  readonly json: boolean
  /** What the command is for, as text: on stdout, and nowhere where JSON was asked for. */
  say(line?: string): void
  /** What helps a person beside it: on stderr, and nowhere where JSON was asked for. */
  note(line: string): void
  /** What is to be known even by a script: on stderr. */
  warn(line: string): void
  /** What the command is for, as JSON: the last line says how it ended. */
  give(value: object): void
  /** A text of stdout in a style. */
  style(style: Style, text: string): string
  /** Says what went wrong, and gives the exit code. */
  fail(error: unknown): number
}

/** Prints to this process' streams. */
export function output(json: boolean): Output {
  const line = (stream: NodeJS.WriteStream, text: string): void => void stream.write(`${plainLine(text)}\n`)
  return {
    json,
    say: (text = '') => {
      if (!json) line(STDOUT, text)
    },
    note: (text) => {
      if (!json) line(STDERR, styled(STDERR, 'dim', text))
    },
    warn: (text) => line(STDERR, styled(STDERR, 'yellow', text)),
    give: (value) => {
      if (json) line(STDOUT, JSON.stringify(value))
    },
    style: (style, text) => (json ? text : styled(STDOUT, style, text)),
    fail(error) {
      const { error: told, code } = shown(error)
      if (json) line(STDOUT, JSON.stringify({ error: told }))
      else {
        line(STDERR, styled(STDERR, 'red', `hardshell: ${plain(told.message)}`) + (told.code === 'MISUSED' ? '' : ` (${told.code})`)) // prettier-ignore
        if (told.advice !== undefined) line(STDERR, told.advice)
      }
      return code
    },
  }
}
