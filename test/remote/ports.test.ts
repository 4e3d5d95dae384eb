/**
 * Goal: any port carries it. Method: the same small errand is run through real ports: a channel of messages, a worker, forked processes with both
 * ways of writing messages, a broadcast channel that several share, and Electron's kind of port.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Amount } from '@cashu/cashu-ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectWallet, serveWallet, type Port, type RemoteWallet } from '../../src/remote/index.ts'
import { LONGEST_MESSAGE, newId, PROTOCOL, readFar, writeNear } from '../../src/remote/messages.ts'
import { bench, eventually, failure, type Bench } from '../kits/wallet-kit.ts'
import { EVERYTHING, linked } from '../kits/remote-kit.ts'

const near = fileURLToPath(new URL('../kits/near-process.ts', import.meta.url))
const farProcess = fileURLToPath(new URL('../kits/far-process.ts', import.meta.url))

/** Trusts, mints, sends and takes back, and hears of it. */
async function errand(far: RemoteWallet, { mintUrl }: Pick<Bench, 'mintUrl'>): Promise<string> {
  const heard: string[] = []
  far.on('operation', ({ kind, state, amount }) => {
    expect(amount).toBeInstanceOf(Amount)
    heard.push(`${kind} ${state}`)
  })
  await far.mints.trust(mintUrl)
  expect((await (await far.mint.prepare({ mintUrl, amount: 64 })).finished()).amount.toNumber()).toBe(64)
  const send = await far.send.prepare({ mintUrl, amount: 8 })
  const { token } = await send.execute()
  expect(token).toMatch(/^cashuB/)
  expect((await send.reclaim()).state).toBe('reclaimed')
  expect(await failure(far.send.prepare({ mintUrl, amount: 1000 }))).toMatchObject({ code: 'INSUFFICIENT_FUNDS' })
  expect((await far.balances()).map(({ spendable }) => spendable.toNumber())).toEqual([64])
  await eventually('all is heard', () => heard.includes('send reclaimed'))
  return 'done'
}

const plan = (on: Bench, seed: string) => ({ path: on.path('near'), seed: seed.repeat(64), allow: EVERYTHING })

const kill = (child: ChildProcess): void => void child.kill('SIGKILL')

test('a worker of Node', async () => {
  const on = await bench()
  const worker = new Worker(near, { workerData: plan(on, '01') })
  onTestFinished(async () => void (await worker.terminate()))
  await using far = await connectWallet(worker, { waitMs: 60_000 })
  expect(await errand(far, on)).toBe('done')
  const waiting = failure(far.mint.prepare({ mintUrl: on.mintUrl, amount: 1, quoteId: 'none' }))
  await worker.terminate()
  expect((await waiting).message).not.toBe('')
  await eventually('it is known to be gone', () => far.connection === 'waiting')
})

test.each(['json', 'advanced'] as const)('a forked process beside the money, %s', async (serialization) => {
  const on = await bench()
  const child = fork(near, [JSON.stringify(plan(on, '02'))], { serialization })
  onTestFinished(() => kill(child))
  await using far = await connectWallet(child, { waitMs: 60_000 })
  expect(await errand(far, on)).toBe('done')
})

test('a forked process as the far side, and again after it was killed', async () => {
  const on = await bench({ lightning: {} })
  const { wallet } = await on.open()
  await wallet.mints.trust(on.mintUrl)
  const { backend } = on.server
  const paid = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 64 })
  await backend.settle(backend.decode('bolt11', paid.quote.request)!.requestId)
  await paid.refresh()
  await paid.finished()
  const unpaid = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 3 })
  const tokens = new Set<string>()
  for (const stay of ['stay', 'stay', 'go']) {
    const child = fork(farProcess, ['the same key', stay, unpaid.id])
    onTestFinished(() => kill(child))
    const served = serveWallet(wallet, child, { allow: EVERYTHING })
    const token = await new Promise<string>((resolve) => {
      child.on('message', (given: unknown) => {
        if (typeof given === 'object' && given !== null && 'token' in given) resolve(String(given.token))
      })
    })
    tokens.add(token)
    if (stay === 'stay') kill(child)
    await once(child, 'exit')
    served.close()
  }
  expect(tokens.size).toBe(1)
})

test("a broadcast channel: several far sides, each with its own answers, and other people's messages", async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const name = newId()
  const channel = (): BroadcastChannel => {
    const opened = new BroadcastChannel(name)
    onTestFinished(() => opened.close())
    return opened
  }
  using _served = serveWallet(wallet, channel(), { allow: EVERYTHING })
  const chatter = channel()
  for (const message of ['hello', 'hardshell:', 'hardshell:{}', { data: 1 }, null, 7]) chatter.postMessage(message)
  await using one = await connectWallet(channel())
  await using other = await connectWallet(channel())
  expect(await errand(one, on)).toBe('done')
  const [all, none] = await Promise.all([
    Promise.all(Array.from({ length: 20 }, () => one.history.list({ limit: 3 }))),
    Promise.all(Array.from({ length: 20 }, () => failure(other.send.get('nobody')))),
  ])
  expect(all.every((page) => page.length === 2)).toBe(true)
  expect(none.every(({ code }) => code === 'NOT_FOUND')).toBe(true)
  // Two near sides: a far side keeps to one of them, so nothing is done twice.
  using _second = serveWallet(wallet, channel(), { allow: EVERYTHING })
  await using third = await connectWallet(channel())
  await third.send.prepare({ mintUrl: on.mintUrl, amount: 4 })
  expect((await wallet.operations.list({ state: 'prepared' })).length).toBe(1)
  expect(one.connection).toBe('open')
})

