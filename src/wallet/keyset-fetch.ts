/** Fetches a mint's keysets and their keys (NUT-01, NUT-02). A keyset that cannot be used does not affect the others. */
import type { Replied } from '../../machines/wallet/exchange-model.ts'
import type { Reply } from '../cashu/client.ts'
import { keysetVersion } from '../cashu/keyset-id.ts'
import { derivationName } from '../cashu/nut13.ts'
import type { KeysetInfo, KeysetKeys } from '../cashu/parse.ts'
import type { WalletPorts } from './ports.ts'
import { answerOf } from './replies.ts'
import type { DerivationRow, KeysetRow, Reader, Write } from './tables.ts'

/** A keyset that was asked for and could not be had. */
export interface Skipped {
  readonly keysetId: string
  readonly reason: string
  /** The mint did not answer: the next try may succeed. */
  readonly isPassing: boolean
}

export interface Fetched {
  readonly writes: readonly Write[]
  readonly skipped: readonly Skipped[]
}

interface Which {
  readonly mintUrl: string
  /** Keys of this unit only; of every one where left out. */
  readonly unit: string | undefined
  /** Keys of keysets that are not active, too. */
  readonly old?: boolean
}

/**
 * Fetches the list of keysets, and the keys of those that are not known yet: of the active ones, or of old ones too.
 * Keys are accepted only if they hash to the keyset's id. A keyset that cannot be used is stored with the reason, and
 * fetched again the next time.
 */
export async function fetchKeysets(
  { client, crypto }: Pick<WalletPorts, 'client' | 'crypto'>,
  { mintUrl, unit, old = false }: Which,
  read: Reader,
  signal: AbortSignal,
): Promise<Replied<Fetched>> {
  const listed = await client(mintUrl).keysets({ signal })
  if (listed.answer !== 'ok') return answerOf(listed, () => ({ writes: [], skipped: [] }))
  const claims = new Claims(read, mintUrl)
  const writes: Write[] = []
  const skipped: Skipped[] = []
  for (const info of named(listed.body)) {
    const known = await read.get('keysets', [mintUrl, info.id])
    let keys = known?.keys ?? null
    let trouble = keysetVersion(info.id) === undefined ? 'KEYSET_UNSUPPORTED: its id is of a version that is not known' : await claims.refusal(info.id) // prettier-ignore
    const isOther = known !== undefined && isAnother(known, info, crypto)
    if (trouble !== null) keys = null
    else if (isOther) trouble = `KEYSET_CHANGED: the mint lists it with another unit, fee or end than it has`
    else if (!keys && (info.active || old) && (unit === undefined || unit === info.unit)) {
      // Trust is checked before every request, because it may have been withdrawn since the last one.
      if ((await read.get('mints', [mintUrl]))?.trusted !== 1) return { answer: 'unknown' }
      const got = await client(mintUrl).keys(info.id, { signal })
      const wrong = whyUnusable(got, info, crypto)
      if (got.answer === 'ok' && wrong === undefined) keys = got.body.keys
      else trouble = `KEYS_MISSING: ${wrong}`
    }
    if (trouble !== null) skipped.push({ keysetId: info.id, reason: trouble, isPassing: /no answer|aborted/.test(trouble) }) // prettier-ignore
    const row: KeysetRow = {
      mintUrl,
      id: info.id,
      unit: isOther ? known.unit : info.unit,
      active: info.active ? 1 : 0,
      feePpk: isOther ? known.feePpk : info.input_fee_ppk,
      finalExpiry: isOther ? known.finalExpiry : (info.final_expiry ?? null),
      keys,
      trouble,
      refused: known?.refused ?? null,
      refusedAt: known?.refusedAt ?? null,
    }
    writes.push({ put: 'keysets', row })
  }
  // A keyset that the mint no longer lists takes no new outputs.
  for (const row of await read.query({ table: 'keysets', prefix: [mintUrl] }))
    if (row.active === 1 && !listed.body.some(({ id }) => id === row.id))
      writes.push({ patch: 'keysets', key: [mintUrl, row.id], set: { active: 0 } })
  return { answer: 'ok', writes: [...claims.writes, ...writes], skipped }
}

/** Of entries for one keyset, the first. */
const named = (listed: readonly KeysetInfo[]): readonly KeysetInfo[] =>
  [...new Map(listed.toReversed().map((info) => [info.id, info])).values()].toReversed()

/** A keyset never changes: its unit is that of the coins, and an id of version 01 gives its fee and its end. */
function isAnother(
  { id, unit, feePpk, finalExpiry, keys }: KeysetRow,
  info: KeysetInfo,
  crypto: WalletPorts['crypto'],
) {
  const isAsBefore = feePpk === info.input_fee_ppk && finalExpiry === (info.final_expiry ?? null)
  return keys !== null && (unit !== info.unit || (!isAsBefore && !isIdOf(id, keys, info, crypto)))
}

function isIdOf(id: string, keys: KeysetKeys['keys'], info: KeysetInfo, crypto: WalletPorts['crypto']): boolean {
  const { unit, input_fee_ppk: inputFeePpk, final_expiry: finalExpiry } = info
  try {
    return crypto.keysetId(id, { keys, unit, inputFeePpk, finalExpiry }) === id
  } catch {
    // What the keys do not allow to compute is not the id either.
    return false
  }
}

/** What is wrong with the answer for one keyset's keys; nothing where they are what they should be. */
function whyUnusable(got: Reply<KeysetKeys>, info: KeysetInfo, crypto: WalletPorts['crypto']): string | undefined {
  if (got.answer === 'refused') return `the mint refuses to give its keys (code ${got.code}, ${got.meaning})`
  if (got.answer === 'unknown') return `its keys could not be fetched (${got.reason})`
  if (got.answer === 'malformed') return `the answer holds no keys of it (${got.reason})`
  return isIdOf(info.id, got.body.keys, info, crypto) ? undefined : 'its keys do not give its id'
}

/**
 * Who may use which derivation path. Two keysets with one path would have the same secrets, and two mints with one
 * keyset would leave gaps in each other's counters, which a restore does not bridge.
 */
class Claims {
  readonly writes: Write[] = []
  readonly #read: Reader
  readonly #mintUrl: string
  readonly #made = new Map<string, string>()

  constructor(read: Reader, mintUrl: string) {
    this.#read = read
    this.#mintUrl = mintUrl
  }

  /** Takes the path for a keyset, or says why it may not; a mint that is not trusted any more gives up its claim. */
  async refusal(keysetId: string): Promise<string | null> {
    const name = derivationName(keysetId)
    const made = this.#made.get(name)
    const there = await this.#read.get('derivations', [name])
    const holder = made ?? there?.keysetId
    if (holder !== undefined && holder !== keysetId)
      return `KEYSET_COLLISION: its secrets would be those of keyset ${holder} (NUT-13)`
    if (there && there.mintUrl !== this.#mintUrl && (await this.#isTrusted(there.mintUrl)))
      return `KEYSET_COLLISION: ${there.mintUrl} has this keyset, and is trusted`
    if (made === undefined && there?.mintUrl !== this.#mintUrl) {
      const row: DerivationRow = { name, keysetId, mintUrl: this.#mintUrl }
      this.writes.push({ put: 'derivations', row, if: there ? { mintUrl: there.mintUrl } : 'absent' })
    }
    this.#made.set(name, keysetId)
    return null
  }

  async #isTrusted(mintUrl: string): Promise<boolean> {
    return (await this.#read.get('mints', [mintUrl]))?.trusted === 1
  }
}
