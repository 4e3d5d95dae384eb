/** What a far side may do: verbs, and limits on what may leave the wallet. All of it is checked beside the money. */
import { checkCount, checkNames, checkObject, checkText } from '../arguments.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import type { OperationHandle } from '../wallet/api-handles.ts'
import type { Wallet } from '../wallet/api.ts'
import { notAllowed } from './errors.ts'

/** A limit by unit, in that unit; of units that are not named, nothing. A number alone is one of `sat`. */
export type AmountLimit = number | { readonly [unit: string]: number }

/** How much may leave the wallet through one verb. */
export interface Limits {
  /** What one operation may take at most, its fee included (a melt's fee reserve, too). */
  readonly upTo?: AmountLimit | undefined
  /**
   * What the operations of this verb that were created within 24 hours may take together at most, fees included. All of the
   * wallet's count, whoever asked for them; those that failed do not.
   */
  readonly perDay?: AmountLimit | undefined
}

/** Where values of the application may be read and written. */
export interface KvLimit {
  /** In this primary namespace, and those within it, alone. */
  readonly primary: string
}

/** The verbs that a far side may use, and their limits. What is not named is refused. */
export interface Allow {
  /** `wallet.balances`. */
  readonly balances?: true | undefined
  /** `operations.resume` and `operations.cancel`, of operations of every kind. */
  readonly control?: true | undefined
  /** `wallet.on`. */
  readonly events?: true | undefined
  /** `wallet.history`: with invoices, memos and proofs of payment. */
  readonly history?: true | undefined
  /** `wallet.kv`, whole or one namespace of it. */
  readonly kv?: true | KvLimit | undefined
  /** `wallet.melt`, and the handles that it gives. */
  readonly melt?: true | Limits | undefined
  /** `wallet.mint`, and the handles that it gives. */
  readonly mint?: true | undefined
  /** `mints.list`, `mints.get` and `mints.refresh`. */
  readonly mints?: true | undefined
  /** `operations.list`, `get`, `explain`, `resumed` and, without secrets, `export`. */
  readonly operations?: true | undefined
  /** `mints.rebind`: where a mint's requests go, with the coins in them. */
  readonly rebind?: true | undefined
  /** `wallet.receive`, and the handles that it gives. */
  readonly receive?: true | undefined
  /** `wallet.restore`, and the handles that it gives. */
  readonly restore?: true | undefined
  /** `wallet.send`, and the handles that it gives, with their tokens. */
  readonly send?: true | Limits | undefined
  /** `wallet.swap`, and the handles that it gives. */
  readonly swap?: true | undefined
  /** `mints.trust` and `mints.distrust`. */
  readonly trust?: true | undefined
}

/** What `allow` names: one or several methods of the wallet. */
export type Verb = keyof Allow

/** All verbs. */
export const VERBS = [
  'balances',
  'control',
  'events',
  'history',
  'kv',
  'melt',
  'mint',
  'mints',
  'operations',
  'rebind',
  'receive',
  'restore',
  'send',
  'swap',
  'trust',
] as const satisfies readonly Verb[]

const DAY_MS = 24 * 3600_000
const PAGE = 200

/** What operations take together, but for those that have no quote yet. */
interface Taken {
  readonly taken: number
  readonly unquoted: readonly string[]
}

/** What one connection may do. */
export class Permissions {
  readonly #wallet: Wallet
  readonly #allow: Allow
  /** The verbs that are allowed. */
  readonly verbs: readonly Verb[]

  /** @throws {TypeError} naming the argument */
  constructor(wallet: Wallet, allow: Allow) {
    checkAllow(allow)
    this.#wallet = wallet
    this.#allow = structuredClone(allow)
    this.verbs = VERBS.filter((verb) => allow[verb] !== undefined)
  }

  /** Whether a verb is allowed; with limits or without. */
  allows(verb: string): boolean {
    return this.verbs.some((each) => each === verb)
  }

  /** Whether what leaves the wallet through a verb is limited. */
  limits(verb: 'melt' | 'send'): boolean {
    return typeof this.#allow[verb] === 'object'
  }

  /** @throws {HardshellError} `NOT_ALLOWED` for values outside the namespace that is allowed */
  checkNamespace(primary: string | undefined): void {
    const { kv } = this.#allow
    if (typeof kv === 'object' && kv.primary !== primary) throw notAllowed('this namespace is not allowed')
  }

