/**
 * The oracle: what must hold when the last fault is over, checked against the mint's own books. The commit invariants
 * say what must hold at every moment.
 */
import type { MintCrypto, WalletCrypto } from '../../cashu/crypto.ts'
import type { OutputRow, ProofRow } from '../../wallet/tables.ts'
import type { Dump } from '../../store/memory.ts'
import type { AtomicMint } from '../environments/atomic-mint.ts'
import { splitAmount } from '../../cashu/amounts.ts'
import { deadKeyset, inDialect, type Dialect, type Handle } from '../faults/dialects.ts'
import type { Wire } from '../faults/faulty-mint.ts'
import { walletRows } from './rows.ts'
import { noteOf, type Notes } from '../explorer/notes.ts'

/** The invariants, by the word with which a violation begins. */
export const invariants = {
  /** The mint owes what the wallet and others have. */
  conservation: 'money is neither lost nor invented',
  /** Money counts where the mint takes it. */
  worthless: 'the mint takes every spendable proof',
  /** A payment is also requested no more often than was stored before. */
  'paid twice': 'one intent, one payment',
  reuse: 'no counter and no secret is used twice',
  /** Every operation has a next event, a deadline, or somebody who is to decide; every reservation an operation. */
  stuck: 'every operation has a next event, a deadline, or somebody who is to decide',
  /** A defect, or an error that does not pass: the reason stands with the operation. */
  quarantined: 'nothing is set aside but by a mint that has lied, and for a database that refuses',
  retried: 'a defect is met once: nothing outside is asked again for it',
  stranded: 'what is reserved or sent belongs to an operation that will see to it',
  convergence: 'it comes to an end within so many commits, requests and waits',
  /** Every table: rows that are there, and rows that are missing. */
  orphan: 'every row is accounted for by an operation that is alive, or by a stated end',
  leftover: 'no output is left behind that is signed, or that somebody may yet have signed',
  claim: 'a quote is claimed exactly while an operation that is alive holds it',
  totals: 'running totals are what a scan counts, after every commit',
  /** For each operation, and in total. */
  books: 'what the history says came and went is what the wallet’s money changed by',
  unissued: 'a quote that was paid is issued, or somebody is told why not',
  restless: 'a second recovery writes nothing but attempt and owner',
  release: 'money is given back only where it can be spent by nothing that was sent',
  unrecorded: 'what is sent was stored before',
  'start-up': 'nothing waits for the mint, and what is unfinished is asked about together',
  trust: 'only mints that are trusted hear of us',
  /** A mint says when it takes requests again. */
  throttled: 'a mint that asks to be left alone is sent nothing before that time',
  /** Somebody may change the clock. */
  slow: 'no pause is longer since the clock was set',
  /** Handle, list and history, compared with the mint's books. */
  misstated: 'what is stated of an operation is what the mint did',
  /** Nothing decides by it, so only this sees to it. */
  steps: 'each commit of an operation writes its step, and no other',
  /** The reason of a wait, as `explain` gives it. */
  reason: 'an operation waits for something that has happened',
  /** Both sides of a payment. */
  kept: 'the mint keeps nothing of a payment that is no fee',
  owed: 'what the mint owes for certain is shown as owed',
  /** The promises to callers. */
  failed: 'a caller gets what it asked for, or an error that it was told of',
} as const

export type Invariant = keyof typeof invariants

/** A violation: the invariant's name, and how it was broken. */
export type Breach = `${Invariant}: ${string}`

/** A proof that somebody other than the wallet has. */
export interface ForeignProof {
  readonly Y: string
  readonly amount: number
}
export const foreignNote = noteOf<readonly ForeignProof[]>('foreign')
/** The Ys of the wallet's proofs that somebody else has spent. */
export const robbedNote = noteOf<readonly string[]>('robbed')

/** A world of the wallet: its rows, its caller's notes, and the network. */
export interface WalletWorld extends Pick<Wire, 'late' | 'melts' | 'dead'> {
  readonly wallet: Dump
  readonly notes: Notes
}

