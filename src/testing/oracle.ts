/**
 * The oracle: what must hold when the last fault is over, against the mint's own books. What must hold at every moment
 * is the witness's to say.
 */
import type { MintCrypto, WalletCrypto } from '../cashu/crypto.ts'
import type { OperationRow } from '../kernel/operation.ts'
import type { CounterRow, OutputRow, ProofRow } from '../wallet/tables.ts'
import type { Dump } from '../store/memory.ts'
import type { AtomicMint } from './atomic-mint.ts'
import type { Wire } from './faulty-mint.ts'

/** What must hold, by the word with which a violation begins; in order of the seven invariants, then the other rules. */
export const invariants = {
  /** 1. What the mint owes is what the wallet and others have. */
  conservation: 'money is neither lost nor invented',
  /** 1. Money counts where the mint takes it. */
  worthless: 'the mint takes every spendable proof',
  /** 2. And a payment is asked for no more often than was written down before. */
  'paid twice': 'one intent, one payment',
  /** 3. */
  reuse: 'no counter and no secret is used twice',
  /** 4. Every operation has a next event, a deadline, or somebody who is to decide; every reservation an operation. */
  stuck: 'every operation has a next event, a deadline, or somebody who is to decide',
  stranded: 'what is reserved or sent belongs to an operation that will see to it',
  /** 5. */
  convergence: 'it comes to an end within so many commits, requests and waits',
  /** 6. */
  restless: 'a second recovery writes nothing but attempt and owner',
  /** 7. */
  release: 'money is given back only where it can be spent by nothing that was sent (rule 4)',
  /** Rule 3. */
  unrecorded: 'what is sent was stored before',
  /** Rule 12. */
  'start-up': 'nothing waits for the mint, and what is unfinished is asked about together',
  /** Rule 13. */
  trust: 'only mints that are trusted hear of us',
  /** What callers are promised. */
  failed: 'a caller gets what it asked for, or an error that it was told of',
} as const

export type Invariant = keyof typeof invariants

/** What is wrong: the invariant's name, and how it was broken. */
export type Breach = `${Invariant}: ${string}`

/** A proof that somebody other than the wallet has. */
export interface ForeignProof {
  readonly Y: string
  readonly amount: number
}

/** A world of the wallet: its rows, what its caller wrote down, and the network. */
export interface WalletWorld extends Pick<Wire, 'late' | 'melts'> {
  readonly wallet: Dump
  readonly notes: Readonly<Record<string, unknown>>
}

export interface Verdict {
  readonly violations: readonly Breach[]
  /** Sums of live money, in the unit. */
  readonly sums: { readonly mint: number; readonly wallet: number; readonly foreign: number }
}

/**
 * Compares the wallet's rows with the mint's books. Money counts where the mint itself takes it: every spendable proof
 * is spent in one last swap, which must succeed.
 */
