/** The account of each row of a mint server, at every commit, and the change that its melts owe. */
import { splitAmount } from '../../cashu/amounts.ts'
import type { MintTables } from '../../mint-server/db/tables.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import type { RowOf } from '../../store/typed.ts'
import { unaccounted, type Accounts } from './accounts.ts'
import { mintRows } from './rows.ts'
import { unheardOf } from './step-history.ts'

type Rows = ReturnType<typeof mintRows>
type Operation = RowOf<MintTables['operations']>

interface Around extends Rows {
  readonly byId: ReadonlyMap<string | null, Operation>
}

const total = (list: readonly { readonly amount: number }[]): number =>
  list.reduce((sum, { amount }) => sum + amount, 0)

const ofKind = (of: Around, id: string | null, kind: string): boolean => {
  const operation = of.byId.get(id)
  return operation?.kind === kind && operation.status !== 'done'
}
/** An operation that ended long ago is deleted. */
const isOver = (of: Around, id: string | null): boolean => (of.byId.get(id)?.status ?? 'done') === 'done'

const accounts: Accounts<MintTables, Around> = {
  owners: ({ beat }) => beat < -1 && 'a process that never was',

  operations: ({ kind, status, timers, dueAt }) =>
    status === 'done' && (timers !== '{}' || dueAt !== null) && `${kind} has ended, and has timers`,

  keysets({ id, unit, active }, { keysets }) {
    const others = keysets.filter((row) => row.unit === unit && row.active === 1 && row.id !== id)
    return active === 1 && others.length > 0 && `${unit} has several active ones`
  },

  mintQuotes({ id, amount, amountPaid, amountIssued, operationId, unit, method }, of) {
    if (operationId !== null && !ofKind(of, operationId, 'mint-issue')) return 'held by an issue that is not alive'
    if (amountIssued < 0 || amountIssued > amountPaid) return `${amountIssued} is issued of ${amountPaid}`
    if (method === 'bolt11' && amount !== null && amountPaid > amount) return `${amountPaid} is credited of ${amount}`
    const credits = of.mintPayments.filter((row) => row.quoteId === id && row.unit === unit)
    return total(credits) !== amountPaid && `${amountPaid} is credited, and its payments come to ${total(credits)}`
  },

  mintPayments: ({ quoteId, amount }, { mintQuotes }) =>
    (amount <= 0 || !mintQuotes.some(({ id }) => id === quoteId)) && `${amount} for no quote`,

  meltQuotes({ state, operationId, claim, method, requestId, paidOut, amount, feeReserve, change }, of) {
    const claims = method === 'bolt11' && (state === 'PENDING' || state === 'PAID') ? requestId : null
    if (claim !== claims) return `one that is ${state} claims ${claim === null ? 'nothing' : 'an invoice'}`
    if (state === 'PENDING') return !ofKind(of, operationId, 'mint-melt') && 'pending, for a melt that is not alive'
    if (state !== 'PAID') return (operationId !== null || paidOut !== 0 || change.length > 0) && `${state}, and something came of it` // prettier-ignore
    if (operationId === null || !isOver(of, operationId)) return 'paid, and its melt has not ended'
    if (paidOut < amount || paidOut > amount + feeReserve) return `${paidOut} was paid for ${amount}, at most ${feeReserve} beside it` // prettier-ignore
    const signed = total(of.signatures.filter((row) => row.operationId === operationId))
    return total(change) !== signed && `change of ${total(change)} is told, and ${signed} is signed`
  },

  proofs({ state, amount, keysetId, operationId, kind }, of) {
    if (of.keysets.find(({ id }) => id === keysetId)?.keys[amount] === undefined) return `${amount} of no keyset`
    if (state === 'PENDING')
      return !ofKind(of, operationId, kind) && `${amount} pending, for a ${kind} that is not alive`
    return !isOver(of, operationId) && `${amount} spent by a ${kind} that has not ended`
  },

  signatures({ amount, C_, keysetId, operationId, kind }, of) {
    if (C_ === null)
      return (amount !== 0 || !ofKind(of, operationId, kind)) && `set aside by a ${kind} that is not alive`
    if (!isOver(of, operationId)) return `${amount} signed for a ${kind} that has not ended`
    return of.keysets.find(({ id }) => id === keysetId)?.keys[amount] === undefined && `${amount} of no keyset`
  },

  responses: ({ body }) => !/^\{.*\}$/s.test(body) && 'an answer that is none',

  steps: (step, { byId }) => unheardOf(step, byId.get(step.operation)),

  highWater: ({ tick }) => tick < 0 && 'a mark below the first',

  // These are Lightning's own books. At the end, the mint's books are compared with them.
  fakeRequests: ({ amountSat }) => amountSat !== null && amountSat <= 0 && 'a request for nothing',
  fakeIncoming: ({ amountSat }) => amountSat <= 0 && 'a payment of nothing',
  fakeOutgoing: ({ amountSat, feeSat }) => (amountSat <= 0 || feeSat < 0) && 'a payment of nothing',
}

/** The rows of a mint for which nothing accounts. */
export function mintOrphans(dump: Dump): readonly `orphan: ${string}`[] {
  const rows = mintRows(dump)
  const around: Around = { ...rows, byId: new Map(rows.operations.map((row) => [row.id, row])) }
  return unaccounted(accounts, dump, around).map((what) => `orphan: ${what}` as const)
}

/**
 * The balance of a melt: the value of its inputs beyond the payment and the input fee comes back, as far as the blank
 * outputs reach. It is checked in the commit that pays, because the blanks are deleted after it.
 */
export function wrongChange(writes: readonly Write[], before: Dump): readonly `balance: ${string}`[] {
  const { proofs, signatures, keysets } = mintRows(before)
  return writes.flatMap((write) => {
    if (!('patch' in write) || write.patch !== 'meltQuotes' || write.set['state'] !== 'PAID') return []
    const quote = mintRows(before).meltQuotes.find(({ id }) => id === write.key[0])
    const own = (row: { readonly operationId: string }): boolean => row.operationId === quote?.operationId
    const inputs = proofs.filter(own)
    const ppk = inputs.reduce((sum, input) => sum + (keysets.find(({ id }) => id === input.keysetId)?.feePpk ?? 0), 0)
    const left = total(inputs) - Math.ceil(ppk / 1000) - (write.set['paidOut'] as number)
    const blanks = signatures.filter(own)
    const keys = keysets.find(({ id }) => id === blanks[0]?.keysetId)?.keys ?? {}
    const parts = blanks.length > 0 && left > 0 ? splitAmount(left, Object.keys(keys).map(Number)) : []
    const due = parts
      .toSorted((a, b) => b - a)
      .slice(0, blanks.length)
      .reduce((sum, amount) => sum + amount, 0)
    const given = writes.reduce((sum, it) => sum + signedBy(it), 0)
    return given === due
      ? []
      : [`balance: a melt has ${left} left and ${blanks.length} blanks, and gives ${given}` as const]
  })
}

const signedBy = (write: Write): number =>
  'patch' in write && write.patch === 'signatures' ? ((write.set['amount'] as number | undefined) ?? 0) : 0
