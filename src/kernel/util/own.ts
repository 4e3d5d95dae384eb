/**
 * Copies of data that the kernel keeps: frozen, and the same as after JSON. So memory and store agree. Nobody who receives
 * such a copy, or holds what it was made from, can change it.
 */
import { HardshellError } from './errors.ts'

/**
 * A frozen copy. What of it stands at the same place of `before`, a copy that was kept before, is taken as it is: a step
 * copies what it changed, and no more.
 *
 * @throws {HardshellError} `DEFECT`, naming the place, where it is not JSON
 */
export function own<T>(value: T, what: string, before?: unknown): T {
  try {
    return copied(value, before) as T
  } catch {
    throw new HardshellError('DEFECT', `${what}${flawIn(value) ?? ' goes in circles'}, which cannot be stored as JSON`)
  }
}

function copied(part: unknown, before: unknown): unknown {
  if (typeof part !== 'object' || part === null) {
    // Minus zero is zero once it was stored.
    if (part === 0) return 0
    if (isScalar(part)) return part
    throw new TypeError('no JSON')
  }
  if (part === before) return part
  if (Array.isArray(part)) return Object.freeze(Array.from(part, (item, at) => copied(item, placed(before, at))))
  if (!isPlain(part)) throw new TypeError('no JSON')
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(part)) {
    const item: unknown = part[name]
    if (name === '__proto__') throw new TypeError('no JSON')
    // A property that is undefined is one that is not there, in JSON as elsewhere.
    if (item !== undefined) copy[name] = copied(item, placed(before, name))
  }
  return Object.freeze(copy)
}

const placed = (before: unknown, name: string | number): unknown =>
  typeof before === 'object' && before !== null ? Reflect.get(before, name) : undefined

const isScalar = (part: unknown): boolean =>
  typeof part === 'string' || typeof part === 'boolean' || part === null || Number.isFinite(part)

function isPlain(value: object): value is { readonly [name: string]: unknown } {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Where it is no JSON, and what stands there; undefined where it is. */
function flawIn(value: unknown, depth = 0): string | undefined {
  if (isScalar(value) || depth > 1_000) return undefined
  const isList = Array.isArray(value)
  if (typeof value !== 'object' || value === null || (!isList && !isPlain(value))) return ` is ${kindOf(value)}`
  const parts = isList ? Array.from(value, (item, at) => [`[${at}]`, item] as const) : Object.entries(value)
  for (const [name, item] of parts) {
    if (name === '__proto__') return '.__proto__ is a name of its own'
    const flaw = item === undefined && !isList ? undefined : flawIn(item, depth + 1)
    if (flaw !== undefined) return `${isList ? name : `.${name}`}${flaw}`
  }
  return undefined
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value)
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const name: unknown = value.constructor?.name
  return `a ${typeof name === 'string' && name !== '' ? name : 'strange object'}`
}
