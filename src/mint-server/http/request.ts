/** Reading requests: the shape of everything a wallet sends is checked here first. */
import { codes } from '../../cashu/codes.ts'
import type { Message } from '../../../machines/mint-server/signing.ts'
import {
  amount,
  compact,
  expected,
  field,
  lenient,
  list,
  Malformed,
  optional,
  point,
  record,
  type Parse,
} from '../../cashu/shape.ts'

/** What a request is answered with. */
export interface Answer {
  readonly status: number
  readonly body: string
  /** After how many seconds a retry makes sense, where nothing was decided. */
  readonly retryAfterMs?: number | undefined
}

/** A refusal, as the wallet gets it: `{detail, code}` (NUT-00). Nothing was changed. */
export class MintError extends Error {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'MintError'
  /** Why, as a stable code. */
  readonly code: number
  /** The status of HTTP that it is answered with. */
  readonly status: number
  constructor(code: number, detail: string, status = 400) {
    super(detail)
    this.code = code
    this.status = status
  }
}

/** @throws {MintError} Always. */
export function refuse(code: number, detail: string): never {
  throw new MintError(code, detail)
}

/** The answer that a refusal or a malformed request gets; throws what is neither. */
export function refusalOf(error: unknown): Answer {
  const known = error instanceof Malformed ? new MintError(codes.unclassified, error.message) : error
  if (!(known instanceof MintError)) throw error
  return { status: known.status, body: JSON.stringify({ detail: known.message, code: known.code }) }
}

/** The most inputs, outputs or Ys in one request. */
export const MAX_ITEMS = 1000
/** Longer secrets are refused; the longest spending conditions in use fit. */
const MAX_SECRET_LENGTH = 1024
/** Room for a preimage and a signature for each of many keys. */
const MAX_WITNESS_LENGTH = 4096

/** A request's fields, not yet checked. */
export type Fields = Record<string, unknown>

/** @throws {Malformed} The body is no JSON object. */
export function fieldsOf(body: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new Malformed('the body is not JSON')
  }
  return record(value, 'body')
}

/** A text of at most so many characters. */
export const textUpTo =
  (maxLength: number): Parse<string> =>
  (value, at) =>
    typeof value === 'string' && value.length <= maxLength
      ? value
      : expected(at, `a text of at most ${maxLength} characters`)

/** Visible ASCII: ids and invoices are nothing else, and stores take it as it is. */
export const ascii =
  (maxLength: number): Parse<string> =>
  (value, at) =>
    typeof value === 'string' && value.length <= maxLength && /^[!-~]+$/.test(value)
      ? value
      : expected(at, `at most ${maxLength} visible ASCII characters`)

/** The id of a quote or a keyset. */
export const idText = ascii(100)

export const quoteIdOf = (request: Fields): string => field(request, 'quote', idText, '')

/** An input (NUT-00). */
export interface Proof {
  readonly amount: number
  readonly id: string
  readonly secret: string
  readonly C: string
  /** What unlocks it (NUT-10). */
  readonly witness?: string | undefined
}

/** A text that is shown later; some wallets send the object that it stands for. */
const witness: Parse<string> = (value, at) => {
  const isObject = typeof value === 'object' && value !== null
  // A value that is nested too deep cannot be serialised.
  const written = textUpTo(MAX_WITNESS_LENGTH)(
    isObject ? lenient((object) => JSON.stringify(object))(value) : value,
    at,
  )
  return written.isWellFormed() ? written : expected(at, 'well-formed text')
}

const proof: Parse<Proof> = (value, at) => {
  const from = record(value, at)
  return compact({
    amount: field(from, 'amount', amount, at),
    id: field(from, 'id', idText, at),
    secret: field(from, 'secret', textUpTo(MAX_SECRET_LENGTH), at),
    C: field(from, 'C', point, at),
    witness: field(from, 'witness', optional(witness), at),
  })
}

const message: Parse<Message> = (value, at) => {
  const from = record(value, at)
  return {
    amount: field(from, 'amount', amount, at),
    id: field(from, 'id', idText, at),
    B_: field(from, 'B_', point, at),
  }
}

/** A field that is a list, of which the length is checked before anything else. */
function items<T>(request: Fields, name: string, tooMany: number, item: Parse<T>): T[] {
  const value = request[name]
  if (Array.isArray(value) && value.length > MAX_ITEMS) refuse(tooMany, `more than ${MAX_ITEMS} ${name}`)
  return list(item)(value, name)
}

/** The inputs of a swap or a melt. */
export const inputsOf = (request: Fields): Proof[] => items(request, 'inputs', codes.tooManyInputs, proof)
/** Blinded messages. */
export const messagesOf = (request: Fields): Message[] => items(request, 'outputs', codes.tooManyOutputs, message)
/** The points of a state check (NUT-07). */
export const pointsOf = (request: Fields): string[] => items(request, 'Ys', codes.tooManyInputs, point)
