/**
 * Goal: a hostile far side reaches nothing beyond `allow`, and brings nothing down. Method: fast-check draws messages, from bytes without
 * sense to calls that are nearly right, with names that objects inherit in every place; the near side's wallet counts which of its methods
 * are called. After all of it the same connection still answers.
 */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Wallet } from '../../src/index.ts'
import { connectWallet, serveWallet, type Port } from '../../src/remote/index.ts'
import { EventQueue } from '../../src/remote/event-queue.ts'
import { LONGEST_MESSAGE, PROTOCOL, readFar, readNear } from '../../src/remote/messages.ts'
import { table } from '../../src/remote/methods.ts'
import { MOST_LISTENED } from '../../src/remote/serve.ts'
import { bench } from '../kits/wallet-kit.ts'

const RUNS = 5_000
const EVIL = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'valueOf',
  '__defineGetter__',
]

/** A port that a test speaks through. */
function hostile() {
  let hear: (given: unknown) => void = () => {}
  const said: string[] = []
  const port: Port = {
    postMessage: (message) => void said.push(message),
    on: (event, listener) => {
      if (event === 'message') hear = listener
    },
    off: () => {},
  }
  return { port, said, say: (given: unknown) => hear(given) }
}

const evilName = fc.constantFrom(...EVIL)
const anyName = fc.oneof(evilName, fc.string(), fc.constantFrom(...table.keys()))
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, -1, 1e308, '', 'x', 2 ** 53),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(anyName, tie('value')), { maxLength: 4 })
      // As JSON has it: `__proto__` is a property like any other.
      .map((entries) => Object.fromEntries(entries) as unknown),
  ),
})).value
/** Arguments that are nearly right. */
const someArgs = fc.oneof(
  anyJson,
  fc.record(
    {
      id: fc.oneof(fc.constant('nobody'), evilName, anyJson),
      mintUrl: fc.oneof(fc.constant('https://a.example'), anyJson),
      amount: fc.oneof(fc.nat(), anyJson),
      key: fc.oneof(fc.string(), anyJson),
      name: anyJson,
      primary: anyJson,
      value: anyJson,
      changes: anyJson,
      limit: anyJson,
      before: anyJson,
      token: anyJson,
      request: anyJson,
      signal: anyJson,
      privateKey: anyJson,
      secrets: fc.constant(true),
    },
    { requiredKeys: [] },
  ),
)
/** Messages that are right, or wrong in one place. */
function messages(near: string): fc.Arbitrary<object> {
  const of = <T>(type: string, fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
    fc.record({ type: fc.constant(type), from: fc.constant('far'), to: fc.constant(near), ...fields })
  const right = fc.oneof(
    of('hello', { version: fc.constant(PROTOCOL) }),
    {
      weight: 6,
      arbitrary: of('call', {
        n: fc.nat(99),
        method: fc.oneof(fc.constantFrom('history.list', 'kv.get', 'kv.set', 'send.get', 'melt.execute'), anyName),
        args: fc.oneof(fc.constant({}), someArgs),
        hasSignal: fc.boolean(),
      }),
    },
    of('abort', { n: fc.nat(99) }),
    of('listen', {
      begin: fc.array(fc.oneof(fc.constantFrom('operation', 'balance', 'id:1'), evilName, fc.string())),
      end: fc.array(anyName),
    }),
    of('heard', { at: fc.integer() }),
    of('ping', {}),
  )
  const fields = ['type', 'from', 'to', 'n', 'method', 'args', 'hasSignal', 'begin', 'end', 'at', 'version', ...EVIL]
  const changes = fc.array(fc.tuple(fc.constantFrom(...fields), fc.oneof(evilName, anyJson)), { maxLength: 1 })
  return fc
    .tuple(right, changes)
    .map(([message, changed]) => Object.fromEntries([...Object.entries(message), ...changed]) as object)
}

/** A wallet that counts which of its methods are called, by their names in the table. */
function counting(wallet: Wallet, called: Set<string>): Wallet {
  const counted = <T extends object>(of: T, path: string): T =>
    new Proxy(of, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        const full = `${path}${String(name)}`
        if (typeof value === 'function')
          return (...args: unknown[]): unknown => {
            called.add(full)
            return Reflect.apply(value, target, args)
          }
        return typeof value === 'object' && value !== null ? counted(value, `${full}.`) : value
      },
    })
  return counted(wallet, '')
}

