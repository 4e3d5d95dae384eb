/** That much crypto at once does not hold up everything else in the process: on a signatory that takes its time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Signatory, UnsignedOutput } from '../../src/mint-server/signatory/signatory.ts'
import { inTimeSlices, taker } from '../../src/mint-server/protocol/time-slices.ts'

/** Longer than anything may hold the thread. */
const HOLDS_MS = 101

/** Time passes where a test says so, however busy the machine is. */
let nowMs = 0
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => nowMs))
afterEach(() => void vi.restoreAllMocks())

const outputs = (...names: readonly string[]): UnsignedOutput[] =>
  names.map((B_) => ({ unit: 'sat', generation: 0, amount: 1, B_ }))

/** A signatory that holds the thread for each output, and what it was asked, each time with the turns of the loop by then. */
function slow() {
  const asked: { B_: string; turns: number }[] = []
  let turns = 0
  let counting = setImmediate(function count() {
    turns++
    counting = setImmediate(count)
  })
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'))
  const signatory: Signatory = {
    publicKeys: never,
    verify: never,
    async sign(items) {
      for (const { B_ } of items) {
        asked.push({ B_, turns })
        nowMs += HOLDS_MS
        if (B_ === 'bad') throw new Error('bad')
      }
      return items.map(({ B_ }) => ({ C_: `signed ${B_}`, dleq: { e: '', s: '' } }))
    },
  }
  return { signatory: inTimeSlices(signatory), asked, [Symbol.dispose]: () => clearImmediate(counting) }
}

test('the loop turns between one output and the next, of one call and of several', async () => {
  using it = slow()
  const calls = [outputs('a', 'b'), outputs('c'), outputs('d', 'e')]
  const signed = await Promise.all(calls.map((call) => it.signatory.sign(call)))
  expect(signed.map((each) => each.map(({ C_ }) => C_))).toEqual([
    ['signed a', 'signed b'],
    ['signed c'],
    ['signed d', 'signed e'],
  ])
  // Each of these takes longer than a slice: the call of which the least is left goes next.
  expect(it.asked.map(({ B_ }) => B_).join('')).toBe('abcde')
  const turns = it.asked.map((each) => each.turns)
  expect(turns.every((turn, at) => at === 0 || turn > turns[at - 1]!)).toBe(true)
})

test('calls that are short are done one after the other, and not all of them at the end', async () => {
  const done: string[] = []
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'))
  const signatory = inTimeSlices({
    publicKeys: never,
    verify: never,
    sign: async (items) => items.map(({ B_ }) => (done.push(B_), { C_: B_, dleq: { e: '', s: '' } })),
  })
  const calls = [outputs('a', 'b', 'c'), outputs(), outputs('d', 'e')]
  const signed = await Promise.all(calls.map((call) => signatory.sign(call)))
  expect(signed.map((each) => each.length)).toEqual([3, 0, 2])
  expect(done.join('')).toBe('abcde')
})

test('between pieces of work others get their turn, where the last one is a while ago', async () => {
  const turn = taker()
  let isOthers = false
  setImmediate(() => void (isOthers = true))
  await turn()
  expect(isOthers).toBe(false)
  nowMs += HOLDS_MS
  await turn()
  expect(isOthers).toBe(true)
})

test('a call that fails, or that nobody waits for any more, holds up none', async () => {
  using it = slow()
  const leave = new AbortController()
  const calls = [
    it.signatory.sign(outputs('bad', 'a')),
    it.signatory.sign(outputs('b'), leave.signal),
    it.signatory.sign(outputs('c')),
  ]
  leave.abort(new Error('left'))
  expect(await Promise.allSettled(calls)).toMatchObject([
    { status: 'rejected', reason: { message: 'bad' } },
    { status: 'rejected', reason: { message: 'left' } },
    { status: 'fulfilled', value: [{ C_: 'signed c' }] },
  ])
  expect(it.asked.map(({ B_ }) => B_)).toEqual(['bad', 'c'])
})

test('a call of many outputs lets short ones go first, and ends however many of them come', async () => {
  using it = slow()
  const ended: string[] = []
  const sign = async (name: string, count: number): Promise<void> => {
    await it.signatory.sign(outputs(...Array.from({ length: count }, (_, at) => `${name}${at}`)))
    ended.push(name)
    // Who has an answer asks again, until the long call has ended.
    if (name !== 'long' && !ended.includes('long') && ended.length < 100) await sign(name, count)
  }
  await Promise.all([sign('long', 6), sign('a', 1), sign('b', 1)])
  expect(ended.slice(0, 2).toSorted()).toEqual(['a', 'b'])
  expect(ended.length).toBeLessThan(30)
})

test('of many calls alike one ends after the other', async () => {
  using it = slow()
  let isEnded = false
  const first = it.signatory.sign(outputs('a', 'b', 'c')).then(() => (isEnded = true))
  const others = ['d', 'e', 'f'].map((name) => it.signatory.sign(outputs(`${name}0`, `${name}1`, `${name}2`)))
  await Promise.race([first, ...others])
  expect(isEnded).toBe(true)
  expect(it.asked.length).toBeLessThan(6)
  await Promise.all(others)
})
