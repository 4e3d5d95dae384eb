/**
 * Goal: a phrase gives the seed that every wallet makes of it, and a wrong one is refused without being shown. Method:
 * vectors of BIP39; wallets opened with the seed.
 */
import { expect, test } from 'vitest'
import { hex } from '../../src/kernel/util/ports.ts'
import { newPhrase, seedOf } from '../../src/phrase.ts'
import { bench, failure } from '../kits/wallet-kit.ts'

const ABOUT = `${'abandon '.repeat(11)}about`

test('the seed is the one of BIP39', async () => {
  expect(hex(await seedOf(ABOUT, 'TREZOR'))).toBe(
    'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  )
  expect(await seedOf(`  ${ABOUT.toUpperCase().replaceAll(' ', '\n\t')} `)).toEqual(await seedOf(ABOUT))
})

test('a new phrase has as many words as are asked for, is another each time, and opens a wallet', async () => {
  expect(newPhrase().split(' ')).toHaveLength(12)
  expect(newPhrase(24).split(' ')).toHaveLength(24)
  expect(newPhrase()).not.toBe(newPhrase())
  expect(() => newPhrase(13 as 12)).toThrow('words: one of 12, 15, 18, 21, 24')
  const on = await bench({ stub: true })
  const seed = await seedOf(newPhrase())
  const { wallet } = await on.funded(8, 'alice', { seed })
  expect((await wallet.balances()).map(({ spendable }) => spendable.toNumber())).toEqual([8])
})

test.each([
  ['a word that is not of the list', ABOUT.replace('about', 'aboutt')],
  ['a word too few', 'abandon '.repeat(11)],
  ['a wrong checksum', `${'abandon '.repeat(11)}abandon`],
  ['nothing', ''],
])('%s is refused, and not shown', async (_, phrase) => {
  const error = await failure(seedOf(phrase))
  expect(error).toMatchObject({ code: 'PHRASE_INVALID' })
  expect(error.message).not.toContain('abandon')
})
