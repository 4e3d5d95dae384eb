/** Helpers of scenarios: money of others, and callers that keep their keys. */
import { decodeToken, encodeToken, type TokenProof } from '../../cashu/codec.ts'
import { foreignNote, robbedNote } from '../invariants/oracle.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { splitAmount } from '../../cashu/amounts.ts'
import { MINT_URL, POWERS, SEED, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { walletRows } from '../invariants/rows.ts'
import type { Dialect } from '../faults/dialects.ts'
import { moods, speech, type Mood } from '../faults/faulty-mint.ts'
import { stubCrypto } from '../environments/stub-crypto.ts'
import { noteOf } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

const never = new AbortController().signal
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

const counted = noteOf<number>('fresh')
const anchors = noteOf<readonly [made: number, lastMs: number]>('anchors')

/** A number that is new in this world, and the same in every run of it. */
function fresh(stage: Stage): number {
  const count = (counted.in(stage.notes) ?? 0) + 1
  counted.write(stage, count)
  return count
}

interface Secret {
  readonly amount: number
  readonly secret: string
  readonly r: string
}

/** Has the mint issue proofs for a paid quote, a new one unless given, outside the wallet; they are somebody else's. */
async function issueOutside(
  stage: Stage,
  wanted: (keysetId: string) => readonly Secret[],
  quoteId?: string,
): Promise<TokenProof[]> {
  const { outside } = stage
  const id = await activeKeysetId(stage)
  const { keys } = must(await outside.keys(id, { signal: never }))
  const secrets = wanted(id)
  const amount = secrets.reduce((sum, it) => sum + it.amount, 0)
  const quote = quoteId ?? (await quoteOutside(stage, amount))
  await stage.pay(quote)
  const outputs = secrets.map(({ amount: value, secret, r }) => ({
    amount: value,
    id,
    B_: stubCrypto.blind(secret, r),
  }))
  const { signatures } = must(await outside.issue(JSON.stringify({ quote, outputs }), { signal: never }))
  const proofs = signatures.map(({ C_, dleq }, at) => {
    const { secret, r, amount: value } = sure(secrets[at], 'secret')
    const C = stubCrypto.unblind(C_, r, sure(keys[value], 'key'))
    return { id, amount: value, secret, C, ...(dleq && { dleq: { ...dleq, r } }) }
  })
  noteForeign(stage, proofs)
  return proofs
}

const activeKeysetId = async ({ outside }: Stage): Promise<string> =>
  sure(must(await outside.keysets({ signal: never })).findLast(({ active }) => active)?.id, 'active keyset')

/** A quote that was asked for outside the wallet. */
export const quoteOutside = async ({ outside }: Stage, amount: number): Promise<string> =>
  must(await outside.createMintQuote(JSON.stringify({ amount, unit: 'sat' }), { signal: never })).quote

/** Proofs that somebody else has, of these amounts; the mint was paid for them, by a quote that may be given. */
export const foreignProofs = (stage: Stage, amounts: readonly number[], quoteId?: string): Promise<TokenProof[]> =>
  issueOutside(
    stage,
    () =>
      amounts.map((amount) => {
        const count = fresh(stage)
        return { amount, secret: `foreign ${count}`, r: count.toString(16).padStart(64, '0') }
      }),
    quoteId,
  )

export const tokenOf = (proofs: readonly TokenProof[]): string =>
  encodeToken({ mintUrl: MINT_URL, unit: 'sat', proofs })

/** The body of an answer that must succeed. */
export function must<T>(reply: { answer: string; body?: T }): T {
  if (reply.answer !== 'ok') throw new Error(`the world outside has no faults, and yet: ${JSON.stringify(reply)}`)
  return sure(reply.body, 'body')
}

/** Gives the wallet money: it trusts the mint, and gets a proof of each amount. */
export async function fund(stage: Stage, ...amounts: readonly number[]): Promise<void> {
  await stage.wallet.mints.trust(MINT_URL)
  const fee = await inputFee(stage)
  for (const amount of amounts) {
    const token = tokenOf(await foreignProofs(stage, fee ? [amount, fee] : [amount]))
    await (await stage.wallet.receive.prepare({ token })).execute()
  }
}

/** The mint's fee for a few inputs. */
const inputFee = async ({ outside }: Stage): Promise<number> =>
  must(await outside.keysets({ signal: never })).some((keyset) => (keyset.input_fee_ppk ?? 0) > 0) ? 1 : 0

/** Somebody takes a token: its proofs are spent, and what they are worth is somebody else's. */
export async function claim(stage: Stage, token: string, most = Infinity): Promise<void> {
  const known = must(await stage.outside.keysets({ signal: never }))
  const proofs = decodeToken(token).proofs.map((proof) => ({
    ...proof,
    id: sure(known.find(({ id }) => id.startsWith(proof.id))?.id, 'keyset'),
  }))
  await spendElsewhere(stage, proofs.slice(0, most))
}

/** What the wallet can spend, as proofs of a token. */
export const spendable = (stage: Stage): TokenProof[] =>
  walletRows(stage.rows())
    .proofs.filter(({ state }) => state === 'spendable')
    .map(({ keysetId: id, amount, secret, C }) => ({ id, amount, secret, C }))

/** Another device with the same seed spends proofs of the wallet. */
export async function rob(stage: Stage, proofs: readonly TokenProof[]): Promise<void> {
  await spendElsewhere(stage, proofs)
  robbedNote.write(stage, proofs.map(({ secret }) => stubCrypto.hashToCurve(secret))) // prettier-ignore
}

/** Spends proofs of others behind their backs. */
export async function spendElsewhere(stage: Stage, proofs: readonly TokenProof[]): Promise<void> {
  const { outside } = stage
  const keysets = must(await outside.keysets({ signal: never }))
  const id = sure(keysets.findLast(({ active }) => active)?.id, 'active keyset')
  const feePpk = proofs.reduce(
    (sum, proof) => sum + sure(keysets.find((keyset) => keyset.id === proof.id)?.input_fee_ppk, 'fee'),
    0,
  )
  const worth = proofs.reduce((sum, { amount }) => sum + amount, 0) - Math.ceil(feePpk / 1000)
  const stolen = (await amountsFor(stage, id, worth)).map((amount) => ({ amount, secret: `thief ${fresh(stage)}` }))
  const outputs = stolen.map(({ amount, secret }) => ({
    amount,
    id,
    B_: stubCrypto.blind(secret, '1'.padStart(64, '0')),
  }))
  const body = JSON.stringify({
    inputs: proofs.map(({ id: keyset, amount, secret, C }) => ({ id: keyset, amount, secret, C })),
    outputs,
  })
  must(await outside.swap(body, { signal: never }))
  noteForeign(stage, stolen)
}

/** An amount in the denominations of a keyset. */
async function amountsFor({ outside }: Stage, id: string, amount: number): Promise<number[]> {
  const { keys } = must(await outside.keys(id, { signal: never }))
  return splitAmount(amount, Object.keys(keys).map(Number))
}

function noteForeign(stage: Stage, proofs: readonly { secret: string; amount: number }[]): void {
  const before = foreignNote.in(stage.notes) ?? []
  foreignNote.write(stage, [
    ...before,
    ...proofs.map(({ secret, amount }) => ({ Y: stubCrypto.hashToCurve(secret), amount })),
  ])
}

/** Has the mint sign outputs of the wallet for another device with the same seed, which keeps the proofs. */
export const burnCounters = (stage: Stage, count: number, first: number, worth = 2): Promise<TokenProof[]> =>
  issueOutside(stage, (id) => {
    const derive = stubCrypto.deriver(SEED, id)
    return Array.from({ length: count }, (_, at) => ({ amount: worth, ...derive(first + at) }))
  })

/** The counter from which the wallet makes its next output at the mint's active keyset. */
export async function nextCounter(stage: Stage): Promise<number> {
  const id = await activeKeysetId(stage)
  return walletRows(stage.rows()).counters.find((row) => row.keysetId === id)?.next ?? 0
}

/** Gives the mint a mood for one kind of request, from now on and for this long. */
export function mood(stage: Stage, at: string, does: Mood['does'], forMs: number): void {
  const untilMs = stage.clock.rightMs + forMs
  moods.write(stage, [...(moods.in(stage.notes) ?? []), { at, does, untilMs }])
}

/** Makes the mint speak a dialect to the wallet, from now on and for this long. */
export const speak = (stage: Stage, dialect: Dialect, forMs = Infinity): void =>
  speech.write(stage, {
    dialect,
    ...(Number.isFinite(forMs) && { untilMs: stage.clock.rightMs + forMs }),
  })

/** An amount split into this many denominations. */
function parts(amount: number, count: number): number[] {
  const found = splitAmount(amount, POWERS).toSorted((a, b) => a - b)
  while (found.length < count) {
    const half = sure(found.pop(), 'part') / 2
    found.push(half, half)
    found.sort((a, b) => a - b)
  }
  return found
}

/**
 * Uses counters up, until so few outputs (an even number) can be made before one must be signed (see `MOST_UNSIGNED`): by
 * swaps that the mint refuses for good. Each takes twice its outputs, for other ones are tried once.
 */
export async function nearGap(stage: Stage, left: number): Promise<void> {
  const { wallet } = stage
  const fee = await inputFee(stage)
  await fund(stage, 64, 2)
  mood(stage, 'POST /v1/swap', 'refused', HOUR_MS)
  for (let rest = (200 - left) / 2; rest > 0;) {
    const amounts = parts(64 - fee, Math.min(rest, 64 - fee))
    rest -= amounts.length
    const swap = await wallet.swap.prepare({ mintUrl: MINT_URL, amounts })
    await ending(stage, () => swap.execute(), 'REFUSED')
  }
  moods.write(stage, [])
}

/**
 * A person who swaps a coin of `nearGap` where an operation waits for a signed output, and then has it go on. Should
 * that fail, the person waits with the operation.
 */
export function anchor(stage: Stage): void {
  const { wallet, clock } = stage
  const swap = async (id: string): Promise<void> => {
    const [made, lastMs] = anchors.in(stage.notes) ?? [0, 0]
    if (clock.rightMs - lastMs < 50 * MINUTE_MS) return
    anchors.write(stage, [made + 1, clock.rightMs])
    await anchorOnce(stage, made)
    await wallet.operations.resume(id)
  }
  wallet.on('operation', ({ id, state }) => {
    if (state.endsWith('blocked')) void swap(id).catch(() => {})
  })
}

async function anchorOnce({ wallet }: Stage, count: number): Promise<void> {
  const swap = await wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1], key: `anchor ${count}` })
  await swap.execute()
}

