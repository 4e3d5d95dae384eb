/**
 * Goal: worlds that are merged have the same future. Method: a scenario is explored, and every world that was taken for one
 * met before is lived on from after all: at no injection point is it in a state that the exploration has not met. A
 * fingerprint that leaves something out which decides is caught by that.
 */
import { expect, test } from 'vitest'
import { Choices, type Budget } from '../../src/testing/explorer/choices.ts'
import { beginning } from '../../src/testing/explorer/explorer.ts'
import { runLife } from '../../src/testing/explorer/run-life.ts'
import { nameOf, type Scenario, type Stage } from '../../src/testing/explorer/subject.ts'
import { fingerprints, type Likeness, type World } from '../../src/testing/explorer/world.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { sure } from '../../src/sure.ts'

/** Explores a scenario with one fault in each life, its worlds merged by what is alike. Returns the states that only merged worlds come to. */
async function lost<S extends Stage>(scenario: Scenario<S>, alike: Likeness = {}) {
  const { start, ...place } = await beginning(scenario)
  const fingerprint = fingerprints({ ...scenario.subject.alike, ...alike })
  const life = { ...place, act: (stage: S) => scenario.drive(stage) }
  const met = new Map<string, number>()
  const worlds = new Set<string>()
  const waiting: { readonly world: World; readonly others: number }[] = []
  const merged: { readonly world: World; readonly others: number }[] = []
  const found = (world: World, others: number): void => {
    const mark = fingerprint(world)
    const isKnown = worlds.has(`${mark} 1`) || worlds.has(`${mark} ${others}`)
    worlds.add(`${mark} ${others}`)
    if (isKnown) merged.push({ world, others })
    else waiting.push({ world, others })
  }
  found(start, 1)
  const enter = (state: string, { others }: Budget): boolean => {
    if ((met.get(state) ?? -1) >= others) return false
    met.set(state, others)
    return true
  }
  for (let item = waiting.shift(); item; item = waiting.shift()) {
    const budget = { faults: 1, others: item.others }
    for (let choices: Choices | undefined = new Choices({ budget, enter }); choices; choices = choices.next()) {
      const { world, end } = await runLife({ ...life, from: item.world, choices })
      if (end === 'crashed') found(world, Math.floor(choices.left.others))
    }
  }
  const states = new Set<string>()
  const look = (state: string): boolean => {
    if (!met.has(state)) states.add(state)
    return false
  }
  for (const { world: from, others } of merged)
    await runLife({ ...life, from, choices: new Choices({ budget: { faults: 1, others }, enter: look }) })
  return { merged: merged.length, lost: [...states] }
}

const plain = sure(
  scenarios.find((it) => nameOf(it) === 'receive.plain'),
  'scenario',
)

test('of a receive: nothing is lost', async () => {
  const { merged, lost: states } = await lost(plain)
  expect(merged).toBeGreaterThan(20)
  expect(states).toEqual([])
})

test('what decides and is left out is caught', async () =>
  expect((await lost(plain, { matters: () => [] })).lost).not.toEqual([]))
