/** The mark of how far a seed has signed, in a file beside the seed. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkNames, checkOneOf, checkText } from '../../arguments.ts'
import { amount, field, optional, record, text } from '../../cashu/shape.ts'
import { realPath } from '../../store/sqlite/file.ts'
import { isMissing, makeFile, replaceFile } from './durable-files.ts'
import type { HighWaterMark, Mark } from './high-water.ts'

/** The mark of a seed that has never signed. */
const NEW: Mark = { database: null, tick: 0, nonce: 'none', atMs: 0 }

const written = (mark: Mark): string => `${JSON.stringify(mark)}\n`

/** The file that goes with a seed's: `mint.seed` has `mint.mark`. */
export const markPathOf = (secretFile: string): string => `${secretFile.replace(/\.seed$/, '')}.mark`

/**
 * A mark in a file, which is whole at any time: another text takes its place under its name. Where there is no file, the seed
 * has never signed, unless `missing` says that nobody knows.
 * @throws Error From its calls: the file cannot be read or written, or is no mark.
 */
export function markFile(path: string, options: { readonly missing?: 'unknown' | undefined } = {}): HighWaterMark {
  checkText(path, 'path')
  checkNames(options, 'options', ['missing'])
  const { missing } = options
  // Whatever folder the process is in later, and whatever link leads to it: a link would be replaced by the file.
  const whole = resolve(path)
  const file = (): string => realPath(whole)
  checkOneOf(missing, 'missing', ['unknown'])
  return {
    async read() {
      let found: string
      try {
        found = readFileSync(file(), 'utf8')
      } catch (error) {
        if (isMissing(error)) return missing
        throw error
      }
      try {
        const from = record(JSON.parse(found), 'mark')
        return {
          database: field(from, 'database', optional(text), '') ?? null,
          tick: field(from, 'tick', amount, ''),
          nonce: field(from, 'nonce', text, ''),
          atMs: field(from, 'atMs', amount, ''),
        }
      } catch (cause) {
        throw new Error(`${path} is not a mark`, { cause })
      }
    },
    async write(mark) {
      replaceFile(file(), written(mark))
    },
  }
}

/** Says of a seed that is about to be made that it has never signed; a mark that is there stays. */
export const makeMarkFile = (path: string): void => makeFile(path, written(NEW))
