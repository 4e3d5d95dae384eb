/** Goal: a quote ends when the mint's clock says so, however wrong the wallet's clock is. */
import { describe, expect, test } from 'vitest'
import { expiresAtMs } from '../../src/cashu/mint-time.ts'

const MINT_NOW_MS = 1_750_000_000_000
const IN_TEN_MINUTES_S = MINT_NOW_MS / 1000 + 600
const TWO_HOURS_MS = 2 * 3_600_000

describe('the end of a quote in local time', () => {
  test.each([
    ['right', 0],
    ['two hours fast', TWO_HOURS_MS],
    ['two hours slow', -TWO_HOURS_MS],
    ['in another year', -400 * 86_400_000],
  ])('is ten minutes away on a clock that is %s', (_, skewMs) => {
    const nowMs = MINT_NOW_MS + skewMs
    expect(expiresAtMs({ expiryS: IN_TEN_MINUTES_S, mintNowMs: MINT_NOW_MS, nowMs })).toBe(nowMs + 600_000)
  })

  test('goes by when the quote was made where the answer has no date', () => {
    const nowMs = MINT_NOW_MS + TWO_HOURS_MS
    const createdAtS = MINT_NOW_MS / 1000
    const quote = { expiryS: IN_TEN_MINUTES_S, mintNowMs: undefined, createdAtS, nowMs }
    expect(expiresAtMs(quote)).toBe(nowMs + 600_000)
    expect(expiresAtMs({ ...quote, mintNowMs: MINT_NOW_MS + 60_000 })).toBe(nowMs + 540_000)
  })

  test('goes by the local clock where nothing else tells, and is not believed where it is over at once', () => {
    const quote = { expiryS: IN_TEN_MINUTES_S, mintNowMs: undefined }
    expect(expiresAtMs({ ...quote, nowMs: MINT_NOW_MS })).toBe(MINT_NOW_MS + 600_000)
    expect(expiresAtMs({ ...quote, nowMs: MINT_NOW_MS + TWO_HOURS_MS })).toBeUndefined()
  })

  test('that is over by the mint’s own clock is over', () => {
    const expiryS = MINT_NOW_MS / 1000 - 5
    expect(expiresAtMs({ expiryS, mintNowMs: MINT_NOW_MS, nowMs: 1_000_000 })).toBe(995_000)
  })

  test.each([null, undefined, 0, -1, Number.NaN, Infinity, 2 ** 53])(
    'is not there where the mint says %s',
    (expiryS) => {
      expect(expiresAtMs({ expiryS, mintNowMs: MINT_NOW_MS, nowMs: MINT_NOW_MS })).toBeUndefined()
    },
  )
})
