/** Ports that inject every possible fault of a request. */
import type { Inject } from '../explorer/choices.ts'
import type { Life, VirtualClock } from '../explorer/life.ts'

/** The faults of a request to a port. */
export const CALL_FAULTS = [
  'crashBefore',
  /** Applied; the process dies before the answer. */
  'crashAfter',
  /** Applied; the answer is lost. */
  'lost',
  'notSent',
  /** The network holds it; it is applied after the next request. */
  'late',
  /** Delivered twice; the second answer arrives. */
  'twice',
  /** Applied; the machine sleeps for hours before it receives the answer. */
  'asleep',
  /** Applied; another process takes the operations over before the answer arrives. */
  'overtaken',
] as const

/** A request that the network still holds: the port's name, and its arguments as JSON. */
export interface LateCall {
  /** The method. */
  readonly name: string
  /** What it was called with. */
  readonly args: readonly unknown[]
}

/** How long a machine sleeps before it receives an answer. */
export const ASLEEP_FOR_MS = 7_200_000

type Call = (...args: unknown[]) => unknown
/** A fault of a subject's own: it gets the function that delivers the request, and answers in its place. */
export type OwnFault = (deliver: () => Promise<unknown>) => Promise<unknown>

/** The port to make faulty, and how. */
export interface FaultyPortOptions {
  /** Chooses what goes wrong. */
  readonly inject: Inject
  /** The life, which may end at a call. */
  readonly life: Life
  /** The world's clock. */
  readonly clock: VirtualClock
  /** Runs another process that overtakes this one. */
  readonly overtake: () => Promise<void>
  /** Called for each call: what became of it, and the same with its arguments and its answer. */
  readonly requested: (what: string, whole?: string) => void
  /** The requests that the network holds. They are part of the world, because they outlive the process. */
  readonly late: { get(): readonly LateCall[]; set(calls: readonly LateCall[]): void }
  /** More faults of a request, by the name of the port and of the fault. */
  readonly faults?: { readonly [name: string]: { readonly [fault: string]: OwnFault } } | undefined
}

/**
 * A port, or an object of ports. Each of its functions is one request to the outside. Arguments must be JSON, except
 * for an `AbortSignal`, which is left out because a late request does not need it. The caller gets an error if no
 * answer comes.
 */
export function faultyPort<P>(name: string, port: P, options: FaultyPortOptions): P {
  const { inject, life, late, requested } = options
  const arrive = async (): Promise<void> => {
    const held = late.get()
    late.set([])
    await arriveLate(name, port, held)
  }
  const wrap = (at: string, value: unknown, self: unknown): unknown => {
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(methodsOf(value).map((key) => [key, wrap(`${at}.${key}`, fieldOf(value, key), value)]))
    if (typeof value !== 'function') return value
    const call: Call = (...args) => (value as Call).apply(self, args)
    const own = options.faults?.[at] ?? {}
    return (...args: unknown[]) =>
      life.act(async () => {
        const json = args.map((arg) => (arg instanceof AbortSignal ? null : arg))
        const { fault, before, applied } = inject(at, ['ok', ...CALL_FAULTS, ...Object.keys(own)], [at, json])
        const how = fault === 'ok' ? '' : ` (${fault})`
        const say = (what: string, came = what): void =>
          requested(`${at} ${what}${how}`, `${at}(${json.map(shown).join(', ')}) → ${came}${how}`)
        const deliver = async (): Promise<unknown> => call(...args)
        if (before) await before()
        switch (fault) {
          case 'crashBefore':
            return life.die()
          case 'notSent':
            say('not sent')
            throw new Error('connection refused')
          case 'late':
            await arrive()
            late.set([...late.get(), { name: at, args: json }])
            say('not answered')
            throw new Error('timed out')
          case 'twice':
            await deliver()
            break
          default:
        }
        const answer = await (own[fault] ?? ((it) => it()))(deliver).catch((error: unknown) => {
          say('failed', `throws ${String(error)}`)
          throw error
        })
        await arrive()
        say('answered', shown(answer))
        const handled = applied()
        if (handled) await handled
        switch (fault) {
          case 'crashAfter':
            return life.die()
          case 'lost':
            throw new Error('connection reset')
          case 'overtaken':
            await options.overtake()
            return answer
          case 'asleep':
            options.clock.sleep(ASLEEP_FOR_MS)
            return answer
          default:
            return answer
        }
      })
  }
  return wrap(name, port, undefined) as P
}

/** Delivers to a port the requests that the network held. Nobody waits for the answers. */
export async function arriveLate(name: string, port: unknown, calls: readonly LateCall[]): Promise<void> {
  for (const { name: to, args } of calls) {
    let self: unknown
    let found = port
    for (const key of to.slice(name.length).split('.').slice(1)) {
      self = found
      found = fieldOf(found, key)
    }
    try {
      await (found as Call).apply(self, [...args])
    } catch {
      // Nobody receives this refusal.
    }
  }
}

/** An argument or an answer, for people. */
const shown = (value: unknown): string => JSON.stringify(value) ?? 'undefined'

const fieldOf = (value: unknown, key: string): unknown => (value as Readonly<Record<string, unknown>>)[key]
const classOf = (value: object): object | null => Object.getPrototypeOf(value) as object | null

/** The names of an object's functions and inner objects, including those of its class. */
function methodsOf(value: object): string[] {
  const names = new Set(Object.keys(value))
  for (let at = classOf(value); at && at !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name)
    at = classOf(at)
  }
  return [...names]
}
