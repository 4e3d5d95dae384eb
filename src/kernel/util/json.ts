/** What JSON carries, as it is. */

/** Whether an object is a literal, of any realm. */
export function isPlain(value: object): value is { readonly [name: string]: unknown } {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Where a value is no JSON, or would be another one after; undefined where it is. `isKept` says which numbers are. */
export function notJson(
  value: unknown,
  path: string,
  isKept: (value: number) => boolean = Number.isFinite,
): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number')
    return isKept(value) ? undefined : `${path} is ${Object.is(value, -0) ? '-0' : String(value)}`
  if (typeof value !== 'object') return `${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}`
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      const found = notJson(value[at], `${path}[${at}]`, isKept)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isPlain(value)) return `${path} is a ${nameOf(value)}`
  for (const [name, inner] of Object.entries(value)) {
    if (name === '__proto__') return `${path}.__proto__ is a name of its own`
    // A property that is undefined is one that is not there, in JSON as elsewhere.
    const found = inner === undefined ? undefined : notJson(inner, `${path}.${name}`, isKept)
    if (found !== undefined) return found
  }
  return undefined
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'strange object'
}
