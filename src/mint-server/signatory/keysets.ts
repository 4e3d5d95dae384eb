/** Keysets: made, rotated, and compared with the signatory's keys (NUT-01, NUT-02). */
import type { MintCrypto } from '../../cashu/crypto.ts'
import type { Clock } from '../../kernel/util/ports.ts'
import { reportError } from '../../kernel/util/report.ts'
import { within } from '../lightning/time-limit.ts'
import {
  WrongKeys,
  WrongSignatures,
  type BlindSignature,
  type KeysetPath,
  type Signatory,
  type UnsignedOutput,
} from './signatory.ts'
import type { KeysetRow, Store, Write } from '../db/tables.ts'
import { transact } from '../db/transact.ts'

export interface Keysets {
  /**
   * Makes the next keyset of a unit the active one and gives its id; with `onlyFirst`, unless the unit has one. The old
   * ones stay good for inputs. The fee is the last keyset's where left out.
   */
  add(unit: string, options: { readonly feePpk?: number | undefined; readonly onlyFirst?: boolean }): Promise<string>
  /**
   * Stops issuing in all other units. Their last keysets are shown as inactive, and sign only for swaps, for change, and for
   * quotes that are paid already.
   */
  keepOnly(units: readonly string[]): Promise<void>
  /** All keysets, each unit's in the order of their making. */
  all(): Promise<KeysetRow[]>
}

/** After this time, a signatory with other keys is asked again: the right one may be back. */
const MISMATCHED_MS = 2_000
/** One of this many answers with signatures is verified against the mint's public keys, and so is the first. */
const CHECKED_EVERY = 32

export interface MatchedSignatory extends Signatory {
  /**
   * Resolves where the signatory has the keys of the store's keysets, as far as is known.
   * @throws {WrongKeys} It has others. @throws {WrongSignatures} It signs with others. @throws Error It is away.
   */
  match(): Promise<void>
}

/**
 * A signatory that is asked first whether it has the keys that the store's keysets were made with: once, and where it
 * cannot be reached at the start, before the first signature. Its calls reject with `WrongKeys` where it has others, until
 * the right one is back. It may become another while the mint runs: so each call tells which keys are meant. And it may
 * say one thing and do another: the first signatures, and some of the later ones, are verified before they are used.
 */
