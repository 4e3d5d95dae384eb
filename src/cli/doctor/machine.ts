/** What `hardshell doctor` looks at outside of the database: the program, the folder, the seed. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { messageOf } from '../../kernel/util/errors.ts'
import { autoWalletCrypto } from '../../crypto/auto.ts'
import { cardOf, isOpenToOthers } from '../wallet/home.ts'
import { fingerprintOf, phrases, readSeed } from '../wallet/seed.ts'
import type { Finding, Look } from './finding.ts'

/** As `engines` of the package says. */
const OLDEST_NODE = 24

/** The version of Node. */
export const program: Look = async () => {
  const text = `Node ${process.version} on ${process.platform}`
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) return [{ about: 'node', state: 'ok', text }]
  return [{ about: 'node', state: 'wrong', text, advice: `Version ${OLDEST_NODE} or later is needed.` }]
}

/** Packages that may be missing. */
export const packages: Look = async () => {
  try {
    await phrases()
    return [{ about: 'words', state: 'ok', text: '@scure/bip39 is installed: seeds can be words' }]
  } catch (error) {
    const advice = '`npm install @scure/bip39`, unless the seed is in hexadecimal.'
    return [{ about: 'words', state: 'warning', text: messageOf(error), advice }]
  }
}

/** Which library does the sums. */
export const crypto: Look = async () => {
  const { name, passedOver } = (await autoWalletCrypto()).inUse
  const others = passedOver.map((each) => `${each.name}: ${each.reason.split('\n')[0]}`).join('; ')
  const text = name === 'noble' ? `the package's own crypto (${others})` : `the crypto of ${name}`
  return [{ about: 'crypto', state: 'ok', text, ...(name === 'noble' && { advice: '`npm install secp256k1` is quicker; it is not needed.' }) }] // prettier-ignore
}

/** The folder and its files, and who may read them. */
export const folder: Look = async ({ home, folder: words }) => {
  if (!home) return []
  if (!existsSync(home.path))
    return [
      {
        about: 'folder',
        state: 'wrong',
        text: `there is no ${home.path}`,
        advice: `\`hardshell wallet init${words}\``,
      },
    ]
  const files = [home.seed, home.card, ...['', '-wal', '-shm', '-owner'].map((suffix) => home.database + suffix)]
  const open = files.filter((path) => existsSync(path) && isOpenToOthers(path))
  const found: Finding[] = []
  if (!statSync(home.path).isDirectory())
    return [{ about: 'folder', state: 'wrong', text: `${home.path} is no folder` }]
  if (isOpenToOthers(home.path))
    found.push({ about: 'folder', state: 'wrong', text: `others of this machine can open ${home.path}`, advice: `\`chmod 700 ${home.path}\`` }) // prettier-ignore
  if (open.length > 0)
    found.push({ about: 'files', state: 'wrong', text: `others of this machine can read ${open.join(', ')}`, advice: `\`chmod 600 ${open.join(' ')}\`` }) // prettier-ignore
  return found.length > 0 ? found : [{ about: 'folder', state: 'ok', text: `${home.path}, for its user only` }]
}

/** Whether the seed is there, and is the wallet's. */
export const seed: Look = async ({ home }) => {
  if (!home || !existsSync(home.path)) return []
  const { fingerprint } = cardOf(home, undefined)
  const stored = existsSync(home.seed) ? readFileSync(home.seed, 'utf8') : undefined
  const text = stored ?? process.env['HARDSHELL_SEED']
  if (!text) return [{ about: 'seed', state: 'ok', text: `${fingerprint}; not stored: commands ask for it` }]
  const found = fingerprintOf(await readSeed(text))
  const where = stored === undefined ? 'in HARDSHELL_SEED' : home.seed
  if (found === fingerprint) return [{ about: 'seed', state: 'ok', text: `${fingerprint}, ${where}` }]
  return [{ about: 'seed', state: 'wrong', text: `${where} is seed ${found}, and the wallet is that of seed ${fingerprint}`, advice: 'Put the words of this wallet there, or make another folder for the other seed.' }] // prettier-ignore
}
