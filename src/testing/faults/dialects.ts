/**
 * Dialects: how real mints differ from the NUTs and from our mint. A dialect wraps the handler of a mint's requests, so
 * the simulated mint, a mint served over HTTP and any other mint can speak it.
 */
import { codes } from '../../cashu/codes.ts'
import type { Transport } from '../../cashu/transport.ts'
import { bolt11, plainInvoice } from '../../mint-server/lightning/bolt11.ts'
import type { MintSettings } from '../../mint-server/ports.ts'
import type { Answer } from '../../mint-server/http/request.ts'
import { absent, reworded, tooLong, type Asked, type Oversize, type TooLong, type Words } from './dialect-words.ts'

/** Selects a keyset: by its id, or by its place in the mint's list. `lowest` is the one with the lowest id. */
export type KeysetChoice = 'first' | 'last' | 'lowest' | { readonly id: string }

/** How a mint differs. A field that is left out changes nothing. */
export interface Dialect {
  /** The words of its refusals; those of the NUTs unless given. */
  readonly words?: Words
  /** The most of each that one request may have: `states` are the Ys of a state check, `restore` the outputs asked about. */
  readonly limits?: {
    readonly inputs?: number
    readonly outputs?: number
    readonly states?: number
    readonly restore?: number
  }
  /** How it refuses longer requests; by default as mints with these words do. */
  readonly oversize?: Oversize
  /** Its info shows the smallest of the limits (`max_array_length`, NUT-06). */
  readonly tellsLimits?: boolean
  /** A keyset whose keys are not available: the answer has this status, another id, or no keys. */
  readonly keysMissing?: { readonly keyset: KeysetChoice; readonly how: 404 | 500 | 'other' | 'empty' }
  /**
   * A keyset whose proofs it no longer takes, and the code of that refusal. State checks show the proofs as unspent.
   */
  readonly dead?: {
    readonly keyset: KeysetChoice
    readonly code: typeof codes.keysetUnknown | typeof codes.keysetExpired | typeof codes.proofInvalid
  }
  /** No keyset is active: it signs nothing, but still pays out. */
  readonly closing?: boolean
  /** A keyset that ends (`final_expiry`, NUT-02): afterwards it neither signs nor redeems. Needs ids of version 00. */
  readonly ending?: { readonly keyset: KeysetChoice; readonly atMs: number }
  /** The NUTs that it does not support. For NUT-19 the mint itself must be made without it; see `mintOptionsOf`. */
  readonly without?: readonly (7 | 8 | 9 | 12 | 19)[]
  /** Its info omits the NUTs that it does not support, rather than naming them as unsupported. */
  readonly isSilent?: boolean
  /** The amounts of its keysets; see `mintOptionsOf`. */
  readonly amounts?: readonly number[]
  /** `missing`: 404. `odd`: numbers as texts, nulls, lists with invalid entries. */
  readonly info?: 'missing' | 'odd'
  /** The invoice of a mint quote has another amount or no amount, or is not an invoice. */
  readonly mintQuote?: 'other amount' | 'no amount' | 'no invoice'
  /** A melt quote has a larger or smaller amount than the invoice, or an absurd fee reserve. */
  readonly meltQuote?: 'dear' | 'cheap' | 'absurd reserve'
}

/** Answers one HTTP request. */
export type Handle<Rest extends readonly unknown[] = []> = (
  method: string,
  path: string,
  body?: string,
  ...rest: Rest
) => Promise<Answer>

/** The options with which our mint must be made to speak the whole dialect. */
export const mintOptionsOf = ({ amounts, without = [] }: Dialect): Partial<MintSettings> => ({
  ...(amounts && { amounts }),
  ...(without.includes(19) && { without: [19] }),
})

type Fields = Readonly<Record<string, unknown>>
type Changed = (fields: Fields) => Fields

interface Listed {
  readonly id: string
  readonly active: boolean
}

/**
 * Wraps a mint so that it speaks a dialect. The dialect may change while the mint runs.
 *
 * @param now The mint's clock, for keysets that end; ours unless given.
 */
