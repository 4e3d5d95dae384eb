/**
 * A server's log: one entry per request and per event. Entries consist of fixed words, numbers and codes. They never
 * contain what a wallet, a database or another machine sent, so logs can be kept and shown.
 */
import { checkFunction } from '../../arguments.ts'

/** One entry of a server's log. */
export type LogEntry =
  | { readonly event: 'start'; readonly url: string }
  | { readonly event: 'stop'; readonly ms: number }
  | {
      readonly event: 'request'
      /** Names the request in this log only. */
      readonly request: string
      readonly method: string
      /** The path, with `:id` for every part that is not a word of the protocol. */
      readonly route: string
      /** 499 where the client went away before the answer was there. */
      readonly status: number
      /** The error code of a refusal (NUT-00). */
      readonly code?: number
      readonly ms: number
    }
  | {
      readonly event: 'websocket'
      /** Why the connection ended: `gone`, `dead` (no pong), `slow` (did not read), `stopped`. */
      readonly end: string
      /** How many messages came in. */
      readonly messages: number
      readonly ms: number
    }
  | ({
      readonly event: 'failure'
      /** Where: in which part, or in which state of which kind of operation. */
      readonly at: string
      readonly request?: string
      /** The id of the operation, which `operations.explain` tells more of. */
      readonly operation?: string
    } & Failure)

/** An error without its message, which may quote anything. */
export interface Failure {
  /** The error's name and its code, and those of its cause. */
  readonly error: string
  /** File and line where it was made. */
  readonly where?: string
}

/** Hears of every request and every failure. */
export type Log = (entry: LogEntry) => void

export const silent: Log = () => {}

/** One line of JSON per entry, with the time first. */
export function jsonLines(write: (line: string) => void, now: () => number = Date.now): Log {
  checkFunction(write ?? null, 'write')
  checkFunction(now, 'now')
  return (entry) => write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...entry })}\n`)
}

const WORD = /^[\w.-]{1,60}$/

export function failureOf(error: unknown): Failure {
  const names: string[] = []
  for (let each: unknown = error; each instanceof Error && names.length < 3; each = each.cause) {
    const { name, code = '' } = each as { name: string; code?: string | number }
    names.push([name, `${code}`].filter((word) => WORD.test(word)).join(' '))
  }
  // The stack begins with the message.
  const { message = '', stack = '' } = error instanceof Error ? error : {}
  const frames = stack.slice(stack.indexOf(message) + message.length)
  const [, where] = /([\w.-]+\.[cm]?[jt]s:\d+):\d+\)?$/m.exec(frames) ?? []
  return { error: names.join(' < ') || typeof error, ...(where === undefined ? {} : { where }) }
}

/** The words of paths that are logged. They name an endpoint and identify nobody. */
const WORDS = new Set(
  (
    'v1 info keys keysets swap mint melt quote bolt11 bolt12 batch checkstate restore ws health ' +
    'admin balance-sheet settle resolve rotate invoice public-keys verify sign'
  ).split(' '),
)
const MOST_PARTS = 6

/** The path without ids: what is not a word of the protocol is an `:id`. */
export const routeOf = (path: string): string =>
  path
    .split('/', MOST_PARTS + 1)
    .map((part) => (part === '' || WORDS.has(part) ? part : ':id'))
    .join('/')
