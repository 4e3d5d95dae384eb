/** What JSON carries, as it is. */
import { HardshellError } from './errors.ts'

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const nameOf = (value: unknown): string =>
  typeof value === 'number' ? String(value) : typeof value === 'object' && value ? value.constructor.name : typeof value

/**
 * A property that is undefined is gone when read.
 *
 * @throws {HardshellError} `DEFECT` that names the place where a value would not come back as it is
 */
export function assertJson(value: unknown, place: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) return
  if (Array.isArray(value)) for (const [at, item] of value.entries()) assertJson(item, `${place}[${at}]`)
  else if (typeof value === 'object' && isPlain(value)) {
    for (const [name, item] of Object.entries(value)) if (item !== undefined) assertJson(item, `${place}.${name}`)
  } else throw new HardshellError('DEFECT', `${place} is ${nameOf(value)}, which JSON does not carry`)
}