const prototypes = (): string =>
  JSON.stringify(
    [Object.prototype, Array.prototype, Function.prototype, String.prototype].map((each) =>
      Object.getOwnPropertyNames(each),
    ),
  )

test(`${RUNS} hostile messages: no crash, no call outside allow, nothing is polluted`, async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const called = new Set<string>()
  const errors: unknown[] = []
  const { port, said, say } = hostile()
  using _served = serveWallet(counting(wallet, called), port, {
    allow: { history: true, kv: { primary: 'ui' } },
    onError: (error) => void errors.push(error),
  })
  const uncaught: unknown[] = []
  const catching = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', catching).on('unhandledRejection', catching)
  onTestFinished(() => void process.off('uncaughtException', catching).off('unhandledRejection', catching))
  const before = prototypes()
  const near = readNear(said[0]!)!.from
  const hello = (): void => say(`hardshell:${JSON.stringify({ type: 'hello', from: 'far', version: PROTOCOL })}`)
  const written = messages(near).map((each) => `hardshell:${JSON.stringify(each)}`)
  const raw = fc.oneof(
    { weight: 8, arbitrary: written },
    { weight: 1, arbitrary: fc.string().map((text) => `hardshell:${text}`) },
    { weight: 1, arbitrary: fc.anything() },
  )
  let count = 0
  await fc.assert(
    fc.asyncProperty(raw, async (given) => {
      hello()
      say(given)
      say({ data: given })
      if (++count % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }),
    { numRuns: RUNS },
  )
  say(`hardshell:${'['.repeat(1_000_000)}`)
  say(`hardshell:${JSON.stringify({ type: 'call', from: 'far', to: near, n: 1, method: 'kv.set', hasSignal: false, args: { name: { primary: 'ui', key: 'a' }, value: JSON.parse(`${'['.repeat(5_000)}1${']'.repeat(5_000)}`) as unknown } })}`) // prettier-ignore
  say(`hardshell:${'x'.repeat(LONGEST_MESSAGE)}`)
  await new Promise((resolve) => setTimeout(resolve, 100))

  expect(uncaught).toEqual([])
  expect(errors).toEqual([])
  expect(prototypes()).toBe(before)
  expect(Object.keys({})).toEqual([])
  const allowed = new Set([
    'on',
    ...[...table.keys()].filter((name) => ['history', 'kv'].includes(table.get(name)!.verb)),
  ])
  expect([...called].filter((name) => !allowed.has(name))).toEqual([])
  // The drawn calls got through to what is allowed, and to what is refused.
  expect(called.has('history.list')).toBe(true)
  const answers = said.map((each) => readNear(each))
  expect(answers.every((each) => each !== undefined)).toBe(true)
  expect(answers.filter((each) => each?.type === 'failed').length).toBeGreaterThan(100)
  // Still there.
  const from = said.length
  hello()
  say(
    `hardshell:${JSON.stringify({ type: 'call', from: 'far', to: near, n: 77, method: 'history.list', args: {}, hasSignal: false })}`,
  )
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(said.slice(from).map((each) => readNear(each))).toContainEqual(
    expect.objectContaining({ type: 'result', n: 77, value: [] }),
  )
})

test('no more calls, connections and subscriptions than there may be', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  let waiting = 0
  Object.assign(wallet, {
    balances: () => {
      waiting++
      return new Promise(() => {})
    },
  })
  const { port, said, say } = hostile()
  using _served = serveWallet(wallet, port, { allow: { balances: true, events: true } })
  const near = readNear(said[0]!)!.from
  const tell = (content: object): void => say(`hardshell:${JSON.stringify({ to: near, ...content })}`)
  tell({ type: 'hello', from: 'far', version: PROTOCOL })
  for (let n = 0; n < 1000; n++) tell({ type: 'call', from: 'far', n, method: 'balances', args: {}, hasSignal: false })
  // One number twice is one call.
  tell({ type: 'call', from: 'far', n: 0, method: 'balances', args: {}, hasSignal: false })
  await new Promise((resolve) => setImmediate(resolve))
  expect(waiting).toBe(256)
  expect(said.filter((each) => each.includes('TOO_MANY_CALLS')).length).toBe(1000 - 256)
  const begin = Array.from({ length: 3 * MOST_LISTENED }, (_, at) => `id:${at}`)
  tell({ type: 'listen', from: 'far', begin, end: [] })
  tell({ type: 'listen', from: 'far', begin: ['x'.repeat(100_000)], end: [] })
  // Others come: beyond so many, the one that is silent longest is forgotten.
  for (let at = 0; at < 100; at++) tell({ type: 'hello', from: `other ${at}`, version: PROTOCOL })
  said.length = 0
  tell({ type: 'ping', from: 'far' })
  tell({ type: 'ping', from: 'other 99' })
  tell({ type: 'ping', from: 'x'.repeat(1000) })
  expect(said.map((each) => readNear(each)?.type)).toEqual(['unknown', 'pong'])
})

