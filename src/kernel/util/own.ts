/**
 * Data that the kernel keeps: what JSON says of it, and unchangeable. So what is in memory is what is stored, and nobody to
 * whom it is handed, or who still holds what it was made of, can change it behind the kernel's back.
 */
import { HardshellError } from './errors.ts'

const owned = new WeakSet<object>()

/**
 * A frozen copy; what of it is a kept copy already is taken as it is, so that a step copies what it changed and no more.
 *
 * @throws {HardshellError} `DEFECT`, naming the place, where it is not JSON
 */
export function own<T>(value: T, what: string): T {
  const place: string[] = []
  const copy = (part: unknown): unknown => {
    if (typeof part === 'string' || typeof part === 'boolean' || part === null) return part
    // Minus zero is zero once it was stored.
    if (typeof part === 'number' && Number.isFinite(part)) return part === 0 ? 0 : part
    if (typeof part !== 'object' || !isPlain(part)) return refuse(part, what, place)
    if (owned.has(part)) return part
    const copied: unknown[] | Record<string, unknown> = Array.isArray(part)
      ? Array.from(part, (item, at) => inner(`[${at}]`, item))
      : {}
    if (!Array.isArray(copied))
      for (const [name, item] of Object.entries(part)) {
        if (name === '__proto__') refuse(item, what, [...place, '.__proto__'])
        // A property that is undefined is one that is not there, in JSON as elsewhere.
        if (item !== undefined) copied[name] = inner(`.${name}`, item)
      }
    owned.add(Object.freeze(copied))
    return copied
  }
  const inner = (name: string, part: unknown): unknown => {
    place.push(name)
    const copied = copy(part)
    place.pop()
    return copied
  }
  return copy(value) as T
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function refuse(value: unknown, what: string, place: readonly string[]): never {
  const name: unknown = typeof value === 'object' && value !== null ? value.constructor?.name : undefined
  const is =
    typeof value === 'number' || value === undefined
      ? String(value)
      : `a ${typeof value === 'object' ? (typeof name === 'string' ? name : 'strange object') : typeof value}`
  throw new HardshellError('DEFECT', `${what}${place.join('')} is ${is}, which cannot be stored as JSON`)
}
