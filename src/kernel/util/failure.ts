/** An error as logs and telemetry may keep it: by its names and codes, and where it was made. */

/** An error without its message, which may quote anything. */
export interface Failure {
  /** The error's name and its code, and those of its cause. */
  readonly error: string
  /** File and line where it was made. */
  readonly where?: string
}

const WORD = /^[\w.-]{1,60}$/
const MOST_CAUSES = 3

const codeIn = (error: Error): string => ('code' in error ? String(error.code) : '')

/** What may be told of an error to anybody. */
export function failureOf(error: unknown): Failure {
  const names: string[] = []
  for (let each: unknown = error; each instanceof Error && names.length < MOST_CAUSES; each = each.cause)
    names.push([each.name, codeIn(each)].filter((word) => WORD.test(word)).join(' '))
  // The stack begins with the message.
  const { message = '', stack = '' } = error instanceof Error ? error : {}
  const frames = stack.slice(stack.indexOf(message) + message.length)
  const [, where] = /([\w.-]+\.[cm]?[jt]s:\d+):\d+\)?$/m.exec(frames) ?? []
  return { error: names.join(' < ') || typeof error, ...(where === undefined ? {} : { where }) }
}
