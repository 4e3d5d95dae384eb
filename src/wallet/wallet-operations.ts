/** All operations of a wallet, of whatever kind. */
import type { Amount } from '@cashu/cashu-ts'
import { checkFlag, checkNames, checkTexts } from '../arguments.ts'
import { normalizeMintUrl } from '../cashu/codec.ts'
import { toAmount } from '../cashu/amounts.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import type { Explanation } from '../kernel/inspect/explain.ts'
import type { OperationStatus, OperationView } from '../kernel/define/operation.ts'
import type { StepRecord, StepsPage } from '../kernel/define/steps.ts'
import type { Resumed } from '../kernel/run/supervisor.ts'
import type { RowOf } from '../store/typed.ts'
import type { WalletEnv } from './env.ts'
import type { WalletTables } from './tables.ts'

/** Which operations: all that are as each given field says. */
export interface OperationsFilter {
  /** Of one kind. */
  readonly kind?: string
  /** Dotted; also finds the states inside it. */
  readonly state?: string
  /** Whether they go on, have ended or were set aside. */
  readonly status?: OperationStatus
  /** At one mint. */
  readonly mintUrl?: string
  /** Of one quote of the mint. */
  readonly quoteId?: string
  /** Unfinished, and in the same state for at least this long. */
  readonly stuckForMs?: number
  /** Epoch ms. */
  readonly changedSince?: number
  /** How many at most. */
  readonly limit?: number
}

/** An operation as listed. Amounts are in its unit, times in epoch ms. */
export interface OperationSummary {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: string
  /** Whether it goes on, has ended or was set aside. */
  readonly status: OperationView['status']
  /** Goes up by one with each commit. */
  readonly version: number
  /** The mint's URL. */
  readonly mintUrl: string
  /** The unit, `sat` say. */
  readonly unit: string
  /** What moved; while it is open, what is to move. */
  readonly amount: Amount
  /** What was asked for. */
  readonly asked: Amount
  /** What it cost; while it is open, the most that it can cost. */
  readonly fee: Amount
  /** What the mint owes for certain, and has not given yet. */
  readonly owed: Amount
  /** The mint's id of the quote; null where there is none. */
  readonly quoteId: string | null
  /** When it was created, in epoch ms. */
  readonly createdAt: number
  /** When it changed last, in epoch ms. */
  readonly updatedAt: number
}

const FILTERS: readonly (keyof OperationsFilter)[] = [
  'kind',
  'state',
  'status',
  'mintUrl',
  'quoteId',
  'stuckForMs',
  'changedSince',
  'limit',
]

/** `wallet.operations`; `api.ts` says what its members do. */
export class WalletOperations {
  readonly #env: WalletEnv

  constructor(env: WalletEnv) {
    this.#env = env
  }

  async list(given: OperationsFilter = {}): Promise<OperationSummary[]> {
    checkNames(given, 'filter', FILTERS)
    const { mintUrl, quoteId, ...filter } = given
    checkTexts({ quoteId })
    return (
      await this.#env.operations.list({
        ...filter,
        where: { mintUrl: mintUrl === undefined ? undefined : normalizeMintUrl(mintUrl), quoteId },
      })
    ).map(summary)
  }

  async get(id: string): Promise<OperationSummary> {
    return summary(await this.#env.operations.get(id))
  }

  explain(id: string): Promise<Explanation> {
    return this.#env.operations.explain(id)
  }

  steps(id: string, page: StepsPage = {}): Promise<StepRecord[]> {
    return this.#env.operations.steps(id, page)
  }

  resume(id: string): Promise<void> {
    return this.#env.operations.resume(id)
  }

  async export(id: string, options: { readonly secrets?: boolean } = {}): Promise<Record<string, unknown>> {
    checkNames(options, 'options', ['secrets'])
    const { secrets = false } = options
    checkFlag(secrets, 'secrets')
    const { row } = await this.#env.operations.get(id)
    const { snapshot, request: _, ...operation } = row
    const history = await this.#env.store.get('history', [id])
    const exported = { operation, history, explanation: await this.explain(id), steps: await this.steps(id) }
    if (!secrets) return exported
    const outputs = await this.#env.store.query({ table: 'outputs', index: 'byOperation', prefix: [id] })
    return { ...exported, snapshot: JSON.parse(snapshot) as unknown, outputs }
  }

  async cancel(id: string): Promise<void> {
    if (await this.#env.cancel(id)) return
    throw new HardshellError('INVALID_STATE', 'cannot be cancelled now', { operationId: id })
  }

  resumed(): Promise<readonly Resumed[]> {
    return this.#env.operations.resumed
  }
}

/** An operation as its row shows it, also where this program cannot load it. */
export function summary({ status, row }: OperationView): OperationSummary {
  const { id, kind, state, version, createdAt, updatedAt } = row
  const { mintUrl, unit, quoteId, amount, asked, fee, owed } = row as RowOf<WalletTables['operations']>
  return {
    id,
    kind,
    state,
    status,
    version,
    mintUrl,
    unit,
    amount: toAmount(amount),
    asked: toAmount(asked),
    fee: toAmount(fee),
    owed: toAmount(owed),
    quoteId,
    createdAt,
    updatedAt,
  }
}
