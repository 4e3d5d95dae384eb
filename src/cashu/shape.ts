/**
 * Small checkers for data from outside. Each takes a value apart or throws `Malformed`; put together, they describe
 * an object.
 */

/** Something is not what the NUT says. The message names the place and never shows what stood there. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** Takes a value apart, or throws `Malformed` naming the place. */
export type Parse<T> = (value: unknown, at: string) => T

/** Throws `Malformed`. */
export function expected(at: string, what: string): never {
  throw new Malformed(`${at}: ${what} expected`)
}

/** An object that is no list. */
export const record: Parse<Record<string, unknown>> = (value, at) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : expected(at, 'an object')

export const list =
  <T>(item: Parse<T>): Parse<T[]> =>
  (value, at) =>
    Array.isArray(value) ? value.map((entry, i) => item(entry, `${at}[${i}]`)) : expected(at, 'a list')

/** The entries of a list that are as they should be. A list of which none is, is malformed. */
export const some =
  <T extends object>(item: Parse<T>): Parse<T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) return expected(at, 'a list')
    const entries = value.map(lenient(item)).filter((entry) => entry !== undefined)
    return entries.length === 0 && value.length > 0 ? expected(at, 'entries') : entries
  }

/** A text that is not empty. */
export const text: Parse<string> = (value, at) =>
  typeof value === 'string' && value !== '' ? value : expected(at, 'a text')

/** As `LONGEST_KEY_BYTES` has it for what a caller hands in. */
const LONGEST_NAME_BYTES = 512

/** A text that becomes a key, and so must fit into the index of any store: the id of a quote or a keyset, a unit. */
export const name: Parse<string> = (value, at) => {
  const given = text(value, at)
  const { length } = new TextEncoder().encode(given)
  return length <= LONGEST_NAME_BYTES ? given : expected(at, `a text of at most ${LONGEST_NAME_BYTES} bytes`)
}
export const flag: Parse<boolean> = (value, at) => (typeof value === 'boolean' ? value : expected(at, 'true or false'))

/** Integers from 0 to 2^53 − 1, as numbers or decimal strings. Beyond that JSON has lost digits already. */
export const amount: Parse<number> = (value, at) => {
  const number = typeof value === 'string' && /^(0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : expected(at, 'an amount')
}

/** Hex, which comes out in lower case. */
export const hex =
  (pattern: RegExp, what: string): Parse<string> =>
  (value, at) =>
    typeof value === 'string' && pattern.test(value) ? value.toLowerCase() : expected(at, what)

/** A compressed point; whether it is on the curve shows when it is used. */
export const point = hex(/^0[23][0-9a-fA-F]{64}$/, 'a point')
/** 32 bytes. */
export const scalar = hex(/^[0-9a-fA-F]{64}$/, 'a scalar')

export const oneOf =
  <T extends string>(...values: readonly T[]): Parse<T> =>
  (value, at) =>
    values.includes(value as T) ? (value as T) : expected(at, values.join(' or '))

/** Null and missing are the same: some mints write null, some leave out. */
export const optional =
  <T>(parse: Parse<T>): Parse<T | undefined> =>
  (value, at) =>
    value === undefined || value === null ? undefined : parse(value, at)

/** One field of an object. */
export const field = <T>(from: Record<string, unknown>, name: string, parse: Parse<T>, at: string): T =>
  parse(from[name], at === '' ? name : `${at}.${name}`)

/** What may be absent may also be undefined. */
type Loose<T> = { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] }

/** Drops what is undefined, so that an answer reads the same before and after it was stored. */
export const compact = <T extends object>(value: NoInfer<Loose<T>>): T =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T

/** Undefined instead of a failure. */
export const lenient =
  <T>(parse: Parse<T>) =>
  (value: unknown): T | undefined => {
    try {
      return parse(value, '')
    } catch {
      return undefined
    }
  }
