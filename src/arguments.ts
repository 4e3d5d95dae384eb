/**
 * Checks of what callers hand in. What is wrong is a `TypeError` that names the argument and never shows its value; what
 * is undefined was not given. A value that no type allows would otherwise hang, or be taken for none.
 */

/** A whole number from `least`. @throws {TypeError} */
export function checkCount(value: unknown, name: string, least = 1): void {
  if (value === undefined) return
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw new TypeError(`${name}: a whole number from ${least}`)
}

/** Milliseconds from `least`; without end where `endless`. @throws {TypeError} */
export function checkDuration(value: unknown, name: string, { least = 0, endless = false } = {}): void {
  if (value === undefined || (endless && value === Infinity)) return
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least)
    throw new TypeError(
      `${name}: milliseconds${least > -Infinity ? ` from ${least}` : ''}${endless ? ', or Infinity' : ''}`,
    )
}

/** @throws {TypeError} where it is none; the signal's reason where it has aborted already, so that nothing is begun. */
export function checkSignal(signal: unknown, name = 'signal'): void {
  if (signal === undefined) return
  if (!(signal instanceof AbortSignal)) throw new TypeError(`${name}: an AbortSignal`)
  signal.throwIfAborted()
}

/** Texts by the names of their arguments, none of them empty. @throws {TypeError} */
export function checkTexts(texts: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(texts)) if (value !== undefined) checkText(value, name)
}

/** A text that must be given, well-formed Unicode and not empty. @throws {TypeError} */
export function checkText(value: unknown, name: string): void {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed())
    throw new TypeError(`${name}: a text that is not empty`)
}

/**
 * The longest text that is a key or part of an index: with others beside it, and written as a database must write it, it
 * fits into the 2,704 bytes that an index of PostgreSQL takes.
 */
export const LONGEST_KEY_BYTES = 512

/** Whether a text is no longer than a key may be. */
export const fitsKey = (text: string): boolean => new TextEncoder().encode(text).length <= LONGEST_KEY_BYTES

/** Texts that become keys or stand in an index, by the names of their arguments. @throws {TypeError} */
export function checkKeys(keys: { readonly [name: string]: unknown }): void {
  checkTexts(keys)
  for (const [name, key] of Object.entries(keys))
    if (typeof key === 'string' && !fitsKey(key))
      throw new TypeError(`${name}: at most ${LONGEST_KEY_BYTES} bytes of UTF-8`)
}

/** True, false, or left out. @throws {TypeError} */
export function checkFlag(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name}: true or false`)
}

/** @throws {TypeError} */
export function checkFunction(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name}: a function`)
}

/** @throws {TypeError} */
export function checkClock(clock: unknown): void {
  if (clock !== undefined) checkMethods(clock, 'clock', ['now', 'setTimeout', 'clearTimeout'])
}

/** An object that must be given, with these methods. @throws {TypeError} */
export function checkMethods(value: unknown, name: string, methods: readonly string[]): void {
  checkObject(value, name)
  for (const method of methods)
    if (typeof (value as Readonly<Record<string, unknown>>)[method] !== 'function')
      throw new TypeError(`${name}: has no ${method}()`)
}

/** @throws {TypeError} */
export function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw new TypeError('listener: a function')
}

/** One of a few values. @throws {TypeError} */
export function checkOneOf(value: unknown, name: string, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) throw new TypeError(`${name}: one of ${allowed.join(', ')}`)
}

/** @throws {TypeError} */
export function checkObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${name}: an object`)
}

/** Options that nobody reads are typos. @throws {TypeError} naming the first one. */
export function checkNames(options: unknown, name: string, known: readonly string[]): void {
  checkObject(options, name)
  for (const [option, value] of Object.entries(options))
    if (value !== undefined && !known.includes(option)) throw new TypeError(`${option}: not among ${known.join(', ')}`)
}

/** A list of at least so many items, each of them checked. @throws {TypeError} */
export function checkList(value: unknown, name: string, check: (item: unknown, name: string) => void, least = 0): void {
  if (!Array.isArray(value) || value.length < least)
    throw new TypeError(`${name}: a list${least > 0 ? ' that is not empty' : ''}`)
  for (const [at, item] of Array.from<unknown>(value).entries()) check(item, `${name}[${at}]`)
}

/** Bytes that must be given. @throws {TypeError} */
export function checkBytes(value: unknown, name: string): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: bytes`)
}

/** The number of a TCP port; 0 lets the system choose. @throws {TypeError} */
export function checkPort(value: unknown, name: string): void {
  checkCount(value, name, 0)
  if (typeof value === 'number' && value > 65_535) throw new TypeError(`${name}: at most 65535`)
}

/** The options that were given: those that are undefined leave their defaults as they are. */
export function given<T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined>
  }
}
