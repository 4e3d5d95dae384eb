/** Which request asks for what. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { checkList, checkText } from '../../arguments.ts'
import { codes } from '../../cashu/codes.ts'
import { lenient, point } from '../../cashu/shape.ts'
import type { Context, Endpoint, Party, ReadEndpoint } from '../context.ts'
import type { Keysets } from '../signatory/keysets.ts'
import { sum } from '../protocol/ledger.ts'
import { meltAnswer, meltQuotes } from '../protocol/melt-quotes.ts'
import type { HandleOptions, Mint } from '../mint-api.ts'
import { mintAnswer, mintQuotes, ownQuote } from '../protocol/mint-quotes.ts'
import type { PaymentMethod } from '../lightning/payment-backend.ts'
import { has } from '../ports.ts'
import { fieldsOf, idText, MintError, quoteIdOf, refusalOf, refuse, type Fields } from './request.ts'
import { listedQuotes, requests, type Asked } from './requests.ts'
import type { MeltQuoteRow } from '../db/tables.ts'
import { inWaves } from '../db/waves.ts'
import { checkTopic } from './topics.ts'
import { createReadEndpoints, stateOfProof } from '../protocol/read-endpoints.ts'

/** How a mint carries out what moves ecash. */
export interface Engine {
  /**
   * Carries out a request once, and returns its answer or the answer's text. `key` identifies the request (NUT-19);
   * `asked` parses it.
   * @throws {MintError}
   */
  carryOut(key: string, asked: () => Promise<Asked>, options: HandleOptions): Promise<object | string>
  /** Polls a payment that is under way. */
  ask(quote: MeltQuoteRow): Promise<void>
}

export interface Routes {
  readonly handle: Mint['handle']
  readonly statesOf: Mint['statesOf']
  readonly ask: Mint['ask']
  /** A payment came in for a request of the mint. */
  readonly heard: (requestId: string) => Promise<void>
}

