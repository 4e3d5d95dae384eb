/**
 * Copies of data that the kernel keeps: frozen, and the same as after JSON. So memory and store agree. Nobody who receives
 * such a copy, or holds what it was made from, can change it.
 */
import { HardshellError } from './errors.ts'
import { isPlain, notJson } from './json.ts'

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
    throw new HardshellError('DEFECT', `${flawIn(value, what)}, which cannot be stored as JSON`)
  }
}

function flawIn(value: unknown, what: string): string {
  try {
    return notJson(value, what) ?? `${what} is no JSON`
  } catch {
    return `${what} goes in circles`
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