test('back-pressure: who does not listen gets no more, and then of each thing the newest', () => {
  const sent: [at: number, value: unknown][] = []
  const queue = new EventQueue((at, { value }) => void sent.push([at, value]))
  for (let n = 0; n < 10_000; n++) queue.push({ event: 'operation', about: `op ${n % 100}`, value: n })
  expect(sent.length).toBe(64)
  queue.heard(1_000)
  queue.heard(-1)
  expect(sent.length).toBe(64)
  queue.heard(64)
  queue.heard(128)
  expect(sent.slice(64).map(([, value]) => value)).toEqual(Array.from({ length: 100 }, (_, at) => 9_900 + at))
  expect(sent.map(([at]) => at)).toEqual(Array.from({ length: 164 }, (_, at) => at + 1))
  // However many things there are, so many wait.
  const wide = new EventQueue((at, { value }) => void sent.push([at, value]))
  sent.length = 0
  for (let n = 0; n < 5_000; n++) wide.push({ event: 'operation', about: `op ${n}`, value: n })
  for (let at = 64; at < 6_000; at += 64) wide.heard(at)
  wide.heard(sent.length)
  expect(sent.length).toBe(64 + 1_000)
  expect(sent.at(-1)?.[1]).toBe(4_999)
})

test('a far side takes no harm from what others say on its channel', async () => {
  const uncaught: unknown[] = []
  const catching = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', catching).on('unhandledRejection', catching)
  onTestFinished(() => void process.off('uncaughtException', catching).off('unhandledRejection', catching))
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => reported.mockRestore())
  const { port, said, say } = hostile()
  const connecting = connectWallet(port, { pingMs: 60_000 })
  await new Promise((resolve) => setImmediate(resolve))
  const { from: to } = readFar(said[0]!)!
  const tell = (content: object): void => say(`hardshell:${JSON.stringify({ from: 'near', to, ...content })}`)
  tell({ type: 'welcome', verbs: ['balances', 'nonsense', '__proto__', 'events'] })
  const far = await connecting
  expect(far.allowed).toEqual(['balances', 'events'])
  far.on('balance', () => {
    throw new Error('it is not called')
  })
  const answers: readonly object[] = [
    { type: 'failed', error: 7 },
    { type: 'failed', error: { name: '__proto__', message: 1 } },
    { type: 'result', value: { constructor: 1 } },
    { type: 'result', value: [{ mintUrl: 'a' }] },
  ]
  for (const [at, answer] of answers.entries()) {
    const asked = far.balances().catch((error: unknown) => error)
    tell({ ...answer, n: at + 1, from: 'somebody else' })
    tell({ ...answer, n: at + 1 })
    expect(await asked).toMatchObject({ code: 'DEFECT' })
  }
  for (const noise of [
    { type: 'event', at: 1, event: 'balance', value: 3 },
    { type: 'role', role: 'king' },
    { type: 1 },
  ])
    tell(noise)
  await fc.assert(
    fc.asyncProperty(anyJson, async (value) => {
      tell({ type: 'event', at: 2, event: '__proto__', value })
      say(`hardshell:${JSON.stringify(value)}`)
      say(value)
    }),
    { numRuns: 1_000 },
  )
  expect(far.connection).toBe('open')
  expect(far.role).toBe('pending')
  await far.close()
  expect(uncaught).toEqual([])
  expect(reported).toHaveBeenCalledTimes(1)
})
