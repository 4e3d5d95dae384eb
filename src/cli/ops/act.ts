/** `hardshell ops resume` and `hardshell ops cancel`: what a person decides about an operation. */
import { command, type Call } from '../command.ts'
import { Refused } from '../errors.ts'
import { homeWords } from '../wallet/home.ts'
import { DATABASE_OPTIONS, isRun, operationOf, withDatabase, type Database, type DatabaseCall } from './database.ts'
import { operationJson } from './shown.ts'

const OPTIONS = { ...DATABASE_OPTIONS } as const

export const resume = command({
  summary: 'puts an operation that was set aside, or waits for a person, back to work',
  usage: 'ID',
  words: [1, 1],
  about: `What follows is done by the process that has the wallet or the mint open: where none has, by the next one.`,
  options: OPTIONS,
  run: (call) =>
    withDatabase(call, async (database) => {
      const { id } = await operationOf(database, call.given.words[0] ?? '')
      await database.operations.resume(id)
      return told(call, database, id, 'Resumed')
    }),
})

export const cancel = command({
  summary: 'gives an operation up, if no money can be lost by it',
  usage: 'ID',
  words: [1, 1],
  options: OPTIONS,
  run: (call) =>
    withDatabase(call, async (database) => {
      const { id, state } = await operationOf(database, call.given.words[0] ?? '')
      if (!(await database.cancel(id)))
        throw new Refused('INVALID_STATE', `it cannot be cancelled in ${state}`, `\`hardshell ops explain ${id}\` says what it takes.`, id) // prettier-ignore
      return told(call, database, id, 'Cancelled')
    }),
})

async function told(call: DatabaseCall & Call, database: Database, id: string, what: string): Promise<number> {
  const { out, given } = call
  const view = await database.operations.get(id)
  const run = await isRun(database.path)
  out.say(`${what}: ${view.kind} ${id} is ${view.state}.`)
  if (view.status === 'active') out.say(nextOf(run, database.of, id, homeWords(given.text('home'))))
  out.give({ operation: operationJson(view, database), run })
  return 0
}

function nextOf(run: boolean, of: Database['of'], id: string, folder: string): string {
  if (run) return 'The process that has the database open goes on with it.'
  if (of !== 'wallet') return `No process runs the ${of} now: the next one goes on with it.`
  return `No process has the wallet open now: \`hardshell wallet pending ${id} --wait${folder}\` goes on with it.`
}
