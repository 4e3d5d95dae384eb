/** A wallet's seed as words that a person can write down (BIP39). Needs `@scure/bip39` beside this package. */
import { generateMnemonic, mnemonicToSeed, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { HardshellError } from './kernel/util/errors.ts'

const LENGTHS = [12, 15, 18, 21, 24] as const

/**
 * A new phrase of English words, from the platform's randomness. Twelve words are 128 bits, 24 are 256.
 *
 * @throws {TypeError} naming the argument
 * @example
 * const phrase = newPhrase() // twelve words, to be shown to the person once and written down
 */
export function newPhrase(words: (typeof LENGTHS)[number] = 12): string {
  if (!LENGTHS.includes(words)) throw new TypeError(`words: one of ${LENGTHS.join(', ')}`)
  // Three words are 33 bits, of which one is the checksum's.
  return generateMnemonic(wordlist, (words / 3) * 32)
}

/**
 * The 64 bytes that `openWallet` takes as `seed` (NUT-13), as every wallet makes them of the same phrase. Letters may be
 * large, and words apart by any white space. It takes a good part of a second, on purpose.
 *
 * @throws {HardshellError} `PHRASE_INVALID` where it is no phrase of English words, or its checksum is wrong; the words
 *   stand in no message
 * @example
 * const wallet = await openWallet({ store, seed: await seedOf(phrase) })
 */
export async function seedOf(phrase: string, passphrase = ''): Promise<Uint8Array> {
  if (typeof phrase !== 'string') throw new TypeError('phrase: a text')
  if (typeof passphrase !== 'string') throw new TypeError('passphrase: a text')
  const words = phrase.normalize('NFKD').trim().toLowerCase().split(/\s+/).join(' ')
  if (!validateMnemonic(words, wordlist))
    throw new HardshellError('PHRASE_INVALID', 'a word is not of the list, is missing or stands in the wrong place')
  return mnemonicToSeed(words, passphrase)
}
