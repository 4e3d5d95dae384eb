/** A value that is sure to be there, though its type cannot say so. @throws {TypeError} that names it, where it is not. */
export function sure<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new TypeError(`there is no ${what}`)
  return value
}
