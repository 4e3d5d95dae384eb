/**
 * A Cashu mint: NUT-00 to 07, 08, 09, 12, 19, 20, 23. Every request that changes something is one commit of the store
 * (a melt is two), conditioned on all it read and done again from the reads where that changed; so any number of mints
 * may share one store, and a crash leaves nothing half done. It does not know spending conditions (NUT-10): locked
 * proofs are spent like any others.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { codes } from '../cashu/codes.ts'
import type { Write } from '../store/port.ts'
import { books, type Books } from './books.ts'
import type { Context, Endpoint, MintOptions, OptionalNut, View } from './context.ts'
import { createIssue } from './issue.ts'
import { createLedger } from './ledger.ts'
import { createMelt } from './melt.ts'
import { fieldsOf, idText, inputsOf, MintError, outputsOf, refusalOf, refuse, type Answer } from './request.ts'
import { transact, type ResponseRow } from './tables.ts'
import { createViews } from './views.ts'

export interface Mint {
  /** Answers one HTTP request. Rejects only where the store or the backend fails: the outcome is unknown then. */
  handle(method: string, path: string, body?: string): Promise<Answer>
  /**
   * Gives a unit a new active keyset and returns its id; the old one stays good for inputs. The fee stays unless told.
   * @throws {MintError} The mint has no such unit.
   */
  rotate(unit: string, options?: { readonly feePpk?: number }): Promise<string>
  /** The mint's own accounts. */
  books(): Promise<Books>
}

const HOUR_MS = 3_600_000
const DEFAULTS = {
  name: 'hardshell mint',
  units: ['sat'],
  feePpk: 0,
  amounts: Array.from({ length: 32 }, (_, exponent) => 2 ** exponent),
  maxAmount: 10_000_000,
  cacheTtlMs: HOUR_MS,
  quoteTtlMs: HOUR_MS,
  feeReserve: (amount: number) => Math.max(2, Math.ceil(amount / 100)),
  without: [],
}

/** Starts a mint on its store, making the first keyset of each unit. @throws Error The store belongs to another seed. */
export async function createMint(options: MintOptions): Promise<Mint> {
  const resolved: Required<MintOptions> = { ...DEFAULTS, ...options }
  const { store, clock, cacheTtlMs } = resolved
  const has = (nut: OptionalNut): boolean => !resolved.without.includes(nut)
  const ledger = createLedger({ ...resolved, dleq: has(12) })
  for (const unit of resolved.units) await ledger.addKeyset(unit, resolved.feePpk, true)

  function checkUnit(unit: string): void {
    if (!resolved.units.includes(unit)) refuse(codes.unitUnsupported, 'the mint has no such unit')
  }

  async function replay(key: string): Promise<string | undefined> {
    const kept = has(19) ? await store.get<ResponseRow>('responses', [key]) : undefined
    return kept && kept.expiresAt > clock() ? kept.body : undefined
  }

  async function keep(key: string, body: string): Promise<Write[]> {
    if (!has(19)) return []
    const row: ResponseRow = { key, body, expiresAt: clock() + cacheTtlMs }
    // Each answer kept takes out up to two that expired: the table stays small without a sweep.
    const expired = await store.query<ResponseRow>({ table: 'responses', index: 'byExpiry', to: clock(), limit: 2 })
    return [...expired.map((old): Write => ({ delete: 'responses', key: [old.key] })), { put: 'responses', row }]
  }

  const context: Context = {
    ...resolved,
    ledger,
    has,
    newId: () => bytesToHex(resolved.random(16)),
    checkQuotable(unit, amount) {
      checkUnit(unit)
      const { maxAmount } = resolved
      if (amount < 1 || amount > maxAmount) refuse(codes.amountOutOfRange, `not within 1 and ${maxAmount}`)
    },
    replay,
    keep,
    once: (key, step) =>
      transact(store, async () => {
        const kept = await replay(key)
        if (kept !== undefined) return { writes: [], result: kept }
        const { writes, answer } = await step()
        const body = JSON.stringify(answer)
        return { writes: [...writes, ...(await keep(key, body))], result: body }
      }),
  }

  /** NUT-03. */
  const swap: Endpoint = (request, key) =>
    context.once(key, async () => {
      const spent = await ledger.inputs(inputsOf(request))
      const made = await ledger.outputs(outputsOf(request))
      if (spent.unit !== made.unit) refuse(codes.unitMismatch, 'inputs and outputs have different units')
      if (spent.net !== made.amount)
        refuse(codes.unbalanced, `inputs less fee are ${spent.net}, outputs ${made.amount}`)
      const { signatures, writes } = made.sign()
      return { writes: [...spent.take('SPENT', null), ...writes], answer: { signatures } }
    })

  const issue = createIssue(context)
  const melt = createMelt(context)
  const view = createViews(context)

  const endpoints: Readonly<Record<string, Endpoint>> = {
    '/v1/swap': swap,
    '/v1/mint/quote/bolt11': issue.quote,
    '/v1/mint/bolt11': issue.issue,
    '/v1/melt/quote/bolt11': melt.quote,
    '/v1/melt/bolt11': melt.melt,
    ...(has(7) ? { '/v1/checkstate': view.checkState } : {}),
    ...(has(9) ? { '/v1/restore': view.restore } : {}),
  }
  const views: Readonly<Record<string, View>> = {
    '/v1/info': view.info,
    '/v1/keys': view.activeKeys,
    '/v1/keys/:id': view.keys,
    '/v1/keysets': view.keysets,
    '/v1/mint/quote/bolt11/:id': issue.check,
    '/v1/melt/quote/bolt11/:id': melt.check,
  }

  function route(method: string, path: string, body: string): Promise<object | string> {
    if (method === 'POST' && Object.hasOwn(endpoints, path)) {
      const key = bytesToHex(sha256(utf8ToBytes(`${path}\n${body}`)))
      return endpoints[path]!(fieldsOf(body), key)
    }
    const [, id] = /\/([^/]*)$/.exec(path) ?? []
    const view = Object.hasOwn(views, path) ? path : path.replace(/[^/]*$/, ':id')
    if (method === 'GET' && Object.hasOwn(views, view)) return views[view]!(idText(id, 'id'))
    throw new MintError(codes.unclassified, `nothing at ${method} ${path}`, 404)
  }

  return {
    async handle(method, path, body = '') {
      try {
        const answer = await route(method, path, body)
        return { status: 200, body: typeof answer === 'string' ? answer : JSON.stringify(answer) }
      } catch (error) {
        return refusalOf(error)
      }
    },
    async rotate(unit, { feePpk } = {}) {
      checkUnit(unit)
      return ledger.addKeyset(unit, feePpk)
    },
    books: () => books(store),
  }
}
