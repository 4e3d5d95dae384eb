/** A wallet page: opens wallets on IndexedDB, which resumes what was unfinished, and does the steps that it is given. */
import { openWallet, type Wallet } from '../../../src/index.ts'
import { indexedDbStore } from '../../../src/store/indexeddb/index.ts'
import { figuresOf, type Figures } from '../figures.ts'
import { Idleness } from '../idleness.ts'
import type { Sight, Step } from '../plan.ts'
import { doStep, ignoreClosed, trust, type WalletStep } from '../steps.ts'

export interface BrowserPlan {
  readonly mintUrl: string
  /** Seeds in hex, by name. */
  readonly wallets: Readonly<Record<string, string>>
  /** Side by side; the steps of each one after the other. */
  readonly threads: readonly (readonly WalletStep[])[]
}

/** What the wallets of a plan say of themselves. */
export interface WalletBalances {
  readonly figures: Readonly<Record<string, Figures>>
  readonly operations: readonly Sight[]
}

const open = new Map<string, Promise<Wallet>>()
/** Tells the test of every committed change. */
let report = (_: Sight): void => {}
let idleness: Idleness | undefined

async function sightOf(name: string, wallet: Wallet, id: string): Promise<Sight> {
  const { kind, state, status, underWay } = await wallet.operations.explain(id)
  return { wallet: name, id, kind, state, ended: status === 'done', underWay: underWay.length > 0 }
}

function walletOf({ mintUrl, wallets }: BrowserPlan, name: string): Promise<Wallet> {
  const there = open.get(name)
  if (there) return there
  const opening = (async () => {
    const seed = Uint8Array.from(wallets[name]!.match(/../g)!, (byte) => Number.parseInt(byte, 16))
    const wallet = await openWallet({ store: indexedDbStore({ name }), seed })
    idleness ??= new Idleness(mintUrl, (seconds) => window.idle?.(seconds))
    idleness.add(wallet)
    wallet.on('operation', ({ id }) => {
      sightOf(name, wallet, id).then((sight) => report(sight), ignoreClosed)
    })
    await trust(wallet, mintUrl)
    return wallet
  })()
  open.set(name, opening)
  return opening
}

const lab = {
  /** Opens all wallets and does all steps. */
  async live(plan: BrowserPlan): Promise<void> {
    const given = (window as { report?: typeof report }).report
    if (given) report = given
    await Promise.all(Object.keys(plan.wallets).map((name) => walletOf(plan, name)))
    await Promise.all(
      plan.threads.map(async (steps) => {
        for (const step of steps) await doStep(step, plan.mintUrl, (name) => walletOf(plan, name))
      }),
    )
  },

  async balances(plan: BrowserPlan): Promise<WalletBalances> {
    const figures: Record<string, Figures> = {}
    const operations: Sight[] = []
    for (const name of Object.keys(plan.wallets)) {
      const wallet = await walletOf(plan, name)
      figures[name] = await figuresOf(wallet)
      for (const { id } of await wallet.operations.list()) operations.push(await sightOf(name, wallet, id))
    }
    return { figures, operations }
  },

  /** Each wallet but the last pays all it has to the last: what the mint takes is money. */
  async handOver(plan: BrowserPlan): Promise<void> {
    const [...names] = Object.keys(plan.wallets)
    const to = names.pop()!
    for (const wallet of names) {
      const [balance] = await (await walletOf(plan, wallet)).balances()
      const amount = balance?.spendable.toNumber() ?? 0
      const step: Step = { do: 'pay', wallet, to, key: `all that ${wallet} had`, amount }
      if (amount > 0) await doStep(step, plan.mintUrl, (name) => walletOf(plan, name))
    }
  },
}

declare global {
  interface Window {
    readonly lab: typeof lab
    /** Told how many seconds, one after the other, were idle. */
    readonly idle?: (seconds: number) => void
  }
}
Object.assign(window, { lab })