test("Electron's kind of port: an event with data, and start()", async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  /** As `MessagePortMain`: messages wait until it is started, and come as events. */
  class PortMain extends EventEmitter {
    peer: PortMain | undefined
    #waiting: string[] | undefined = []
    postMessage(message: string): void {
      setImmediate(() => this.peer?.arrive(message))
    }
    arrive(message: string): void {
      if (this.#waiting) this.#waiting.push(message)
      else this.emit('message', { data: message, ports: [] })
    }
    start(): void {
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const message of waiting) this.arrive(message)
    }
  }
  const [one, other] = [new PortMain(), new PortMain()]
  one.peer = other
  other.peer = one
  using _served = serveWallet(wallet, one, { allow: EVERYTHING })
  await using far = await connectWallet(other)
  expect(await errand(far, on)).toBe('done')
  one.emit('close')
  other.emit('close')
  expect(far.connection).toBe('waiting')
})

test('a page that is reloaded connects anew: what it had under way is waited for no more', async () => {
  const on = await bench({ stub: true, lightning: {} })
  const { wallet } = await on.open()
  const name = newId()
  const channels = [new BroadcastChannel(name), new BroadcastChannel(name), new BroadcastChannel(name)] as const
  onTestFinished(() => channels.forEach((channel) => channel.close()))
  using _served = serveWallet(wallet, channels[0], { allow: EVERYTHING })
  const before = await connectWallet(channels[1])
  await before.mints.trust(on.mintUrl)
  const mint = await before.mint.prepare({ mintUrl: on.mintUrl, amount: 4, key: 'k' })
  const waiting = failure(mint.finished())
  // It is gone without a word.
  channels[1].close()
  await using after = await connectWallet(channels[2])
  expect((await after.mint.prepare({ mintUrl: on.mintUrl, amount: 4, key: 'k' })).id).toBe(mint.id)
  await before.close()
  expect(await waiting).toMatchObject({ code: 'UNAVAILABLE' })
})

test('another version of the protocol is a clear error', async () => {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  port1.addEventListener('message', ({ data }) => {
    const hello = readFar(String(data))
    if (hello?.type === 'hello')
      port1.postMessage(writeNear({ type: 'refused', from: 'near', to: hello.from, version: PROTOCOL + 1 }))
  })
  port1.start()
  expect(await failure(connectWallet(port2))).toMatchObject({ code: 'PROTOCOL_MISMATCH' })

  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { ports } = await linked(wallet)
  const [port] = ports
  const answer = new Promise<string>((resolve) => {
    port.addEventListener('message', ({ data }) => String(data).includes('refused') && resolve(String(data)))
  })
  port.postMessage(`hardshell:{"type":"hello","from":"later","version":${PROTOCOL + 1}}`)
  expect(await answer).toContain(`"version":${PROTOCOL}`)
})

test('to the compiler, a worker and a shared worker are ports', () => {
  const portsOf = (worker: globalThis.Worker, { port }: SharedWorker): readonly Port[] => [worker, port]
  expect(portsOf).toHaveLength(2)
})

test('nobody at the other end: UNAVAILABLE, after the time that was given', async () => {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  expect(await failure(connectWallet(port2, { waitMs: 30 }))).toMatchObject({ code: 'UNAVAILABLE' })
  const signal = AbortSignal.abort(new Error('no'))
  expect(await failure(connectWallet(port2, { signal }))).toMatchObject({ message: 'no' })
  const stop = new AbortController()
  const waiting = failure(connectWallet(port2, { signal: stop.signal, waitMs: Infinity }))
  stop.abort(new Error('enough'))
  expect(await waiting).toMatchObject({ message: 'enough' })
})

test('what is too large to cross is refused on its own side', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { far } = await linked(wallet)
  const token = 'x'.repeat(LONGEST_MESSAGE)
  expect(await failure(far.receive.prepare({ token }))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
  const name = { key: 'large' }
  await wallet.kv.set(name, 'y'.repeat(LONGEST_MESSAGE))
  expect(await failure(far.kv.get(name))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
  expect(await far.balances()).toEqual([])
})

test.each([undefined, null, 'port', {}, { postMessage() {} }, { on() {} }])(
  'what is no port is refused: %o',
  async (port) => {
    const on = await bench({ stub: true })
    const { wallet } = await on.open()
    expect(() => serveWallet(wallet, port as Port, { allow: {} })).toThrow(/^port: /)
    expect((await failure(connectWallet(port as Port))).message).toMatch(/^port: /)
    expect((await failure(connectWallet(() => port as Port))).message).toMatch(/^port: /)
  },
)

describe('a time that no timer of the platform takes, which one that overflows would make a millisecond', () => {
  const LONG_MS = 2 ** 31
  const aWhile = () => new Promise((resolve) => setTimeout(resolve, 30))

  test('is waited for a near side', async () => {
    const { port1, port2 } = new MessageChannel()
    const ended: string[] = []
    const stop = new AbortController()
    const connecting = connectWallet(port1, { waitMs: LONG_MS, signal: stop.signal }).catch(() => ended.push('ended'))
    await aWhile()
    expect(ended).toEqual([])
    stop.abort()
    await connecting
    port1.close()
    port2.close()
  })

  test('goes by before the near side is asked whether it is there, and before a close gives up', async () => {
    const on = await bench()
    const { far, crossed } = await linked((await on.open()).wallet, EVERYTHING, { pingMs: LONG_MS })
    await aWhile()
    expect(crossed.filter((message) => message.includes('"ping"'))).toEqual([])
    await far.mints.trust(on.mintUrl)
    const balances = far.balances()
    await far.close({ deadlineMs: LONG_MS })
    expect(await balances).toEqual([])
  })
})
