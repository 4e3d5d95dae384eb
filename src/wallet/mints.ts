/** The mints that a wallet knows, and which of them it trusts. */
import { checkSignal } from '../arguments.ts'
import type { MintInfo } from '../cashu/parse.ts'
import { normalizeMintUrl } from '../cashu/codec.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { StoreError } from '../store/port.ts'
import { fetchKeysets } from './effects.ts'
import { activeKeyset, keysetsOf, codeAndDetail, whyNone, type Keysets } from './keysets.ts'
import { limitsSaid } from './limits.ts'
import type { WalletPorts } from './ports.ts'
import { freeRefused } from './refused-keysets.ts'
import { movedText, type Standings } from './standings.ts'
import type { MintLimits, MintRow, ProofRow, Store, Write } from './tables.ts'

/** A keyset as the wallet knows it (NUT-02). */
export interface KnownKeyset {
  /** The keyset's id. */
  readonly id: string
  /** The unit, `sat` say. */
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

/** A mint as the wallet knows it. */
export interface KnownMint {
  /** The mint's URL. */
  readonly mintUrl: string
  /** Whether its operations may contact it. */
  readonly trusted: boolean
  /** The mint's answer to GET /v1/info (NUT-06), where it gave one yet. */
  readonly info: MintInfo | undefined
  /** Every keyset that it has listed, those that are not used too. */
  readonly keysets: readonly KnownKeyset[]
  /** The address of its requests: its URL, unless `rebind` changed it. */
  readonly address: string
  /**
   * It redirects, and nothing is sent there: the address that it names, or null where that is not known. Undefined for a mint
   * that did not move.
   */
  readonly movedTo: string | null | undefined
  /** It asked to be left alone until then (Retry-After), in milliseconds since the Unix epoch. */
  readonly waitsUntilMs: number | undefined
}

const REFRESH_TIMEOUT_MS = 15_000
const COLLISION = 'KEYSET_COLLISION'

export class Mints {
  readonly #store: Store
  readonly #ports: WalletPorts
  readonly #now: () => number
  readonly #standings: Standings

  constructor(of: { store: Store; ports: WalletPorts; now: () => number; standings: Standings }) {
    this.#store = of.store
    this.#ports = of.ports
    this.#now = of.now
    this.#standings = of.standings
  }

  /**
   * Trusts a mint: its operations may contact it, from now on and after every restart. The trust is stored first;
   * then info and keysets are fetched, and where the mint does not answer they are fetched when they are needed.
   *
   * A mint that was not trusted and redirects stays as it was: its address is another one.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`; {HardshellError} `MINT_MOVED`
   */
  async trust(mintUrl: string): Promise<KnownMint> {
    const asked = normalizeMintUrl(mintUrl)
    const url = (await this.#standings.atAddress(asked)) ?? asked
    const before = await this.#store.get('mints', [url])
    await this.#store.commit([
      before
        ? { patch: 'mints', key: [url], set: { trusted: 1 } }
        : { put: 'mints', row: { ...TRUSTED, mintUrl: url } },
    ])
    try {
      await this.refresh(url)
    } catch (error) {
      if (error instanceof HardshellError && error.code === 'MINT_MOVED') {
        if (!before) await this.#store.commit([{ delete: 'mints', key: [url] }])
        else if (before.trusted === 0) await this.#store.commit([{ patch: 'mints', key: [url], set: { trusted: 0 } }])
        throw error
      }
    }
    return this.get(url)
  }

