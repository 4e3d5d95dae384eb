/**
 * A wallet process: opens the wallets of a plan, which resumes what was unfinished, and does its steps. Killed and
 * started again it does them again: the keys lead to the operations that are there. It reports every committed change.
 *
 * It says that it is ready, and opens nothing before it got its plan as a line on standard input.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fetchTransport, HardshellError, openWallet, type OperationHandle, type Wallet } from '../../src/index.ts'
import { figuresOf } from './figures.ts'
import type { Life, Lost, Report, Sight, Step } from './plan.ts'
import { sites } from './sites.ts'
import { adapterOf, exists, remove } from './stores/index.ts'

/** How long a step waits for money that other steps hold. */
const FUNDS_PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 150

/** To a pipe this is synchronous: what was said before a kill is heard. */
const say = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`)

const line = new Promise<string>((heard) => createInterface({ input: process.stdin }).once('line', heard))
// The compiled code is kept now: a process that is killed keeps nothing.
flushCompileCache()
say({ type: 'ready' })
// Held for good: who waits for what another owner does, and for nothing else, has nothing else that keeps it alive.
process.stdin.ref()
const { plan, arms } = JSON.parse(await line) as Life
const { mintUrl } = plan
const unit = 'sat'
const watched = sites(arms, say)
const open = new Map<string, Promise<Wallet>>()

async function sightOf(name: string, wallet: Wallet, id: string): Promise<Sight> {
  const { kind, state, status, underWay } = await wallet.operations.explain(id)
  return { wallet: name, id, kind, state, ended: status === 'done', underWay: underWay.length > 0 }
}

function walletOf(name: string): Promise<Wallet> {
  const there = open.get(name)
  if (there) return there
  const opening = (async () => {
    const place = plan.wallets[name]!
    const ports = watched({ store: await adapterOf(place), transport: fetchTransport() })
    const wallet = await openWallet({ ...ports, seed: Buffer.from(place.seed, 'hex') })
    wallet.on('operation', ({ id }) => {
      sightOf(name, wallet, id).then((sight) => say({ type: 'changed', ...sight }), ignoreClosed)
    })
    for (const { id } of await wallet.operations.resumed())
      say({ type: 'resumed', ...(await sightOf(name, wallet, id)) })
    const [known] = await wallet.mints.list()
    if (!known?.info) await wallet.mints.trust(mintUrl)
    return wallet
  })()
  open.set(name, opening)
  return opening
}

function ignoreClosed(error: unknown): void {
  if (!(error instanceof HardshellError && error.code === 'CLOSED')) throw error
}

/** Waits for the end of an operation, and asks for news often. That it failed is an end, too. */
async function finished(handle: OperationHandle): Promise<void> {
  const looking = setInterval(() => void handle.refresh().catch(ignoreClosed), LOOK_EVERY_MS)
  try {
    await handle.finished()
  } catch (error) {
    if (!(error instanceof HardshellError) || error.code === 'QUARANTINED') throw error
  } finally {
    clearInterval(looking)
  }
}

/** Prepares an operation, once other steps have left enough money to it. */
async function funded<H>(prepare: () => Promise<H>): Promise<H> {
  for (const deadline = Date.now() + FUNDS_PATIENCE_MS; ; await delay(50)) {
    try {
      return await prepare()
    } catch (error) {
      const short = error instanceof HardshellError && error.code === 'INSUFFICIENT_FUNDS'
      if (!short || Date.now() > deadline) throw error
    }
  }
}

async function mint({ wallet: name, key, amount }: Of<'mint'>): Promise<void> {
  const wallet = await walletOf(name)
  await finished(await wallet.mint.prepare({ mintUrl, amount, unit, key }))
}

async function pay({ wallet: from, to, key, amount }: Of<'pay'>): Promise<void> {
  const [payer, payee] = await Promise.all([walletOf(from), walletOf(to)])
  const send = await funded(() => payer.send.prepare({ mintUrl, amount, key }))
  const { token } = await send.execute()
  const receive = await payee.receive.prepare({ token, key })
  await receive.execute()
  await finished(send)
}

async function reclaim({ wallet: name, key, amount }: Of<'reclaim'>): Promise<void> {
  const wallet = await walletOf(name)
  const send = await funded(() => wallet.send.prepare({ mintUrl, amount, key }))
  await send.execute()
  if (send.state === 'tokenCreated') await send.reclaim()
  await finished(send)
}

async function swap({ wallet: name, key, amounts }: Of<'swap'>): Promise<void> {
  const wallet = await walletOf(name)
  const swap = await funded(() => wallet.swap.prepare({ mintUrl, amounts, key }))
  await swap.execute()
}

async function melt({ wallet: name, key, request }: Of<'melt'>): Promise<void> {
  const wallet = await walletOf(name)
  const melt = await funded(() => wallet.melt.prepare({ mintUrl, request, key }))
  void melt.execute().catch(() => {}) // how it ends is looked at below
  await finished(melt)
}

async function restore({ wallet: from, to, key }: Of<'restore'>): Promise<void> {
  const place = plan.wallets[from]!
  const { lostMarker } = place
  if (!existsSync(lostMarker)) {
    const old = await walletOf(from)
    const listed = await old.operations.list()
    const operations = await Promise.all(listed.map(({ id }) => sightOf(from, old, id)))
    const quoteIds = listed.flatMap(({ quoteId }) => quoteId ?? [])
    const lost: Lost = { figures: await figuresOf(old), operations, quoteIds }
    // Renamed, for a kill must not leave half a marker.
    writeFileSync(`${lostMarker}.new`, JSON.stringify(lost))
    renameSync(`${lostMarker}.new`, lostMarker)
    await old.close()
  }
  await remove(place)
  const wallet = await walletOf(to)
  const restore = await wallet.restore.prepare({ mintUrl, key })
  await restore.execute()
}

type Of<D extends Step['do']> = Extract<Step, { do: D }>
const doing: { readonly [D in Step['do']]: (step: Of<D>) => Promise<void> } = {
  mint,
  pay,
  reclaim,
  swap,
  melt,
  restore,
}

/** An operation that has failed says so again to whoever prepares it again: its step is over. */
const assertEnded =
  (name: string) =>
  async (error: unknown): Promise<void> => {
    const id = error instanceof HardshellError ? error.operationId : undefined
    const wallet = await walletOf(name)
    if (id === undefined || (await wallet.operations.get(id)).status !== 'done') throw error
  }

async function work(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const isLost = existsSync(plan.wallets[step.wallet]!.lostMarker)
    if (step.do === 'restore' || !isLost) await doing[step.do](step as never).catch(assertEnded(step.wallet))
  }
}

try {
  const named = new Set(plan.threads.flat().flatMap((step) => ('to' in step ? [step.wallet, step.to] : [step.wallet])))
  const resume = async (name: string): Promise<void> => {
    const place = plan.wallets[name]!
    if ((await exists(place)) && !existsSync(place.lostMarker)) await walletOf(name)
  }
  await Promise.all([...named].map(resume))
  await Promise.all(plan.threads.map(work))
  for (const wallet of open.values()) await (await wallet).close()
  say({ type: 'done' })
  process.exit(0)
} catch (error) {
  say({
    type: 'error',
    message: error instanceof Error ? `${error.name} ${error.message}\n${error.stack}` : String(error),
  })
  process.exit(1)
}
