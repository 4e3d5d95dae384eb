/**
 * Goal: what a released version stored can be taken up by every later one. Method: for every kind, and every state in
 * which it can be found, golden/<kind>-v<version>/<state>.json is a whole world, wallet and mint, as a run of the
 * explorer left it with an operation in that state. Each is entered again: the operation must load, go on to its end
 * without a fault, and the books must be right.
 *
 * Files of former versions stay, and are never written again. After a wanted change of a chart, raise its version, and run
 * `UPDATE_GOLDEN=1 npx vitest run test/golden.test.ts`.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { OperationKind, OperationRow } from '../src/kernel/operation.ts'
import { openOperations } from '../src/kernel/operations.ts'
import { memoryStore } from '../src/store/memory.ts'
import { requirementsOf } from '../src/testing/coverage.ts'
import { exploreCrashes, goOn } from '../src/testing/explorer.ts'
import { VirtualClock } from '../src/testing/life.ts'
import { scenarios } from '../src/testing/scenarios/index.ts'
import { nameOf } from '../src/testing/subject.ts'
import type { World } from '../src/testing/world.ts'
import { walletKinds } from '../src/wallet/kinds/index.ts'
import { walletSchema } from '../src/wallet/tables.ts'

interface Golden {
  readonly scenario: string
  /** Where the run was struck. */
  readonly path: string
  readonly world: World
}

const FOLDER = new URL('golden/', import.meta.url).pathname
const kinds = walletKinds as unknown as readonly OperationKind[]
const fileOf = ({ kind, version }: OperationKind, state: string): string => `${FOLDER}${kind}-v${version}/${state}.json`
const statesOf = (kind: OperationKind): string[] =>
  [...requirementsOf(kind, { crashes: false })].flatMap((what) => (what.startsWith('state ') ? [what.slice(6)] : []))
const operations = ({ rows }: World): OperationRow[] => (rows['operations'] ?? []) as unknown as OperationRow[]

/** JSON with a line for each row, so that a change of one shows as that. */
function lines(value: unknown, depth: number): string {
  if (depth === 0 || typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inside = Array.isArray(value)
    ? value.map((item) => lines(item, 0))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${lines(item, depth - 1)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return inside.length === 0 ? open! + close! : `${open}\n${inside.join(',\n')}\n${close}`
}

/** Writes the files of all kinds as they are now. */
async function record(): Promise<void> {
  for (const kind of kinds) {
    rmSync(dirname(fileOf(kind, 'any')), { recursive: true, force: true })
    const missing = new Set(statesOf(kind))
    for (const scenario of scenarios.filter((it) => it.kind === kind.kind)) {
      if (missing.size === 0) break
      await exploreCrashes(scenario, {
        faults: 1,
        landed(now, path) {
          const world = now()
          for (const { kind: of, state } of operations(world)) {
            if (of !== kind.kind || !missing.delete(state)) continue
            mkdirSync(dirname(fileOf(kind, state)), { recursive: true })
            writeFileSync(fileOf(kind, state), `${lines({ scenario: nameOf(scenario), path, world }, 5)}\n`)
          }
        },
      })
      console.log(nameOf(scenario), missing.size, 'states of', kind.kind, 'to go')
    }
  }
}

if (process.env['UPDATE_GOLDEN'] === '1') await record()

const read = (file: string): Golden => JSON.parse(readFileSync(FOLDER + file, 'utf8')) as Golden

test.each(kinds.flatMap((kind) => statesOf(kind).map((state) => [kind.kind, state, fileOf(kind, state)] as const)))(
  '%s in %s has a golden file',
  (_, __, file) => expect(existsSync(file)).toBe(true),
)

describe('a golden world', () => {
  const files = globSync('*/*.json', { cwd: FOLDER }).toSorted()

  test.each(files)('of %s goes on to its end, and the books are right', async (file) => {
    const { scenario, world } = read(file)
    const [, kind, version, state] = /^(.+)-v(\d+)\/(.+)\.json$/.exec(file)!
    expect(operations(world)).toContainEqual(
      expect.objectContaining({ kind, kindVersion: Number(version), state: state! }),
    )
    expect(
      await goOn(
        scenarios.find((it) => nameOf(it) === scenario)!,
        world,
      ),
    ).toEqual([])
  })

  test.each(files)('of %s is parked, with its bytes, by a program that cannot read it', async (file) => {
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
      expect(await opened.resumed).toMatchObject([{ ...about, outcome: 'parked' }])
      expect(await opened.list()).toMatchObject([{ ...about, status: 'parked' }])
      opened.close()
      expect(rows.dump()['operations']).toEqual([changed])
    }
    expect(files).toContain(file)
  })
})
