/** The folder of a wallet: where it is, what is in it, and who may read it. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeFile } from '../../mint-server/db/durable-files.ts'
import type { Options } from '../command.ts'
import { Refused } from '../errors.ts'

/** Which folder. */
export const HOME_OPTIONS = {
  home: { value: 'DIR', help: "the wallet's folder; HARDSHELL_HOME unless given, or the user's data folder" },
} as const satisfies Options

/** The files of a wallet. */
export interface Home {
  readonly path: string
  /** The database. */
  readonly database: string
  /** The seed, where it is stored. */
  readonly seed: string
  /** What the folder is, without secrets. */
  readonly card: string
}

/** What stands in the card. */
export interface Card {
  /** Names the seed and tells nothing of it. */
  readonly fingerprint: string
  /** In the format of ISO 8601. */
  readonly createdAt: string
}

/** The folder that is meant: --home, HARDSHELL_HOME, or one in the user's folder for data (XDG). */
export function homeOf(given: string | undefined): Home {
  const { HARDSHELL_HOME, XDG_DATA_HOME } = process.env
  const path = resolve(
    given ?? (HARDSHELL_HOME || join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'hardshell')),
  )
  return { path, database: join(path, 'wallet.db'), seed: join(path, 'seed'), card: join(path, 'wallet.json') }
}

/** How the same folder is named again, in what a person is told to type. */
export const homeWords = (given: string | undefined): string => (given === undefined ? '' : ` --home ${quoted(given)}`)

const quoted = (word: string): string => (/^[\w./~:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Makes the folder, for its user only. */
export function makeHome({ path }: Home): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** Writes what the folder is. */
export const makeCard = (home: Home, card: Card): void =>
  makeFile(home.card, `${JSON.stringify({ version: 1, ...card })}\n`)

/** What the folder is. @throws {Refused} `NO_WALLET`, `WALLET_UNREADABLE` */
export function cardOf(home: Home, given: string | undefined): Card {
  if (!existsSync(home.card))
    throw new Refused('NO_WALLET', `there is no wallet in ${home.path}`, `\`hardshell wallet init${homeWords(given)}\` makes one.`) // prettier-ignore
  try {
    const card: unknown = JSON.parse(readFileSync(home.card, 'utf8'))
    if (typeof card === 'object' && card !== null && 'fingerprint' in card && 'createdAt' in card)
      return { fingerprint: String(card.fingerprint), createdAt: String(card.createdAt) }
  } catch {
    // Whatever is wrong with it, it is not a card.
  }
  throw new Refused('WALLET_UNREADABLE', `${home.card} is damaged`, 'Put back the copy of a backup; the money is in the database and the seed.') // prettier-ignore
}

/** Whether others than its user may read or write a file. Windows has no such rights. */
export function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
}
