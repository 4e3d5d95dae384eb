/**
 * Goal: what a released version stored can be taken up by every later one. Method: for every kind, and every state in
 * which it can be found, golden/<kind>-v<version>/<state>.json is a whole world, wallet and mint, as a life in
 * which things went wrong left it, with an operation in that state. Each is entered again: the operation must load, go on to its end
 * without a fault, and the books must be right.
 *
 * Files of former versions stay, and are never written again. After a wanted change of a chart, raise its version, and run
 * `UPDATE_GOLDEN=all npx vitest run test/machines/golden.test.ts`; `missing` writes only files that are not there.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openOperations } from '../../src/kernel/operations.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { fileOf, FOLDER, kinds, operations, record, statesOf, wrong, type Golden } from '../kits/golden-kit.ts'

const update = process.env['UPDATE_GOLDEN']
if (update === 'all' || update === 'missing') await record({ anew: update === 'all' })

const read = (file: string): Golden => JSON.parse(readFileSync(FOLDER + file, 'utf8')) as Golden

test('every kind has a golden file for every state of its chart', () => {
  const missing = kinds.flatMap((kind) =>
    statesOf(kind).flatMap((state) => (existsSync(fileOf(kind, state)) ? [] : [`${kind.kind} in ${state}`])),
  )
  expect(missing).toEqual([])
})

describe('a golden world', () => {
  const files = globSync('*/*.json', { cwd: FOLDER }).toSorted()

  test.each(files)('of %s goes on to its end, and the books are right', async (file) => {
    const golden = read(file)
    const [, kind, version, state] = /^(.+)-v(\d+)\/(.+)\.json$/.exec(file)!
    expect(operations(golden.world)).toContainEqual(
      expect.objectContaining({ kind, kindVersion: Number(version), state: state! }),
    )
    expect(await wrong(golden)).toEqual([])
  })

  test.each(files)('of %s is unloadable, with its bytes, by a program that cannot read it', async (file) => {
    const { world } = read(file)
    const row = operations(world).find(({ status }) => status === 'active')
    for (const change of row ? [{ kindVersion: 99 }, { snapshot: row.snapshot.slice(0, -1) }] : []) {
      const changed = { ...row!, ...change }
      const rows = memoryStore()
      rows.load({ ...world.rows, operations: [changed] })
      const ports = {} as never
      const clock = new VirtualClock(world.nowMs)
      const store = await rows.open(walletSchema)
      const opened = openOperations({ store, tables: walletSchema.tables, kinds: walletKinds, ports, clock })
      const about = { id: row!.id, kind: row!.kind, state: row!.state }
      expect(await opened.resumed).toMatchObject([{ ...about, outcome: 'unloadable' }])
      expect(await opened.list()).toMatchObject([{ ...about, status: 'unloadable' }])
      opened.close()
      expect(rows.dump()['operations']).toEqual([changed])
    }
    expect(files).toContain(file)
  })
})
