/** Goal: the prices are right. Method: at the limit of the first, and far from that of the second, on purpose. */
import { expect, test } from 'vitest'
import { fee, firstFree, isFree } from './prices.ts'

test('children below six are free', () => {
  expect(isFree(5)).toBe(true)
  expect(isFree(6)).toBe(false)
})

test('a small order pays a fee', () => expect(fee(1)).toBe(5))

test('the first who is free is found', async () => {
  async function* ages(): AsyncGenerator<number> {
    yield* [40, 4, 3]
    await new Promise(() => {})
  }
  expect(await firstFree(ages())).toBe(4)
})
