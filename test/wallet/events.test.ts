/**
 * Goal: events come after the commit, at most once, in this process; a listener may call the wallet, and one that
 * throws harms nothing. Method: listeners look into the file as the event comes in, call the wallet, and throw.
 */
import { execFile } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import type { OperationEvent } from '../../src/index.ts'
import { bench, eventually, money, type Bench } from '../kits/wallet-kit.ts'

const swapped = async (on: Bench, wallet: Awaited<ReturnType<Bench['open']>>['wallet']): Promise<string> => {
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  await swap.execute()
  return swap.id
}

test('created, changed, finished and failed, each in order and once, with what it is about', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const heard: OperationEvent[] = []
  wallet.on('operation', (event) => heard.push(event))
  const id = await swapped(on, wallet)
  const about = { id, kind: 'swap', mintUrl: on.mintUrl, unit: 'sat' }
  expect(heard).toMatchObject([
    { ...about, what: 'created', state: 'prepared', status: 'active', version: 1 },
    { ...about, what: 'changed', state: 'exchanging.swapping', status: 'active', version: 2 },
    { ...about, what: 'finished', state: 'swapped', status: 'done', version: 3 },
  ])
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 1 })
  await send.cancel()
  expect(heard.slice(3)).toMatchObject([
    { id: send.id, what: 'created' },
    { id: send.id, what: 'failed', state: 'cancelled' },
  ])
})

test('after the commit: whoever hears it finds it in the file', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const path = on.path()
  const compared: [number, number][] = []
  wallet.on('operation', ({ id, version }) => {
    const db = new DatabaseSync(path, { readOnly: true })
    const row = db.prepare('SELECT version FROM operations WHERE id = ?').get(id)
    db.close()
    compared.push([version, row!['version'] as number])
  })
  await swapped(on, wallet)
  await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(5) })).execute()
  expect(compared.length).toBeGreaterThan(5)
  for (const [told, stored] of compared) expect(stored).toBe(told)
})

test('not for a step that was not committed', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const heard: string[] = []
  wallet.on('operation', ({ state }) => heard.push(state))
  const other = await on.open()
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
  await (await other.wallet.send.get(send.id)).cancel()
  // Ours has not heard of it; its own try is refused.
  await send.execute().catch(() => {})
  expect(heard).toEqual(['prepared'])
})

test('balance events come where proofs changed hands, quote events where a quote did', async () => {
  const on = await bench()
  const { wallet } = await on.open()
  await wallet.mints.trust(on.mintUrl)
  const [balances, quotes]: [unknown[], unknown[]] = [[], []]
  wallet.on('balance', (event) => balances.push(event))
  wallet.on('quote', (event) => quotes.push(event))
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 64 })
  expect(balances).toEqual([])
  await mint.finished()
  expect(balances).toEqual([{ mintUrl: on.mintUrl, unit: 'sat' }])
  const about = { operationId: mint.id, mintUrl: on.mintUrl, quoteId: mint.quote.quote }
  expect(quotes).toEqual(['UNPAID', 'PAID', 'ISSUED'].map((state) => ({ ...about, state })))
  await swapped(on, wallet)
  expect(balances).toHaveLength(3)
  const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(5) })
  await melt.execute()
  expect(quotes.at(-1)).toMatchObject({ operationId: melt.id, state: 'PAID' })
})

test('a listener may call the wallet, and wait for it', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  let done: Promise<string> | undefined
  wallet.on('operation', ({ kind, what }) => {
    if (kind !== 'swap' || what !== 'finished') return
    done ??= (async () => {
      const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
      return (await send.execute()).token
    })()
  })
  await swapped(on, wallet)
  expect(await done).toMatch(/^cashuB/)
  expect(await money({ wallet })).toEqual({ spendable: 56, reserved: 0, outstanding: 8, held: 0 })
})

test('a listener that throws harms neither the operation nor the other listeners, and its error is reported', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
  const heard: string[] = []
  wallet.on('operation', () => {
    throw new Error('a listener of the test throws')
  })
  wallet.on('operation', ({ state }) => heard.push(state))
  await swapped(on, wallet)
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(heard).toEqual(['prepared', 'exchanging.swapping', 'swapped'])
  expect(complaints).toHaveBeenCalledTimes(3)
  complaints.mockRestore()
})

test('who has stopped listening hears no more', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const heard: string[] = []
  const stop = wallet.on('operation', ({ state }) => heard.push(state))
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  stop()
  await swap.execute()
  expect(heard).toEqual(['prepared'])
})

test('a handle’s subscribers see each commit of their operation, and no other’s', async () => {
  const on = await bench()
  const { wallet } = await on.funded(100)
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  const heard: string[] = []
  const stop = swap.subscribe((handle) => heard.push(handle.state))
  await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 4 })).execute()
  await swap.execute()
  await eventually('it is heard of', () => heard.includes('swapped'))
  stop()
  expect(heard.at(-1)).toBe('swapped')
  expect(heard).not.toContain('tokenCreated')
})

test('a handle’s subscriber that throws does not end the process', async () => {
  // In a process of its own: an unhandled rejection ends it.
  const at = (path: string): string => new URL(path, import.meta.url).href
  const script = `
    import { createMintServer } from '${at('../../src/mint-server/index.ts')}'
    import { openWallet } from '${at('../../src/index.ts')}'
    import { memoryStore } from '${at('../../src/store/memory.ts')}'
    const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
    const wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64) })
    await wallet.mints.trust(server.url)
    const mint = await wallet.mint.prepare({ mintUrl: server.url, amount: 8 })
    mint.subscribe(() => { throw new Error('a subscriber throws') })
    await mint.refresh()
    await mint.finished()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await wallet.close()
    await server.close()
    console.log('issued')
  `
  const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', script])
  const { stdout, stderr } = await run.catch((error: unknown) => error as { stdout: string; stderr: string })
  expect([stdout.trim(), stderr.includes('UnhandledPromiseRejection')]).toEqual(['issued', false])
})
