/** The mints that a wallet knows, and which of them it trusts. */
import { checkSignal } from '../arguments.ts'
import type { MintInfo } from '../cashu/parse.ts'
import { normalizeMintUrl } from '../cashu/codec.ts'
import { HardshellError } from '../kernel/errors.ts'
import type { Store, Write } from '../store/port.ts'
import { fetchKeysets } from './effects.ts'
import { activeKeyset, keysetsOf, splitTrouble, whyNone, type Keysets } from './keysets.ts'
import { limitsSaid } from './limits.ts'
import type { WalletPorts } from './ports.ts'
import type { MintLimits, MintRow } from './tables.ts'

/** A keyset as the wallet knows it (NUT-02). */
export interface KnownKeyset {
  readonly id: string
  readonly unit: string
  /** The mint signs with it. */
  readonly active: boolean
  /** Input fee in parts per thousand. */
  readonly feePpk: number
  /** Seconds since the Unix epoch. */
  readonly finalExpiry: number | undefined
  /** Why the wallet does not use it, though the mint lists it; a code first, such as `KEYSET_COLLISION`. */
  readonly reason: string | undefined
}

export interface KnownMint {
  readonly mintUrl: string
  readonly trusted: boolean
  /** The mint's answer to GET /v1/info (NUT-06), where it gave one yet. */
  readonly info: MintInfo | undefined
  /** Every keyset that it has listed, those that are not used too. */
  readonly keysets: readonly KnownKeyset[]
}

const REFRESH_TIMEOUT_MS = 15_000
const COLLISION = 'KEYSET_COLLISION'

export class Mints {
  readonly #store: Store
  readonly #ports: WalletPorts
  readonly #now: () => number

  constructor(store: Store, ports: WalletPorts, now: () => number) {
    this.#store = store
    this.#ports = ports
    this.#now = now
  }

  /**
   * Trusts a mint: its operations may contact it, from now on and after every restart. The trust is stored first;
   * then info and keysets are fetched, and where the mint does not answer they are fetched when they are needed.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   */
  async trust(mintUrl: string): Promise<KnownMint> {
    const url = normalizeMintUrl(mintUrl)
    const known = await this.#store.get<MintRow>('mints', [url])
    const unknown = { info: null, infoAt: null, limits: null }
    await this.#put({ ...unknown, ...known, mintUrl: url, trusted: 1 })
    await this.refresh(url).catch(() => {})
    return this.get(url)
  }

  /** Takes the trust back: operations of the mint wait in their states, and contact nobody, until it is trusted again. */
  async distrust(mintUrl: string): Promise<void> {
    const { mintUrl: url } = await this.get(mintUrl)
    const row = (await this.#store.get<MintRow>('mints', [url]))!
    await this.#put({ ...row, trusted: 0 })
  }

  async #put(row: MintRow): Promise<void> {
    await this.#store.commit([{ put: 'mints', row }])
  }

