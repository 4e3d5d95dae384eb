/** Payment requests (NUT-18, NUT-26): what a payee asks for, read from and written as text. */
import type { Amount, AmountLike } from '@cashu/cashu-ts'
import { checkNames } from '../../arguments.ts'
import { atOnce } from '../../time-slices.ts'
import { fromAmountLike, toAmount } from '../amounts.ts'
import { base64UrlOf, bytesOfBase64 } from '../base64.ts'
import { cborPieces } from '../cbor.ts'
import { writeCbor } from '../cbor-write.ts'
import { charactersOf, normalizeMintUrl } from '../codec.ts'
import { CashuError } from '../errors.ts'
import { amount, compact, expected, field, flag, list, name, optional, record, text } from '../shape.ts'
import type { Parse } from '../shape.ts'
import { readTlvRequest, writeTlvRequest } from './payment-request-tlv.ts'
import type { PaymentAsked, PaymentLock, PaymentTransport, RawRequest } from './payment-terms.ts'

/** What a payee asks for (NUT-18). */
export interface PaymentRequest extends PaymentAsked {
  /** In the unit; left out where the payer chooses. */
  readonly amount?: Amount
}

/** What a payment request to write asks for. */
export interface PaymentRequestTerms extends Partial<PaymentAsked> {
  /** In the unit; left out where the payer chooses. */
  readonly amount?: AmountLike
}

/** A longer one is refused. */
const MOST_CHARACTERS = 20_000
const MOST_ENTRIES = 1_000

const malformed = (why: string): CashuError =>
  new CashuError('PAYMENT_REQUEST_MALFORMED', `not a payment request: ${why}`)

const tags: Parse<string[][]> = list(list((value, at) => (typeof value === 'string' ? value : expected(at, 'a text'))))

const transport: Parse<PaymentTransport> = (value, at) => {
  const from = record(value, at)
  return compact<PaymentTransport>({
    type: field(from, 't', name, at),
    // In-band transports of earlier versions have none.
    target: field(from, 'a', (target) => (typeof target === 'string' ? target : expected(at, 'a text')), at),
    tags: field(from, 'g', optional(tags), at),
  })
}

const lock: Parse<PaymentLock> = (value, at) => {
  const from = record(value, at)
  return compact<PaymentLock>({
    kind: field(from, 'k', text, at),
    data: field(from, 'd', text, at),
    tags: field(from, 't', optional(tags), at),
  })
}

/** What was read, as it is given out. */
function finish(raw: RawRequest): PaymentRequest {
  const { amount: asked, mints, ...rest } = raw
  return compact<PaymentRequest>({
    ...rest,
    unit: rest.unit ?? (asked === undefined ? undefined : 'sat'),
    amount: asked === undefined ? undefined : toAmount(asked),
    mints: [...new Set(mints.map(normalizeMintUrl))],
  })
}

/**
 * Reads a payment request: `creqA` (NUT-18) or `creqB` (NUT-26), in any case. Longer ones than 20,000 characters are refused.
 * An amount without a unit is in sat.
 *
 * @throws {CashuError} `PAYMENT_REQUEST_MALFORMED`; {TypeError} naming the argument.
 * @example
 * const { amount, unit, mints } = decodePaymentRequest('creqApGFpYWFhYQphdWNzYXRhbYF0aHR0cHM6Ly9taW50LmV4YW1wbGU')
 */
export function decodePaymentRequest(request: string): PaymentRequest {
  if (typeof request !== 'string') throw new TypeError('request: a text')
  const trimmed = request.trim()
  if (trimmed.length > MOST_CHARACTERS) throw malformed(`more than ${MOST_CHARACTERS} characters`)
  const [, version, body] = /^creq(?:(a)([\w+/-]+)={0,2}|b1.*)$/i.exec(trimmed) ?? []
  try {
    if (version !== undefined && body !== undefined) return finish(readCborRequest(body))
    return finish(readTlvRequest(trimmed))
  } catch (cause) {
    // The cause is left behind: it may show what stood there.
    throw cause instanceof CashuError && cause.code === 'PAYMENT_REQUEST_MALFORMED'
      ? cause
      : malformed('it cannot be read')
  }
}

function readCborRequest(body: string): RawRequest {
  const bytes = atOnce(bytesOfBase64(body))
  const limits = { entries: MOST_ENTRIES, tooMany: () => expected('cbor', `at most ${MOST_ENTRIES} entries`) }
  const { value, end } = atOnce(cborPieces(bytes, limits))
  if (charactersOf(end) !== body.length) expected('cbor', 'nothing after its end')
  const from = record(value, 'request')
  return compact<RawRequest>({
    id: field(from, 'i', optional(text), ''),
    amount: field(from, 'a', optional(amount), ''),
    unit: field(from, 'u', optional(name), ''),
    singleUse: field(from, 's', optional(flag), ''),
    mints: field(from, 'm', optional(list(text)), '') ?? [],
    description: field(from, 'd', optional(text), ''),
    transports: field(from, 't', optional(list(transport)), '') ?? [],
    lock: field(from, 'nut10', optional(lock), ''),
  })
}

const TERMS = ['id', 'amount', 'unit', 'singleUse', 'mints', 'description', 'transports', 'lock']

/**
 * Writes a payment request: as `creqA`, which every wallet reads, or as `creqB`, which makes smaller QR codes.
 *
 * @throws {TypeError} naming what is wrong: an amount without a unit, or what the version cannot say.
 * @throws {CashuError} `MINT_URL_MALFORMED`
 * @example
 * encodePaymentRequest({ id: 'order-42', amount: 21, unit: 'sat', mints: ['https://mint.example'] }, 'creqB')
 */
export function encodePaymentRequest(request: PaymentRequestTerms, version: 'creqA' | 'creqB' = 'creqA'): string {
  checkNames(request, 'request', TERMS)
  const { amount: asked, mints = [], transports = [], ...rest } = request
  if (asked !== undefined && rest.unit === undefined) throw new TypeError('unit: must be given with an amount')
  const raw = compact<RawRequest>({
    ...rest,
    amount: asked === undefined ? undefined : fromAmountLike(asked),
    mints: [...new Set(mints.map(normalizeMintUrl))],
    transports,
  })
  if (version === 'creqB') return writeTlvRequest(raw)
  if (version !== 'creqA') throw new TypeError('version: creqA or creqB')
  return `creqA${atOnce(base64UrlOf(writeCbor(cborOf(raw))))}`
}

const cborOf = ({ id, amount: asked, unit, singleUse, mints, description, transports, lock: locked }: RawRequest) => ({
  t: transports.length === 0 ? undefined : transports.map(({ type, target, tags: g }) => ({ t: type, a: target, g })),
  i: id,
  a: asked,
  u: unit,
  m: mints.length === 0 ? undefined : mints,
  d: description,
  s: singleUse,
  nut10: locked && { k: locked.kind, d: locked.data, t: locked.tags },
})
