/** The balances at the end: the wallets' against the mint's, and every proof put to the test. */
import { existsSync, readFileSync } from 'node:fs'
import { openWallet, type OperationHandle, type Wallet } from '../../src/index.ts'
import { cameIn, figuresOf, withSuccessor, inHand, isOrWent, sumOf, type Figures } from './figures.ts'
import { Idleness, MOST_IDLE_SECONDS } from './idleness.ts'
import type { MintBalances, ReadMintBalances } from './mint-balances.ts'
import type { Lost, Plan, WalletPlace } from './plan.ts'
import { adapterOf, exists } from './stores/index.ts'

export interface Check {
  readonly what: string
  /** Of one wallet alone. */
  readonly wallet?: string
  readonly left: number
  readonly right: number
}

export const holds = ({ left, right }: Check): boolean => left === right

/** An operation as it stands at the end. */
export interface Listed {
  readonly wallet: string
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly ended: boolean
  /** Why it has not ended. */
  readonly why?: string
  /** From its first commit to its last; not known where its store was lost. */
  readonly lastedMs?: number
}

/** Figures by wallet, all together, and the mint's. */
export interface Balances {
  readonly byWallet: Readonly<Record<string, Figures>>
  readonly wallets: Figures
  readonly mint: MintBalances
}

export interface Audit {
  /** As the operations left them. */
  readonly before: Balances
  /** When all ecash had been handed to a fresh wallet. */
  readonly after: Balances
  readonly operations: readonly Listed[]
  readonly checks: readonly Check[]
  /** Rows of operations that have not ended, by id; without secrets. */
  readonly unfinished: Readonly<Record<string, unknown>>
}

const AUDITOR = 'auditor'
const POLL_EVERY_MS = 100

/**
 * Opens the wallets of a plan that is done and compares their balances with the mint's. Then each wallet sends all it has
 * to a fresh wallet, for what the mint takes there is money; and the balances are compared again.
 */
export async function audit(plan: Plan, auditorPlace: WalletPlace, readMint: ReadMintBalances): Promise<Audit> {
  await using opened = new AsyncDisposableStack()
  const open = async (place: WalletPlace): Promise<Wallet> =>
    opened.use(await openWallet({ store: await adapterOf(place), seed: Buffer.from(place.seed, 'hex') }))

  const lost = new Map<string, Lost>()
  const wallets = new Map<string, Wallet>()
  for (const [name, place] of Object.entries(plan.wallets)) {
    const { lostMarker } = place
    if (existsSync(lostMarker)) lost.set(name, JSON.parse(readFileSync(lostMarker, 'utf8')) as Lost)
    else wallets.set(name, await open(place))
  }
  const lostOf = (successor: string): [string, Lost] | undefined =>
    [...lost].find(([name]) => plan.wallets[name]!.seed === plan.wallets[successor]?.seed)

  const operations: Listed[] = [...lost.values()].flatMap((was) => was.operations)
  const quoteIds = [...lost.values()].flatMap((was) => was.quoteIds)
  const unfinished: Record<string, unknown> = {}
  for (const [wallet, { operations: all }] of wallets)
    for (const { id, kind, state, status, quoteId, createdAt, updatedAt } of await all.list()) {
      const goesOn = status !== 'done'
      const why = goesOn ? { why: (await all.explain(id)).why } : {}
      operations.push({ wallet, id, kind, state, ended: !goesOn, lastedMs: updatedAt - createdAt, ...why })
      if (goesOn) unfinished[id] = await all.export(id)
      if (quoteId !== null) quoteIds.push(quoteId)
    }

  const places: WalletPlace[] = []
  for (const place of Object.values(plan.wallets)) if (await exists(place)) places.push(place)
  const read = async (more: readonly WalletPlace[] = []): Promise<Balances> => {
    const byWallet: Record<string, Figures> = {}
    for (const [name, wallet] of wallets) {
      const [was, { figures } = { figures: undefined }] = lostOf(name) ?? []
      const now = await figuresOf(wallet)
      byWallet[was ?? name] = figures ? withSuccessor(figures, now) : now
    }
    const mint = await readMint({ places: [...places, ...more], quoteIds })
    return { byWallet, wallets: sumOf(Object.values(byWallet)), mint }
  }

  const before = await read()
  const checks = compare('at the end', before)
  for (const [successor, wallet] of wallets) {
    const [was, { figures } = { figures: undefined }] = lostOf(successor) ?? []
    const { restored } = await figuresOf(wallet)
    if (figures) checks.push({ what: `${was} lost with its store = restored`, left: inHand(figures), right: restored })
  }
  const payments = operations.filter(({ kind, state }) => kind === 'melt' && state === 'paid').length
  checks.push({ what: 'invoices paid by the mint = melts paid', left: before.mint.payments, right: payments })
  checks.push({
    what: 'paid invoices that Lightning was asked to pay again = none',
    left: before.mint.paidAgain.length,
    right: 0,
  })

  const auditor = await open(auditorPlace)
  await auditor.mints.trust(plan.mintUrl)
  for (const wallet of wallets.values()) await handOver(plan.mintUrl, wallet, auditor)
  wallets.set(AUDITOR, auditor)
  const after = await read([auditorPlace])
  checks.push(...compare('all ecash swapped once more', after))
  checks.push({
    what: 'in the hands of the fresh wallet = all there is',
    left: after.byWallet[AUDITOR]!.spendable,
    right: inHand(after.wallets),
  })
  return { before, after, operations, checks, unfinished }
}

function compare(when: string, { byWallet, wallets, mint }: Balances): Check[] {
  return [
    ...Object.entries(byWallet).map(([name, figures]) => ({
      what: `${when}, ${name}: came in = is there or went out`,
      wallet: name,
      left: cameIn(figures),
      right: isOrWent(figures),
    })),
    {
      what: `${when}: ecash out by the mint's balances = by the wallets'`,
      left: mint.issued - mint.redeemed,
      right: inHand(wallets),
    },
    {
      what: `${when}: Lightning received by the mint = issued to the wallets`,
      left: mint.received,
      right: wallets.issued,
    },
  ]
}

async function handOver(mintUrl: string, from: Wallet, to: Wallet): Promise<void> {
  const [balance] = await from.balances()
  const amount = balance?.spendable.toNumber() ?? 0
  if (amount === 0) return
  const stuck = new AbortController()
  const { signal } = stuck
  const idleness = new Idleness(mintUrl, (seconds) => {
    if (seconds >= MOST_IDLE_SECONDS) stuck.abort(new Error('the ecash is not handed over'))
  })
  for (const wallet of [from, to]) idleness.add(wallet)
  try {
    const send = await from.send.prepare({ mintUrl, amount })
    const { token } = await send.execute({ signal })
    await (await to.receive.prepare({ token })).execute({ signal })
    await finished(send, signal)
  } finally {
    idleness.end()
  }
}

/** Waits for the end of an operation, polling often. */
async function finished(handle: OperationHandle, signal: AbortSignal): Promise<void> {
  const polling = setInterval(() => void handle.refresh().catch(() => {}), POLL_EVERY_MS)
  await handle.finished({ signal }).finally(() => clearInterval(polling))
}
