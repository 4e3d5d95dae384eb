/** The mints that a wallet knows, and which of them it trusts. */
import { checkSignal } from '../arguments.ts'
import type { MintInfo } from '../cashu/parse.ts'
import { normalizeMintUrl } from '../cashu/codec.ts'
import { HardshellError } from '../kernel/errors.ts'
import type { Store, Write } from '../store/port.ts'
import { fetchKeysets } from './effects.ts'
import { keysetsOf, type Keysets } from './keysets.ts'
import { limitsSaid } from './limits.ts'
import type { WalletPorts } from './ports.ts'
import type { MintLimits, MintRow } from './tables.ts'

export interface KnownMint {
  readonly mintUrl: string
  readonly trusted: boolean
  /** The mint's answer to GET /v1/info (NUT-06), where it gave one yet. */
  readonly info: MintInfo | undefined
}

const REFRESH_TIMEOUT_MS = 15_000

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
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_UNREACHABLE`
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
    return known(row)
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

  async list(): Promise<KnownMint[]> {
    return (await this.#store.query<MintRow>({ table: 'mints' })).map(known)
  }

  async isTrusted(mintUrl: string): Promise<boolean> {
    return (await this.#store.get<MintRow>('mints', [mintUrl]))?.trusted === 1
  }

  /** The keysets known of a mint; asks it where none with keys is known for the unit. */
  async keysets(mintUrl: string, unit: string): Promise<Keysets> {
    const usable = (keysets: Keysets): boolean =>
      [...keysets.values()].some((row) => row.unit === unit && row.active === 1 && row.keys !== null)
    const found = await keysetsOf(this.#store, mintUrl)
    if (usable(found) || !(await this.isTrusted(mintUrl))) return found
    await this.refresh(mintUrl).catch(() => {})
    return keysetsOf(this.#store, mintUrl)
  }
}

const known = ({ mintUrl, trusted, info }: MintRow): KnownMint => ({
  mintUrl,
  trusted: trusted === 1,
  info: (info ?? undefined) as MintInfo | undefined,
})
