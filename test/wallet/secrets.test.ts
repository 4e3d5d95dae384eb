/**
 * Goal: no secret leaves by accident. Method: operations of every kind run, well and badly, with mints that repeat the
 * request in their errors; everything that is told on the way (events, explanations, errors, lists, history, the
 * inspector's feed, the log, spans and metrics, what is printed) is searched for every secret that there is in the wallet's file or went over the wire.
 */
import { inspect as inspectAny } from 'node:util'
import { expect, test, vi } from 'vitest'
import type { Log } from '../../src/kernel/index.ts'
import { recorder } from '../kits/otel-kit.ts'
import { secretsIn } from '../kits/secrets.ts'
import { bench, eventually, failure, forged, type Fault, type Opened } from '../kits/wallet-kit.ts'

/** Anything, as a debugger shows it; also what it hides, and what its getters give. */
const inspected = (value: unknown): string => {
  const wide = { depth: 12, breakLength: Infinity, compact: true }
  return inspectAny(value, wide) + inspectAny(value, { ...wide, showHidden: true, getters: true })
}

/** An error with its causes, as somebody would log it. */
const textOf = (error: unknown): string => {
  const { name, message, stack, cause, ...rest } = error as Error & { cause?: unknown }
  return `${name} ${message} ${stack ?? ''} ${JSON.stringify(rest)} ${cause === undefined ? '' : textOf(cause)}`
}

