/** Ports: whatever messages go through between two processes, threads or pages, as one small interface. */
import { checkObject } from '../arguments.ts'

/**
 * Anything that messages go through: a `MessagePort` of the DOM or of Node, Electron's `MessagePortMain`, a `BroadcastChannel`, a
 * worker and its `parentPort`, a child process of Node and its `process`, or an object of your own. It has `postMessage` or `send`,
 * and `on` or `addEventListener`.
 */
export interface Port {
  /** Sends a message. */
  postMessage?(message: string): unknown
  /** Sends a message, as a process of Node does. */
  send?(message: string, sent: (error: Error | null) => void): unknown
  /** Begins to listen, as Node and Electron do. */
  on?(event: string, listener: (given: unknown) => void): unknown
  /** Ends it. */
  off?(event: string, listener: (given: unknown) => void): unknown
  /** Begins to listen, as the DOM does. */
  addEventListener?(event: string, listener: (given: unknown) => void): unknown
  /** Ends it. */
  removeEventListener?(event: string, listener: (given: unknown) => void): unknown
  /** Lets messages come that have waited. */
  start?(): unknown
  /** Closes it. */
  close?(): unknown
}

/** A port that is listened to. */
export interface OpenPort {
  /** Sends a text; it may never arrive. */
  post(message: string): void
  /** Listens no more. The port stays as open as it was. */
  stop(): void
}

/** The events that say that nothing comes any more: of message ports, of processes, of worker threads. */
const ENDINGS = ['close', 'disconnect', 'exit'] as const

/** @throws {TypeError} naming the argument */
export function checkPort(port: unknown): asserts port is Port {
  checkObject(port, 'port')
  const has = (name: string): boolean => typeof Reflect.get(port, name) === 'function'
  if (!(has('postMessage') || has('send'))) throw new TypeError('port: has neither postMessage() nor send()')
  if (!(has('on') || has('addEventListener'))) throw new TypeError('port: has neither on() nor addEventListener()')
}

/** Listens to a port. `heard` gets the texts among its messages, `ended` is called once where the port says that it ends. */
export function openPort(port: Port, on: { heard(message: string): void; ended(): void }): OpenPort {
  const hear = (given: unknown): void => {
    const message = typeof given === 'string' ? given : dataOf(given)
    if (typeof message === 'string') on.heard(message)
  }
  const listens = typeof port.on === 'function' ? 'on' : 'addEventListener'
  const leaves = listens === 'on' ? 'off' : 'removeEventListener'
  let isOver = false
  const stop = (): void => {
    isOver = true
    port[leaves]?.('message', hear)
    for (const event of ENDINGS) port[leaves]?.(event, end)
  }
  const end = (): void => {
    if (isOver) return
    stop()
    on.ended()
  }
  port[listens]?.('message', hear)
  for (const event of ENDINGS) port[listens]?.(event, end)
  port.start?.()
  return {
    post(message) {
      if (isOver) return
      try {
        if (typeof port.postMessage === 'function') port.postMessage(message)
        else port.send?.(message, (error) => error && end())
      } catch {
        // A closed channel.
        end()
      }
    },
    stop,
  }
}

/** The DOM and Electron give an event, Node the message itself. */
const dataOf = (given: unknown): unknown =>
  typeof given === 'object' && given !== null && 'data' in given ? given.data : undefined
