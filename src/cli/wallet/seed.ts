/** Where the seed comes from: a file, the environment, or whoever sits there. Never from an argument, and never into a message. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type * as Phrases from '../../phrase.ts'
import type { Call, Options } from '../command.ts'
import { Refused } from '../errors.ts'
import { ask, canAsk } from '../prompt.ts'
import { isOpenToOthers, type Home } from './home.ts'

/** Where else the seed is. */
export const SEED_OPTIONS = {
  'seed-file': { value: 'FILE', help: "the seed's file; HARDSHELL_SEED, the wallet's folder or a prompt unless given" },
} as const satisfies Options

/** A seed, as it was written and as the wallet takes it. */
export interface Seed {
  readonly text: string
  readonly bytes: Uint8Array
}

const HEX = /^(?:[0-9a-f]{2}){16,64}$/i

/** What needs a package that may not be there. @throws {Refused} `PACKAGE_MISSING` */
export async function phrases(): Promise<typeof Phrases> {
  try {
    return await import('../../phrase.ts')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new Refused('PACKAGE_MISSING', 'words need the package @scure/bip39, which is not installed', '`npm install hardshell @scure/bip39`, or a seed in hexadecimal.') // prettier-ignore
  }
}

/** A seed as words (BIP39), or as 16 to 64 bytes in hexadecimal. @throws {HardshellError} `PHRASE_INVALID`, `PACKAGE_MISSING` */
export async function readSeed(text: string): Promise<Seed> {
  const trimmed = text.trim()
  if (HEX.test(trimmed)) return { text: trimmed, bytes: new Uint8Array(Buffer.from(trimmed, 'hex')) }
  const { seedOf } = await phrases()
  return { text: trimmed.toLowerCase().split(/\s+/).join(' '), bytes: await seedOf(trimmed) }
}

/** Names a seed, so that a person sees which one it is; eight digits of which nothing follows. */
export const fingerprintOf = ({ bytes }: Seed): string =>
  createHmac('sha256', bytes).update('hardshell fingerprint').digest('hex').slice(0, 8)

/** The text of a file with a seed. @throws {Refused} `SEED_MISSING` */
function fromFile(path: string, { out }: Call): string {
  if (!existsSync(path)) throw new Refused('SEED_MISSING', `there is no file ${path}`)
  if (isOpenToOthers(path)) out.warn(`${path} can be read by others: \`chmod 600 ${path}\``)
  return readFileSync(path, 'utf8')
}

/**
 * The seed that was given: by --seed-file, by HARDSHELL_SEED, by the wallet's own file, or by hand.
 *
 * @throws {Refused} `SEED_MISSING` where there is nobody to ask; `PHRASE_INVALID`, `PACKAGE_MISSING`
 */
export async function seedGiven(call: Call<'seed-file'>, home: Home): Promise<Seed> {
  const file = call.given.text('seed-file')
  const fromEnvironment = process.env['HARDSHELL_SEED']
  if (file !== undefined) return readSeed(fromFile(file, call))
  if (fromEnvironment) return readSeed(fromEnvironment)
  if (existsSync(home.seed)) return readSeed(fromFile(home.seed, call))
  if (canAsk()) return readSeed(await ask('The words of this wallet (they are not shown): ', { hidden: true, signal: call.signal })) // prettier-ignore
  throw new Refused('SEED_MISSING', `the seed is not stored in ${home.path}, and there is nobody to ask`, 'Give it by --seed-file FILE or HARDSHELL_SEED.') // prettier-ignore
}