test('secrets show in no event, explanation, error, list, history, inspection, log, span, metric or print', async () => {
  const on = await bench()
  const { mintUrl } = on
  const told: string[] = []
  const tell = (value: unknown): void => void told.push(JSON.stringify(value))
  const prints = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) => vi.spyOn(console, method).mockImplementation((...said: unknown[]) => tell(said.map(String)))) // prettier-ignore
  const explained: Promise<void>[] = []
  const listen = ({ wallet }: Opened): void => {
    for (const event of ['operation', 'balance', 'quote'] as const)
      wallet.on(event, (what: object) => {
        tell(what)
        if ('id' in what) explained.push(wallet.operations.explain(what.id as string).then(tell, () => {}))
      })
  }
  const inspect = tell
  const log: Log = (level, event) => tell({ level, ...event })
  const { telemetry, spans, metrics } = recorder()
  const seed = Uint8Array.from({ length: 64 }, (_, at) => (at * 37) % 256)
  const alice = await on.open('alice', { inspect, log, telemetry, seed })
  const bob = await on.open('bob', { inspect, log, telemetry })
  const { wallet, wire } = alice
  listen(alice)
  listen(bob)
  // As hex, as JSON shows bytes, and as Node prints them.
  const secrets = new Set<string>([
    Buffer.from(seed).toString('hex'),
    JSON.stringify(seed).slice(1, 99),
    inspected(seed.slice(0, 8)).slice(15, -2),
  ])
  /** What there is to be kept secret right now; operations forget their bodies when they end. */
  const gather = async (): Promise<void> => {
    for (const name of ['alice', 'bob']) {
      const { keysets: _, ...rows } = await on.rows(name)
      secretsIn(rows, secrets)
    }
  }
  /** The mint repeats the request in its error, secrets and all. */
  const echoing: Fault = { code: 0, detail: '' }
  let lastBody = ''
  for (const { wire: each } of [alice, bob])
    each.before = async (what, body) => {
      if (body === undefined || /quote/.test(what)) return
      await gather()
      lastBody = body
      secretsIn(body, secrets)
      Object.assign(echoing, { detail: `INSERT INTO proofs VALUES ${lastBody}` })
    }

  for (const each of [wallet, bob.wallet]) await each.mints.trust(mintUrl)
  await (await wallet.mint.prepare({ mintUrl, amount: 500 })).finished()
  wire.plan = [
    [/swap/, echoing],
    [/swap/, 'lost'],
    [/swap/, 'garbled'],
  ]
  const send = await wallet.send.prepare({ mintUrl, amount: 21 })
  const { token } = await send.execute()
  secrets.add(token)
  bob.wire.plan = [
    [/swap/, echoing],
    [/swap/, 'garbled'],
  ]
  await (await bob.wallet.receive.prepare({ token })).execute()
  tell(textOf(await failure((await bob.wallet.receive.prepare({ token })).execute())))
  tell(textOf(await failure(bob.wallet.receive.prepare({ token: token.slice(0, -2) }))))
  tell(
    textOf(
      await failure(
        bob.wallet.receive
          .prepare({ token, key: 'k' })
          .then(() => bob.wallet.receive.prepare({ token: `${token}=`, key: 'k' })),
      ),
    ),
  )
  wire.plan = [
    [/swap/, echoing],
    [/swap/, echoing],
    [/swap/, echoing],
  ]
  const swap = await wallet.swap.prepare({ mintUrl, amounts: [64] })
  tell(textOf(await failure(swap.execute())))
  wire.plan = [[/melt\/bolt11$/, echoing]]
  const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })
  tell(textOf(await failure(melt.execute())))
  await (await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
  wire.plan = [
    [/swap/, 'garbled'],
    [/restore/, forged],
  ]
  const stuck = await wallet.swap.prepare({ mintUrl, amounts: [32] })
  tell(textOf(await failure(stuck.execute())))
  expect(stuck.state).toBe('exchanging.quarantined')
  wire.plan = [
    [/mint\/bolt11$/, echoing],
    [/mint\/bolt11$/, echoing],
    [/mint\/bolt11$/, echoing],
  ]
  const mint = await wallet.mint.prepare({ mintUrl, amount: 7 })
  await eventually('it is blocked', async () => (await mint.refresh()).state === 'blocked')
  await (await wallet.restore.prepare({ mintUrl })).execute()
  await gather()

  for (const { wallet: each } of [alice, bob]) {
    tell(await each.operations.list())
    tell(await each.operations.resumed())
    tell(await each.history.list())
    tell(await each.balances())
    tell(await each.mints.list())
    for (const { id } of await each.operations.list())
      tell([await each.operations.explain(id), await each.operations.steps(id), await each.operations.export(id)])
  }
  for (const name of ['alice', 'bob']) {
    const { steps = [] } = await on.rows(name)
    expect(steps.length).toBeGreaterThan(5)
    tell(steps)
  }
  // Handles and wallets end up in logs, too.
  for (const logged of [wallet, wallet.mints, wallet.operations, mint, send, swap, melt, stuck])
    told.push(JSON.stringify(logged), inspected(logged))
  // Only who asks for secrets gets them.
  expect(JSON.stringify(await wallet.operations.export(stuck.id, { secrets: true }))).toContain('"secret"')
  // A row that cannot be read has its bytes kept, and not shown.
  await on.tamper((store) => store.commit([{ patch: 'operations', key: [stuck.id], set: { snapshot: '{"secret":"' } }]))
  alice.drop()
  const again = await on.open('alice', { inspect, log, telemetry, seed })
  tell(await again.wallet.operations.resumed())
  tell(await again.wallet.operations.explain(stuck.id))
  tell(textOf(await failure(again.wallet.operations.cancel(stuck.id))))
  await Promise.all(explained)
  for (const print of prints) print.mockRestore()

  const measured = await metrics()
  tell(measured)
  expect(measured.length).toBeGreaterThan(20)
  expect(spans().length).toBeGreaterThan(60)
  for (const { name, attributes, events, links, status } of spans()) tell({ name, attributes, events, links, status })
  const text = told.join('\n')
  // Enough was said, and enough is secret, for this to mean something.
  expect(told.length).toBeGreaterThan(150)
  expect(secrets.size).toBeGreaterThan(100)
  expect(text).toContain('INSERT INTO proofs')
  const shown = [...secrets].filter((secret) => text.includes(secret))
  expect(shown).toEqual([])
})
