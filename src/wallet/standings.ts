/**
 * What any answer of a mint may say about the mint itself: to pause (Retry-After), or that it moved (a redirect). The
 * transport reads it from every answer, pauses the mint's lane, and stores it in the mint's row, where a restart finds it.
 */
import { movedTo } from '../cashu/moved.ts'
import type { Transport, TransportAnswer } from '../cashu/transport.ts'
import type { RequestLimiter } from '../kernel/run/request-limiter.ts'
import { reportLasting } from '../kernel/util/report.ts'
import type { Clock } from '../kernel/util/ports.ts'
import type { MintRow, Store } from './tables.ts'

/** A mint that moved is asked again after so long, and after twice as long each time, up to an hour. */
const MOVED_FIRST_MS = 60_000
const MOVED_LONGEST_MS = 3_600_000
/** Pauses whose ends differ by less than this are the same pause. */
const ALIKE_MS = 1_000

type Standing = Pick<MintRow, 'pause' | 'moved' | 'address'>

const ORDINARY: Standing = { pause: null, moved: null, address: null }

export class Standings {
  readonly #store: Store
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #known = new Map<string, Standing>()
  /** Mints of which something is being written. */
  readonly #keeping = new Set<string>()
  /** How often in a row each mint said that it moved, in this process. */
  readonly #moves = new Map<string, number>()
  #limiter: RequestLimiter | undefined

  constructor(of: { store: Store; clock: Clock; transport: Transport }) {
    this.#store = of.store
    this.#clock = of.clock
    this.#transport = of.transport
  }

  /** From now on, what mints say pauses this limiter. */
  begin(limiter: RequestLimiter): void {
    this.#limiter = limiter
  }

  /** Takes over a row that was read. While a write is under way, the row may be older than what is known. */
  take({ mintUrl, pause, moved, address }: MintRow): void {
    const before = this.of(mintUrl)
    const isOld = this.#keeping.has(mintUrl)
    this.#known.set(mintUrl, { pause, moved: isOld ? before.moved : moved, address })
    const limiter = this.#limiter
    if (!limiter) return
    // The clock may have been set back since: a pause never exceeds the length that the mint asked for.
    if (pause && pause.untilMs !== before.pause?.untilMs)
      limiter.pause(mintUrl, Math.min(pause.untilMs - this.#clock.now(), pause.delayMs), ASKED_TO_WAIT)
    if (isOld) return
    if (moved && moved.to !== before.moved?.to) limiter.pause(mintUrl, MOVED_FIRST_MS, movedPause(moved.to))
    if (!moved && before.moved && this.waitMs(mintUrl) === 0) limiter.unpause(mintUrl)
  }

  /** Reads all rows: another process wrote some. */
  async read(): Promise<void> {
    for (const row of await this.#store.query({ table: 'mints' })) this.take(row)
  }

  of(mintUrl: string): Standing {
    return this.#known.get(mintUrl) ?? ORDINARY
  }

  /** How long the mint still wants to be left alone, in milliseconds; 0 where it does not. */
  waitMs(mintUrl: string): number {
    const pause = this.#limiter?.pauseOf(mintUrl)
    return pause?.why === ASKED_TO_WAIT.why ? pause.leftMs : 0
  }

  /** A person says where the mint is. */
  async rebind(mintUrl: string, address: string | null): Promise<void> {
    const standing = { ...this.of(mintUrl), moved: null, address }
    await this.#store.commit([{ patch: 'mints', key: [mintUrl], set: { moved: null, address } }])
    this.#known.set(mintUrl, standing)
    this.#moves.delete(mintUrl)
    if (this.waitMs(mintUrl) === 0) this.#limiter?.unpause(mintUrl)
  }

  /** The mint that was said to be at this address. */
  async atAddress(address: string): Promise<string | undefined> {
    const rows = await this.#store.query({ table: 'mints' })
    return rows.find((row) => row.address === address)?.mintUrl
  }

  /** The transport of one mint. Nothing is sent while the mint wants to be left alone. */
  transportOf(mintUrl: string): Transport {
    return async (request) => {
      if (!this.#known.has(mintUrl)) {
        const row = await this.#store.get('mints', [mintUrl])
        if (row) this.take(row)
      }
      if (this.waitMs(mintUrl) > 0) throw Object.assign(new Error('the mint asked to wait'), { code: 'ASKED_TO_WAIT' })
      const base = this.of(mintUrl).address ?? mintUrl
      const url = base + request.url.slice(mintUrl.length)
      const answer = await this.#transport({ ...request, url })
      this.#hear(mintUrl, answer, { url, mintUrl: base })
      return answer
    }
  }

  #hear(mintUrl: string, answer: TransportAnswer, request: { url: string; mintUrl: string }): void {
    const { status, retryAfterMs = 0, location } = answer
    const limiter = this.#limiter
    if (!limiter) return
    const standing = this.of(mintUrl)
    if (location !== undefined) {
      const to = movedTo(location, request) ?? null
      const count = this.#moves.get(mintUrl) ?? 0
      const delayMs = Math.min(MOVED_LONGEST_MS, MOVED_FIRST_MS * 2 ** count)
      if (!limiter.pauseOf(mintUrl) && limiter.pause(mintUrl, delayMs, movedPause(to)))
        this.#moves.set(mintUrl, Math.min(count + 1, 6))
      if (!standing.moved || standing.moved.to !== to) this.#keep(mintUrl, { moved: { to } })
    } else if ((status === 429 || status >= 500) && retryAfterMs > 0) {
      const leftMs = limiter.pauseOf(mintUrl)?.leftMs ?? 0
      if (!limiter.pause(mintUrl, retryAfterMs, ASKED_TO_WAIT)) return
      const { leftMs: delayMs = 0 } = limiter.pauseOf(mintUrl) ?? {}
      if (delayMs > leftMs + ALIKE_MS) this.#keep(mintUrl, { pause: { untilMs: this.#clock.now() + delayMs, delayMs } })
    } else if (status >= 200 && status < 500 && status !== 429) {
      this.#moves.delete(mintUrl)
      if (!standing.moved) return
      if (this.waitMs(mintUrl) === 0) limiter.unpause(mintUrl)
      this.#keep(mintUrl, { moved: null })
    }
  }

  /** A failed write is harmless: the mint's next answer says it again. */
  #keep(mintUrl: string, heard: Partial<Pick<Standing, 'pause' | 'moved'>>): void {
    this.#known.set(mintUrl, { ...this.of(mintUrl), ...heard })
    this.#keeping.add(mintUrl)
    this.#store
      .commit([{ patch: 'mints', key: [mintUrl], set: heard }])
      .catch(reportLasting)
      .finally(() => this.#keeping.delete(mintUrl))
  }
}

const ASKED_TO_WAIT = { why: 'the mint asked to wait' }

const movedPause = (to: string | null) => ({
  why: `${movedText(to)}, which a person has to confirm by mints.rebind(); nothing is sent`,
  needsHuman: true,
})

/** Says where a mint moved to. */
export const movedText = (to: string | null): string =>
  to === null ? 'the mint moved to an address that is not known' : `the mint moved to ${to}`
