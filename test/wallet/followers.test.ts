/**
 * Goal: of the processes of one wallet on one SQLite file one does the work, the others are wallets all the same, and one
 * of them follows within five seconds when the owner is killed. Method: real processes, a real file, a mint over HTTP.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startWire } from '../../scripts/kill-lab/wire.ts'
import type { MintHandle } from '../../src/index.ts'
import { createMintServer, type MintServer, type MintServerOptions } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { startAgent, type Agent, type AgentStage } from '../kits/agent.ts'
import { eventually } from '../kits/wallet-kit.ts'

let stack: AsyncDisposableStack
let mint: MintServer
let mintUrl: string
/** Invoices are paid at once, unless given. */
let startMint: (lightning?: MintServerOptions['lightning']) => Promise<void>
let place: { store: { path: string }; seed: string }
/** Paths of requests that are held up, and how many are. */
let holding: RegExp | undefined
let held: number

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-followers-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  place = { store: { path: join(dir, 'wallet.db') }, seed: randomBytes(64).toString('hex') }
  holding = undefined
  held = 0
  const hold = (path: string): Promise<void> | undefined => {
    if (!holding?.test(path)) return undefined
    held++
    return new Promise(() => {})
  }
  startMint = async (lightning = { autoPayMs: 0 }) => {
    mint = await createMintServer({ store: memoryStore(), lightning })
    stack.defer(() => mint.close())
    mintUrl = stack.use(await startWire(mint.url, 0, hold)).url
  }
})
afterEach(() => stack.disposeAsync())

async function start(): Promise<Agent> {
  const agent = startAgent(place)
  stack.defer(() => agent.signal('SIGKILL'))
  await agent.run(({ wallet }) => wallet.operations.resumed().then(() => {}))
  return agent
}

const role = (agent: Agent): Promise<string> => agent.run(({ wallet }) => wallet.role)

async function ownerAndFollower(lightning?: MintServerOptions['lightning']): Promise<[Agent, Agent]> {
  await startMint(lightning)
  const [owner, follower] = [await start(), await start()]
  expect(await Promise.all([owner, follower].map(role))).toEqual(['owner', 'follower'])
  return [owner, follower]
}

/** Trusts the mint, and mints. */
const funded = (agent: Agent, amount: number): Promise<string> =>
  agent.run(
    async ({ wallet }, mintUrl, amount) => {
      await wallet.mints.trust(mintUrl)
      return (await (await wallet.mint.prepare({ mintUrl, amount, unit: 'sat' })).finished()).state
    },
    mintUrl,
    amount,
  )

test('a follower prepares, executes, lists, hears and waits for the end', async () => {
  const [owner, follower] = await ownerAndFollower()
  await follower.run(({ wallet, kept }) => {
    const heard: string[] = (kept['heard'] = [])
    wallet.on('operation', ({ kind, state }) => heard.push(`${kind} ${state}`))
  })
  expect(await funded(follower, 100)).toBe('issued')
  const sent = await follower.run(async ({ wallet }, mintUrl) => {
    const send = await wallet.send.prepare({ mintUrl, amount: 21 })
    const { token } = await send.execute()
    return { id: send.id, token: token.slice(0, 5), state: send.state }
  }, mintUrl)
  expect(sent).toMatchObject({ token: 'cashu', state: 'tokenCreated' })
  const seen = ({ wallet }: AgentStage): Promise<unknown> =>
    Promise.all([
      wallet.operations.list().then((all) => all.map(({ kind, state }) => `${kind} ${state}`)),
      wallet.balances().then(([sat]) => sat!.spendable.toNumber()),
      wallet.history.list().then((all) => all.length),
    ])
  const expected = [['send tokenCreated', 'mint issued'], 79, 2]
  expect(await follower.run(seen)).toEqual(expected)
  expect(await owner.run(seen)).toEqual(expected)
  // Its own steps and the owner's.
  const heard = (): Promise<string[]> => follower.run(({ kept }) => kept['heard'] as string[])
  await eventually('it heard', async () => (await heard()).includes('send tokenCreated'))
  expect(await heard()).toEqual(expect.arrayContaining(['mint issued', 'send prepared']))
  expect(await role(follower)).toBe('follower')
})

test('an owner that is killed in the middle of a request is followed, and the operation ends', async () => {
  const [owner, follower] = await ownerAndFollower()
  await funded(owner, 100)
  holding = /\/v1\/swap$/
  const id = await follower.run(async ({ wallet, kept }, mintUrl) => {
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [32, 16] })
    kept['end'] = swap.execute()
    return swap.id
  }, mintUrl)
  await eventually('the request is under way', () => held === 1)
  holding = undefined
  owner.signal('SIGKILL')
  const end = await follower.run(async ({ wallet, kept }) => [await kept['end'], wallet.role])
  expect(end).toMatchObject([{ id, state: 'swapped' }, 'owner'])
  const { issued, redeemed } = (await mint.mint.balanceSheet()).units['sat']!
  expect(issued - redeemed).toBe(100)
})

test('a follower that is asked to look asks the mint itself, and the owner goes on with what it heard', async () => {
  const [owner, follower] = await ownerAndFollower({})
  await owner.run(({ wallet }, mintUrl) => wallet.mints.trust(mintUrl).then(() => {}), mintUrl)
  // The owner's own question is never answered.
  holding = /\/v1\/mint\/quote\/bolt11\/./
  const request = await follower.run(async ({ wallet, kept }, mintUrl) => {
    const mint = await wallet.mint.prepare({ mintUrl, amount: 5, unit: 'sat' })
    while ((await wallet.operations.get(mint.id)).state !== 'unpaid')
      await new Promise((resolve) => setTimeout(resolve, 5))
    kept['mint'] = await wallet.mint.get(mint.id)
    return (kept['mint'] as MintHandle).quote.request
  }, mintUrl)
  await eventually('the owner asks', () => held === 1)
  holding = undefined
  await mint.backend.settle(mint.backend.decode('bolt11', request)!.requestId)
  expect(
    await follower.run(async ({ kept }) => {
      const mint = kept['mint'] as MintHandle
      await mint.refresh()
      return (await mint.finished()).state
    }),
  ).toBe('issued')
  expect(held).toBe(1)
})

test('an operation that waits for trust goes on in the owner when a follower trusts the mint', async () => {
  const [owner, follower] = await ownerAndFollower()
  await funded(owner, 100)
  const state = await owner.run(async ({ wallet, kept }, mintUrl) => {
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [8] })
    await wallet.mints.distrust(mintUrl)
    kept['end'] = swap.execute()
    while (!(await wallet.operations.explain(swap.id)).laneClosed)
      await new Promise((resolve) => setTimeout(resolve, 10))
    return (await wallet.operations.get(swap.id)).state
  }, mintUrl)
  expect(state).not.toBe('swapped')
  await follower.run(({ wallet }, mintUrl) => wallet.mints.trust(mintUrl).then(() => {}), mintUrl)
  expect(await owner.run(async ({ kept }) => kept['end'])).toMatchObject({ state: 'swapped' })
})
