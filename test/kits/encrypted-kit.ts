/** What the tests of the encrypted store have in common: two keys, and a table with rows. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { Row, Schema, Write } from '../../src/store/port.ts'

/** They differ in their second halves alone. */
export const OLD = '0d'.repeat(16) + '01'.repeat(16)
export const NEW = '0d'.repeat(16) + '02'.repeat(16)
export const schema: Schema = {
  version: 1,
  tables: {
    notes: {
      columns: { id: 'text', text: 'text', n: 'integer' },
      key: ['id'],
      indexes: { byText: { columns: ['text'], unique: true } },
      total: { of: 'n', by: ['id'] },
    },
  },
}
export const COUNT = 300
export const note = (i: number): Row => ({
  id: `n${String(i).padStart(4, '0')}`,
  text: `a secret thing, number ${i}`,
  n: i,
})
export const notes = Array.from({ length: COUNT }, (_, i) => note(i))
export const puts = notes.map((row): Write => ({ put: 'notes', row }))

/** Tells of a folder of its own before each test, and removes it afterwards. */
export function inFolder(begin: (directory: string) => void): void {
  let made: string
  beforeEach(async () => {
    made = await mkdtemp(join(tmpdir(), 'encrypted-'))
    begin(made)
  })
  afterEach(() => rm(made, { recursive: true }))
}

/** The files of the folder, without a journal that SQLite has not begun to use: its mark is still to be written. */
export async function filesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  const marks = await Promise.all(names.map(async (name) => (await readFile(join(directory, name)))[0] ?? 0))
  return names.filter((name, i) => !name.endsWith('-journal') || marks[i] !== 0)
}

/** The files of a folder in which one of some texts can be read. */
export async function readable(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name))
    if (texts.some((text) => bytes.includes(text))) found.push(name)
  }
  return found
}