export async function judge(of: {
  world: WalletWorld
  mint: AtomicMint
  crypto: WalletCrypto & MintCrypto
  /** Quarantine is the right end of this scenario. */
  mayQuarantine?: boolean
}): Promise<Verdict> {
  const { world, mint, crypto } = of
  const violations: Breach[] = []
  for (const { method, path, body } of world.late) await mint.handle(method, path, body)
  const proofs = (world.wallet['proofs'] ?? []) as unknown as ProofRow[]
  const foreign = ((world.notes['foreign'] ?? []) as ForeignProof[]).filter(
    ({ Y }) => !proofs.some((proof) => proof.Y === Y && proof.state !== 'spent'),
  )
  // Of what another device spent the wallet may not have heard.
  const robbed = (world.notes['robbed'] ?? []) as readonly string[]
  const live = proofs.filter(({ Y, state }) => state !== 'spent' && !(state === 'spendable' && robbed.includes(Y)))
  const states = await statesOf(mint, [...live, ...foreign].map(({ Y }) => Y)) // prettier-ignore
  for (const { Y, state, amount } of live) {
    const at = states.get(Y)
    if (at === 'SPENT' && (state === 'spendable' || state === 'reserved'))
      violations.push(`release: a ${state} proof of ${amount} is spent at the mint`)
  }
  const sum = (rows: readonly { Y: string; amount: number }[]): number =>
    rows.reduce((total, { Y, amount }) => total + (states.get(Y) === 'SPENT' ? 0 : amount), 0)
  const books = await mint.books()
  const outstanding = Object.values(books.units).reduce((total, unit) => total + unit.outstanding, 0)
  const sums = { mint: outstanding, wallet: sum(live), foreign: sum(foreign) }
  if (sums.mint !== sums.wallet + sums.foreign)
    violations.push(`conservation: the mint owes ${sums.mint}; the wallet has ${sums.wallet}, others ${sums.foreign}`)
  for (const [hash, { paid }] of Object.entries(books.payments))
    if (paid > 1) violations.push(`paid twice: invoice ${hash.slice(0, 8)} was paid ${paid} times`)
  violations.push(...counters(world, proofs))
  const operations = (world.wallet['operations'] ?? []) as unknown as OperationRow[]
  for (const { kind, state, snapshot } of operations) {
    if (state.endsWith('quarantined') && !of.mayQuarantine) violations.push(`stuck: ${kind} quarantined`)
    if (kind !== 'melt') continue
    const { quoteId, sends } = (JSON.parse(snapshot) as { context: { quoteId: string | null; sends: number } }).context
    const made = world.melts[quoteId ?? ''] ?? 0
    if (made > sends)
      violations.push(`paid twice: a payment was asked for ${made} times, and ${sends} times stands in the books`)
  }
  const active = new Set(operations.filter(({ status }) => status === 'active').map(({ id }) => id))
  for (const { operationId, amount, state } of live)
    if ((state === 'reserved' || state === 'sent') && !active.has(operationId!))
      violations.push(`stranded: ${amount} ${state} by an operation that has ended`)
  const refused = await spendAll(mint, crypto, live.filter(({ state }) => state === 'spendable')) // prettier-ignore
  if (refused) violations.push(`worthless: the mint refuses spendable proofs: ${refused}`)
  return { violations, sums }
}

async function statesOf(mint: AtomicMint, Ys: readonly string[]): Promise<Map<string, string>> {
  if (Ys.length === 0) return new Map()
  const { body } = await mint.handle('POST', '/v1/checkstate', JSON.stringify({ Ys }))
  const { states } = JSON.parse(body) as { states: { Y: string; state: string }[] }
  return new Map(states.map(({ Y, state }) => [Y, state]))
}

/** Counters of proofs, and of outputs that are none yet. */
function counters(world: WalletWorld, proofs: readonly ProofRow[]): Breach[] {
  const rows = (world.wallet['counters'] ?? []) as unknown as CounterRow[]
  const outputs = (world.wallet['outputs'] ?? []) as unknown as OutputRow[]
  const violations: Breach[] = []
  const seen = new Set<string>()
  for (const { keysetId, counter } of [...proofs, ...outputs]) {
    if (counter === null) continue
    const key = `${keysetId}/${counter}`
    if (seen.has(key)) violations.push(`reuse: counter ${key} made two outputs`)
    seen.add(key)
    const next = rows.find((row) => row.keysetId === keysetId)?.next ?? 0
    if (counter >= next) violations.push(`reuse: counter ${key} is used and may be used again (next is ${next})`)
  }
  return violations
}

/** Spends proofs in one swap to nobody; the mint's word where it refuses. */
async function spendAll(
  mint: AtomicMint,
  crypto: WalletCrypto,
  proofs: readonly ProofRow[],
): Promise<string | undefined> {
  if (proofs.length === 0) return undefined
  const { keysets } = JSON.parse((await mint.handle('GET', '/v1/keysets')).body) as {
    keysets: { id: string; unit: string; active: boolean; input_fee_ppk: number }[]
  }
  const feePpk = proofs.reduce(
    (total, { keysetId }) => total + keysets.find(({ id }) => id === keysetId)!.input_fee_ppk,
    0,
  )
  const active = keysets.find(({ active }) => active)!
  let rest = proofs.reduce((total, { amount }) => total + amount, 0) - Math.ceil(feePpk / 1000)
  if (rest <= 0) return undefined
  const outputs: { amount: number; id: string; B_: string }[] = []
  for (let bit = 1; rest > 0; bit *= 2, rest = Math.floor(rest / 2))
    if (rest % 2 === 1)
      outputs.push({ amount: bit, id: active.id, B_: crypto.blind(`audit ${bit}`, '1'.padStart(64, '0')) })
  const inputs = proofs.map(({ amount, keysetId: id, secret, C }) => ({ amount, id, secret, C }))
  const { status, body } = await mint.handle('POST', '/v1/swap', JSON.stringify({ inputs, outputs }))
  return status === 200 ? undefined : body
}
