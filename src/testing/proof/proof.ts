/** What is to be proven of a kind: what is outside, what a caller does, and what must hold in the end. */
import type { AnyStateMachine } from 'xstate'
import { checkFunction, checkList, checkNames, checkObject, checkText } from '../../arguments.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'
import type { EventOf, InputOf } from '../../kernel/define/typed.ts'
import type { Tables } from '../../store/typed.ts'
import { kindSubject, type KindStage, type KindSubjectOptions } from '../environments/kind-subject.ts'
import { checkEvents } from '../explorer/caller-events.ts'
import { exploreCrashes, replay, type ExploreOptions, type Replayed } from '../explorer/explorer.ts'
import type { Exploration } from '../explorer/findings.ts'
import { nameOf, type Scenario } from '../explorer/subject.ts'

/** What may differ from one scenario of a proof to the next. */
export interface ScenarioOptions<Outside, M extends AnyStateMachine = AnyStateMachine, T extends Tables = Tables> {
  /** The initial state outside, as plain JSON. */
  readonly outside?: () => Outside
  /** The rows that the store has at the beginning, by table. */
  readonly rows?: KindSubjectOptions<never, Outside, T>['rows']
  /** Makes the world in which the scenario begins. Nothing goes wrong here. */
  readonly setup?: (stage: KindStage<Outside>) => Promise<void>
  /**
   * What the caller does. Every life runs it from its beginning, so it must be idempotent, like every caller's code: it
   * creates with a key. It ends where the operations have ended, whatever became of them.
   */
  readonly drive?: (stage: KindStage<Outside>) => Promise<void>
  /** Events that a caller may send at any time; see `Scenario.anytime`. */
  readonly anytime?: readonly EventOf<M>[]
}

/** What is to be proven of a kind. */
export interface ProofOptions<Ports, Outside, M extends AnyStateMachine, T extends Tables = Tables>
  extends
    Omit<KindSubjectOptions<Ports, Outside, T>, 'kinds' | 'rows'>,
    Pick<ScenarioOptions<Outside, M, T>, 'rows' | 'setup' | 'drive' | 'anytime'> {
  /** The kind, whose chart must be covered. */
  readonly kind: OperationKind<Ports, M>
  /** Further kinds that run beside it. */
  readonly beside?: readonly OperationKind<Ports>[]
  /** The input of the one operation that is created and waited for. Without `drive` it must be given. */
  readonly input?: InputOf<M>
  /** Scenarios by name, each with what is otherwise in it; one, `proof`, unless given. */
  readonly scenarios?: { readonly [name: string]: ScenarioOptions<Outside, M, T> }
  /** Parts of the chart that no scenario can come to, with the reason. One that is come to is an error. */
  readonly unreached?: readonly Unreached[]
}

/** A part of a chart that no scenario can come to. */
export interface Unreached {
  /** Matches what `covered` says of it. */
  readonly what: RegExp
  /** Why no scenario comes to it. */
  readonly why: string
}

/** One scenario of a proof. */
export interface ProofScenario {
  /** `order.paid` */
  readonly name: string
  /** Explores it. */
  explore(options?: ExploreOptions): Promise<Exploration>
  /** Runs one path again. @throws {RangeError} where it leads nowhere. */
  replay(path: string): Promise<Replayed>
}

/** What `proveKind` and `npx hardshell crash` prove. */
export interface Proof {
  /** The kind whose chart must be covered. */
  readonly kind: OperationKind<never>
  /** What its callers do. */
  readonly scenarios: readonly ProofScenario[]
  /** Parts of the chart that no scenario can come to. */
  readonly unreached: readonly Unreached[]
}

const OF_SCENARIO = ['outside', 'rows', 'setup', 'drive', 'anytime'] as const
const KNOWN = ['kind', 'beside', 'input', 'tables', 'ports', 'faults', 'rates', 'judge', 'alike', 'scenarios', 'unreached', ...OF_SCENARIO] // prettier-ignore

/**
 * Says what is to be proven of a kind. `proveKind` proves it in a test, `npx hardshell crash FILE` on the command line:
 * the file exports it as its default, or several as `proofs`.
 *
 * @throws {TypeError} naming the option
 * @example
 * const proof = defineProof({
 *   kind: order,
 *   input: { item: 'tea' },
 *   outside: () => ({ charged: [] as string[] }),
 *   ports: ({ charged }) => ({ charge: async (id: string) => void (charged.includes(id) || charged.push(id)) }),
 *   judge: ({ outside, operations }) => (outside.charged.length === operations.length ? [] : ['payment: not charged once']),
 *   anytime: [{ type: 'cancel' }],
 * })
 */
export function defineProof<Ports, Outside extends object, M extends AnyStateMachine, const T extends Tables = Tables>(
  of: ProofOptions<Ports, Outside, M, T>,
): Proof {
  checkNames(of, 'options', KNOWN)
  checkObject(of.kind, 'kind')
  checkFunction(of.drive, 'drive')
  const {
    kind,
    beside = [],
    tables,
    ports,
    faults,
    rates,
    judge,
    alike,
    scenarios = { proof: {} },
    unreached = [],
  } = of
  const kinds = [kind as OperationKind<Ports>, ...beside]
  const scenarioOf = (name: string, own: ScenarioOptions<Outside, M, T>): ProofScenario => {
    checkName(name)
    checkNames(own, `scenarios.${name}`, OF_SCENARIO)
    const { outside = of.outside, rows = of.rows, setup = of.setup, anytime = of.anytime ?? [] } = own
    const drive = own.drive ?? of.drive ?? created(kind, of.input)
    checkList(anytime, 'anytime', checkObject)
    checkEvents(anytime, kinds)
    const subject = kindSubject({
      ...{ kinds, outside, ports, judge },
      ...(tables && { tables }),
      ...(rows && { rows }),
      ...(faults && { faults }),
      ...(rates && { rates }),
      ...(alike && { alike }),
    })
    return provable({ kind: kind.kind, name, subject, drive, anytime, ...(setup && { setup }) })
  }
  return { kind, unreached, scenarios: Object.entries(scenarios).map(([name, own]) => scenarioOf(name, own)) }
}

/** A scenario without the type of its stage. */
const provable = <Outside>(scenario: Scenario<KindStage<Outside>>): ProofScenario => ({
  name: nameOf(scenario),
  explore: (options) => exploreCrashes(scenario, options),
  replay: (path) => replay(scenario, path),
})

/** A caller who creates one operation, and waits for its end. */
function created<Ports, M extends AnyStateMachine>(
  kind: OperationKind<Ports, M>,
  input: InputOf<M> | undefined,
): <Outside>(stage: KindStage<Outside>) => Promise<void> {
  if (input === undefined) throw new TypeError('drive: must be given, or the input of one operation')
  return async ({ operations }) => {
    const { id } = await operations.of(kind).create(input, { key: 'the only one' })
    await operations.of(kind).until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
}

/** A scenario's name stands before the colon of paths. @throws {TypeError} */
function checkName(name: string): void {
  checkText(name, 'scenarios')
  if (/[:@]/.test(name)) throw new TypeError(`scenarios: '${name}' has a colon or an at sign in it`)
}
