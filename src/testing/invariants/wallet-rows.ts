/** The account of each row of a wallet, at every commit. */
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import type { RowOf } from '../../store/typed.ts'
import type { CounterRow, HistoryRow, WalletTables } from '../../wallet/tables.ts'
import { unaccounted, type Accounts } from './accounts.ts'
import { operationIn, walletRows } from './rows.ts'
import { unheardOf } from './step-history.ts'

type Operation = RowOf<WalletTables['operations']>
type Owed = RowOf<WalletTables['owed']>
type Claim = RowOf<WalletTables['quoteClaims']>

/** The data with which rows are compared. */
interface Around {
  readonly operations: ReadonlyMap<string | null, Operation>
  readonly records: ReadonlyMap<string, HistoryRow>
  readonly owed: ReadonlyMap<string, Owed>
  /** The rows by operation. */
  readonly claims: ReadonlyMap<string, Claim>
  readonly counters: ReadonlyMap<string, CounterRow>
  readonly mints: ReadonlySet<string>
  /** Each mint's keysets, as `URL id`. */
  readonly keysets: ReadonlySet<string>
  /** The ids of all keysets, of any mint. */
  readonly keysetIds: ReadonlySet<string>
}

export type Unaccounted = `${'orphan' | 'leftover' | 'claim' | 'owed'}: ${string}`

/** An operation that has not ended, whether or not it was set aside. */
const isAlive = (operation: Operation | undefined): boolean => operation !== undefined && operation.status !== 'done'

/** A mint operation holds its quote for as long as it lives. */
const claimedBy = ({ kind, quoteId, ...operation }: Operation): string | null =>
  kind === 'mint' && operation.status !== 'done' ? quoteId : null

const STATED = ['kind', 'state', 'mintUrl', 'unit', 'amount', 'asked', 'fee', 'owed'] as const

const accounts: Accounts<WalletTables, Around> = {
  owners: ({ beat }) => beat < -1 && 'a process that never was',

  operations(row, { records, owed, claims }) {
    const { id, kind, status, state, timers, dueAt, quoteId } = row
    const record = records.get(id)
    if (!record) return `${kind} has no record in the history`
    const other = STATED.find((column) => record[column] !== row[column])
    if (other) return `${kind} in '${state}' has ${String(row[other])} as its ${other}, and the history ${String(record[other])}` // prettier-ignore
    if (status === 'done' && record.status === 'pending')
      return `${kind} ended in '${state}', and its record is pending`
    if (status === 'done' && (timers !== '{}' || dueAt !== null)) return `${kind} ended in '${state}', and has timers`
    const certain = isAlive(row) ? row.owed : 0
    if ((owed.get(id)?.amount ?? 0) !== certain) return `owed: ${kind} in '${state}' is owed ${certain}, and shown is ${owed.get(id)?.amount ?? 0}` // prettier-ignore
    const claim = claims.get(id)?.quoteId ?? null
    if (claim !== claimedBy(row)) return `claim: ${kind} in '${state}' ${claim === null ? `has not claimed ${quoteId}` : `keeps its claim`}` // prettier-ignore
    return undefined
  },

  proofs({ state, operationId, amount, reason, mintUrl, keysetId, counter }, { operations, mints, keysets, counters }) {
    const what = `${amount} ${state}`
    if (!mints.has(mintUrl)) return `${what} of a mint that is not known`
    if (!keysets.has(`${mintUrl} ${keysetId}`)) return `${what} of a keyset that is not known`
    if (counter !== null && counter >= (counters.get(keysetId)?.next ?? 0)) return `${what} of a counter to come`
    if (amount <= 0) return `${what} is worth nothing`
    if (state === 'held' && reason === null) return `${what} for no reason`
    if (state === 'reserved' || state === 'sent')
      return !isAlive(operations.get(operationId)) && `${what} by an operation that is not alive`
    return (state === 'spendable' || state === 'held') && operationId !== null && `${what}, and still an operation’s`
  },

  outputs({ operationId, signature, keysetId, counter, amount }, { operations, counters }) {
    if (counter >= (counters.get(keysetId)?.next ?? 0)) return 'one of a counter to come'
    if (operationId === '') return signature !== null && `leftover: a signed output of ${amount} is nobody’s`
    const operation = operations.get(operationId)
    return !isAlive(operation) && `leftover: one of ${operation ? `${operation.kind}, which ended in '${operation.state}'` : 'nobody'}` // prettier-ignore
  },

  owed({ operationId, amount }, { operations }) {
    const operation = operations.get(operationId)
    return (!isAlive(operation) || operation?.owed !== amount) && `owed: ${amount} is shown, and owed to no operation`
  },

  counters({ keysetId, next, signed }, { keysetIds }) {
    if (!keysetIds.has(keysetId)) return 'counters of a keyset that is not known'
    return (signed < 0 || signed > next) && `${signed} counters are said to be signed, of ${next}`
  },

  keysets({ mintUrl, refused, refusedAt, feePpk }, { mints }) {
    if (!mints.has(mintUrl)) return 'a keyset of a mint that is not known'
    if ((refused === null) !== (refusedAt === null)) return 'a keyset is refused at no time, or not refused at some'
    return feePpk < 0 && 'a keyset that pays its users'
  },

  derivations: ({ mintUrl, keysetId }, { keysets }) =>
    !keysets.has(`${mintUrl} ${keysetId}`) && 'the path of a keyset that is not known',

  mints: ({ trusted, limits }) =>
    (![0, 1].includes(trusted) || Object.values(limits ?? {}).some((limit) => limit < 1)) &&
    'a mint that takes nothing',

  quoteClaims({ operationId, quoteId }, { operations }) {
    const operation = operations.get(operationId)
    return (!operation || claimedBy(operation) !== quoteId) && `claim: of ${operation ? `${operation.kind} in '${operation.state}'` : 'nobody'}` // prettier-ignore
  },

  history: ({ id, kind }, { operations }) =>
    !operations.has(id) && `a record of ${kind}, of which nothing else is known`,

  seeds: ({ id, salt, mac }) => (id !== 'wallet' || salt === '' || mac === '') && 'a mark of no seed',

  // Neither the wallet nor any caller of the explorer stores anything there.
  kv: () => 'what nobody has written',

  steps: (step, { operations }) => unheardOf(step, operations.get(step.operation)),
}

