/** Chooses proofs to spend, and reserves them. Reads the index by denomination, never all proofs. */
import type { InputProof, Place } from '../../machines/wallet/exchange-model.ts'
import { denominationsOf, selectProofs } from '../cashu/amounts.ts'
import { HardshellError } from '../kernel/errors.ts'
import type { Reader } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import { keysetsOf } from './keysets.ts'
import type { ProofRow } from './tables.ts'

export interface Reserved {
  readonly inputs: readonly InputProof[]
  /** Sum of the inputs. */
  readonly total: number
  /** What the mint keeps of them when they are swapped or melted (NUT-02). */
  readonly fee: number
  readonly writes: readonly Write[]
}

const FIRST_LIMIT = 16
/** So many of each denomination are looked at even where fewer would do: some may cost less than others. */
const LEAST = 4

/**
 * Proofs worth at least `amount`; with `withFee`, beyond the fee for spending them.
 *
 * @throws {HardshellError} `INSUFFICIENT_FUNDS`
 */
export async function reserve(read: Reader, place: Place, amount: number, withFee: boolean): Promise<Reserved> {
  const { id: operationId, mintUrl, unit } = place
  const keysets = await keysetsOf(read, mintUrl)
  const denominations = new Set(
    [...keysets.values()].filter((row) => row.unit === unit).flatMap(({ keys }) => denominationsOf(keys ?? {})),
  )
  for (let limit = FIRST_LIMIT; ; limit *= 8) {
    let all = true
    const groups = await Promise.all(
      [...denominations].map(async (denomination) => {
        // At first no more than could be used; the second half is for fees.
        const most = limit > FIRST_LIMIT ? limit : Math.min(limit, LEAST + Math.floor((2 * amount) / denomination))
        const prefix = [mintUrl, unit, 'spendable', denomination]
        const rows = await read.query<ProofRow>({ table: 'proofs', index: 'byState', prefix, limit: most })
        if (rows.length === most) all = false
        return rows
      }),
    )
    const candidates = groups.flat().flatMap((row) => {
      const keyset = keysets.get(row.keysetId)
      return keyset ? [{ Y: row.Y, amount: row.amount, feePpk: keyset.feePpk, row }] : []
    })
    const found = selectProofs(candidates, amount, { includeFee: withFee })
    if (found) {
      const rows = found.proofs.map(({ row }) => row)
      return {
        inputs: rows.map(({ Y, keysetId: id, amount: worth, secret, C }) => ({ Y, id, amount: worth, secret, C })),
        total: found.amount,
        fee: found.fee,
        writes: rows.map(({ Y }): Write => ({
          patch: 'proofs',
          key: [Y],
          set: { state: 'reserved', operationId },
          if: { state: 'spendable' },
        })),
      }
    }
    if (all) throw new HardshellError('INSUFFICIENT_FUNDS', `less than ${amount} ${unit} is spendable at ${mintUrl}`)
  }
}
