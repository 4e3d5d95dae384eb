/** Makes outputs from counters, and proofs from their signatures. */
import type { MadeProof, Place, Purpose, Signature } from '../../machines/wallet/exchange-model.ts'
import { UNUSED } from '../../machines/wallet/melt-model.ts'
import type { WalletCrypto } from '../cashu/crypto.ts'
import type { LocalReader, WalletPorts } from './ports.ts'
import type { CounterRow, KeysetRow, OutputRow, ProofRow, Write } from './tables.ts'
import { sure } from '../sure.ts'

/** A restore gives up after 300 unsigned counters in a row (NUT-13); never allocate close to that. */
const MOST_UNSIGNED = 200
/** So many outputs are made in one go; between any two of more than that others get their turn. */
const FEW = 16
/** The part of them that receives and blank outputs leave unused. A swap of our own money then anchors the counters again. */
const RESERVE = 50
/** How far the counters jump when signatures turn up that this wallet never asked for. */
const COLLISION_JUMP = 20
/** The longest jump. A restore would not bridge a longer one, if the jump goes beyond the used counters. */
const LONGEST_JUMP = 160

const OF_OWN =
  'an operation’s outputs are its own, and its version is checked; of unused ones each is taken on condition'
const ONLY_UP = 'what is signed only goes up, on condition'

export interface Wanted {
  /** 0 for a blank output (NUT-08). */
  readonly amount: number
  readonly purpose: Purpose
}

export interface Outputs {
  readonly rows: readonly OutputRow[]
  readonly writes: readonly Write[]
}

/**
 * Reuses outputs that earlier operations left over, then takes counters and makes an output of each. Undefined if too many
 * unsigned counters would result.
 */
export async function makeOutputs(
  env: Pick<WalletPorts, 'crypto' | 'deriver' | 'turn'> & { read: LocalReader },
  of: { id: string; keysetId: string; wanted: readonly Wanted[]; firstPlace: number; reserve: boolean },
): Promise<Outputs | undefined> {
  const { id, keysetId, firstPlace } = of
  const unused = (await unusedOf(env.read, keysetId)).slice(0, of.wanted.length)
  const taken = unused.map((row, at): OutputRow => ({ ...row, ...sure(of.wanted[at], 'output'), operationId: id, place: firstPlace + at })) // prettier-ignore
  const takes = taken.map(({ B_, operationId, place, amount, purpose }): Write => ({
    patch: 'outputs',
    key: [B_],
    set: { operationId, place, amount, purpose },
    if: { operationId: UNUSED },
  }))
  const wanted = of.wanted.slice(taken.length)
  if (wanted.length === 0) return { rows: taken, writes: takes }
  const { next, signed } = (await env.read.get('counters', [keysetId])) ?? { next: 0, signed: 0 }
  const to = next + wanted.length
  if (to - signed > MOST_UNSIGNED - (of.reserve ? RESERVE : 0)) return undefined
  const derive = env.deriver(keysetId)
  const rows: OutputRow[] = []
  for (const [at, { amount, purpose }] of wanted.entries()) {
    // Another operation may take these counters, which repeats the work. Pauses only where there are many outputs.
    if (wanted.length > FEW) await env.turn()
    const counter = next + at
    const { secret, r } = derive(counter)
    const B_ = env.crypto.blind(secret, r)
    rows.push({
      B_,
      operationId: id,
      place: firstPlace + taken.length + at,
      keysetId,
      counter,
      amount,
      purpose,
      secret,
      r,
      signature: null,
    })
  }
  const counterRow: CounterRow = { keysetId, next: to, signed }
  return {
    rows: [...taken, ...rows],
    writes: [
      ...takes,
      { put: 'counters', row: counterRow },
      ...rows.map((row): Write => ({ put: 'outputs', row, if: 'absent' })),
    ],
  }
}

