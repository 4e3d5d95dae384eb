/**
 * Goal: each forgery is one, and can be told by whoever looks. Method: a signature of the stub crypto is forged in every way and
 * held against keyset, amount and proof (NUT-12); other answers are forged, and differ from the honest one.
 */
import { expect, test } from 'vitest'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import {
  forge,
  forgeriesOf,
  KEYSETS_FORGERIES,
  PAYMENT_FORGERIES,
  QUOTE_FORGERIES,
  SIGNATURE_FORGERIES,
  STATE_FORGERIES,
  unheard,
} from '../../src/testing/faults/forgery.ts'

const id = '00aaaaaaaaaaaaaa'
const keys = { 1: '1'.padStart(64, '0'), 2: '2'.padStart(64, '0') } as const
const outputs = ([1, 2] as const).map((amount) => ({ amount, id, B_: stubCrypto.hashToCurve(`B_ ${amount}`) }))
const signatures = outputs.map(({ amount, B_ }) => ({ id, amount, ...stubCrypto.sign(B_, keys[amount]) }))
const asked = JSON.stringify({ inputs: [], outputs })

type Shown = Omit<(typeof signatures)[number], 'dleq'> & { readonly dleq?: { readonly e: string; readonly s: string } }

/** What is wrong with signatures, for one who looks at all that can be seen. */
function wrongWith(shown: readonly Shown[]): string[] {
  return shown.flatMap((signature, at) => {
    const { B_, amount } = outputs[at]!
    if (signature.id !== id) return ['keyset']
    if (signature.amount !== amount) return ['amount']
    if (!signature.dleq) return ['no proof']
    const A = stubCrypto.publicKey(keys[amount])
    return stubCrypto.verifyDleq(B_, signature.C_, A, signature.dleq) ? [] : ['proof']
  })
}

test('an honest answer has nothing wrong', () => expect(wrongWith(signatures)).toEqual([]))

test.each(SIGNATURE_FORGERIES)('%s: each of the signatures can be told from the mint’s', (fault) => {
  for (const honest of [{ signatures }, { outputs, signatures }, { change: signatures }]) {
    const forged = forge({ body: JSON.stringify(honest) }, fault, asked)
    const answer = JSON.parse(forged.body) as { signatures?: Shown[]; change?: Shown[] }
    expect(wrongWith(answer.signatures ?? answer.change ?? [])).toHaveLength(2)
  }
})

const quote = { quote: '0'.repeat(32), request: 'plain:', amount: 4, unit: 'sat', state: 'UNPAID' }
const Ys = [1, 2].map((at) => stubCrypto.hashToCurve(`${at}`))
const states = Ys.map((Y) => ({ Y, state: 'SPENT' }))

test.each([
  ['/v1/keysets', KEYSETS_FORGERIES, { keysets: [{ id, unit: 'sat', active: true, input_fee_ppk: 100 }] }],
  ['/v1/checkstate', STATE_FORGERIES, { states }],
  [`/v1/mint/quote/bolt11/${quote.quote}`, QUOTE_FORGERIES, quote],
  [`/v1/melt/quote/bolt11/${quote.quote}`, PAYMENT_FORGERIES, quote],
] as const)('%s is forged in every way', (path, faults, honest) => {
  expect(forgeriesOf(path)).toEqual(faults)
  const body = JSON.stringify(honest)
  const forged = faults.map((fault) => forge({ body }, fault, JSON.stringify({ Ys })).body)
  expect(new Set([body, ...forged]).size).toBe(1 + faults.length)
})

test('an answer that leaves open what was asked is told from one that does not', () => {
  const told = (body: object): string | undefined =>
    unheard('/v1/checkstate', JSON.stringify({ Ys }), JSON.stringify(body))
  expect(told({ states })).toBeUndefined()
  expect(told({ states: states.slice(1) })).toBe('pending')
  expect(told({ states: [...states, { Y: Ys[0], state: 'UNSPENT' }] })).toBe('pending')
  expect(told({ states: [] })).toBe('nonsense')
  expect(unheard(`/v1/mint/quote/bolt11/${quote.quote}`, undefined, JSON.stringify(quote))).toBeUndefined()
  expect(unheard('/v1/mint/quote/bolt11/other', undefined, JSON.stringify(quote))).toBe('nonsense')
})
