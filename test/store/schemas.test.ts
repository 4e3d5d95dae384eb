/** Goal: every table of the programs fits every store, column by column. Method: full rows, and rows with every null there may be. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { givesBack, schemas } from '../kits/schema-rows.ts'

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-schemas-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

describe.each(Object.entries(schemas))('the tables of the %s', (_, schema) => {
  test('in SQLite', async () => {
    const path = join(folder(), 'a.db')
    await expect(givesBack(() => sqliteStore({ path }), schema)).resolves.toBeUndefined()
  })
  test('in encrypted SQLite', async () => {
    const path = join(folder(), 'a.db')
    await expect(givesBack(() => encryptedSqliteStore({ path, key: 'ab'.repeat(32) }), schema)).resolves.toBeUndefined()
  })
})
