/** What every chart must keep to that runs under the kernel, whichever test runner asks it. */
import type { AnyStateMachine } from 'xstate'
import type { OperationKind } from '../../kernel/define/operation.ts'
import { misdefined, sideEffects } from './machine-contract/static.ts'
import { mistagged } from '../invariants/tags.ts'
import { endless, forgetful, impure, stuck, unmet, unsteady, unstorable, untaken, type Walked } from './machine-contract/walked.ts' // prettier-ignore
import { walk, type Samples } from './machine-contract/walk.ts'
import type { ContractCase } from './store-contract.ts'

export type { Samples }

const MOST_LINES = 12

/**
 * The cases of a kind of operation. Its chart is walked through: every sample answer, event, delay and polled event in
 * every state that they lead to.
 *
 * @example
 * const samples = {
 *   inputs: [{ item: 'tea' }],
 *   answers: { 'card.charge': [{ answer: 'ok', receipt: 'r' }, { answer: 'declined' }, { answer: 'unknown' }] },
 *   events: [{ type: 'pay' }, { type: 'cancel' }],
 * }
 * for (const { name, run } of machineContract(orderKind, samples)) test(name, run)
 */
export function machineContract<Ports, M extends AnyStateMachine>(
  kind: OperationKind<Ports, M>,
  samples: Samples<M>,
): ContractCase[] {
  const of = { kind: kind as unknown as OperationKind, samples: samples as unknown as Samples }
  let walked: Walked | undefined
  const all = (): Walked => (walked ??= { ...of, ...walk(of.kind, of.samples) })
  const cases: Record<string, () => string[]> = {
    'the kernel takes the definition, and every delay and poll is one of it': () => misdefined(of.kind),
    'its tags are known, and hold': () => mistagged(of.kind),
    'its actions are assign, emit, reply, start and tx, and nothing else': () => sideEffects(kind.machine),
    'every answer was given and every state met': () => unmet(all()),
    'no step throws, and every answer leads on': () => untaken(all()),
    'a step is the same whenever it is computed, and changes nothing': () => impure(all()),
    'the input of an invoke reads the context alone, and stays what it is': () => unsteady(all()),
    'what is stored, written and told is JSON': () => unstorable(all()),
    'every state restores from its row, and goes on as it would have': () => forgetful(all()),
    'every state has something to come: an answer, a delay, a polled event, or a person’s decision': () => stuck(all()),
    'from every state an end can be reached': () => endless(all()),
  }
  return Object.entries(cases).map(([name, find]) => ({
    name,
    async run() {
      const wrong = [...new Set(find())]
      const more = wrong.length > MOST_LINES ? [`and ${wrong.length - MOST_LINES} more`] : []
      if (wrong.length > 0) throw new Error(`${kind.kind}: ${[...wrong.slice(0, MOST_LINES), ...more].join('\n')}`)
    },
  }))
}
