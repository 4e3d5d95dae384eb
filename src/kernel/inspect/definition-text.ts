/** A chart as the JSON text by which inspectors draw it: its states and arrows, with the names of guards, actions, delays and effects. */
import type { AnyStateMachine } from 'xstate'

/** What follows from a context or an event has no text. */
const UNSAID: ReadonlySet<string> = new Set(['input', 'output', 'params'])

const texts = new WeakMap<AnyStateMachine, string>()

/**
 * The definition of a machine: its configuration, which XState makes a machine of again. (`machine.toJSON()` leaves out what is taken
 * at once.) Guards and actions are in it by their names, a function in place by its own, if it has one; the answers that an arrow is for
 * stand in its guard's params.
 */
export function definitionText(machine: AnyStateMachine): string {
  let text = texts.get(machine)
  if (text === undefined) {
    // The context that a chart begins with may hold secrets.
    text = JSON.stringify({ ...machine.config, context: undefined }, (key, value: unknown) => {
      if (typeof value !== 'function') return value
      return UNSAID.has(key) ? undefined : { type: value.name === '' ? 'unnamed' : value.name }
    })
    texts.set(machine, text)
  }
  return text
}