const by = <R, K>(rows: readonly R[], key: (row: R) => K): Map<K, R> => new Map(rows.map((row) => [key(row), row]))

/** The rows of a wallet for which nothing accounts. */
export function orphans(dump: Dump): Unaccounted[] {
  const { operations, history, owed, quoteClaims, counters, mints, keysets } = walletRows(dump)
  const around: Around = {
    operations: by(operations, ({ id }) => id),
    records: by(history, ({ id }) => id),
    owed: by(owed, ({ operationId }) => operationId),
    claims: by(quoteClaims, ({ operationId }) => operationId),
    counters: by(counters, ({ keysetId }) => keysetId),
    mints: new Set(mints.map(({ mintUrl }) => mintUrl)),
    keysets: new Set(keysets.map(({ mintUrl, id }) => `${mintUrl} ${id}`)),
    keysetIds: new Set(keysets.map(({ id }) => id)),
  }
  return unaccounted(accounts, dump, around).map(named)
}

/** An account may name another invariant than `leftover`. */
function named(what: string): Unaccounted {
  const [, table = '', invariant, why = ''] = /^(\w+): (?:(leftover|claim|owed): )?(.*)$/.exec(what) ?? []
  return `${(invariant ?? 'orphan') as 'orphan' | 'leftover' | 'claim' | 'owed'}: ${table}: ${why}`
}

/** What no commit may do to existing rows: counters only go up, and an ended operation stays unchanged. */
export function undone(writes: readonly Write[], before: Dump): Unaccounted[] {
  const { counters, seeds, operations } = walletRows(before)
  return writes.flatMap((write): Unaccounted[] => {
    if ('delete' in write && ['operations', 'history', 'counters', 'seeds', 'proofs'].includes(write.delete))
      return [`orphan: ${write.delete}: a row is deleted`]
    if ('put' in write && write.put === 'seeds' && seeds.length > 0) return ['orphan: seeds: another seed']
    const operation = operationIn(write)
    const ended = operation && operations.find(({ id, status }) => id === operation.id && status === 'done')
    if (ended)
      return [`orphan: operations: ${ended.kind} ended in '${ended.state}', and goes on in '${operation.state}'`]
    const counter = counterIn(write)
    const was = counter && counters.find(({ keysetId }) => keysetId === counter.keysetId)
    if (was && ((counter.next ?? was.next) < was.next || (counter.signed ?? was.signed) < was.signed))
      return ['orphan: counters: they go back']
    return []
  })
}

function counterIn(write: Write): (Partial<CounterRow> & Pick<CounterRow, 'keysetId'>) | undefined {
  if ('put' in write && write.put === 'counters') return write.row as CounterRow
  if ('patch' in write && write.patch === 'counters') return { ...write.set, keysetId: String(write.key[0]) }
  return undefined
}