  /**
   * Whether an operation is within the limits, whoever prepared it. Where a payment is to begin, those that were created before it and
   * have no quote yet are waited for: until then nobody knows what they take.
   *
   * @throws {HardshellError} `LIMIT_EXCEEDED`; the signal's reason
   */
  async check(handle: OperationHandle, begins?: { readonly signal: AbortSignal }): Promise<void> {
    const { kind } = handle
    const limits = kind === 'send' || kind === 'melt' ? this.#allow[kind] : undefined
    if (typeof limits !== 'object') return
    const { unit } = handle.toJSON()
    const exceeded = (what: string): HardshellError =>
      new HardshellError('LIMIT_EXCEEDED', what, { operationId: handle.id })
    const takes = Math.max(handle.asked.toNumber(), handle.amount.toNumber()) + handle.fee.toNumber()
    if (limits.upTo !== undefined && takes > limitIn(unit, limits.upTo))
      throw exceeded('it may take more than one operation may')
    if (limits.perDay === undefined) return
    let { taken, unquoted } = await this.#taken(handle, unit)
    if (begins && unquoted.length > 0) {
      await Promise.all(unquoted.map((id) => this.#quoted(id, begins)))
      ;({ taken, unquoted } = await this.#taken(handle, unit))
      if (unquoted.length > 0) throw exceeded('what those before it take is not known yet')
    }
    if (taken > limitIn(unit, limits.perDay))
      throw exceeded('with those of the 24 hours before, it may take more than is allowed')
  }

  /** Waits until a payment has its quote, or will have none. */
  async #quoted(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      await (await this.#wallet.melt.get(id)).quoted({ signal })
    } catch {
      signal.throwIfAborted()
    }
  }

  /**
   * What the operations of one kind take that count with this one: those of the 24 hours before it, prepared ones too. Of any that
   * were executed, the one that was created last was so only when those before it had left room, in whatever process they were. One
   * that was created later counts where it was executed already, which a clock that was put back can bring about, and a late quote.
   */
  async #taken({ id, kind, state }: OperationHandle, unit: string): Promise<Taken> {
    const { history } = this.#wallet
    const { createdAt } = await history.get(id)
    const isOpen = isUndecided(state)
    const unquoted: string[] = []
    let taken = 0
    for (let before: { readonly createdAt: number; readonly id: string } | undefined; ;) {
      const page = await history.list({ kind, unit, limit: PAGE, before })
      for (const record of page) {
        if (record.createdAt <= createdAt - DAY_MS) return { taken, unquoted }
        const counts = record.createdAt <= createdAt || (isOpen && !isUndecided(record.state))
        if (record.status === 'failed' || !counts) continue
        if (record.id !== id && isUnquoted(record.state)) unquoted.push(record.id)
        taken += record.amount.toNumber() + record.fee.toNumber()
      }
      if (page.length < PAGE) return { taken, unquoted }
      before = page.at(-1)
    }
  }
}

/** Nothing of it has left the wallet. */
const isUndecided = (state: string): boolean => state === 'prepared' || isUnquoted(state)

/** What it takes is not known. */
const isUnquoted = (state: string): boolean => state.startsWith('quoting')

const limitIn = (unit: string, limit: AmountLimit): number => {
  const byUnit = typeof limit === 'number' ? { sat: limit } : limit
  return Object.hasOwn(byUnit, unit) ? (byUnit[unit] ?? 0) : 0
}

/** @throws {TypeError} naming the argument */
function checkAllow(allow: Allow): void {
  checkNames(allow, 'allow', VERBS)
  for (const verb of VERBS) {
    const given: unknown = allow[verb]
    if (given === undefined || given === true) continue
    if (verb === 'kv') {
      checkNames(given, 'kv', ['primary'])
      checkText(allowedIn(given, 'primary'), 'kv.primary')
    } else if (verb === 'send' || verb === 'melt') {
      checkNames(given, verb, ['upTo', 'perDay'])
      for (const name of ['upTo', 'perDay'] as const) checkLimit(allowedIn(given, name), `${verb}.${name}`)
    } else throw new TypeError(`${verb}: true`)
  }
}

const allowedIn = (limits: unknown, name: string): unknown =>
  typeof limits === 'object' && limits !== null ? Reflect.get(limits, name) : undefined

function checkLimit(limit: unknown, name: string): void {
  if (limit === undefined || typeof limit === 'number') return checkCount(limit, name, 0)
  checkObject(limit, name)
  for (const [unit, most] of Object.entries(limit)) checkCount(most ?? null, `${name}.${unit}`, 0)
}