/** Which of an operation's outputs the mint has signed, by their rows and a restore. */
export function signedOf(
  rows: readonly OutputRow[],
  restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null,
): {
  readonly signed: ReadonlyMap<string, Signature>
  readonly pairs: readonly { readonly row: OutputRow; readonly signature: Signature }[]
} {
  const signed = new Map<string, Signature>(rows.flatMap(({ B_, signature }) => (signature ? [[B_, signature]] : [])))
  for (const [at, B_] of (restored?.outputs ?? []).entries())
    signed.set(B_, sure(restored?.signatures[at], 'signature'))
  const pairs = rows.flatMap((row) => {
    const signature = signed.get(row.B_)
    return signature ? [{ row, signature }] : []
  })
  return { signed, pairs }
}

/** All outputs of an operation that are not proofs yet, in the order they were made. */
export const outputsOf = (read: LocalReader, id: string): Promise<OutputRow[]> =>
  read.loose(OF_OWN).query({ table: 'outputs', index: 'byOperation', prefix: [id] })

/** Outputs of a keyset that earlier operations left over, the oldest first. */
async function unusedOf(read: LocalReader, keysetId: string): Promise<OutputRow[]> {
  const rows = await outputsOf(read, UNUSED)
  return rows.filter((row) => row.keysetId === keysetId).toSorted((a, b) => a.counter - b.counter)
}

/** Keeps outputs that are not signed and never will be, so that other operations reuse their counters. */
export const giveBack = (id: string, rows: readonly OutputRow[]): Write[] =>
  rows.map(({ B_ }): Write => ({ patch: 'outputs', key: [B_], set: { operationId: UNUSED }, if: { operationId: id } }))

/** Deletes what is left of an operation's outputs. */
export const forget = (rows: readonly OutputRow[]): Write[] => rows.map(({ B_ }) => ({ delete: 'outputs', key: [B_] }))

/** What unblinding needs of an output. */
type Blinded = Pick<OutputRow, 'B_' | 'keysetId' | 'amount' | 'purpose' | 'secret' | 'r'>

/**
 * Pairs outputs with signatures. Undefined where one is not of our keyset and amount, or its DLEQ is wrong; or
 * missing, where `dleq` says that the order alone pairs them (NUT-12).
 */
export async function unblind<Row extends Blinded>(
  { crypto, turn }: Pick<WalletPorts, 'crypto' | 'turn'>,
  pairs: readonly { readonly row: Row; readonly signature: Signature }[],
  keysets: ReadonlyMap<string, KeysetRow>,
  dleq: 'needed' | 'optional',
): Promise<{ row: Row; proof: MadeProof }[] | undefined> {
  const made: { row: Row; proof: MadeProof }[] = []
  for (const { row, signature } of pairs) {
    await turn()
    if (row.amount !== 0 && signature.amount !== row.amount) return undefined
    if (!signature.dleq && dleq === 'needed') return undefined
    const A = keyFor(crypto, row, signature, keysets)
    const C = A && unblinded(crypto, signature.C_, row.r, A)
    if (C === undefined) return undefined
    const proof: MadeProof = {
      Y: crypto.hashToCurve(row.secret),
      id: row.keysetId,
      amount: signature.amount,
      secret: row.secret,
      C,
      ...(signature.dleq && { dleq: { ...signature.dleq, r: row.r } }),
      purpose: row.purpose,
    }
    made.push({ row, proof })
  }
  return made
}

/**
 * The key that a signature on an output is of, by what it says of itself. Undefined where it says another keyset than the
 * output's, an amount without a key, or has a proof that does not hold (NUT-12).
 */
function keyFor(
  crypto: WalletCrypto,
  { B_, keysetId }: Pick<OutputRow, 'B_' | 'keysetId'>,
  { id, amount, C_, dleq }: Signature,
  keysets: ReadonlyMap<string, KeysetRow>,
): string | undefined {
  const A = id === keysetId ? keysets.get(keysetId)?.keys?.[amount] : undefined
  return A && dleq && !crypto.verifyDleq(B_, C_, A, dleq) ? undefined : A
}

