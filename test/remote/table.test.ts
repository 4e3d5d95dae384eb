/**
 * Goal: every method of a wallet crosses, or is known not to. Method: the methods of a real wallet and of its handles, as they are found on
 * the objects, are held against the table; and the table against a digest that stands for the version of the protocol.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { VERBS } from '../../src/remote/limits.ts'
import { farShapes, nearShapes, PROTOCOL } from '../../src/remote/messages.ts'
import { table } from '../../src/remote/methods.ts'
import { events } from '../../src/remote/values.ts'
import { bench } from '../kits/wallet-kit.ts'
import { linked } from '../kits/remote-kit.ts'

/** What is the far side's own: listening, the end of the connection, what is told without being asked for. */
const OWN = ['on', 'role', 'roleReason', 'crypto', 'close', 'asyncDispose', 'subscribe', 'toJSON', 'inspect']
/** What a handle shows is told with every answer. */
const SHOWN = 'id kind state version amount asked spentElsewhere fee owed quote token reclaimed unavailable'.split(' ')

/** The public names of an object: its own, and those of its classes. */
function namesOf(value: object): string[] {
  const names = new Set<string>()
  for (let of: object | null = value; of && of !== Object.prototype; of = Object.getPrototypeOf(of) as object | null)
    for (const name of Reflect.ownKeys(of)) names.add(typeof name === 'symbol' ? (name.description ?? '') : name)
  names.delete('constructor')
  return [...names].map((name) => name.replace('Symbol.', '').replace('nodejs.util.inspect.custom', 'inspect'))
}

/** For subclasses alone. */
const PROTECTED = ['start', 'result', 'reload', 'send', 'tell', 'until']
const KINDS = ['mint', 'melt', 'receive', 'restore', 'send', 'swap'] as const

test('the table has every method of the wallet and of its handles, and no other', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  const { mintUrl } = on
  const parts = { mints: wallet.mints, operations: wallet.operations, history: wallet.history, kv: wallet.kv }
  const found = namesOf(wallet).flatMap((name) => {
    const methods = Object.entries(parts).find(([part]) => part === name)
    if (methods) return namesOf(methods[1]).map((each) => `${name}.${each}`)
    return KINDS.some((kind) => kind === name) || OWN.includes(name) ? [] : [name]
  })
  const { token } = await (await wallet.send.prepare({ mintUrl, amount: 2 })).execute()
  const handles = {
    mint: await wallet.mint.prepare({ mintUrl, amount: 2 }),
    melt: await wallet.melt.prepare({ mintUrl, request: on.invoice(2) }),
    receive: await wallet.receive.prepare({ token }),
    restore: await wallet.restore.prepare({ mintUrl }),
    send: await wallet.send.prepare({ mintUrl, amount: 2 }),
    swap: await wallet.swap.prepare({ mintUrl, amounts: [2] }),
  }
  for (const kind of KINDS)
    for (const name of [...namesOf(wallet[kind]), ...namesOf(handles[kind])])
      if (![...OWN, ...SHOWN, ...PROTECTED].includes(name)) found.push(`${kind}.${name}`)
  expect([...table.keys()].toSorted()).toEqual(found.toSorted())

  // The far side has them all, too, and no handle of it shows less.
  const { far } = await linked(wallet)
  for (const name of namesOf(wallet)) expect(namesOf(far)).toContain(name)
  for (const [name, part] of Object.entries(parts))
    expect(namesOf(Object(Reflect.get(far, name)) as object).toSorted()).toEqual(namesOf(part).toSorted())
  for (const kind of KINDS) {
    const handle = await far[kind].get(handles[kind].id)
    const wanted = namesOf(handles[kind]).filter((name) => !PROTECTED.includes(name))
    expect(namesOf(handle)).toEqual(expect.arrayContaining(wanted))
  }
})

test('every verb has a method, and every method a verb', () => {
  const verbs = new Set<string>([...table.keys()].map((name) => String(table.get(name)?.verb)))
  expect([...verbs, 'events'].toSorted()).toEqual([...VERBS].toSorted())
})

test('a change of the table is another version of the protocol', () => {
  const all = [
    ...[...table.keys()].map((name) => `${name}${table.get(name)?.is}`),
    ...[...Object.values(farShapes), ...Object.values(nearShapes)].map(({ is }) => is),
    ...Object.entries(events).map(([name, { is }]) => `${name} ${is}`),
  ].toSorted()
  const digest = createHash('sha256').update(all.join('\n')).digest('hex').slice(0, 16)
  // Where this fails, PROTOCOL goes up by one, and the digest is the new one.
  expect([PROTOCOL, digest]).toEqual([2, '48ba7f388d79a93b'])
})

test('a name that objects inherit is no method', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'balances.call', ''])
    expect(table.get(name)).toBe(undefined)
})
