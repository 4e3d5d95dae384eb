/** What scenarios share: money of others, and callers that keep their keys. */
import { decodeToken, encodeToken, type TokenProof } from '../../cashu/codec.ts'
import type { ForeignProof } from '../oracle.ts'
import { HardshellError } from '../../kernel/errors.ts'
import { StoreError } from '../../store/port.ts'
import { splitAmount } from '../../cashu/amounts.ts'
import { MINT_URL, POWERS, SEED, type WalletStage as Stage } from '../wallet-subject.ts'
import { stubCrypto } from '../stub-crypto.ts'

const never = new AbortController().signal

/** A number that is new in this world, and the same in every run of it. */
function fresh(stage: Stage): number {
  const count = ((stage.notes['fresh'] ?? 0) as number) + 1
  stage.note('fresh', count)
  return count
}

/** Proofs that somebody else has, of these amounts; the mint was paid for them. */
export async function foreignProofs(stage: Stage, amounts: readonly number[]): Promise<TokenProof[]> {
  const { outside } = stage
  const amount = amounts.reduce((sum, value) => sum + value, 0)
  const quote = must(await outside.createMintQuote(JSON.stringify({ amount, unit: 'sat' }), { signal: never }))
  must(await outside.mintQuote(quote.quote, { signal: never }))
  const id = must(await outside.keysets({ signal: never })).find(({ active }) => active)!.id
  const { keys } = must(await outside.keys(id, { signal: never }))
  const blinded = amounts.map((value) => {
    const count = fresh(stage)
    const secret = `foreign ${count}`
    const r = count.toString(16).padStart(64, '0')
    return { secret, r, amount: value, id, B_: stubCrypto.blind(secret, r) }
  })
  const outputs = blinded.map(({ amount: value, id: keyset, B_ }) => ({ amount: value, id: keyset, B_ }))
  const { signatures } = must(await outside.issue(JSON.stringify({ quote: quote.quote, outputs }), { signal: never }))
  const proofs = signatures.map(({ C_ }, at) => {
    const { secret, r, amount: value } = blinded[at]!
    return { id, amount: value, secret, C: stubCrypto.unblind(C_, r, keys[value]!) }
  })
  noteForeign(stage, proofs)
  return proofs
}

export const tokenOf = (proofs: readonly TokenProof[]): string =>
  encodeToken({ mintUrl: MINT_URL, unit: 'sat', proofs })

/** The body of an answer that must be one. */
export function must<T>(reply: { answer: string; body?: T }): T {
  if (reply.answer !== 'ok') throw new Error(`the world outside has no faults, and yet: ${JSON.stringify(reply)}`)
  return reply.body!
}

/** Gives the wallet money: it trusts the mint, and receives a token of each amount. */
export async function fund(stage: Stage, ...amounts: readonly number[]): Promise<void> {
  await stage.wallet.mints.trust(MINT_URL)
  for (const amount of amounts) {
    const receive = await stage.wallet.receive.prepare({ token: tokenOf(await foreignProofs(stage, [amount])) })
    await receive.execute()
  }
}

/** Somebody takes a token: its proofs are spent, and what they are worth is somebody else's. */
export async function claim(stage: Stage, token: string, most = Infinity): Promise<void> {
  const known = must(await stage.outside.keysets({ signal: never }))
  const proofs = decodeToken(token).proofs.map((proof) => ({
    ...proof,
    id: known.find(({ id }) => id.startsWith(proof.id))!.id,
  }))
  await spendElsewhere(stage, proofs.slice(0, most))
}

/** Spends proofs of others behind their backs. */
export async function spendElsewhere(stage: Stage, proofs: readonly TokenProof[]): Promise<void> {
  const { outside } = stage
  const keysets = must(await outside.keysets({ signal: never }))
  const { id } = keysets.find(({ active }) => active)!
  const feePpk = proofs.reduce((sum, proof) => sum + keysets.find((keyset) => keyset.id === proof.id)!.input_fee_ppk, 0)
  const worth = proofs.reduce((sum, { amount }) => sum + amount, 0) - Math.ceil(feePpk / 1000)
  const stolen = splitAmount(worth, POWERS).map((amount) => ({ amount, secret: `thief ${fresh(stage)}` }))
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

function noteForeign(stage: Stage, proofs: readonly { secret: string; amount: number }[]): void {
  const before = (stage.notes['foreign'] ?? []) as ForeignProof[]
  stage.note('foreign', [
    ...before,
    ...proofs.map(({ secret, amount }) => ({ Y: stubCrypto.hashToCurve(secret), amount })),
  ])
}

/**
 * Runs what ends with success or with one of these codes. A mint that contradicted itself is given another chance, as a
 * person would, so `run` must bear repeating.
 */
export async function ending(stage: Stage, run: () => Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if (!(error instanceof HardshellError)) throw error
      if (error.code !== 'QUARANTINED') {
        if (codes.includes(error.code)) return
        throw error
      }
      await stage.wallet.operations.resume(error.operationId!)
    }
}

/** Does what must be done, however often the store fails. */
export async function insist(stage: Stage, run: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      await pause(stage, 1_000)
    }
}

/** Lets time go on. */
export const pause = ({ clock }: Stage, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, delayMs))

/** Waits until an operation is in a state, whatever came before, and whichever process brought it there. */
export async function reaches(stage: Stage, id: string, state: string): Promise<void> {
  while ((await stage.wallet.operations.get(id)).state !== state) await pause(stage, 60_000)
}

/** A person who gives up whatever needs a decision, now and later. */
export async function giveUp({ wallet }: Stage): Promise<void> {
  const cancel = (id: string): void => void wallet.operations.cancel(id).catch(() => {})
  wallet.on('operation', ({ id, tags }) => tags.includes('human') && cancel(id))
  for (const { id } of await wallet.operations.list({ status: 'active' }))
    if ((await wallet.operations.explain(id)).needsHuman) cancel(id)
}

/** Somebody impatient, who resumes whatever waits for a timer. */
export function hurry({ wallet }: Stage): void {
  wallet.on('operation', ({ id, state }) => {
    if (/(backoff|pausing|waiting|resting|repeating|retrying|lingering|blocked|paymentPending)$/.test(state))
      void wallet.operations.resume(id).catch(() => {})
  })
}

/** Has the mint sign the wallet's next outputs for another device with the same seed, which keeps the proofs. */
export async function burnCounters(stage: Stage, count: number, first = 0): Promise<void> {
  const { outside } = stage
  const [proof] = await foreignProofs(stage, [8])
  const id = proof!.id
  const derive = stubCrypto.deriver(SEED, id)
  const amounts = Array.from({ length: count }, () => 8 / count)
  const outputs = amounts.map((amount, counter) => ({
    amount,
    id,
    B_: stubCrypto.blind(derive(first + counter).secret, derive(first + counter).r),
  }))
  const { C, secret, amount } = proof!
  must(await outside.swap(JSON.stringify({ inputs: [{ id, amount, secret, C }], outputs }), { signal: never }))
  noteForeign(stage, amounts.map((value, counter) => ({ secret: derive(first + counter).secret, amount: value }))) // prettier-ignore
}
