/** `hardshell wallet init`: makes the folder of a wallet, of new words or of those that somebody has. */
import { existsSync } from 'node:fs'
import { makeFile } from '../../mint-server/db/durable-files.ts'
import { command, type Call } from '../command.ts'
import { Misused, Refused } from '../errors.ts'
import { ask, textOrStdin } from '../prompt.ts'
import { HOME_OPTIONS, homeOf, homeWords, isOpenToOthers, makeCard, makeHome } from './home.ts'
import { fingerprintOf, phrases, readSeed, SEED_OPTIONS, seedGiven, type Seed } from './seed.ts'

const OPTIONS = {
  ...HOME_OPTIONS,
  ...SEED_OPTIONS,
  restore: { help: 'takes the words of another wallet: from --seed-file, HARDSHELL_SEED, a prompt, or stdin' },
  words: { value: 'N', help: 'how many new words: 12 unless given, or 15, 18, 21, 24' },
  'no-store': { help: 'stores no seed: every command asks for it, or takes HARDSHELL_SEED' },
} as const

type InitCall = Call<keyof typeof OPTIONS>

export const init = command({
  summary: 'makes a wallet: new words, shown once',
  usage: '',
  words: [0, 99],
  about: `The words are all that a lost wallet can be restored from: write them down, and show them to nobody.
The folder is for its user only. The seed's file is not encrypted; --no-store makes none.`,
  options: OPTIONS,
  async run(call) {
    const { given, out } = call
    if (given.words.length > 0)
      throw new Misused('words are never arguments, for other programs see those: --restore asks for them, or reads them from stdin') // prettier-ignore
    const home = homeOf(given.text('home'))
    for (const path of [home.card, home.seed, home.database])
      if (existsSync(path)) throw new Refused('WALLET_EXISTS', `there is a wallet in ${home.path} already`, 'Another one needs another folder: --home DIR.') // prettier-ignore
    const isNew = !given.has('restore')
    const seed = isNew ? await newSeed(call) : await oldSeed(call)
    const fingerprint = fingerprintOf(seed)
    makeHome(home)
    if (isOpenToOthers(home.path)) out.warn(`${home.path} can be read by others: \`chmod 700 ${home.path}\``)
    const isStored = !given.has('no-store')
    if (isStored) makeFile(home.seed, `${seed.text}\n`)
    makeCard(home, { fingerprint, createdAt: new Date().toISOString() })
    const folder = homeWords(given.text('home'))
    out.say(`A wallet in ${home.path}, seed ${fingerprint}.`)
    if (isNew) {
      out.say('')
      for (const line of wordLines(seed.text)) out.say(`  ${out.style('bold', line)}`)
      out.say('')
      out.say('Write these words down now: they are shown once, and whoever has them has the money.')
    }
    if (!isStored) out.say('The seed is not stored: each command asks for it, or takes HARDSHELL_SEED.')
    out.say(`Next: hardshell wallet mints trust URL${folder}`)
    if (!isNew) out.say(`Then: hardshell wallet restore${folder}`)
    out.give({ home: home.path, fingerprint, stored: isStored, ...(isNew && { phrase: seed.text }) })
    return 0
  },
})

async function newSeed({ given }: InitCall): Promise<Seed> {
  if (given.text('seed-file') !== undefined || process.env['HARDSHELL_SEED'])
    throw new Misused('a seed is given: --restore takes it, and new words need none (unset HARDSHELL_SEED)')
  const { newPhrase } = await phrases()
  const words = ([12, 15, 18, 21, 24] as const).find((each) => `${each}` === (given.text('words') ?? '12'))
  if (words === undefined) throw new Misused('--words: one of 12, 15, 18, 21, 24')
  return readSeed(newPhrase(words))
}

async function oldSeed(call: InitCall): Promise<Seed> {
  const { given, signal } = call
  if (given.text('words') !== undefined) throw new Misused('--words: for new words only')
  if (given.text('seed-file') !== undefined || process.env['HARDSHELL_SEED'])
    return seedGiven(call, homeOf(given.text('home')))
  if (!process.stdin.isTTY) return readSeed(await textOrStdin('-', 'The words', signal))
  return readSeed(await ask('The words of the wallet (they are not shown): ', { hidden: true, signal }))
}

/** The words in rows of four, each with its number. */
function wordLines(phrase: string): string[] {
  const words = phrase.split(' ').map((word, at) => `${`${at + 1}`.padStart(2)} ${word.padEnd(9)}`)
  return Array.from({ length: Math.ceil(words.length / 4) }, (_, at) => words.slice(4 * at, 4 * at + 4).join(' ').trimEnd()) // prettier-ignore
}
