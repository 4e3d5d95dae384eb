/**
 * The lane of groups: operations commit at the same moment on a real store, which lands their commits in one
 * transaction. Each fault is injected once into each kind of such a transaction.
 */
import type { OperationRow } from '../../kernel/define/operation.ts'
import { KERNEL_STEPS, type StepRow } from '../../kernel/define/steps.ts'
import type { Store, Write } from '../../store/port.ts'
import { Choices, parsePath } from '../explorer/choices.ts'
import { afterwards, beginning } from '../explorer/explorer.ts'
import { Findings, type Exploration } from '../explorer/findings.ts'
import type { LifeResult, TraceEvent } from '../explorer/run-life.ts'
import { nameOf, type Scenario } from '../explorer/subject.ts'
import type { WalletStage } from '../environments/wallet-subject.ts'
import { aboutOf } from '../faults/faulty-store.ts'
import { operationIn, operationsIn } from '../invariants/rows.ts'
import type { FrozenLife } from './frozen-life.ts'
import { groupedRows, type GroupFault, type GroupedStore } from './grouped-rows.ts'
import { LaneRun, type LaneProcess, type LaneRunOptions, type Observers } from './lane-run.ts'

/** Time after the end for operations that were resumed late. */
const CALM_MS = 1_000
const MARK = '@group'

/** The bounds of the lane. */
export interface GroupOptions {
  /** The number of faults in a run; 1 unless given. */
  readonly faults?: number
  /** The number of violations after which it stops. */
  readonly mostViolations?: number
  /** Stops when this invariant is found broken. */
  readonly until?: string | undefined
  /** Called before each run with the path that it will take. */
  readonly lives?: (path: string) => void
}

/** A member's operation, if it had a step before: another process may have moved it. */
const movable = (writes: readonly Write[]) =>
  writes.map(operationIn).find((row) => row !== undefined && row.version > 1)

class GroupRun extends LaneRun<WalletStage, LaneProcess<WalletStage>> {
  constructor(of: LaneRunOptions<WalletStage>, store: GroupedStore, observers: Observers) {
    const rows = groupedRows(store, of.from.rows, {
      choose: (group) => this.#choose(group),
      died: () => void this.processes.at(-1)?.life.die(),
      unheard: (writes, before) => {
        const process = this.processes.at(-1)
        if (process) this.landed(process, writes, before)
      },
    })
    super(of, rows, observers)
  }

  protected override async all(): Promise<void> {
    await this.call('wallet')
    await this.clock.pause(CALM_MS)
    await this.close()
  }

  protected override make(name: string, life: FrozenLife): LaneProcess<WalletStage> {
    return { name, life }
  }

  protected override opened(_: LaneProcess<WalletStage>, store: Store): Store {
    return {
      ...store,
      commit: async (writes) => {
        await store.commit(writes)
        this.commits++
        this.say('commit', aboutOf(writes))
      },
    }
  }

  /** What a rival writes to the step history. */
  #takenOver({ id, version, owner, attempt, kindVersion }: OperationRow): StepRow {
    const state = operationsIn(this.rows.dump()).find((row) => row.id === id)?.state ?? ''
    return {
      ...{ operation: id, version, at: this.clock.rightMs, event: KERNEL_STEPS.takenOver, src: null, answer: null },
      ...{ from: state, to: state, attempt, owner, tookMs: null, detail: null, kindVersion, snapshot: null },
    }
  }

  #choose(group: readonly (readonly Write[])[]): GroupFault {
    const about = group.map(aboutOf)
    this.say('commit', `together: ${about.join(' + ')}`)
    const rivals = [group[0], group.at(-1)].map((writes) => writes && movable(writes))
    const option = this.pick(`group of ${about.toSorted().join(' + ')}`, [
      'ok',
      ...(['crashBefore', 'crashAfter', 'busy', 'busyInTheEnd', 'inDoubtLost', 'inDoubtLanded'] as const),
      ...(['fullForFirst', 'fullForLast', 'fullForAll'] as const),
      ...(rivals[0] ? (['rivalOfFirst'] as const) : []),
      ...(rivals[1] ? (['rivalOfLast'] as const) : []),
    ])
    const last = group.length - 1
    if (option === 'fullForFirst') return { does: 'fullForOne', member: 0 }
    if (option === 'fullForLast') return { does: 'fullForOne', member: last }
    if (option === 'fullForAll') return { does: 'fullForAll', member: last }
    if (option !== 'rivalOfFirst' && option !== 'rivalOfLast') return { does: option }
    const row = rivals[option === 'rivalOfFirst' ? 0 : 1]
    if (!row) return { does: 'ok' }
    const set = { owner: 'f'.repeat(32), attempt: row.attempt + 1, version: row.version, commitId: 'e'.repeat(32) }
    return { does: 'rival', id: row.id, set, step: this.#takenOver({ ...row, ...set }) }
  }
}

/** Whether a path is of this lane. */
export const isGroupPath = (path: string): boolean => path.replace(/:.*/, '').endsWith(MARK)

/** Explores the faults of transactions in a scenario in which several operations commit at once. */
export async function exploreGroups(
  scenario: Scenario<WalletStage>,
  store: GroupedStore,
  options: GroupOptions = {},
): Promise<Exploration> {
  const { faults = 1 } = options
  const { start, ...place } = await beginning(scenario)
  const findings = new Findings(options)
  const seen = new Set<string>()
  const few = (name: string, faults: readonly string[]): readonly string[] =>
    seen.size < seen.add(name).size ? faults : []
  const before = `${nameOf(scenario)}${MARK}:`
  let choices: Choices | undefined = new Choices({ budget: { faults, others: Infinity }, few })
  while (choices && !findings.enough) {
    options.lives?.(before + choices.planned)
    const of = { ...place, act: (stage: WalletStage) => scenario.drive(stage), from: start, choices }
    const result = await new GroupRun(of, store, {}).run()
    findings.add(choices, before + choices.path, new Set(await judged(of, result)))
    choices = choices.next()
  }
  return findings.report({ worlds: 1, crashes: 0, visited: new Set() })
}

async function judged(of: LaneRunOptions<WalletStage>, { world, end, violations }: LifeResult): Promise<string[]> {
  return end === 'done' ? [...violations, ...(await afterwards({ ...of, from: world }))] : [...violations]
}

/**
 * Runs exactly one path of this lane and returns what happened.
 *
 * @throws {RangeError} where it leads nowhere.
 */
export async function replayGroups(
  scenario: Scenario<WalletStage>,
  path: string,
  store: GroupedStore,
): Promise<{ readonly trace: readonly TraceEvent[]; readonly violations: readonly string[] }> {
  const { start, ...place } = await beginning(scenario)
  const trace: TraceEvent[] = []
  const choices = new Choices({
    path: parsePath(path.replace(/^[^:]*:/, '')),
    budget: { faults: Infinity, others: Infinity },
  })
  const of = { ...place, act: (stage: WalletStage) => scenario.drive(stage), from: start, choices }
  const result = await new GroupRun(of, store, { tell: (event) => void trace.push(event) }).run()
  return { trace, violations: await judged(of, result) }
}
