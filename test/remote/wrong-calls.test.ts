/**
 * Goal: a wrong call on the far side is answered as on the near side. Method: odd values in the place of arguments and options, on both
 * sides; both resolve, or both reject: with the same code, or with a TypeError.
 */
import { expect, test } from 'vitest'
import { HardshellError, type Wallet } from '../../src/index.ts'
import { connectWallet, serveWallet, type ServeOptions } from '../../src/remote/index.ts'
import { odd } from '../kits/odd-values.ts'
import { bench } from '../kits/wallet-kit.ts'
import { linked } from '../kits/remote-kit.ts'

/** `never`, so that any value may stand there. */
const calls: Readonly<Record<string, (wallet: Wallet, value: never, mintUrl: string) => unknown>> = {
  'send.prepare': (wallet, value) => wallet.send.prepare(value),
  'send.prepare amount': (wallet, amount, mintUrl) => wallet.send.prepare({ mintUrl, amount }),
  'send.prepare memo': (wallet, memo, mintUrl) => wallet.send.prepare({ mintUrl, amount: 1, memo }),
  'send.prepare unit': (wallet, unit, mintUrl) => wallet.send.prepare({ mintUrl, amount: 1, unit }),
  'mint.prepare': (wallet, value) => wallet.mint.prepare(value),
  'mint.prepare signal': (wallet, signal, mintUrl) => wallet.mint.prepare({ mintUrl, amount: 1, signal }),
  'melt.prepare': (wallet, value) => wallet.melt.prepare(value),
  'melt.prepare request': (wallet, request, mintUrl) => wallet.melt.prepare({ mintUrl, request }),
  'swap.prepare amounts': (wallet, amounts, mintUrl) => wallet.swap.prepare({ mintUrl, amounts }),
  'receive.prepare token': (wallet, token) => wallet.receive.prepare({ token }),
  'restore.prepare': (wallet, value) => wallet.restore.prepare(value),
  'send.get': (wallet, id) => wallet.send.get(id),
  'history.get': (wallet, id) => wallet.history.get(id),
  'history.list': (wallet, page) => wallet.history.list(page),
  'history.list limit': (wallet, limit) => wallet.history.list({ limit }),
  'history.list direction': (wallet, direction) => wallet.history.list({ direction }),
  'operations.list': (wallet, filter) => wallet.operations.list(filter),
  'operations.list status': (wallet, status) => wallet.operations.list({ status }),
  'operations.explain': (wallet, id) => wallet.operations.explain(id),
  'operations.export': (wallet, id) => wallet.operations.export(id),
  'mints.get': (wallet, url) => wallet.mints.get(url),
  'mints.refresh': (wallet, signal, mintUrl) => wallet.mints.refresh(mintUrl, signal),
  'kv.get': (wallet, name) => wallet.kv.get(name),
  'kv.set': (wallet, value) => wallet.kv.set({ key: 'a' }, value),
  'kv.change': (wallet, changes) => wallet.kv.change(changes),
  on: (wallet, event) => wallet.on(event, () => {})(),
  'on listener': (wallet, listener) => wallet.on('balance', listener)(),
  close: (wallet, deadlineMs) => wallet.close({ deadlineMs: deadlineMs ?? 'none' }),
}

/** What comes of a call, in a word. */
async function outcome(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'fine'
  } catch (error) {
    if (error instanceof HardshellError) return error.code
    return error instanceof TypeError ? 'TypeError' : String(error)
  }
}

test('odd values in every place: both sides answer alike', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(1000)
  const { far } = await linked(wallet)
  const differ: string[] = []
  for (const [name, call] of Object.entries(calls))
    for (const value of odd) {
      if (name === 'close' && typeof value === 'number' && !Number.isNaN(value)) continue
      const [here, there] = [
        await outcome(() => call(wallet, value as never, on.mintUrl)),
        await outcome(() => call(far, value as never, on.mintUrl)),
      ]
      // What is no text at all the far side names as the argument, whatever code the wallet has for it.
      const named = there === 'TypeError' && here !== 'fine'
      if (here !== there && !named) differ.push(`${name} ${String(value)}: ${here}, ${there}`)
    }
  expect(differ).toEqual([])
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 1 })
  const handle = await far.send.get(send.id)
  // An object without options is a call that waits.
  const isNone = (value: unknown): boolean => typeof value !== 'object' || value === null || Array.isArray(value)
  for (const value of odd.filter((each) => each !== undefined && isNone(each))) {
    expect(await outcome(() => handle.finished(value as never)), String(value)).toBe('TypeError')
    expect(await outcome(() => handle.subscribe((typeof value === 'function' ? 1 : value) as never))).toBe('TypeError')
  }
})

test('odd options of the two sides are named', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { port1, port2 } = new MessageChannel()
  const serve = (options: unknown): unknown => serveWallet(wallet, port1, options as ServeOptions)
  expect(() => serve(undefined)).toThrow('options: an object')
  expect(() => serve({ allow: {}, typo: 1 })).toThrow('typo: not among')
  expect(() => serve({ allow: {}, onError: 1 })).toThrow('onError: a function')
  expect(() => serveWallet({} as Wallet, port1, { allow: {} })).toThrow('wallet: has no on()')
  for (const [options, message] of [
    [{ typo: 1 }, 'typo: not among'],
    [{ waitMs: -1 }, 'waitMs: milliseconds'],
    [{ pingMs: 0 }, 'pingMs: milliseconds'],
    [{ signal: 1 }, 'signal: an AbortSignal'],
    [7, 'options: an object'],
  ] as const)
    await expect(connectWallet(port2, options as object)).rejects.toThrow(message)
  port1.close()
})