export function inDialect<Rest extends readonly unknown[] = []>(
  handle: Handle<Rest>,
  dialect: Dialect | (() => Dialect),
  { now = Date.now }: { readonly now?: () => number } = {},
): Handle<Rest> {
  const present = typeof dialect === 'function' ? dialect : () => dialect
  return async (method, path, body, ...rest) => {
    const spoken = new Spoken(present(), now(), async () => {
      const { body: text } = await handle('GET', '/v1/keysets', undefined, ...rest)
      return (objectOf(text)?.['keysets'] ?? []) as Listed[]
    })
    const refused = await spoken.refuse(method, path, body)
    if (refused) return refused
    return spoken.change(method, path, await handle(method, path, spoken.asked(path, body), ...rest))
  }
}

/** The id of the keyset that is dead. */
export async function deadKeyset(handle: Handle, { dead }: Dialect): Promise<string | undefined> {
  if (!dead) return undefined
  const { body } = await handle('GET', '/v1/keysets')
  return chosen(dead.keyset, (objectOf(body)?.['keysets'] ?? []) as Listed[])
}

/** The same for a wallet's transport: every mint that it reaches then speaks the dialect. */
export function transportInDialect(transport: Transport, dialect: Dialect | (() => Dialect)): Transport {
  return async ({ url, ...request }) => {
    const { origin, pathname } = new URL(url)
    // The path of the mint's URL comes before the path of the protocol.
    const [base, path] = [pathname.slice(0, pathname.indexOf('/v1/')), pathname.slice(pathname.indexOf('/v1/'))]
    let carried: Awaited<ReturnType<Transport>> | undefined
    const handle: Handle = async (method, to, body) =>
      (carried = await transport({
        ...{ method: method as 'GET' | 'POST', url: origin + base + to, signal: request.signal },
        ...(body !== undefined && { body }),
      }))
    const { status, body } = await inDialect(handle, dialect)(request.method, path, request.body)
    return { ...carried, status, body }
  }
}

/** One request and its answer. */
class Spoken {
  readonly #dialect: Dialect
  readonly #nowMs: number
  readonly #keysets: () => Promise<readonly Listed[]>

  constructor(dialect: Dialect, nowMs: number, keysets: () => Promise<readonly Listed[]>) {
    this.#dialect = dialect
    this.#nowMs = nowMs
    this.#keysets = keysets
  }