export function routes(context: Context, keysets: Keysets, engine: Engine): Routes {
  const { store, backend, settings } = context
  const reading = createReadEndpoints(context, keysets)
  const minting = mintQuotes(context)
  const melting = meltQuotes(context)
  const asked = requests(context)

  async function readMelt(method: PaymentMethod, id: string): Promise<MeltQuoteRow> {
    const row = await store.get('meltQuotes', [id])
    return row?.method === method ? row : refuse(codes.unclassified, 'no such quote')
  }

  type Check = (method: PaymentMethod, id: string, party: Party) => Promise<object>
  const checkMint: Check = async (method, id, party) => mintAnswer(await minting.current(method, id, party))
  const checkMelt: Check = async (method, id) => {
    const quote = await readMelt(method, id)
    if (quote.state !== 'PENDING') return meltAnswer(quote)
    await engine.ask(quote)
    return meltAnswer(await readMelt(method, id))
  }
  /** NUT-29: ids that are malformed or unknown are left out. */
  const checkBatch =
    (method: PaymentMethod): Endpoint =>
    async (request, party) => {
      const ids = listedQuotes(request).flatMap((entry) => lenient(idText)(entry) ?? [])
      const found = await Promise.all(ids.map((id) => known(checkMint(method, id, party))))
      return found.filter((answer) => answer !== undefined)
    }

  type Moving = (request: Fields, party: Party) => Promise<Asked>
  const moving: Record<string, Moving> = { '/v1/swap': asked.swap }
  const endpoints: Record<string, Endpoint> = {
    ...(has(settings, 7) && { '/v1/checkstate': reading.checkState }),
    ...(has(settings, 9) && { '/v1/restore': reading.restore }),
  }
  const reads: Record<string, ReadEndpoint> = {
    '/v1/info': reading.info,
    '/v1/keys': reading.activeKeys,
    '/v1/keys/:id': reading.keys,
    '/v1/keysets': reading.keysets,
  }
  for (const method of backend.methods) {
    /** Payments for the quotes must have come in: the amount that a batch names, or else the whole quote. */
    const issuing =
      (read: (request: Fields) => Promise<Asked & { kind: 'mint-issue' }>): Moving =>
      async (request, party) => {
        const wanted = await read(request)
        const { wanted: quotes, messages } = wanted.input
        const whole = quotes.length === 1 ? sum(messages.map(({ amount }) => amount)) : 0
        await Promise.all(quotes.map(({ quoteId, amount }) => minting.ready(method, quoteId, amount ?? whole, party)))
        return wanted
      }
    moving[`/v1/mint/${method}`] = issuing(asked.issue(method))
    moving[`/v1/mint/${method}/batch`] = issuing(asked.batch(method))
    moving[`/v1/melt/${method}`] = async (request, party) => {
      // The mint must not pay its own request if somebody has paid it already.
      const own = await ownQuote(store, await readMelt(method, quoteIdOf(request)))
      if (own) await minting.current(method, own.id, party)
      return asked.melt(method)(request)
    }
    endpoints[`/v1/mint/quote/${method}`] = minting.quote(method)
    endpoints[`/v1/mint/quote/${method}/check`] = checkBatch(method)
    endpoints[`/v1/melt/quote/${method}`] = melting.quote(method)
    reads[`/v1/mint/quote/${method}/:id`] = (id, party) => checkMint(method, id, party)
    reads[`/v1/melt/quote/${method}/:id`] = (id, party) => checkMelt(method, id, party)
  }

  function route(method: string, path: string, body: string, options: HandleOptions): Promise<object | string> {
    if (method === 'POST') {
      if (Object.hasOwn(moving, path)) {
        const key = bytesToHex(sha256(utf8ToBytes(`${path}\n${body}`)))
        return engine.carryOut(key, async () => moving[path]!(fieldsOf(body), options.client), {
          ...options,
          ...wishes(body),
        })
      }
      if (Object.hasOwn(endpoints, path)) return endpoints[path]!(fieldsOf(body), options.client)
    }
    const [, id] = /\/([^/]*)$/.exec(path) ?? []
    const place = Object.hasOwn(reads, path) ? path : path.replace(/[^/]*$/, ':id')
    if (method === 'GET' && Object.hasOwn(reads, place)) return reads[place]!(idText(id, 'id'), options.client)
    throw new MintError(codes.unclassified, `nothing at ${method} ${path.slice(0, 100)}`, 404)
  }

  return {
    async handle(method, path, body = '', options = {}) {
      try {
        const answer = await route(method, path, body, options)
        return { status: 200, body: typeof answer === 'string' ? answer : JSON.stringify(answer) }
      } catch (error) {
        return refusalOf(error)
      }
    },
    async statesOf(topic, ids) {
      checkTopic(topic)
      checkList(ids, 'ids', checkText)
      if (topic === 'proof_state') {
        const Ys = ids.map(pointAt)
        const rows = await inWaves(Ys, (Y) => store.get('proofs', [Y]))
        return Ys.map((Y, at) => stateOfProof(Y, rows[at]))
      }
      const [method, kind] = partsOf(topic)
      const stored = async (id: string): Promise<object> =>
        kind === 'mint' ? mintAnswer(await minting.stored(method, id)) : meltAnswer(await readMelt(method, id))
      return inWaves(ids, (id) => known(stored(id)))
    },
    async ask(topic, id) {
      checkTopic(topic)
      checkText(id, 'id')
      const [method, kind] = partsOf(topic)
      if (kind === 'mint') return minting.asked(await minting.stored(method, id))
      await checkMelt(method, id, undefined)
      return true
    },
    async heard(requestId) {
      const query = { table: 'mintQuotes', index: 'byRequest', prefix: [requestId], limit: 1 } as const
      const [row] = await store.query(query)
      if (row) await minting.heard(row)
    },
  }
}

/** Some wallets ask in the body for an answer at once. */
const wishes = (body: string): HandleOptions =>
  body.includes('"prefer_async"') && lenient(fieldsOf as (value: unknown) => Fields)(body)?.['prefer_async'] === true
    ? { respondAsync: true }
    : {}

/** @throws {TypeError} naming the argument */
const pointAt = (id: string, at: number): string => {
  const Y = lenient(point)(id)
  if (Y === undefined) throw new TypeError(`ids[${at}]: a point, in hex`)
  return Y
}

/** Undefined where the mint refuses. */
const known = async <T>(answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer
  } catch (error) {
    if (error instanceof MintError) return undefined
    throw error
  }
}

/** The method of payment and the kind of quote of a topic. */
const partsOf = (topic: string): [PaymentMethod, 'mint' | 'melt'] =>
  topic.split('_') as [PaymentMethod, 'mint' | 'melt']
