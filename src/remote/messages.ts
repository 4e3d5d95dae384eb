/**
 * The protocol. A message is one text: a mark, and JSON. So every port carries it, whatever it makes of objects; its size is known
 * before it is read; and what else goes through the same port is told apart from it.
 *
 * Each side has an id of its own for each connection, and says whom a message is for: on a channel that many share, the others
 * take no notice.
 */
import { HardshellError } from '../kernel/util/errors.ts'
import { hex, systemRandom } from '../kernel/util/ports.ts'
import { flag, json, list, number, oneOf, optional, record, text, type Shape } from './shapes.ts'
import { role } from './values.ts'

/** Goes up with every change of a message, a method or a shape. */
export const PROTOCOL = 2

/** The longest message that is read, in characters: a token of the largest size fits into it. */
export const LONGEST_MESSAGE = 5_000_000

const MARK = 'hardshell:'

const envelope = { from: text, to: optional(text) }

/** What a far side says. */
export const farShapes = {
  /** Who is there? */
  hello: record({ type: oneOf('hello'), ...envelope, version: number }),
  call: record({
    type: oneOf('call'),
    ...envelope,
    n: number,
    method: text,
    args: optional(json),
    hasSignal: flag,
  }),
  /** Nobody waits for this call any more. */
  abort: record({ type: oneOf('abort'), ...envelope, n: number }),
  /** Which events are to come: names of events, and `id:` with an operation's id. */
  listen: record({ type: oneOf('listen'), ...envelope, begin: list(text), end: list(text) }),
  /** Events up to this one were heard. */
  heard: record({ type: oneOf('heard'), ...envelope, at: number }),
  ping: record({ type: oneOf('ping'), ...envelope }),
  bye: record({ type: oneOf('bye'), ...envelope }),
}

/** What a near side says. */
export const nearShapes = {
  /** To all: a near side begins. */
  here: record({ type: oneOf('here'), ...envelope }),
  /** To all: it stops. */
  gone: record({ type: oneOf('gone'), ...envelope }),
  welcome: record({ type: oneOf('welcome'), ...envelope, verbs: list(text) }),
  /** It speaks another version. */
  refused: record({ type: oneOf('refused'), ...envelope, version: number }),
  /** It does not know this connection: say hello again. */
  unknown: record({ type: oneOf('unknown'), ...envelope }),
  role: record({ type: oneOf('role'), ...envelope, role, reason: optional(text), crypto: text }),
  result: record({ type: oneOf('result'), ...envelope, n: number, value: optional(json) }),
  failed: record({ type: oneOf('failed'), ...envelope, n: number, error: json }),
  event: record({ type: oneOf('event'), ...envelope, at: number, event: text, value: json }),
  pong: record({ type: oneOf('pong'), ...envelope }),
}

type Said<Shapes> = { [K in keyof Shapes]: Shapes[K] extends Shape<infer T> ? T : never }[keyof Shapes]
/** A message of a far side. */
export type FarMessage = Said<typeof farShapes>
/** A message of a near side. */
export type NearMessage = Said<typeof nearShapes>

/** A message without the address that the sender puts on it. */
export type Content<M> = M extends unknown ? Omit<M, 'from' | 'to'> : never

type Shapes = Readonly<Record<string, Shape<object>>>

/** The text of a message. @throws {HardshellError} `MESSAGE_TOO_LARGE` */
function write(shapes: Shapes, message: { readonly type: string }): string {
  const written = MARK + JSON.stringify(shapes[message.type]?.encode(message, message.type))
  if (written.length > LONGEST_MESSAGE)
    throw new HardshellError('MESSAGE_TOO_LARGE', `more than ${LONGEST_MESSAGE} characters do not cross`)
  return written
}

/** The message that a text is; undefined where it is none of them. */
function read(shapes: Shapes, message: string): object | undefined {
  if (message.length > LONGEST_MESSAGE || !message.startsWith(MARK)) return undefined
  try {
    const given: unknown = JSON.parse(message.slice(MARK.length))
    const { type } = typed.decode(given, '')
    return Object.hasOwn(shapes, type) ? shapes[type]?.decode(given, '') : undefined
  } catch {
    return undefined
  }
}

/** Looks at the type alone. */
const typed: Shape<{ readonly type: string }> = {
  is: 'a message',
  encode: () => undefined,
  decode(given, at) {
    const type = typeof given === 'object' && given !== null && 'type' in given ? given.type : undefined
    return { type: text.decode(type, at) }
  },
}

export const writeFar = (message: FarMessage): string => write(farShapes, message)
export const writeNear = (message: NearMessage): string => write(nearShapes, message)
export const readFar = (message: string): FarMessage | undefined => read(farShapes, message) as FarMessage | undefined
export const readNear = (message: string): NearMessage | undefined =>
  read(nearShapes, message) as NearMessage | undefined

/** An id of one side of a connection. */
export const newId = (): string => hex(systemRandom(16))

/** The longest id of a side that is taken for one. */
export const LONGEST_ID = 64
