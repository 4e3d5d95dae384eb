import { expect, test } from 'vitest'
import * as all from '../src/cashu/codes.ts'

const { codes, ...predicates } = all

/** Which predicates hold for a code, by name. */
const said = (code: number) =>
  Object.entries(predicates)
    .filter(([, holds]) => holds(code))
    .map(([name]) => name)
    .sort()

test('each code leads where it should', () => {
  const ways = {
    11001: ['isSpent'],
    11002: ['isPending'],
    11003: ['isAlreadySigned'],
    11004: ['isAlreadySigned', 'isPending'],
    11005: ['isUnbalancedOrFee'],
    11008: ['isAlreadySigned'],
    12001: ['isKeysetGone'],
    12002: ['isKeysetGone'],
    12003: ['isKeysetGone'],
    20001: ['isQuoteNotPaid'],
    20002: ['isQuoteIssued'],
    20005: ['isPending', 'isQuotePending'],
    20006: ['isAlreadySigned'],
    // As Nutshell said it once.
    2001: ['isQuoteNotPaid'],
    10002: ['isAlreadySigned'],
  }
  for (const [code, names] of Object.entries(ways)) expect(said(Number(code)), code).toEqual(names)
  const others = [0, ...Object.values(codes)].filter((code) => !(code in ways))
  for (const code of others) expect(said(code), `${code}`).toEqual([])
})

test('no code has two names', () => {
  expect(new Set(Object.values(codes)).size).toBe(Object.keys(codes).length)
})
