/** Tells a defect of a kind from a fault that passes, and says what went wrong without what it was about. */
import { HardshellError } from '../util/errors.ts'
import { isUnstorable } from '../util/retry.ts'

const DEFECTS = new Set(['TypeError', 'RangeError', 'ReferenceError'])

/** `fetch` rejects with a `TypeError` where the network fails. */
const isNetwork = ({ message }: Error): boolean => /fetch|network|load failed|terminated/i.test(message)

/** Whether it would be the same the next time: a broken rule of the kernel or of a store, a step that a store refuses for good, or a mistake in a chart or an effect. */
export const isDefect = (error: unknown): boolean =>
  error instanceof HardshellError
    ? error.code === 'DEFECT' || isUnstorable(error)
    : error instanceof Error && DEFECTS.has(error.name) && !isNetwork(error)

/** With this begins the reason of an operation whose step the store refused for good. */
export const CANNOT_BE_STORED = 'its next step cannot be stored'

const LONGEST_TEXT = 300

/**
 * An error as text, which may be stored and shown. Our own errors name places, and no values. What others say may quote
 * anything: of that, texts in double quotes and long words with digits in them, which may be secrets, are left out.
 */
export function textOf(error: unknown): string {
  if (error instanceof HardshellError) return `${error.code}: ${error.message}`
  if (!(error instanceof Error)) return `not an error, but ${typeof error}`
  const said = error.message
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/[\w+/=-]{16,}/g, (word) => (/\d/.test(word) ? '…' : word))
  return `${error.name}: ${said.length > LONGEST_TEXT ? `${said.slice(0, LONGEST_TEXT)}…` : said}`
}