  /**
   * Says where a mint answers that moved: its operations go on there. Its money, and tokens made of it, keep its URL. The
   * wallet asks the address for the mint's keysets first, and sends it nothing else before they are found there.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`; {HardshellError} `MINT_UNKNOWN`, `MINT_UNREACHABLE`, `MINT_MISMATCH`, `MINT_MOVED`
   */
  async rebind(mintUrl: string, address: string): Promise<KnownMint> {
    const { mintUrl: url } = await this.get(mintUrl)
    const to = normalizeMintUrl(address)
    const signal = AbortSignal.timeout(REFRESH_TIMEOUT_MS)
    const listed = await this.#ports.client(to).keysets({ signal })
    const { moved } = this.#standings.of(to)
    if (moved) throw new HardshellError('MINT_MOVED', `${to} redirects: ${movedText(moved.to)}`)
    if (listed.answer !== 'ok') throw new HardshellError('MINT_UNREACHABLE', `${to} did not answer as a mint does`)
    const there = new Set(listed.body.map(({ id }) => id))
    const known = [...(await keysetsOf(this.#store, url)).values()].filter(({ keys }) => keys !== null)
    const needed = new Set((await this.#unspent(url)).map(({ keysetId }) => keysetId))
    const missing = [...needed].filter((id) => !there.has(id))
    if (missing.length > 0 || (known.length > 0 && !known.some(({ id }) => there.has(id))))
      throw new HardshellError('MINT_MISMATCH', `${to} does not have the keysets of ${url}`)
    await this.#standings.rebind(url, to === url ? null : to)
    await this.refresh(url).catch(() => {})
    return this.get(url)
  }

  /** Takes the trust back: operations of the mint wait in their states, and contact nobody, until it is trusted again. */
  async distrust(mintUrl: string): Promise<void> {
    const { mintUrl: url } = await this.get(mintUrl)
    await this.#store.commit([{ patch: 'mints', key: [url], set: { trusted: 0 } }])
  }

  /**
   * Fetches a mint's info and keysets anew.
   *
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`; `MINT_UNREACHABLE`, also where the mint asked to
   *   be left alone for a while; `KEYSET_COLLISION` where a keyset
   *   would have another's secrets (NUT-13), or is another trusted mint's.
   */
  async refresh(mintUrl: string, signal: AbortSignal = AbortSignal.timeout(REFRESH_TIMEOUT_MS)): Promise<void> {
    checkSignal(signal)
    const { mintUrl: url } = await this.trusted(mintUrl)
    const info = await this.#ports.client(url).info({ signal })
    this.#assertThere(url)
    await this.trusted(url)
    const keysets = await fetchKeysets(this.#ports, { mintUrl: url, unit: undefined }, this.#store, signal)
    const writes: Write[] = []
    if (info.answer === 'ok')
      writes.push({
        patch: 'mints',
        key: [url],
        set: { info: info.body, infoAt: this.#now(), ...(await this.#limitsIn(url, info.body)) },
      })
    if (keysets.answer === 'ok') writes.push(...keysets.writes)
    if (writes.length > 0) await this.#store.commit(writes)
    await this.#tryAgain(url)
    this.#assertThere(url)
    if (keysets.answer !== 'ok' || info.answer !== 'ok')
      throw new HardshellError('MINT_UNREACHABLE', `${url} did not answer as a mint does`)
    for (const { keysetId, reason } of keysets.skipped)
      if (reason.startsWith(COLLISION)) throw new HardshellError(COLLISION, `keyset ${keysetId}: ${codeAndDetail(reason)[1]}`) // prettier-ignore
  }

  /** Frees proofs that the mint refused some time ago. A conflict is ignored: somebody else has moved them. */
  async #tryAgain(url: string): Promise<void> {
    const writes = await freeRefused(this.#store, url, this.#now())
    if (writes.length === 0) return
    await this.#store.commit(writes).catch((error: unknown) => {
      if (!(error instanceof StoreError && error.code === 'CONFLICT')) throw error
    })
  }

  /** Limits that the mint's info has changed. The learnt ones stay otherwise. */
  async #limitsIn(url: string, info: MintInfo): Promise<{ limits?: MintLimits }> {
    const before = (await this.#store.get('mints', [url]))?.info
    const isNew = info.maxArrayLength !== undefined && before?.maxArrayLength !== info.maxArrayLength
    return isNew ? { limits: limitsSaid(info) } : {}
  }

  /** @throws {HardshellError} `MINT_MOVED`, `MINT_UNREACHABLE` where the mint said that it is not to be asked. */
  #assertThere(url: string): void {
    const { moved } = this.#standings.of(url)
    if (moved) throw new HardshellError('MINT_MOVED', `${url} redirects: ${movedText(moved.to)}`)
    const waitMs = this.#standings.waitMs(url)
    if (waitMs === 0) return
    const until = new Date(this.#now() + waitMs).toISOString()
    throw new HardshellError('MINT_UNREACHABLE', `${url} asked to wait until ${until}`)
  }

  async #unspent(mintUrl: string): Promise<ProofRow[]> {
    const groups = await this.#store.sum('proofs', [mintUrl])
    const rows = groups
      .filter(({ key: [, , state], count }) => state !== 'spent' && count > 0)
      .map(({ key }) => this.#store.query({ table: 'proofs', index: 'byState', prefix: key }))
    return (await Promise.all(rows)).flat()
  }

  /** @throws {HardshellError} `MINT_UNKNOWN` where it was never trusted. */
  async get(mintUrl: string): Promise<KnownMint> {
    const url = normalizeMintUrl(mintUrl)
    const row = await this.#store.get('mints', [url])
    if (!row) throw new HardshellError('MINT_UNKNOWN', `${url} was never trusted`)
    return this.#known(row)
  }

  /**
   * A mint for a new operation in a unit. One that moved is asked again whether it still redirects.
   *
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`; `UNIT_UNKNOWN` where the mint's keysets are
   *   known and none is of the unit
   */
  async assertUsable(mintUrl: string, unit: string): Promise<KnownMint> {
    const mint = await this.trusted(mintUrl)
    await this.#tryAgain(mint.mintUrl)
    if (mint.movedTo !== undefined) await this.refresh(mint.mintUrl)
    await this.#assertUnit(mint.mintUrl, unit)
    return this.get(mint.mintUrl)
  }

  /** @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED` */
  async trusted(mintUrl: string): Promise<KnownMint> {
    const mint = await this.get(mintUrl)
    if (!mint.trusted) throw new HardshellError('MINT_NOT_TRUSTED', `${mint.mintUrl} is not trusted any more`)
    return mint
  }

  async #assertUnit(mintUrl: string, unit: string): Promise<void> {
    const keysets = [...(await this.keysets(mintUrl, unit)).values()]
    if (keysets.length > 0 && !keysets.some((keyset) => keyset.unit === unit))
      throw new HardshellError('UNIT_UNKNOWN', `${mintUrl} has no unit '${unit}'`)
  }

  /**
   * Before anything is paid: the unit can be signed, as far as is known.
   *
   * @throws {HardshellError} `KEYSET_COLLISION`, `KEYSET_UNSUPPORTED`, `KEYSET_CHANGED`, `NO_ACTIVE_KEYSET`
   */
  async assertSigns(mintUrl: string, unit: string): Promise<void> {
    const why = whyNone(await this.keysets(mintUrl, unit), unit)
    if (why && !/^(KEYSETS_UNKNOWN|KEYS_MISSING|KEYSET_REFUSED)$/.test(why.code))
      throw new HardshellError(why.code, why.detail)
  }

  async list(): Promise<KnownMint[]> {
    const rows = await this.#store.query({ table: 'mints' })
    return Promise.all(rows.map((row) => this.#known(row)))
  }

  async #known(row: MintRow): Promise<KnownMint> {
    const { mintUrl, trusted, info } = row
    this.#standings.take(row)
    const { address, moved } = this.#standings.of(mintUrl)
    const waitMs = this.#standings.waitMs(mintUrl)
    return {
      mintUrl,
      trusted: trusted === 1,
      info: info ?? undefined,
      keysets: keysetsKnown(await keysetsOf(this.#store, mintUrl)),
      address: address ?? mintUrl,
      movedTo: moved ? moved.to : undefined,
      waitsUntilMs: waitMs > 0 ? this.#now() + waitMs : undefined,
    }
  }

  async isTrusted(mintUrl: string): Promise<boolean> {
    const row = await this.#store.get('mints', [mintUrl])
    if (row) this.#standings.take(row)
    return row?.trusted === 1
  }

  /** The keysets known of a mint; asks it where keys are missing, of keysets that are not active too. */
  async allKeysets(mintUrl: string): Promise<Keysets> {
    if (await this.isTrusted(mintUrl)) {
      const signal = AbortSignal.timeout(REFRESH_TIMEOUT_MS)
      const fetched = await fetchKeysets(this.#ports, { mintUrl, unit: undefined, old: true }, this.#store, signal)
      if (fetched.answer === 'ok') await this.#store.commit(fetched.writes)
    }
    return keysetsOf(this.#store, mintUrl)
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

const keysetsKnown = (keysets: Keysets): KnownKeyset[] =>
  [...keysets.values()].map(({ id, unit, active, feePpk, finalExpiry, trouble, refused }) => ({
    id,
    unit,
    active: active === 1,
    feePpk,
    finalExpiry: finalExpiry ?? undefined,
    reason: trouble ?? (refused === null ? undefined : `KEYSET_REFUSED: ${refused}`),
  }))

/** A mint that is trusted and otherwise unknown. */
const TRUSTED = { trusted: 1, info: null, infoAt: null, limits: null, pause: null, moved: null, address: null }