/** Whether all of the signatures may be the mint's, whatever amounts were asked for. */
export async function arePlausible(
  { crypto, turn }: Pick<WalletPorts, 'crypto' | 'turn'>,
  pairs: readonly { readonly row: OutputRow; readonly signature: Signature }[],
  keysets: ReadonlyMap<string, KeysetRow>,
): Promise<boolean> {
  for (const { row, signature } of pairs) {
    await turn()
    if (keyFor(crypto, row, signature, keysets) === undefined) return false
  }
  return true
}

const unblinded = (crypto: WalletCrypto, C_: string, r: string, A: string): string | undefined => {
  try {
    return crypto.unblind(C_, r, A)
  } catch {
    return undefined // the mint's C_ is no point
  }
}

/** In which state a proof is stored; as `kept`, what is meant for somebody else is not given away yet. */
const stateFor = (purpose: Purpose, kept: boolean): 'spendable' | 'sent' | 'reserved' => {
  if (purpose === 'keep') return 'spendable'
  return purpose === 'send' && !kept ? 'sent' : 'reserved'
}

/**
 * Stores proofs as ours (or, meant for somebody else, as sent), and notes how far the counters are signed. `kept`: what is
 * meant for somebody else stays reserved, for there is more of it to come.
 */
export async function storeProofs(
  read: LocalReader,
  place: Place,
  made: readonly { row: OutputRow; proof: MadeProof }[],
  nowMs: number,
  kept = false,
): Promise<Write[]> {
  const { id: operationId, mintUrl, unit } = place
  const writes: Write[] = []
  for (const { row, proof } of made) {
    // A restore may have stored it already; then it stays as it is.
    if (await read.get('proofs', [proof.Y])) continue
    const stored: ProofRow = {
      Y: proof.Y,
      mintUrl,
      unit,
      state: stateFor(proof.purpose, kept),
      operationId: proof.purpose === 'keep' ? null : operationId,
      amount: proof.amount,
      keysetId: proof.id,
      counter: row.counter,
      secret: proof.secret,
      C: proof.C,
      dleq: proof.dleq ?? null,
      reason: null,
      createdAt: nowMs,
    }
    writes.push({ put: 'proofs', row: stored, if: 'absent' })
  }
  return [...writes, ...(await noteSigned(read, made.map(({ row }) => row)))] // prettier-ignore
}

/** Notes that the mint signed outputs, so that a restore does not ask for their counters again. */
export async function noteSigned(read: LocalReader, rows: readonly OutputRow[]): Promise<Write[]> {
  const writes: Write[] = []
  for (const keysetId of new Set(rows.map((row) => row.keysetId))) {
    const to = Math.max(...rows.filter((row) => row.keysetId === keysetId).map(({ counter }) => counter)) + 1
    const { signed } = sure(await read.loose(ONLY_UP).get('counters', [keysetId]), 'counter')
    if (signed < to)
      writes.push({ patch: 'counters', key: [keysetId], set: { signed: to }, if: { signed: { atMost: to } } })
  }
  return writes
}

/**
 * Another device with this seed had our outputs signed. Moves the counter past those that it used, by a multiple, and
 * leaves room for at least the wanted number of outputs.
 */
export async function jumpCounters(
  read: LocalReader,
  keysetIds: Iterable<string>,
  times = 1,
  room = 0,
): Promise<Write[]> {
  const writes: Write[] = []
  const jump = Math.min(LONGEST_JUMP, MOST_UNSIGNED - room, COLLISION_JUMP * times)
  for (const keysetId of new Set(keysetIds)) {
    const { next } = sure(await read.get('counters', [keysetId]), 'counter')
    const row: CounterRow = { keysetId, next: next + jump, signed: next }
    // The other device uses the counters of outputs that were made before, too.
    const unused = await unusedOf(read, keysetId)
    writes.push({ put: 'counters', row })
    writes.push(...unused.map(({ B_ }): Write => ({ delete: 'outputs', key: [B_], if: { operationId: UNUSED } })))
  }
  return writes
}
