/**
 * Goal: a crash that is looked at in passing is one that really happens. Method: at every commit and every request of a
 * life, what a crash would leave is compared with what a life leaves that crashes there.
 */
import { expect, test } from 'vitest'
import { Choices, parsePath } from '../../src/testing/explorer/choices.ts'
import { beginning } from '../../src/testing/explorer/explorer.ts'
import { runLife, type Spared } from '../../src/testing/explorer/run-life.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import type { World } from '../../src/testing/explorer/world.ts'
import { sure } from '../../src/sure.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'

const BUDGET = { faults: Infinity, others: Infinity }

const named = (name: string) => sure(scenarios.find((it) => nameOf(it) === name), name) // prettier-ignore

/** Of each kind the first few scenarios, and some with several operations at once. */
const SOME = [...Map.groupBy(scenarios, ({ kind }) => kind).values()].flatMap((of) => [
  ...of.slice(0, 2),
  ...of.slice(-1),
])

test.each([
  ...SOME.map((it) => [nameOf(it), ''] as const),
  ['mint.plain', '1.inDoubtLanded'],
  ['melt.paid', '9.lost'],
  ['melt.paid', '9.late'],
  ['receive.plain', '3.twice'],
] as const)('%s, injected %s: a crash leaves the same world in passing', async (name, injected) => {
  const scenario = named(name)
  const { start: from, ...place } = await beginning(scenario)
  const live = (path: string, spared?: (crash: Spared) => boolean) =>
    runLife(
      { ...place, act: (stage) => scenario.drive(stage), from, choices: new Choices({ path: parsePath(path), budget: BUDGET }) }, // prettier-ignore
      spared && { spared },
    )
  const left = new Map<string, World>()
  await live(injected, ({ place: at, option, world }) => {
    if (world) left.set([injected, `${at}.${option}`].filter(Boolean).join(','), world())
    return true
  })
  expect(left.size).toBeGreaterThan(0)
  for (const [path, world] of left) {
    const { end, world: crashed } = await live(path)
    expect({ path, end, mark: place.fingerprint(crashed) }).toEqual({ path, end: 'crashed', mark: place.fingerprint(world) }) // prettier-ignore
    expect({ path, nowMs: crashed.nowMs, rows: crashed.rows }).toEqual({ path, nowMs: world.nowMs, rows: world.rows })
  }
})
