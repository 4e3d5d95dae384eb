/** Golden worlds: where their files are, and how they are recorded. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prng, type Prng } from '../../scripts/kill-lab/prng.ts'
import type { OperationKind, OperationRow } from '../../src/kernel/define/operation.ts'
import { Choices } from '../../src/testing/explorer/choices.ts'
import { requirementsOf } from '../../src/testing/explorer/coverage.ts'
import { afterwards, beginning, exploreCrashes } from '../../src/testing/explorer/explorer.ts'
import { runLife, type Place } from '../../src/testing/explorer/run-life.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { nameOf, type Scenario } from '../../src/testing/explorer/subject.ts'
import type { WalletStage } from '../../src/testing/environments/wallet-subject.ts'
import type { World } from '../../src/testing/explorer/world.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'

export interface Golden {
  readonly scenario: string
  /** What had happened: `npm run crash -- --replay PATH` shows it. */
  readonly path: string
  readonly world: World
}

export const FOLDER = fileURLToPath(new URL('../machines/golden/', import.meta.url))
export const kinds = walletKinds as unknown as readonly OperationKind[]

export const fileOf = ({ kind, version }: Pick<OperationKind, 'kind' | 'version'>, state: string): string =>
  `${FOLDER}${kind}-v${version}/${state}.json`

/** The states in which an operation can be found, by the chart. */
export const statesOf = (kind: OperationKind): string[] =>
  [...requirementsOf(kind, { crashes: false })].flatMap((what) => (what.startsWith('state ') ? [what.slice(6)] : []))

export const operations = ({ rows }: World): OperationRow[] => (rows['operations'] ?? []) as unknown as OperationRow[]

const MOST_FAULTS = 4
const MOST_LIVES = 3
/** What so many walks have not come upon is looked for by the explorer, everywhere. */
const MOST_WALKS = 2_000

/** A life in which things go wrong by chance. */
class Wandering extends Choices {
  readonly #chance: Prng
  readonly #often: number

  constructor(chance: Prng) {
    super({ budget: { faults: Infinity, others: Infinity } })
    this.#chance = chance
    this.#often = [0.05, 0.15, 0.4][chance.below(3)]!
  }

  override pick<O extends string>(site: string, options: readonly [O, ...O[]]): O {
    const isInjected = this.faults.length < MOST_FAULTS && this.#chance.next() < this.#often
    const option = options[isInjected ? this.#chance.below(options.length) : 0]!
    this.taken.push({
      place: this.taken.length + 1,
      site,
      options,
      option,
      isFault: option !== options[0],
      untried: [],
    })
    return option
  }
}

/** Writes the files of the current version of every kind, all anew or those that are missing: the first worlds that walks by chance, or else the explorer, come upon. */
export async function record({ anew }: { readonly anew: boolean }): Promise<void> {
  for (const kind of kinds) {
    if (anew) rmSync(dirname(fileOf(kind, 'any')), { recursive: true, force: true })
    mkdirSync(dirname(fileOf(kind, 'any')), { recursive: true })
    const missing = new Set(statesOf(kind).filter((state) => !existsSync(fileOf(kind, state))))
    const places = await Promise.all(
      scenarios
        .filter((it) => it.kind === kind.kind)
        .map(async (it) => {
          const scenario = it as unknown as Scenario<WalletStage>
          return { scenario, ...(await beginning(scenario)) }
        }),
    )
    const chance = prng(kind.kind)
    const keep = async (found: ReadonlyMap<string, Golden>): Promise<void> => {
      for (const [state, golden] of found) {
        // More has gone wrong than an operation must outlast.
        if ((await wrong(golden)).length > 0) continue
        missing.delete(state)
        writeFileSync(fileOf(kind, state), `${lines(golden, 5)}\n`)
      }
    }
    for (let walk = 0; missing.size > 0 && walk < MOST_WALKS; walk++)
      await keep(await walked(places[walk % places.length]!, chance, kind, missing))
    for (const depth of [0, 1, 2])
      for (const { scenario } of places)
        if (missing.size > 0) await keep(await explored(scenario, kind, missing, depth))
  }
}

/** The first worlds of an exploration with so many faults in all in which an operation is in a state that is missing. */
async function explored(
  scenario: Scenario<WalletStage>,
  { kind }: OperationKind,
  missing: ReadonlySet<string>,
  depth: number,
): Promise<Map<string, Golden>> {
  const found = new Map<string, Golden>()
  await exploreCrashes(scenario, {
    depth,
    quick: true,
    landed(path, now) {
      const world = now()
      for (const row of operations(world))
        if (row.kind === kind && missing.has(row.state) && !found.has(row.state))
          found.set(row.state, { scenario: nameOf(scenario), path, world })
      return found.size === missing.size
    },
  })
  return found
}

/** Goes on in a golden world, with nothing that goes wrong. Returns what is wrong with how it ends. */
export async function wrong({ scenario: name, world: from }: Golden): Promise<readonly string[]> {
  const scenario = scenarios.find((it) => nameOf(it) === name)! as Scenario<WalletStage>
  const choices = new Choices({ budget: { faults: 0, others: 0 } })
  const of = { ...(await beginning(scenario)), act: (stage: WalletStage) => scenario.drive(stage), from, choices }
  const { world, violations } = await runLife(of)
  return violations.length > 0 ? violations : afterwards({ ...of, from: world })
}

interface Start extends Place<WalletStage> {
  readonly scenario: Scenario<WalletStage>
  readonly start: World
}

/** A walk of a few lives, and the worlds on its way in which an operation is in a state that is missing. */
async function walked(
  { scenario, start, ...place }: Start,
  chance: Prng,
  { kind }: OperationKind,
  missing: ReadonlySet<string>,
): Promise<Map<string, Golden>> {
  const found = new Map<string, Golden>()
  let from = start
  let path = `${nameOf(scenario)}:`
  for (let lives = 0; lives < MOST_LIVES; lives++) {
    const choices = new Wandering(chance)
    const landed = (now: () => World): void => {
      const world = now()
      for (const row of operations(world))
        if (row.kind === kind && missing.has(row.state) && !found.has(row.state))
          found.set(row.state, { scenario: nameOf(scenario), path: path + choices.path, world })
    }
    const act = (stage: WalletStage): Promise<void> => scenario.drive(stage)
    const { world, end } = await runLife({ ...place, act, from, choices }, { landed })
    if (end !== 'crashed') break
    from = world
    path += `${choices.path}/`
  }
  return found
}

/** JSON with a line for each row, so that a change of one shows as that. */
export function lines(value: unknown, depth: number): string {
  if (depth === 0 || typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inside = Array.isArray(value)
    ? value.map((item) => lines(item, 0))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${lines(item, depth - 1)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return inside.length === 0 ? open! + close! : `${open}\n${inside.join(',\n')}\n${close}`
}