/** The ends of such a swap at a faulty mint. */
const NO_ANCHOR = ['REFUSED', 'NO_ACTIVE_KEYSET', 'TOO_SMALL', 'SPENT_ELSEWHERE', 'INSUFFICIENT_FUNDS', 'CANCELLED']

/** Waits until those swaps are over. */
export async function anchored(stage: Stage): Promise<void> {
  const [made] = anchors.in(stage.notes) ?? [0]
  for (let count = 0; count < made; count++) await ending(stage, () => anchorOnce(stage, count), ...NO_ANCHOR)
}

/**
 * Runs what ends with success or with one of these codes. A mint that contradicted itself is given another chance, as a
 * person would, so `run` must bear repeating: once for each lie, or where the scenario says that a person has to decide.
 */
export async function ending(stage: Stage, run: () => Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if (!(error instanceof HardshellError)) throw error
      if (codes.includes(error.code)) return
      if (error.code !== 'QUARANTINED') throw error
      const id = sure(error.operationId, 'operation')
      if (!stage.mayResume(id)) throw error
      // Not at once: a mint may lie for a while.
      await stage.clock.pause(MINUTE_MS)
      await stage.wallet.operations.resume(id)
    }
}

/** Cancels an operation that is still prepared. If its deadline came first, that is fine too. */
export async function abandon(
  stage: Stage,
  operation: { readonly state: string; cancel(): Promise<unknown> },
): Promise<void> {
  if (operation.state === 'prepared') await ending(stage, () => operation.cancel(), 'INVALID_STATE')
}

