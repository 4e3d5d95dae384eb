/** Where kills fell, by sites: what is known of them, which are due, and what has been hit. */
import { stateNodes } from '../../src/kernel/define/chart.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'
import { KINDS } from './aim.ts'
import { phaseName, siteName, type Phase, type Report, type Site } from './plan.ts'
import type { Prng } from './prng.ts'

export const PHASES: readonly Phase[] = ['before', 'during', 'after']

/** How many kills fell where; one may fall into several places, as many operations are under way. */
export interface Fallen {
  /** A commit was under way, that may have landed or not. */
  inCommit: number
  /** A commit had landed, and its effect's request was not yet sent. */
  betweenCommitAndEffect: number
  /** A request was under way. */
  inRequest: number
  /** A request was answered, and nothing of the answer committed. */
  betweenAnswerAndCommit: number
  elsewhere: number
}

/** `kind.state` of the states that make requests. */
const asking = new Set(
  walletKinds.flatMap(({ kind, machine }) =>
    stateNodes(machine)
      .filter(({ invoke, tags }) => invoke.length > 0 && !tags.includes('local'))
      .map(({ path }) => `${kind}.${path.join('.')}`),
  ),
)
const asks = ({ kind, name }: Site): boolean => asking.has(`${kind}.${name.replace(/ taken over$/, '')}`)

/** What one life was in the middle of. */
export class Position {
  readonly #open = new Map<number, readonly Site[]>()
  /** By operation: the commit whose effect has not begun, the request whose answer is not committed. */
  readonly #committed = new Map<string, Site>()
  readonly #answered = new Map<string, Site>()
  #died: string | undefined

  hear(report: Report): void {
    if (report.type === 'dies') this.#died = report.at
    else if (report.type === 'begins') {
      this.#open.set(report.turn, report.sites)
      for (const { what, id } of report.sites)
        if (id !== undefined) (what === 'commit' ? this.#answered : this.#committed).delete(id)
    } else if (report.type === 'ends') {
      const ended = this.#open.get(report.turn) ?? []
      this.#open.delete(report.turn)
      for (const site of report.well ? ended : [])
        if (site.id !== undefined) {
          if (site.what === 'request') this.#answered.set(site.id, site)
          else if (asks(site)) this.#committed.set(site.id, site)
          else this.#committed.delete(site.id)
        }
    }
  }

  /** The phases of sites that the life ended in. */
  get phases(): Set<string> {
    const during = [...this.#open.values()].flat().map((site) => phaseName(site, 'during'))
    const after = [...this.#committed.values(), ...this.#answered.values()].map((site) => phaseName(site, 'after'))
    return new Set([...during, ...after, ...(this.#died === undefined ? [] : [this.#died])])
  }

  count(fallen: Fallen): void {
    const died = this.#died ?? ''
    const open = [...this.#open.values()].flat()
    const inCommit = open.some(({ what }) => what === 'commit')
    const inRequest = open.some(({ what }) => what === 'request')
    const between = this.#committed.size > 0 || died.startsWith('before request')
    const answered = this.#answered.size > 0 || died.startsWith('after request')
    if (inCommit) fallen.inCommit++
    if (inRequest) fallen.inRequest++
    if (between) fallen.betweenCommitAndEffect++
    if (answered) fallen.betweenAnswerAndCommit++
    if (!inCommit && !inRequest && !between && !answered) fallen.elsewhere++
  }
}

/** Of the sites' phases that are known, those that are aimed at: the ones with the fewest hits. */
const DUE_SHARE = 1 / 4
const MOST_SKIPS = 2

export class Tally {
  /** Phases of sites, and how often a kill fell there. Every site that ever came up is here. */
  readonly #hits = new Map<string, number>()
  readonly #sites = new Map<string, Site>()
  readonly fallen: Fallen = {
    inCommit: 0,
    betweenCommitAndEffect: 0,
    inRequest: 0,
    betweenAnswerAndCommit: 0,
    elsewhere: 0,
  }

  learn(report: Report): void {
    if (report.type !== 'begins') return
    for (const site of report.sites) {
      if (this.#sites.has(siteName(site))) continue
      this.#sites.set(siteName(site), site)
      for (const phase of PHASES) this.#hits.set(phaseName(site, phase), 0)
    }
  }

  killed(position: Position): void {
    for (const phase of position.phases) this.#hits.set(phase, (this.#hits.get(phase) ?? 0) + 1)
    position.count(this.fallen)
  }

  /** The phases of sites that were hit least, each with how many times it is passed by. */
  due(random: Prng): Map<string, number> {
    const names = random.shuffled([...this.#hits.keys()]).toSorted((a, b) => this.#hits.get(a)! - this.#hits.get(b)!)
    const due = names.slice(0, Math.ceil(names.length * DUE_SHARE))
    return new Map(due.map((name) => [name, Math.max(0, random.below(2 * MOST_SKIPS + 1) - MOST_SKIPS)]))
  }

  /** Hits by kind, then by phase and whether of a commit or a request. */
  get byKind(): Record<string, Record<string, number>> {
    const hits: Record<string, Record<string, number>> = {}
    for (const kind of KINDS) {
      const row: Record<string, number> = (hits[kind] = {})
      for (const what of ['commit', 'request']) for (const phase of PHASES) row[`${phase} ${what}`] = 0
    }
    for (const { what, kind, ...site } of this.#sites.values())
      for (const phase of PHASES) {
        const row = (hits[kind] ??= {})
        const name = phaseName({ what, kind, ...site }, phase)
        row[`${phase} ${what}`] = (row[`${phase} ${what}`] ?? 0) + this.#hits.get(name)!
      }
    return hits
  }

  /** Phases of sites by name, with their hits. */
  get bySite(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#hits].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** How many phases of sites are known, and which of them no kill fell in. */
  get coverage(): { readonly known: number; readonly unhit: readonly string[] } {
    return { known: this.#hits.size, unhit: [...this.#hits].flatMap(([name, hits]) => (hits === 0 ? [name] : [])) }
  }
}
