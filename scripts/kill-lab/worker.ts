/**
 * A wallet process: opens the wallets of a plan, which resumes what was unfinished, and does its steps. Killed and
 * started again it does them again: the keys lead to the operations that are there. It reports every committed change.
 *
 * It says that it is ready, and opens nothing before it got its plan as a line on standard input.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { fetchTransport, openWallet, type Wallet } from '../../src/index.ts'
import { figuresOf } from './figures.ts'
import { Idleness } from './idleness.ts'
import type { Life, Lost, Report, Sight, Step } from './plan.ts'
import { sites } from './sites.ts'
import { assertEnded, doStep, ignoreClosed, trust } from './steps.ts'
import { adapterOf, exists, remove } from './stores/index.ts'

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
const watched = sites(arms, say)
const open = new Map<string, Promise<Wallet>>()
const idleness = new Idleness(mintUrl, (seconds) => say({ type: 'idle', seconds }))

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
    idleness.add(wallet)
    wallet.on('operation', ({ id }) => {
      sightOf(name, wallet, id).then((sight) => say({ type: 'changed', ...sight }), ignoreClosed)
    })
    for (const { id } of await wallet.operations.resumed())
      say({ type: 'resumed', ...(await sightOf(name, wallet, id)) })
    await trust(wallet, mintUrl)
    return wallet
  })()
  open.set(name, opening)
  return opening
}

async function restore({ wallet: from, to, key }: Extract<Step, { do: 'restore' }>): Promise<void> {
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

async function work(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const isLost = existsSync(plan.wallets[step.wallet]!.lostMarker)
    if (step.do === 'restore') await restore(step).catch(assertEnded(() => walletOf(step.to)))
    else if (!isLost) await doStep(step, mintUrl, walletOf)
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
