/** A SQLite file for each wallet. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from '../../../src/store/sqlite/index.ts'
import type { LabStore } from './port.ts'

export const store: LabStore = {
  start: (dir) =>
    Promise.resolve({
      at: (name) => join(dir, `${name}.db`),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  adapter: (path) => sqliteStore({ path }),
  exists: (path) => Promise.resolve(existsSync(path)),
  remove(path) {
    for (const file of ['', '-wal', '-shm', '-owner']) rmSync(path + file, { force: true })
    return Promise.resolve()
  },
}
