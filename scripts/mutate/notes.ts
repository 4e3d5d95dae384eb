/**
 * Preloaded (`--import`) by processes and threads that run a program with probes: keeps what ran, and which states of charts
 * were entered, for `taken` to take.
 */
import { writeFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { StateMachine, type AnyMachineSnapshot, type AnyStateMachine, type AnyStateNode } from 'xstate'
import { NOTES, PROBES, type Notes } from './places.ts'

/** By file, the probes that were passed are the list's indexes. */
type Ran = Map<string, number[]>
type Probed = typeof globalThis & { [PROBES]?: ((file: string) => number[]) & { files: Ran; states: Set<string> } }

const { files, states } = ((globalThis as Probed)[PROBES] ??= prepared())

/** What was noted so far. */
export const taken = (): Notes => ({
  ran: Object.fromEntries([...files].map(([file, ran]) => [file, Object.keys(ran).map(Number)])),
  states: [...states],
})

/** From here on, what ran before counts as not having run. */
export function forget(): void {
  for (const ran of files.values()) ran.length = 0
  states.clear()
}

/** Once in a thread, however often this module is loaded there. */
function prepared(): NonNullable<Probed[typeof PROBES]> {
  const ranOf: Ran = new Map()
  const entered = new Set<string>()
  noteStates(entered)
  const folder = process.env[NOTES]
  // A process that a test starts leaves its notes behind, if it may.
  if (folder !== undefined)
    process.on('exit', () => {
      try {
        writeFileSync(`${folder}/${process.pid}-${threadId}.json`, JSON.stringify(taken()))
      } catch {
        // It runs as somebody else.
      }
    })
  const noted = (file: string): number[] => {
    const ran: number[] = []
    ranOf.set(file, ran)
    return ran
  }
  return Object.assign(noted, { files: ranOf, states: entered })
}

/** A state counts as entered where XState reads what is done on entry, and where an event finds it. */
function noteStates(entered: Set<string>): void {
  const watched = new WeakSet<AnyStateMachine>()
  const watch = (machine: AnyStateMachine): void => {
    if (watched.has(machine)) return
    watched.add(machine)
    const visit = (node: AnyStateNode): void => {
      const { entry, key } = node
      const get = (): typeof entry => {
        entered.add(key)
        return entry
      }
      Object.defineProperty(node, 'entry', { get })
      Object.values<AnyStateNode>(node.states).forEach(visit)
    }
    visit(machine.root)
  }
  before('transition', (machine, snapshot) => {
    watch(machine)
    for (const { key } of (snapshot as AnyMachineSnapshot)._nodes) entered.add(key)
  })
  before('getInitialSnapshot', watch)
}

/** Has all machines do something before one of their methods. */
function before(
  name: 'transition' | 'getInitialSnapshot',
  first: (machine: AnyStateMachine, ...args: unknown[]) => void,
): void {
  const method = Reflect.get(StateMachine.prototype, name) as (...args: unknown[]) => unknown
  Object.assign(StateMachine.prototype, {
    [name](this: AnyStateMachine, ...args: unknown[]): unknown {
      first(this, ...args)
      return Reflect.apply(method, this, args)
    },
  })
}
