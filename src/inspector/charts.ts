/**
 * The charts of kinds, and their drawings. Those of the package's own kinds are drawn when it is built; others are drawn when they
 * are first looked at, where the library that lays them out is installed.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AnyStateMachine } from 'xstate'
import { describeChart, drawChart, type ChartDescription } from '../chart/index.ts'
import type { ChartView } from './feed.ts'
import { Refused } from './guard.ts'

/** By this name the drawing of a chart is kept; another chart has another. */
export const drawingName = (chart: ChartDescription): string =>
  `${createHash('sha256').update(JSON.stringify(chart)).digest('hex').slice(0, 24)}.svg`

export class Charts {
  readonly #machineOf: (kind: string, version: number) => AnyStateMachine | undefined
  /** Where the page is, and beside it the drawings that were made with it. */
  readonly #page: URL
  /** By what is drawn: whichever versions are asked for, there are no more of them than machines. */
  readonly #views = new Map<AnyStateMachine, Promise<ChartView>>()

  constructor(machineOf: (kind: string, version: number) => AnyStateMachine | undefined, page: URL) {
    this.#machineOf = machineOf
    this.#page = page
  }

  /** @throws {Refused} where there is no such kind */
  async at(kind: string, version: number): Promise<ChartView> {
    const machine = this.#machineOf(kind, version)
    if (!machine) throw new Refused(404, 'NOT_FOUND', 'this program has no such kind')
    const view = this.#views.get(machine) ?? this.#view(machine, kind, version)
    this.#views.set(machine, view)
    return { ...(await view), kind, version }
  }

  async #view(machine: AnyStateMachine, kind: string, version: number): Promise<ChartView> {
    const kept = (name: string): Promise<string | undefined> =>
      readFile(new URL(`charts/${name}`, this.#page), 'utf8').catch(() => undefined)
    return viewOf(machine, kind, version, kept)
  }
}

/** A chart as the page shows it. `kept` gives the drawing of a name, where it was made already. */
export async function viewOf(
  machine: AnyStateMachine,
  kind: string,
  version: number,
  kept: (name: string) => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<ChartView> {
  const chart = describeChart(machine)
  const { states, arrows } = chart
  const svg = await kept(drawingName(chart))
  const drawn = svg === undefined ? await drawing(chart) : { svg, reason: null }
  return { kind, version, states, arrows, ...drawn }
}

async function drawing(chart: ChartDescription): Promise<Pick<ChartView, 'svg' | 'reason'>> {
  try {
    return { svg: await drawChart(chart, { style: false }), reason: null }
  } catch {
    return {
      svg: null,
      reason: 'The package state-machine-cat, which draws charts, is not installed. The table says the same.',
    }
  }
}
