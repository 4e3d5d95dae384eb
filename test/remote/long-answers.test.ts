/**
 * Goal: no message of a far side ends the near side's process, and each call is answered. Method: errors that repeat what they were given are
 * provoked with arguments that leave no room for the answer; a port that ended is said more to.
 */
import { expect, onTestFinished, test } from 'vitest'
import { serveWallet, type Port } from '../../src/remote/index.ts'
import { nearShapes } from '../../src/remote/messages.ts'
import { bench, failure } from '../kits/wallet-kit.ts'
import { linked } from '../kits/remote-kit.ts'

test('an error that repeats a long argument is told, in few words', async () => {
  const unhandled: unknown[] = []
  const hear = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { far } = await linked(wallet)
  const long = 'x'.repeat(4_999_700)
  for (const call of [() => far.operations.get(long), () => far.send.get(long), () => far.operations.explain(long)]) {
    const error = await failure(call())
    expect(error).toMatchObject({ code: 'NOT_FOUND', operationId: undefined })
    expect(error.message.length).toBeLessThanOrEqual(10_000)
  }
  // Cut in the middle of a character.
  expect(await failure(far.operations.get(`${'x'.repeat(9_985)}${'🥜'.repeat(20)}`))).toMatchObject({
    code: 'NOT_FOUND',
  })
  expect(await failure(far.operations.get('gone'))).toMatchObject({ code: 'NOT_FOUND', operationId: 'gone' })
  expect(unhandled).toEqual([])
})

test('nothing is left at a port that said that it ended', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const listeners = new Map<string, Set<(given: unknown) => void>>()
  const of = (event: string): Set<(given: unknown) => void> => {
    const found = listeners.get(event) ?? new Set()
    listeners.set(event, found)
    return found
  }
  const port: Port = {
    postMessage: () => {},
    on: (event, listener) => of(event).add(listener),
    off: (event, listener) => of(event).delete(listener),
  }
  const served = serveWallet(wallet, port, { allow: { balances: true } })
  expect(of('message').size).toBe(1)
  for (const end of [...of('disconnect')]) end(undefined)
  expect([...listeners.values()].map(({ size }) => size)).toEqual([0, 0, 0, 0])
  served.close()
})

test('the version of the protocol stands for its messages, too', () => {
  expect(nearShapes.role.is).toContain('crypto: a text')
})
