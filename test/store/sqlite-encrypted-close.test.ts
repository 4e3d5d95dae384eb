/**
 * Goal: `close` of an encrypted store resolves when the file is closed, however busy the machine is.
 * Method: libsql closes the file when the garbage collector has taken the last cursor, and V8 holds a cursor while it
 * compiles the cursor's code. A process compiles early and slowly, as on a busy machine. SQLite deletes the log of a
 * file when its last connection closes, so the files that are left after each `close` tell.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inFolder, OLD, puts, schema } from '../kits/encrypted-kit.ts'

const SLOW_COMPILER = [
  '--invocation-count-for-maglev=50',
  '--invocation-count-for-turbofan=100',
  '--concurrent-recompilation-delay=300',
]
const ROUNDS = 12

let directory: string
inFolder((made) => (directory = made))

test('no log is left after close, although V8 is still compiling the code that read', async () => {
  const source = `
    import { readdirSync } from 'node:fs'
    const { encryptedSqliteStore } = await import(${JSON.stringify(new URL('../../src/store/sqlite/encrypted.ts', import.meta.url).href)})
    const [directory, key, schema, puts] = ${JSON.stringify([directory, OLD, schema, puts])}
    const adapter = encryptedSqliteStore({ path: directory + '/store.db', key })
    const left = []
    for (let round = 0; round < ${ROUNDS}; round++) {
      const store = await adapter.open(schema)
      if (round === 0) await store.commit(puts)
      await store.query({ table: 'notes' })
      await store.close()
      left.push(readdirSync(directory).join())
    }
    process.stdout.write(JSON.stringify(left))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...SLOW_COMPILER,
    '--input-type=module',
    '-e',
    source,
  ])
  expect(JSON.parse(stdout)).toEqual(Array.from({ length: ROUNDS }, () => 'store.db'))
})