export function matched(
  signatory: Signatory,
  { store, crypto, clock }: { readonly store: Store; readonly crypto: MintCrypto; readonly clock: Clock },
): MatchedSignatory {
  let comparing: Promise<void> | undefined
  let mismatchedAtMs = 0
  let answers = 0
  /** The error of the last verified answer, if its signatures were by other keys. */
  let found: WrongSignatures | undefined

  /** By generation and unit; they never change. */
  const known = new Map<string, KeysetRow['keys']>()

  async function keysOf({ unit, generation }: KeysetPath): Promise<KeysetRow['keys'] | undefined> {
    const name = `${generation} ${unit}`
    if (!known.has(name)) {
      const query = { table: 'keysets', index: 'byUnit', prefix: [unit, generation], limit: 1 } as const
      const [row] = await store.query(query)
      if (row) known.set(name, row.keys)
    }
    return known.get(name)
  }

  async function keyed<T extends KeysetPath & { readonly amount: number }>(
    items: readonly T[],
  ): Promise<(T & { readonly key: string | undefined })[]> {
    const keyed: (T & { readonly key: string | undefined })[] = []
    for (const item of items) keyed.push({ ...item, key: (await keysOf(item))?.[item.amount] })
    return keyed
  }

  async function compare(): Promise<void> {
    const rows = await store.query({ table: 'keysets', index: 'byUnit' })
    const newest = [...new Map(rows.map((row) => [row.unit, row])).values()]
    for (const { unit, generation, keys } of newest) {
      const [first] = Object.keys(keys)
      const theirs = await within(clock, (signal) =>
        signatory.publicKeys({ unit, generation }, [Number(first)], signal),
      )
      if (theirs[first!] !== keys[first!]) throw new WrongKeys('the store was made with other keys, of another seed')
    }
    // Without keysets nothing was compared. Another mint may make the first ones with other keys.
    if (newest.length === 0) comparing = undefined
  }

  /** Checks which keys the signatory has. What it signs is verified separately. */
  function comparison(): Promise<void> {
    if (mismatchedAtMs > 0 && clock.monotonicMs() - mismatchedAtMs >= MISMATCHED_MS) comparing = undefined
    if (comparing === undefined) mismatchedAtMs = 0
    comparing ??= compare().catch((error: unknown) => {
      if (error instanceof WrongKeys) mismatchedAtMs = Math.max(1, clock.monotonicMs())
      else comparing = undefined
      throw error
    })
    return comparing
  }

  /** @throws {WrongSignatures} A verified signature is by another key. */
  function check(
    outputs: readonly (UnsignedOutput & { readonly key: string | undefined })[],
    signed: readonly BlindSignature[],
  ): void {
    const isDue = found !== undefined || answers++ % CHECKED_EVERY === 0
    if (!isDue) return
    const one = answers % Math.max(1, signed.length)
    for (const [at, { C_, dleq }] of signed.entries()) {
      const { B_, key } = outputs[at] ?? {}
      if (B_ === undefined || key === undefined || (found === undefined && at !== one)) continue
      if (crypto.verifyDleq(B_, C_, key, dleq)) continue
      const error = new WrongSignatures('the signatory signs with other keys than the mint shows')
      if (!found) reportError(error)
      throw (found ??= error)
    }
    found = undefined
  }

  return {
    async match() {
      await comparison()
      if (found) throw found
    },
    publicKeys: async (...asked) => {
      await comparison()
      return signatory.publicKeys(...asked)
    },
    verify: async (proofs, signal) => {
      await comparison()
      return signatory.verify(await keyed(proofs), signal)
    },
    sign: async (outputs, signal) => {
      await comparison()
      const asked = await keyed(outputs)
      const signed = await signatory.sign(asked, signal)
      check(asked, signed)
      return signed
    },
  }
}

/** Marks the last keyset of a unit that the mint no longer has. */
export const LEAVING = 2

export function keysets(of: {
  readonly store: Store
  readonly crypto: MintCrypto
  readonly signatory: Signatory
  readonly amounts: readonly number[]
  readonly version: '00' | '01' | undefined
  readonly clock: Clock
}): Keysets {
  const { store, crypto, signatory, amounts, version, clock } = of

  return {
    all: () => store.query({ table: 'keysets', index: 'byUnit' }),
    add: (unit, { feePpk, onlyFirst = false }) =>
      transact(store, async () => {
        const newest = { table: 'keysets', index: 'byUnit', prefix: [unit], reverse: true, limit: 1 } as const
        const [last] = await store.query(newest)
        if (last && onlyFirst) {
          // A unit that was removed is back.
          const back: Write = { patch: 'keysets', key: [last.id], set: { active: 1 }, if: { active: LEAVING } }
          return { writes: last.active === LEAVING ? [back] : [], result: last.id }
        }
        const generation = last ? last.generation + 1 : 0
        const inputFeePpk = feePpk ?? last?.feePpk ?? 0
        const keys = await within(clock, (signal) => signatory.publicKeys({ unit, generation }, amounts, signal))
        const id = crypto.keysetId({ keys, unit, inputFeePpk }, version)
        const row: KeysetRow = { id, unit, generation, active: 1, feePpk: inputFeePpk, keys }
        const writes: Write[] = [{ put: 'keysets', row, if: 'absent' }]
        if (last) writes.push({ patch: 'keysets', key: [last.id], set: { active: 0 }, if: { active: last.active } })
        return { writes, result: id }
      }),
    keepOnly: (units) =>
      transact(store, async () => {
        const rows = await store.query({ table: 'keysets', index: 'byUnit' })
        const leaving = rows.filter(({ unit, active }) => active === 1 && !units.includes(unit))
        const writes = leaving.map(({ id }): Write => ({
          patch: 'keysets',
          key: [id],
          set: { active: LEAVING },
          if: { active: 1 },
        }))
        return { writes, result: undefined }
      }),
  }
}
