/** `hardshell doctor`: looks for what is wrong with a wallet, and says what to do. It decides nothing and needs no seed. */
import { existsSync } from 'node:fs'
import { messageOf } from '../kernel/util/errors.ts'
import { command } from './command.ts'
import { shown } from './errors.ts'
import { crypto, folder, packages, program, seed } from './doctor/machine.ts'
import type { Finding, Look } from './doctor/finding.ts'
import { mints } from './doctor/mints.ts'
import { database, money, operations, owner } from './doctor/stored.ts'
import { DATABASE_OPTIONS, openDatabase, pathOf } from './ops/database.ts'
import { plain, progressLine } from './terminal.ts'
import { homeOf, homeWords } from './wallet/home.ts'

/** What needs no open database, in the order in which it is told. */
const BEFORE: readonly Look[] = [program, packages, crypto, folder, seed, database, owner]
/** What needs one. */
const INSIDE: readonly Look[] = [mints, operations, money]

const MARKS = { ok: ['✓', 'green'], warning: ['!', 'yellow'], wrong: ['✗', 'red'] } as const

export const doctor = command({
  summary: 'looks for what is wrong, and says what to do',
  usage: '',
  words: [0, 0],
  about: `Looks at Node, the folder and its rights, the seed, the database and who runs it, the mints and the clock, and at operations
that do not go on. It decides nothing and asks for no seed. Ends with exit code 1 where something is wrong; a warning (!) is none.`,
  options: DATABASE_OPTIONS,
  async run({ given, out, signal }) {
    const path = pathOf({ given, out, signal })
    const isWallet = given.text('store') === undefined
    const of = {
      path,
      home: isWallet ? homeOf(given.text('home')) : undefined,
      folder: homeWords(given.text('home')),
      signal,
    }
    const findings: Finding[] = []
    const line = progressLine()
    const look = async (looks: readonly Look[], at: Parameters<Look>[0]): Promise<void> => {
      for (const each of looks) {
        line.show(`looking at ${each.name}`)
        const found = await each(at).catch((error: unknown): Finding[] => [{ about: each.name, state: 'wrong', text: messageOf(error) }]) // prettier-ignore
        line.clear()
        tell(found)
      }
    }
    const tell = (found: readonly Finding[]): void => {
      findings.push(...found)
      for (const { about, state, text, advice } of found) {
        const [mark, style] = MARKS[state]
        out.say(`${out.style(style, mark)} ${about.padEnd(11)} ${plain(text)}`)
        if (advice !== undefined) out.say(`  ${''.padEnd(11)} → ${advice}`)
      }
    }
    await look(BEFORE, of)
    const isThere = existsSync(path) && !findings.some(({ about, state }) => about === 'database' && state === 'wrong')
    if (isThere) {
      const open = await openDatabase(path).catch((error: unknown) => tell([unopened(error)]))
      try {
        if (open) await look(INSIDE, { ...of, open })
      } finally {
        await open?.close()
      }
    }
    const wrong = findings.filter(({ state }) => state === 'wrong').length
    out.say(wrong === 0 ? 'Nothing is wrong.' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`)
    out.give({ ok: wrong === 0, findings })
    return wrong === 0 ? 0 : 1
  },
})

/** That a database is whole, and yet none for this version: one of a later version, or of another program. */
function unopened(error: unknown): Finding {
  const { message, advice } = shown(error).error
  return { about: 'database', state: 'wrong', text: message, ...(advice !== undefined && { advice }) }
}
