/**
 * Finds the keysets whose proofs a mint refuses, and holds those proofs with the mint's reason. They become free after a
 * while, or when the mint signs with the keyset again, and are then tried again.
 */
import { KEYSET_REFUSED } from '../../machines/wallet/common.ts'
import type { Exchange, Refusal, Why } from '../../machines/wallet/exchange-model.ts'
import type { Meaning } from '../cashu/codes.ts'
import { keysetsOf, type Keysets } from './keysets.ts'
import type { ProofRow, ProofState, Reader, Write } from './tables.ts'

/** The mint's coins of a keyset are tried again after so long. */
const AGAIN_AFTER_MS = 3_600_000

const OF_INPUTS: readonly Meaning[] = ['keysetUnknown', 'keysetExpired', 'proofInvalid']

/** What is known of coins before they are sorted. */
interface Coin {
  readonly id: string
}

/**
 * The keysets that a refusal of these inputs may be about: an active one takes its own coins. One that the refusal names
 * is the one.
 */
export function suspects(refusal: Refusal, inputs: readonly Coin[], keysets: Keysets): string[] {
  if (!OF_INPUTS.includes(refusal.meaning)) return []
  const found = [...new Set(inputs.map(({ id }) => id))].filter((id) => keysets.get(id)?.active !== 1)
  const named = found.filter((id) => refusal.detail.includes(id))
  return named.length > 0 ? named : found
}

/**
 * Sorts the keysets of an exchange's inputs by what the last refusal says. Where it may be about several, their coins go
 * apart: in requests of their own after the others', or, where amounts are asked for, one after the other stays behind.
 */
export function sortKeysets(
  { refusal, isAsked, apart, dead, sets }: Exchange,
  inputs: readonly (Coin & { readonly Y: string })[],
  { keysets, active }: { readonly keysets: Keysets; readonly active: string },
): { readonly apart: readonly string[]; readonly dead: readonly string[]; readonly isNew: boolean } {
  const last = sets.at(-1)
  const Ys = new Set(last?.Ys)
  const sent = inputs.filter(({ Y }) => Ys.has(Y))
  // The outputs are of another keyset now, so the refusal does not concern them.
  const found =
    refusal && last?.keysetId === active ? suspects(refusal, sent, keysets).filter((id) => !dead.includes(id)) : []
  if (found.length === 0) return { apart, dead, isNew: false }
  // A proof that does not verify may be of any keyset; the others' proofs go on without it.
  const isCertain = refusal?.meaning !== 'proofInvalid' && found.length === 1
  const isAlone = new Set(sent.map(({ id }) => id)).size === 1
  const isOne = isAsked && found.length === 1
  if (isOne || isAlone || isCertain) return { apart: isAsked ? [] : apart.filter((id) => !found.includes(id)), dead: [...dead, ...found], isNew: true } // prettier-ignore
  if (isAsked) return { apart: found, dead, isNew: true }
  const others = found.filter((id) => !apart.includes(id))
  return { apart: [...apart, ...others], dead, isNew: others.length > 0 }
}

/** Inputs in the order in which their requests go: those that nothing speaks against, then keyset by keyset. */
export function groups<C extends Coin>(inputs: readonly C[], apart: readonly string[]): (readonly C[])[] {
  const all = [inputs.filter(({ id }) => !apart.includes(id)), ...apart.map((of) => inputs.filter(({ id }) => id === of))] // prettier-ignore
  return all.filter((group) => group.length > 0)
}

export const refusedWhy = (ids: readonly string[], detail: string): Why => ({
  code: KEYSET_REFUSED,
  detail: `the mint does not take coins of keyset ${ids.join(', ')}: ${detail === '' ? 'it gives no reason' : detail}`,
})

/** Notes that the mint does not take a keyset's coins, and holds those that are free: nobody chooses them any more. */
export async function holdRefused(
  read: Reader,
  of: {
    readonly mintUrl: string
    readonly unit: string
    readonly keysetIds: readonly string[]
    readonly detail: string
    readonly nowMs: number
  },
): Promise<Write[]> {
  const { mintUrl, unit, keysetIds, detail, nowMs } = of
  const rows = await Promise.all(keysetIds.map((id) => read.get('keysets', [mintUrl, id])))
  const known = rows.filter((row) => row !== undefined)
  const free = await ofKeysets(read, [mintUrl, unit, 'spendable'], keysetIds)
  return [
    ...known.map(({ id }): Write => ({ patch: 'keysets', key: [mintUrl, id], set: { refused: detail, refusedAt: nowMs } })), // prettier-ignore
    ...free.map(({ Y }): Write => ({ patch: 'proofs', key: [Y], set: heldFor(detail), if: { state: 'spendable' } })),
  ]
}

const heldFor = (detail: string): Pick<ProofRow, 'state' | 'operationId' | 'reason'> => ({
  state: 'held',
  operationId: null,
  reason: `${KEYSET_REFUSED}: ${detail === '' ? 'the mint gives no reason' : detail}`,
})

/**
 * Holds inputs of refused keysets that an operation has reserved and is done with. One of which an earlier request may
 * still land is not tried again by itself: a restore finds out what became of it.
 */
export const holdReserved = (
  operationId: string,
  inputs: readonly { readonly Y: string }[],
  { detail, isInDoubt }: { readonly detail: string; readonly isInDoubt: (Y: string) => boolean },
): Write[] =>
  inputs.map(({ Y }): Write => ({
    patch: 'proofs',
    key: [Y],
    set: isInDoubt(Y) ? { ...heldFor(detail), reason: `IN_DOUBT: an earlier request may land; ${detail}` } : heldFor(detail),
    if: { state: 'reserved', operationId },
  })) // prettier-ignore

/**
 * Frees what is held of refused keysets, to be tried again: of those that the mint signs with, and of those that it
 * refused a while ago.
 */
export async function freeRefused(read: Reader, mintUrl: string, nowMs: number): Promise<Write[]> {
  const due = [...(await keysetsOf(read, mintUrl)).values()].filter(
    ({ active, refused, refusedAt }) =>
      refused !== null && (active === 1 || refusedAt === null || Math.abs(nowMs - refusedAt) >= AGAIN_AFTER_MS),
  )
  const held = await Promise.all(due.map(({ unit, id }) => ofKeysets(read, [mintUrl, unit, 'held'], [id])))
  return [
    ...due.map(({ id }): Write => ({
      patch: 'keysets',
      key: [mintUrl, id],
      set: { refused: null, refusedAt: null },
    })),
    ...held
      .flat()
      .filter(({ reason }) => reason?.startsWith(KEYSET_REFUSED) === true)
      .map(({ Y }): Write => ({
        patch: 'proofs',
        key: [Y],
        set: { state: 'spendable', reason: null },
        if: { state: 'held' },
      })),
  ]
}

async function ofKeysets(
  read: Reader,
  prefix: readonly [mintUrl: string, unit: string, ProofState],
  ids: readonly string[],
): Promise<ProofRow[]> {
  const rows = await read.query({ table: 'proofs', index: 'byState', prefix })
  return rows.filter(({ keysetId }) => ids.includes(keysetId))
}