/**
 * Waits until an operation is in one of these states, whatever came before, and whichever process brought it there. One
 * to which the mint contradicted itself is given another chance, as in `ending`.
 */
export async function reaches(
  { wallet, clock, mayResume }: Stage,
  id: string,
  ...states: readonly string[]
): Promise<void> {
  for (let delayMs = MINUTE_MS; ; delayMs = Math.min(HOUR_MS, delayMs * 2)) {
    const { state } = await wallet.operations.get(id)
    if (states.includes(state)) return
    await clock.pause(delayMs)
    if (!/quarantined$/i.test(state)) continue
    if (!mayResume(id)) throw new HardshellError('QUARANTINED', `it was set aside in '${state}'`, { operationId: id })
    await wallet.operations.resume(id)
  }
}

/** Whether an operation pauses in this state until it asks again. */
export const retrying = (state: string): boolean => /(backoff|pausing|repeating|retrying)$/.test(state)

/** States in which an operation waits for a timer or a person. */
const WAITS = /(backoff|pausing|waiting|resting|repeating|retrying|lingering|leaving|expired|blocked|paymentPending)$/

/** Applies an action to every waiting operation of a kind, once in each state. */
function whenever({ wallet }: Stage, of: string, act: (id: string) => Promise<unknown>): void {
  const done = new Set<string>()
  const see = ({ id, kind, state }: { readonly id: string; readonly kind: string; readonly state: string }): void => {
    if (kind !== of || !WAITS.test(state) || done.has(`${id} ${state}`)) return
    done.add(`${id} ${state}`)
    void act(id).catch(() => {})
  }
  wallet.on('operation', see)
  void wallet.operations.list({ status: 'active' }).then((found) => found.forEach(see), () => {}) // prettier-ignore
}

/** An impatient person, who resumes every waiting operation. */
export const hurry = (stage: Stage, kind: string): void =>
  whenever(stage, kind, (id) => stage.wallet.operations.resume(id))

/** A person who cancels every waiting operation that can be cancelled. */

export const giveUp = (stage: Stage, kind: string): void =>
  whenever(stage, kind, (id) => stage.wallet.operations.cancel(id))
