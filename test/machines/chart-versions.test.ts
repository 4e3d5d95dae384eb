/**
 * Goal: a chart that changed has a new version, for rows of the old one are in people's databases. Method: the shape of
 * each chart (states, transitions, guards by place, invokes, delays, tags) is hashed and compared with the one that was
 * written down with its version. After a wanted change: raise the kind's version, add a migration, and run
 * `UPDATE_CHARTS=1 npx vitest run test/machines/chart-versions.test.ts`.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AnyStateNode } from 'xstate'
import { expect, test } from 'vitest'
import { bountyKind } from '../../src/bounty/kind.ts'
import { stateNodes } from '../../src/kernel/define/chart.ts'
import type { OperationKind } from '../../src/kernel/define/operation.ts'
import { mintKinds } from '../../src/mint-server/operations/index.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'

const FILE = new URL('chart-versions.json', import.meta.url)

const shapeOf = (node: AnyStateNode) => ({
  id: node.id,
  type: node.type,
  tags: node.tags,
  invokes: node.invoke.map(({ src }) => src),
  delays: Object.keys(node.config.after ?? {}),
  always: (node.always ?? []).map(({ target }) => target?.map(({ id }) => id)),
  on: [...node.transitions].map(([event, transitions]) => [event, transitions.map(({ target, guard }) => [target?.map(({ id }) => id), guard !== undefined])]), // prettier-ignore
})

const hashOf = ({ machine }: Pick<OperationKind, 'machine'>): string =>
  createHash('sha256')
    .update(JSON.stringify(stateNodes(machine).map(shapeOf)))
    .digest('hex')
    .slice(0, 16)

const kinds = [...walletKinds, ...mintKinds, bountyKind()]

type Known = Record<string, { version: number; shape: string }>

const found: Known = Object.fromEntries(
  kinds.map((kind) => [kind.kind, { version: kind.version, shape: hashOf(kind as never) }]),
)
if (process.env['UPDATE_CHARTS'] === '1') writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`)
const known = JSON.parse(readFileSync(FILE, 'utf8')) as Known

test('every kind is written down', () => {
  expect(Object.keys(known).toSorted()).toEqual(Object.keys(found).toSorted())
})

test.each(Object.entries(found))('the chart of %s is the one of its version', (kind, { version, shape }) => {
  expect({ kind, version, shape }).toEqual({ kind, ...known[kind] })
})

test('charts of different shapes have different hashes', () => {
  expect(new Set(Object.values(found).map(({ shape }) => shape)).size).toBe(kinds.length)
})
