/** `hardshell ops export`: what is stored of an operation, for whoever helps; no secrets. */
import { command } from '../command.ts'
import { DATABASE_OPTIONS, operationOf, withDatabase, type Database } from './database.ts'
import { explanationOf } from './show.ts'
import { operationJson } from './shown.ts'

const OPTIONS = { ...DATABASE_OPTIONS } as const

export const exported = command({
  summary: 'everything about an operation that is no secret, as JSON',
  usage: 'ID',
  words: [1, 1],
  about: 'For whoever helps. It has no seed, token, proof or preimage; ids, amounts, times and the invoice are in it.',
  options: OPTIONS,
  run: (call) =>
    withDatabase(call, async (database) => {
      const view = await operationOf(database, call.given.words[0] ?? '')
      const whole = {
        operation: operationJson(view, database),
        history: await historyOf(database, view.id),
        explanation: await explanationOf(database, view),
      }
      call.out.say(JSON.stringify(whole, null, 2))
      call.out.give(whole)
      return 0
    }),
})

/** What proves a payment, and what names proofs, stays where it is. */
const HIDDEN = new Set(['paymentProof', 'ys'])

async function historyOf({ of, store }: Database, id: string): Promise<object | null> {
  if (of !== 'wallet') return null
  const row = await store.get('history', [id])
  return row === undefined ? null : Object.fromEntries(Object.entries(row).filter(([name]) => !HIDDEN.has(name)))
}
