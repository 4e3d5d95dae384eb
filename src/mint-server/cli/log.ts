/**
 * A server's log: one entry per request and per event. Entries consist of fixed words, numbers and codes. They never
 * contain what a wallet, a database or another machine sent, so logs can be kept and shown.
 */
import { checkFunction, checkOneOf } from '../../arguments.ts'
import { LOG_LEVELS, type Log, type LogLevel, type OperationLogEvent } from '../../kernel/inspect/log.ts'
import type { Failure } from '../../kernel/util/failure.ts'

/** One entry of a server's log: of the server, or of the mint's operations. */
export type LogEntry = ServerLogEvent | OperationLogEvent

/** What a server tells of itself. */
export type ServerLogEvent =
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
      /** In which part. */
      readonly at: string
      readonly request?: string
    } & Failure)

/** Hears of every request, every failure, and what the mint's operations tell. */
export type ServerLog = Log<LogEntry>

export const silent: ServerLog = () => {}

/** One line of JSON per entry that is urgent enough, `info` unless given, with the time and the level first. */
export function jsonLines(
  write: (line: string) => void,
  now: () => number = Date.now,
  least: LogLevel = 'info',
): ServerLog {
  checkFunction(write ?? null, 'write')
  checkFunction(now, 'now')
  checkOneOf(least, 'least', LOG_LEVELS)
  const from = LOG_LEVELS.indexOf(least)
  return (level, entry) => {
    if (LOG_LEVELS.indexOf(level) < from) return
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, ...entry })}\n`)
  }
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
