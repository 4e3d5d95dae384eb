/**
 * How values cross: to JSON, and back. Only what a shape names crosses; what comes is checked against it and taken apart into
 * new objects, so that nothing is read or set by a name that somebody else chose. Errors name the place, never the value.
 */
import { Amount, type AmountLike } from '@cashu/cashu-ts'
import { fromAmountLike } from '../cashu/amounts.ts'
import type { Json } from '../store/port.ts'

/** One kind of value. */
export interface Shape<T> {
  /** What it is, in words: the protocol's version stands for these. */
  readonly is: string
  /** @throws {TypeError} naming the place */
  encode(value: unknown, at: string): Json | undefined
  /** @throws {TypeError} naming the place */
  decode(given: unknown, at: string): T
}

const wrong = (at: string, expected: string): never => {
  throw new TypeError(`${at}: ${expected}`)
}

/** A value that JSON has, and that is checked alike on both sides. */
const plain = <T extends Json>(is: string, check: (value: unknown) => value is T): Shape<T> => {
  const checked = (value: unknown, at: string): T => (check(value) ? value : wrong(at, is))
  return { is, encode: checked, decode: checked }
}

/** A text. */
export const text = plain('a text', (value): value is string => typeof value === 'string' && value.isWellFormed())
/** A number that is finite. */
export const number = plain('a number', (value): value is number => Number.isFinite(value))
/** True or false. */
export const flag = plain('true or false', (value): value is boolean => typeof value === 'boolean')

/** One of these texts. */
export const oneOf = <const T extends string>(...values: readonly T[]): Shape<T> =>
  plain(`one of ${values.join(', ')}`, (value): value is T => values.some((each) => each === value))

const isAmount = (given: unknown): given is number => Number.isSafeInteger(given) && Number(given) >= 0
const encodeAmount = (value: unknown, at: string): number =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' || value instanceof Amount
    ? fromAmountLike(value, at)
    : wrong(at, 'an amount')

/** An amount as the API gives it. */
export const amount: Shape<Amount> = {
  is: 'an amount',
  encode: encodeAmount,
  decode: (given, at) => (isAmount(given) ? Amount.from(given) : wrong(at, 'an amount')),
}
/** An amount as the API takes it. */
export const amountLike: Shape<AmountLike> = {
  is: 'an amount',
  encode: encodeAmount,
  decode: (given, at) => (isAmount(given) ? given : wrong(at, 'an amount')),
}

/** Undefined, or this. */
export const optional = <T>(shape: Shape<T>): Shape<T | undefined> => ({
  is: `${shape.is}, or undefined`,
  encode: (value, at) => (value === undefined ? undefined : shape.encode(value, at)),
  decode: (given, at) => (given === undefined ? undefined : shape.decode(given, at)),
})

/** Null, or this. */
export const nullable = <T>(shape: Shape<T>): Shape<T | null> => ({
  is: `${shape.is}, or null`,
  encode: (value, at) => (value === null ? null : shape.encode(value, at)),
  decode: (given, at) => (given === null ? null : shape.decode(given, at)),
})

/** Nothing. */
export const nothing: Shape<void> = {
  is: 'nothing',
  encode: () => undefined,
  decode: (given, at) => (given === undefined ? undefined : wrong(at, 'nothing')),
}

/** A list of these. */
export const list = <T>(shape: Shape<T>): Shape<T[]> => {
  const each = <R>(given: unknown, at: string, turn: (item: unknown, at: string) => R): R[] =>
    Array.isArray(given)
      ? Array.from<unknown>(given).map((item, index) => turn(item, `${at}[${index}]`))
      : wrong(at, 'a list')
  return {
    is: `list of (${shape.is})`,
    encode: (value, at) => each(value, at, (item, at) => shape.encode(item, at) ?? null),
    decode: (given, at) => each(given, at, (item, at) => shape.decode(item, at)),
  }
}

/** A shape for each property of an object. */
export type Fields<T> = { readonly [K in keyof T]-?: Shape<T[K]> }

/** An object of these properties, and no others. */
export function record<T extends object>(fields: Fields<T>): Shape<T> {
  const shapes: readonly (readonly [string, Shape<unknown>])[] = Object.entries<Shape<unknown>>(fields)
  const names = new Set(shapes.map(([name]) => name))
  const each = (given: unknown, at: string, turn: (shape: Shape<unknown>, value: unknown, at: string) => unknown) => {
    if (!isObject(given)) return wrong(at === '' ? 'options' : at, 'an object')
    for (const [name, value] of Object.entries(given))
      if (value !== undefined && !names.has(name))
        wrong(at === '' ? shownName(name) : `${at}.${shownName(name)}`, `not among ${[...names].join(', ')}`)
    const made = shapes.map(([name, shape]) => [name, turn(shape, given[name], at === '' ? name : `${at}.${name}`)])
    return Object.fromEntries(made.filter(([, value]) => value !== undefined)) as object
  }
  return {
    is: `{ ${shapes.map(([name, { is }]) => `${name}: ${is}`).join('; ')} }`,
    encode: (value, at) => each(value, at, (shape, part, at) => shape.encode(part, at)) as Json,
    decode: (given, at) => each(given, at, (shape, part, at) => shape.decode(part, at)) as T,
  }
}

/** Of an object these properties, whatever others it has. */
export function part<T extends object>(fields: Fields<T>): Shape<T> {
  const whole = record(fields)
  const names = Object.keys(fields)
  return {
    ...whole,
    encode: (value, at) =>
      whole.encode(isObject(value) ? Object.fromEntries(names.map((name) => [name, value[name]])) : value, at),
  }
}

/** A name that somebody else chose, as it may stand in an error. */
const shownName = (name: string): string => (/^\w{1,40}$/.test(name) ? name : 'a property')

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const DEEPEST = 64

/** Anything that JSON can carry, so deep and no deeper; without a property that would become a prototype. */
const checkJson = (value: unknown, at: string, depth = 0): Json => {
  const fine = value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
  if (fine) return value as Json
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return wrong(at, 'anything that JSON can carry')
  if (Array.isArray(value)) return Array.from<unknown>(value).map((each) => checkJson(each, at, depth + 1))
  const kind: unknown = Object.getPrototypeOf(value)
  if (Object.hasOwn(value, '__proto__') || !(kind === null || Object.getPrototypeOf(kind) === null))
    return wrong(at, 'anything that JSON can carry')
  const parts = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(parts.map(([name, part]) => [name, checkJson(part, at, depth + 1)]))
}

/** Any JSON. */
export const json: Shape<Json> = { is: 'JSON', encode: (value, at) => checkJson(value, at), decode: checkJson }

/** Any JSON that is an object. */
export const jsonObject: Shape<Record<string, unknown>> = {
  is: 'a JSON object',
  encode: (value, at) => (isObject(value) ? checkJson(value, at) : wrong(at, 'an object')),
  decode: (given, at) => (isObject(given) ? { ...given } : wrong(at, 'an object')),
}