  get #words(): Words {
    return this.#dialect.words ?? 'nut'
  }

  /** The answer to a request that must not reach the mint. */
  async refuse(method: string, path: string, body = ''): Promise<Answer | undefined> {
    const { info, keysMissing } = this.#dialect
    if (method === 'GET') {
      if (path === '/v1/info' && info === 'missing') return absent(this.#words)
      const [, id] = /^\/v1\/keys\/([^/]+)$/.exec(path) ?? []
      if (id !== undefined && keysMissing && typeof keysMissing.how === 'number' && (await this.#is(keysMissing, id)))
        return keysMissing.how === 404
          ? reworded({ code: codes.keysetUnknown, detail: 'keyset not found' }, this.#words, 'other', 404)
          : { status: 500, body: 'Internal Server Error' }
      return undefined
    }
    const { without = [] } = this.#dialect
    if (path === '/v1/checkstate' && without.includes(7)) return absent(this.#words)
    if (path === '/v1/restore' && without.includes(9)) return absent(this.#words)
    const fields = objectOf(body)
    if (!fields) return undefined
    const long = this.#tooLong(path, fields)
    if (long) return tooLong(long, this.#words, this.#dialect.oversize)
    const code = await this.#unfit(path, fields)
    return code === undefined
      ? undefined
      : reworded({ code, detail: 'refused' }, this.#words, askedFor(path), this.#words === 'coded500' ? 500 : 400)
  }

  #tooLong(path: string, fields: Fields): TooLong | undefined {
    const { inputs, outputs, states, restore } = this.#dialect.limits ?? {}
    const isRestore = path === '/v1/restore'
    const lists = { inputs, outputs: isRestore ? restore : outputs, Ys: states } as const
    for (const list of ['inputs', 'outputs', 'Ys'] as const) {
      const [value, most] = [fields[list], lists[list]]
      if (most !== undefined && Array.isArray(value) && value.length > most) return { list, most, found: value.length }
    }
    return undefined
  }

  /** Refuses inputs of a dead keyset, and outputs if no keyset signs. */
  async #unfit(path: string, fields: Fields): Promise<number | undefined> {
    if (askedFor(path) === 'other') return undefined
    const { dead, closing = false, ending } = this.#dialect
    const ids = (list: string): string[] =>
      listIn(fields, list).flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
    const [inputs, outputs] = [ids('inputs'), this.#hasChange ? ids('outputs') : []]
    const some = async (of: { readonly keyset: KeysetChoice } | undefined, those: readonly string[]) => {
      if (!of || those.length === 0) return false
      const meant = await this.#meant(of)
      return those.some((id) => id === meant)
    }
    if (await some(dead, inputs)) return dead?.code
    if (ending && ending.atMs <= this.#nowMs && (await some(ending, [...inputs, ...outputs])))
      return codes.keysetExpired
    const signs = askedFor(path) === 'melt' ? outputs : ids('outputs')
    return closing && signs.length > 0 ? codes.keysetInactive : undefined
  }

  get #hasChange(): boolean {
    return !this.#dialect.without?.includes(8)
  }

  /** The request as the mint gets it. */
  asked(path: string, body: string | undefined): string | undefined {
    if (body === undefined || this.#hasChange || askedFor(path) !== 'melt') return body
    const { outputs: _, ...rest } = objectOf(body) ?? {}
    return JSON.stringify(rest)
  }

  /** The answer as the wallet gets it. */
  async change(method: string, path: string, answer: Answer): Promise<Answer> {
    const { words, without = [] } = this.#dialect
    const fields = objectOf(answer.body)
    if (!fields) return answer
    if (answer.status >= 400) {
      const { code, detail } = fields
      if (words === undefined || typeof code !== 'number' || typeof detail !== 'string') return answer
      return reworded({ code, detail }, words, askedFor(path), answer.status)
    }
    const by = (await this.#changes(method, path)).filter((it) => it !== undefined)
    if (without.includes(12)) by.push(unproven)
    if (by.length === 0) return answer
    return { ...answer, body: JSON.stringify(by.reduce((changed, change) => change(changed), fields)) }
  }

  async #changes(method: string, path: string): Promise<(Changed | undefined)[]> {
    const { mintQuote, meltQuote } = this.#dialect
    if (method === 'GET' && path === '/v1/info') return [this.#info()]
    if (method === 'GET' && path === '/v1/keysets') return [await this.#listed()]
    if (method === 'GET' && path === '/v1/keys') return [await this.#listed(), this.#closed(), await this.#keyless()]
    if (method === 'GET' && path.startsWith('/v1/keys/')) return [await this.#listed(), await this.#keyless()]
    if (path.startsWith('/v1/mint/quote/')) return [mintQuote && misquoted(mintQuote)]
    if (path.startsWith('/v1/melt/quote/')) return [meltQuote && mispriced(meltQuote)]
    return []
  }

  #closed(): Changed | undefined {
    return this.#dialect.closing ? (fields) => ({ ...fields, keysets: [] }) : undefined
  }

  /** The list of keysets, or one with its keys. */
  async #listed(): Promise<Changed | undefined> {
    const { closing = false, ending } = this.#dialect
    if (!closing && !ending) return undefined
    const last = ending && (await this.#meant(ending))
    return eachKeyset((keyset) => ({
      ...keyset,
      ...(closing && { active: false }),
      ...(ending &&
        keyset['id'] === last && {
          final_expiry: Math.floor(ending.atMs / 1000),
          ...(ending.atMs <= this.#nowMs && { active: false }),
        }),
    }))
  }

  /** The keys of another keyset, or no keys. */
  async #keyless(): Promise<Changed | undefined> {
    const { keysMissing } = this.#dialect
    if (!keysMissing || typeof keysMissing.how === 'number') return undefined
    const meant = await this.#meant(keysMissing)
    return eachKeyset((keyset) => {
      if (keyset['id'] !== meant) return keyset
      return keysMissing.how === 'empty' ? { ...keyset, keys: {} } : { ...keyset, id: otherId(meant) }
    })
  }

  #info(): Changed | undefined {
    const { info, limits, tellsLimits = false, without = [], isSilent = false } = this.#dialect
    const least = Math.min(...Object.values(limits ?? {}))
    return (fields) => {
      const nuts: Record<string, unknown> = { ...(fields['nuts'] as Fields) }
      for (const nut of without)
        if (isSilent || nut === 19) delete nuts[nut]
        else nuts[nut] = { supported: false }
      const told = { ...fields, nuts, ...(tellsLimits && Number.isFinite(least) && { max_array_length: least }) }
      return info === 'odd' ? odd(told) : told
    }
  }

  async #is(of: { readonly keyset: KeysetChoice }, id: string): Promise<boolean> {
    return (await this.#meant(of)) === id
  }

  async #meant({ keyset }: { readonly keyset: KeysetChoice }): Promise<string | undefined> {
    return chosen(keyset, typeof keyset === 'object' ? [] : await this.#keysets())
  }
}

function chosen(keyset: KeysetChoice, listed: readonly Listed[]): string | undefined {
  if (typeof keyset === 'object') return keyset.id
  const ids = listed.map(({ id }) => id)
  if (keyset === 'lowest') return ids.toSorted()[0]
  return keyset === 'first' ? ids[0] : ids.at(-1)
}

const askedFor = (path: string): Asked => {
  if (path === '/v1/swap') return 'swap'
  if (/^\/v1\/mint\/\w+(\/batch)?$/.test(path)) return 'issue'
  return /^\/v1\/melt\/\w+$/.test(path) ? 'melt' : 'other'
}

/** Undefined for a text that is not a JSON object. */
function objectOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}

/** A list of objects; empty if there is no such field. */
const listIn = (fields: Fields, name: string): readonly Fields[] => (fields[name] ?? []) as readonly Fields[]

const eachKeyset =
  (change: Changed): Changed =>
  (fields) => ({ ...fields, keysets: listIn(fields, 'keysets').map(change) })

/** Another id of the same version. */
const otherId = (id: string | undefined): string => `${id?.slice(0, 2)}${'5'.repeat((id?.length ?? 16) - 2)}`

/** Signatures without the proof that they are the mint's (NUT-12). */
const unproven: Changed = (fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      name === 'signatures' || name === 'change'
        ? listIn(fields, name).map(({ dleq: _, ...signature }) => signature)
        : value,
    ]),
  )

/** An info with oddities that were seen at real mints. */
const odd: Changed = ({ nuts, ...fields }) => ({
  ...fields,
  version: 7,
  contact: null,
  max_array_length: '1000',
  nuts: {
    ...(nuts as Fields),
    4: { methods: [null, 'bolt11', { method: 'bolt11' }, { method: 'bolt11', unit: 'sat', min_amount: '1' }], disabled: 'false' }, // prettier-ignore
    5: null,
    7: { supported: 'yes' },
    15: [],
    19: { ttl: '3600', cached_endpoints: [null, { method: 'POST' }] },
    x: { supported: true },
  },
})

/** A mint quote with another request to pay. */
const misquoted =
  (how: NonNullable<Dialect['mintQuote']>): Changed =>
  (fields) => {
    const { request } = fields
    if (typeof request !== 'string') return fields
    if (how === 'no invoice') return { ...fields, request: 'javascript:alert(1)' }
    const codec = [bolt11, plainInvoice].find((it) => it.decode(request))
    const invoice = codec?.decode(request)
    if (!codec || !invoice) return fields
    const amountSat = how === 'no amount' ? undefined : 2 * (invoice.amountSat ?? 1)
    return { ...fields, request: codec.encode({ ...invoice, amountSat }) }
  }

/** The factor by which an expensive quote exceeds the invoice's amount. */
const DEAR = 40
const ABSURD_RESERVE = 1_000_000

/** A melt quote with other amounts. */
const mispriced =
  (how: NonNullable<Dialect['meltQuote']>): Changed =>
  (fields) => {
    const amount = Number(fields['amount'])
    if (how === 'absurd reserve') return { ...fields, fee_reserve: ABSURD_RESERVE }
    return { ...fields, amount: how === 'dear' ? amount * DEAR : Math.floor(amount / 2) }
  }