  /**
   * Fetches a mint's info and keysets anew.
   *
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_UNREACHABLE`, `KEYSET_COLLISION` where a keyset
   *   would have another's secrets (NUT-13), or is another trusted mint's
   */
  async refresh(mintUrl: string, signal: AbortSignal = AbortSignal.timeout(REFRESH_TIMEOUT_MS)): Promise<void> {
    checkSignal(signal)
    const { mintUrl: url } = await this.trusted(mintUrl)
    const info = await this.#ports.client(url).info({ signal })
    await this.trusted(url)
    const keysets = await fetchKeysets(this.#ports, { mintUrl: url, unit: undefined }, this.#store, signal)
    const writes: Write[] = []
    if (info.answer === 'ok')
      writes.push({
        patch: 'mints',
        key: [url],
        set: { info: info.body as never, infoAt: this.#now(), ...(await this.#limitsIn(url, info.body)) },
      })
    if (keysets.answer === 'ok') writes.push(...keysets.writes)
    if (writes.length > 0) await this.#store.commit(writes)
    if (keysets.answer !== 'ok' || info.answer !== 'ok')
      throw new HardshellError('MINT_UNREACHABLE', `${url} did not answer as a mint does`)
    for (const { keysetId, reason } of keysets.skipped)
      if (reason.startsWith(COLLISION)) throw new HardshellError(COLLISION, `keyset ${keysetId}: ${splitTrouble(reason)[1]}`) // prettier-ignore
  }

  /** Limits that the mint says otherwise than before; else what was learnt stands. */
  async #limitsIn(url: string, info: MintInfo): Promise<{ limits?: MintLimits }> {
    const before = (await this.#store.get<MintRow>('mints', [url]))?.info as MintInfo | null | undefined
    const isNew = info.maxArrayLength !== undefined && before?.maxArrayLength !== info.maxArrayLength
    return isNew ? { limits: limitsSaid(info) } : {}
  }

  /** @throws {HardshellError} `MINT_UNKNOWN` where it was never trusted. */
  async get(mintUrl: string): Promise<KnownMint> {
    const url = normalizeMintUrl(mintUrl)
    const row = await this.#store.get<MintRow>('mints', [url])
    if (!row) throw new HardshellError('MINT_UNKNOWN', `${url} was never trusted`)
    return known(row, await keysetsOf(this.#store, url))
  }

  /** @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED` */
  async trusted(mintUrl: string): Promise<KnownMint> {
    const mint = await this.get(mintUrl)
    if (!mint.trusted) throw new HardshellError('MINT_NOT_TRUSTED', `${mint.mintUrl} is not trusted any more`)
    return mint
  }

  /** @throws {HardshellError} `UNIT_UNKNOWN` where the mint's keysets are known and none is of the unit. */
  async assertUnit(mintUrl: string, unit: string): Promise<void> {
    const keysets = [...(await this.keysets(mintUrl, unit)).values()]
    if (keysets.length > 0 && !keysets.some((keyset) => keyset.unit === unit))
      throw new HardshellError('UNIT_UNKNOWN', `${mintUrl} has no unit '${unit}'`)
  }

  /**
   * Before anything is paid: the unit can be signed, as far as is known.
   *
   * @throws {HardshellError} `KEYSET_COLLISION`, `KEYSET_UNSUPPORTED`, `NO_ACTIVE_KEYSET`
   */
  async assertSigns(mintUrl: string, unit: string): Promise<void> {
    const why = whyNone(await this.keysets(mintUrl, unit), unit)
    if (why && !/^(KEYSETS_UNKNOWN|KEYS_MISSING|KEYSET_REFUSED)$/.test(why.code))
      throw new HardshellError(why.code, why.detail)
  }

  async list(): Promise<KnownMint[]> {
    const rows = await this.#store.query<MintRow>({ table: 'mints' })
    return Promise.all(rows.map(async (row) => known(row, await keysetsOf(this.#store, row.mintUrl))))
  }

  async isTrusted(mintUrl: string): Promise<boolean> {
    return (await this.#store.get<MintRow>('mints', [mintUrl]))?.trusted === 1
  }

  /** The keysets known of a mint; asks it where none with keys is known for the unit. */
  async keysets(mintUrl: string, unit: string): Promise<Keysets> {
    const usable = (keysets: Keysets): boolean => activeKeyset(keysets, unit) !== undefined
    const found = await keysetsOf(this.#store, mintUrl)
    if (usable(found) || !(await this.isTrusted(mintUrl))) return found
    await this.refresh(mintUrl).catch(() => {})
    return keysetsOf(this.#store, mintUrl)
  }
}

const known = ({ mintUrl, trusted, info }: MintRow, keysets: Keysets): KnownMint => ({
  mintUrl,
  trusted: trusted === 1,
  info: (info ?? undefined) as MintInfo | undefined,
  keysets: [...keysets.values()].map(({ id, unit, active, feePpk, finalExpiry, trouble, refused }) => ({
    id,
    unit,
    active: active === 1,
    feePpk,
    finalExpiry: finalExpiry ?? undefined,
    reason: trouble ?? (refused === null ? undefined : `KEYSET_REFUSED: ${refused}`),
  })),
})