export interface Verdict {
  readonly violations: readonly Breach[]
  /** Sums of live money, in the unit. */
  readonly sums: { readonly mint: number; readonly wallet: number; readonly foreign: number }
}

/**
 * Compares the wallet's rows with the mint's books. Money counts only if the mint takes it: every spendable proof is
 * spent in one last swap, which must succeed.
 */
export async function judge(of: {
  world: WalletWorld
  nowMs: number
  mint: AtomicMint
  crypto: WalletCrypto & MintCrypto
  /** The mint's dialect at the end. */
  dialect?: Dialect
}): Promise<Verdict> {
  const { world, nowMs, mint, crypto, dialect = {} } = of
  const violations: Breach[] = []
  for (const { method, path, body } of world.late) await mint.handle(method, path, body)
  const { proofs, operations } = walletRows(world.wallet)
  const foreign = (foreignNote.in(world.notes) ?? []).filter(
    ({ Y }) => !proofs.some((proof) => proof.Y === Y && proof.state !== 'spent'),
  )
  // The wallet may not know what another device spent.
  const robbed = robbedNote.in(world.notes) ?? []
  const live = proofs.filter(({ Y, state }) => state !== 'spent' && !(state === 'spendable' && robbed.includes(Y)))
  const states = await statesOf(mint, [...live, ...foreign].map(({ Y }) => Y)) // prettier-ignore
  // A request of an operation that waits for a person may have been carried out although the mint denies it.
  const blocked = new Set<string | null>(
    operations.filter(({ status, state }) => status === 'active' && state.endsWith('blocked')).map(({ id }) => id),
  )
  for (const { Y, state, amount, operationId } of live) {
    const at = states.get(Y)
    if (at === 'SPENT' && (state === 'spendable' || (state === 'reserved' && !blocked.has(operationId))))
      violations.push(`release: a ${state} proof of ${amount} is spent at the mint`)
  }
  const sum = (rows: readonly { Y: string; amount: number }[]): number =>
    rows.reduce((total, { Y, amount }) => total + (states.get(Y) === 'SPENT' ? 0 : amount), 0)
  const sheet = await mint.balanceSheet()
  const outstanding = Object.values(sheet.units).reduce((total, unit) => total + unit.outstanding, 0)
  const others = new Set(foreign.map(({ Y }) => Y))
  const waiting = await owed(world, mint, ({ secret }) => {
    const Y = crypto.hashToCurve(secret)
    return others.has(Y) || proofs.some((proof) => proof.Y === Y)
  })
  const sums = { mint: outstanding, wallet: sum(live) + waiting, foreign: sum(foreign) }
  if (sums.mint !== sums.wallet + sums.foreign)
    violations.push(`conservation: the mint owes ${sums.mint}; the wallet has ${sums.wallet}, others ${sums.foreign}`)
  for (const [hash, { paid }] of Object.entries(sheet.payments))
    if (paid > 1) violations.push(`paid twice: invoice ${hash.slice(0, 8)} was paid ${paid} times`)
  violations.push(...counters(world, proofs))
  for (const { kind, snapshot } of operations) {
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
  const { limits, dead } = dialect
  const deadId = await deadKeyset((...request) => mint.handle(...request), dialect)
  const isFree = ({ keysetId, state }: ProofRow): boolean =>
    state === 'spendable' && (keysetId !== deadId || isKnownDead(world, keysetId, nowMs))
  // The proofs keep their value if the mint signs no more, or takes few outputs at once.
  const spoken = inDialect((...request) => mint.handle(...request), dead ? { dead } : {})
  const refused = await spendAll({ mint, spoken, most: limits?.inputs ?? Infinity, crypto }, live.filter(isFree))
  if (refused) violations.push(`worthless: the mint refuses spendable proofs: ${refused}`)
  return { violations, sums }
}

/**
 * Whether the wallet should know that the mint does not take a keyset's coins. It cannot know if the mint never told
 * it. If the mint told it long ago, it may have freed the coins to try them again.
 */
function isKnownDead({ wallet, dead }: WalletWorld, keysetId: string, nowMs: number): boolean {
  const untilMs = dead[keysetId]
  if (untilMs === undefined) return false
  const { keysets } = walletRows(wallet)
  return nowMs < untilMs || keysets.some(({ id, refused }) => id === keysetId && refused !== null)
}

/** Signatures for an operation that has not ended. They are not stored yet and can still be fetched. */
async function owed(
  { wallet }: WalletWorld,
  mint: AtomicMint,
  isProof: (output: OutputRow) => boolean,
): Promise<number> {
  const { operations, outputs } = walletRows(wallet)
  const active = new Set(operations.filter(({ status }) => status === 'active').map(({ id }) => id))
  const open = outputs.filter((output) => active.has(output.operationId) && !isProof(output))
  if (open.length === 0) return 0
  const asked = open.map(({ B_, amount, keysetId: id }) => ({ B_, amount, id }))
  const { body } = await mint.handle('POST', '/v1/restore', JSON.stringify({ outputs: asked }))
  const { signatures } = JSON.parse(body) as { signatures: { amount: number }[] }
  return signatures.reduce((total, { amount }) => total + amount, 0)
}

async function statesOf(mint: AtomicMint, Ys: readonly string[]): Promise<Map<string, string>> {
  if (Ys.length === 0) return new Map()
  const { body } = await mint.handle('POST', '/v1/checkstate', JSON.stringify({ Ys }))
  const { states } = JSON.parse(body) as { states: { Y: string; state: string }[] }
  return new Map(states.map(({ Y, state }) => [Y, state]))
}

/** The counters of proofs, and of outputs that have no signature yet. */
function counters(world: WalletWorld, proofs: readonly ProofRow[]): Breach[] {
  const { counters: rows, outputs } = walletRows(world.wallet)
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

interface Listed {
  readonly id: string
  readonly active: boolean
  readonly input_fee_ppk: number
}

/**
 * Spends proofs in swaps whose outputs nobody keeps, separately for each keyset, with as many inputs as the mint takes
 * at once. Returns the mint's refusal, if any. Proofs that the fee would use up completely are not spent.
 */
async function spendAll(
  of: { readonly mint: AtomicMint; readonly spoken: Handle; readonly most: number; readonly crypto: WalletCrypto },
  proofs: readonly ProofRow[],
): Promise<string | undefined> {
  const { mint, spoken, most, crypto } = of
  const { keysets } = JSON.parse((await mint.handle('GET', '/v1/keysets')).body) as { keysets: Listed[] }
  const active = keysets.findLast(({ active }) => active)
  if (!active) return undefined
  const { keysets: keyed } = JSON.parse((await mint.handle('GET', `/v1/keys/${active.id}`)).body) as {
    keysets: { keys: Record<string, string> }[]
  }
  const denominations = Object.keys(keyed[0]!.keys).map(Number)
  let made = 0
  for (const { id, input_fee_ppk: feePpk } of keysets) {
    const own = proofs.filter(({ keysetId }) => keysetId === id)
    for (let from = 0; from < own.length; from += most) {
      const part = own.slice(from, from + most)
      const rest = part.reduce((total, { amount }) => total + amount, 0) - Math.ceil((part.length * feePpk) / 1000)
      if (rest <= 0) continue
      const outputs = splitAmount(rest, denominations).map((amount) => ({
        ...{ amount, id: active.id, B_: crypto.blind(`audit ${++made}`, '1'.padStart(64, '0')) },
      }))
      const inputs = part.map(({ amount, secret, C }) => ({ amount, id, secret, C }))
      const { status, body } = await spoken('POST', '/v1/swap', JSON.stringify({ inputs, outputs }))
      if (status !== 200) return body
    }
  }
  return undefined
}
