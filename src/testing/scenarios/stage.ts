/** What scenarios share: money of others, and callers that keep their keys. */
import { encodeToken, type TokenProof } from '../../cashu/codec.ts'
import type { ForeignProof } from '../oracle.ts'
import { HardshellError } from '../../kernel/errors.ts'
import { MINT_URL, SEED, type Stage } from '../explorer.ts'
import { stubCrypto } from '../stub-crypto.ts'

const never = new AbortController().signal
let secrets = 0

/** Proofs that somebody else has, of these amounts; the mint was paid for them. */
export async function foreignProofs(stage: Stage, amounts: readonly number[]): Promise<TokenProof[]> {
  const { outside } = stage
  const amount = amounts.reduce((sum, value) => sum + value, 0)
  const quote = must(await outside.createMintQuote(JSON.stringify({ amount, unit: 'sat' }), { signal: never }))
  must(await outside.mintQuote(quote.quote, { signal: never }))
  const id = must(await outside.keysets({ signal: never })).find(({ active }) => active)!.id
  const { keys } = must(await outside.keys(id, { signal: never }))
  const blinded = amounts.map((value) => {
    const secret = `foreign ${++secrets}`
    const r = secrets.toString(16).padStart(64, '0')
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

export const tokenOf = (proofs: readonly TokenProof[]): string => encodeToken({ mintUrl: MINT_URL, unit: 'sat', proofs })

/** The body of an answer that must be one. */
export function must<T>(reply: { answer: string; body?: T }): T {
  if (reply.answer !== 'ok') throw new Error(`the world outside has no faults, and yet: ${JSON.stringify(reply)}`)
  return reply.body!
}

/** Spends proofs of others behind their backs. */
export async function spendElsewhere(stage: Stage, proofs: readonly TokenProof[]): Promise<void> {
  const { outside } = stage
  const id = must(await outside.keysets({ signal: never })).find(({ active }) => active)!.id
  const stolen = proofs.map(({ amount }) => ({ amount, secret: `thief ${++secrets}` }))
  const outputs = stolen.map(({ amount, secret }) => ({ amount, id, B_: stubCrypto.blind(secret, '1'.padStart(64, '0')) }))
  const body = JSON.stringify({ inputs: proofs.map(({ id: keyset, amount, secret, C }) => ({ id: keyset, amount, secret, C })), outputs })
  must(await outside.swap(body, { signal: never }))
  noteForeign(stage, stolen)
}

function noteForeign(stage: Stage, proofs: readonly { secret: string; amount: number }[]): void {
  const before = (stage.notes['foreign'] ?? []) as ForeignProof[]
  stage.note('foreign', [...before, ...proofs.map(({ secret, amount }) => ({ Y: stubCrypto.hashToCurve(secret), amount }))])
}

/** Waits for an operation that may end with one of these codes as well as with success. */
export async function ending(finished: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  try {
    await finished
  } catch (error) {
    if (!(error instanceof HardshellError && codes.includes(error.code))) throw error
  }
}

/** A person who gives up whatever needs a decision, now and later. */
export async function giveUp({ wallet }: Stage): Promise<void> {
  const cancel = (id: string): void => void wallet.operations.cancel(id).catch(() => {})
  wallet.on('operation', ({ id, tags }) => tags.includes('human') && cancel(id))
  for (const { id } of await wallet.operations.list({ status: 'active' }))
    if ((await wallet.operations.explain(id)).needsHuman) cancel(id)
}

/** Has the mint sign the wallet's next outputs for another device with the same seed, which keeps the proofs. */
export async function burnCounters(stage: Stage, count: number): Promise<void> {
  const { outside } = stage
  const [proof] = await foreignProofs(stage, [8])
  const id = proof!.id
  const derive = stubCrypto.deriver(SEED, id)
  const amounts = Array.from({ length: count }, () => 8 / count)
  const outputs = amounts.map((amount, counter) => ({ amount, id, B_: stubCrypto.blind(derive(counter).secret, derive(counter).r) }))
  const { C, secret, amount } = proof!
  must(await outside.swap(JSON.stringify({ inputs: [{ id, amount, secret, C }], outputs }), { signal: never }))
  noteForeign(stage, amounts.map((value, counter) => ({ secret: derive(counter).secret, amount: value }))) // prettier-ignore
}
