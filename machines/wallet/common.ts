/** What the wallet's charts share beside the exchange: inputs are chosen and reserved, and given back, in one way. */
import { local } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import type { Meaning } from '../../src/cashu/codes.ts'
import { isReserved, type Exchange, type InputProof, type Place } from './exchange-model.ts'

/** Whether a mint answered, and how, whatever it was asked. */
export interface Reply {
  readonly answer: string
  readonly meaning?: Meaning
  readonly hint?: Meaning
  readonly detail?: string
}

/** Why an operation failed; for people. */
export interface Failure {
  readonly code: string
  readonly detail: string
}

export type Tag =
  | 'local'
  /** The caller's question is answered; something may go on behind it. */
  | 'ended'
  /** Ended otherwise than was asked for. */
  | 'failed'
  /** Ended with less than was asked for, because somebody else had spent the rest. */
  | 'partly'
  /** Waits for a person, and tries again now and then by itself. */
  | 'human'
  | 'quarantined'

/** A refusal, also by a mint that refuses as if it failed. What a mint cannot answer at the moment is none. */
export const isDenial = ({ answer, hint }: Reply): boolean =>
  answer === 'refused' || (hint !== undefined && hint !== 'passing')

/** The mint answered, and not with what was asked for. */
export const isRefusedOrMalformed = (output: Reply): boolean => isDenial(output) || output.answer === 'malformed'

/** A mint that refuses a question, or makes no sense, may do so in passing; so often in a row it is meant. */
const MOST_DENIALS = 8

/** How many such answers there were in a row, with this one. What an earlier program stored may not have counted them. */
export const denialsWith = (denials: number | undefined, output: Reply): number =>
  isRefusedOrMalformed(output) ? Math.min(MOST_DENIALS, (denials ?? 0) + 1) : 0

/** The mint has answered so often enough, and not with what was asked for; or it refuses as if it failed. */
export const isMeant = (denials: number, output: Reply): boolean =>
  denials + 1 >= MOST_DENIALS && isRefusedOrMalformed(output)

/** Why a question is given up that was answered so; for people. */
export const deniedBecause = ({ answer }: Reply, what: string): string =>
  answer === 'malformed'
    ? `the mint’s answers make no sense where it is asked ${what}`
    : `the mint refuses to say ${what}`

export const total = (amounts: readonly number[]): number => amounts.reduce((so, amount) => so + amount, 0)

export const sum = (proofs: readonly { readonly amount: number }[]): number =>
  proofs.reduce((total, { amount }) => total + amount, 0)

type Reserve = Place & {
  readonly amount: number
  /** What of it the outputs are to be, where that is not for the wallet to say. */
  readonly amounts?: readonly number[]
  /** Take proofs that make up the amount, without the mint's input fee, if there are such. */
  readonly preferExact: boolean
  /** The proofs are to be swapped for the amount and the rest: such that there are outputs for both. */
  readonly exchanges?: boolean
}
type Reserved = { answer: 'ok'; inputs: readonly InputProof[]; fee: number; writes: readonly Write[] }

/** Chooses proofs and reserves them in an operation's first step, which is refused where they do not reach. */
export const takeActor = {
  'proofs.take': local<Reserved, Reserve>({ answers: { ok: true } }),
}

/** Chooses proofs and reserves them in an operation that is under way. */
export const selectActor = {
  'proofs.select': local<Reserved | { answer: 'short' }, Reserve>({ answers: { ok: true, short: true } }),
}

/** With this begins the reason of a coin that is held for its keyset. */
export const KEYSET_REFUSED = 'KEYSET_REFUSED'

/**
 * Gives reserved inputs back. Only where nothing was sent, or nothing that was sent can land any more. Those of keysets
 * that the mint does not take are held.
 */
export const release = (
  id: string,
  inputs: readonly { readonly Y: string; readonly id?: string }[],
  dead: readonly string[] = [],
): Write[] =>
  inputs.map((input): Write => ({
    patch: 'proofs',
    key: [input.Y],
    set:
      input.id !== undefined && dead.includes(input.id)
        ? {
            state: 'held',
            operationId: null,
            reason: `${KEYSET_REFUSED}: the mint does not take coins of their keyset`,
          }
        : { state: 'spendable', operationId: null },
    if: { state: 'reserved', operationId: id },
  }))

/** Marks inputs as spent. */
export const spend = (id: string, inputs: readonly { readonly Y: string }[], from: 'reserved' | 'sent'): Write[] =>
  inputs.map(({ Y }): Write => ({
    patch: 'proofs',
    key: [Y],
    set: { state: 'spent' },
    if: { state: from, operationId: id },
  }))

/** Of an exchange's inputs, those that somebody has spent, by the mint's last word. */
export const spentOf = ({ inputs, states }: Pick<Exchange, 'inputs' | 'states'>): InputProof[] =>
  inputs.filter((_, at) => states[at] === 'SPENT')
export const unspentOf = ({ inputs, states }: Pick<Exchange, 'inputs' | 'states'>): InputProof[] =>
  inputs.filter((_, at) => states[at] !== 'SPENT')

/** Of an exchange of which another spent some inputs: what is left of them is free, and what its rounds have made. */
export const freed = (id: string, exchange: Exchange): Write[] => [
  ...spend(id, spentOf(exchange), 'reserved'),
  ...release(id, [...unspentOf(exchange), ...exchange.made.filter(isReserved)], exchange.dead),
]

/** What an operation says of an exchange that another was faster than. */
export const lostBy = (exchange: Exchange) => ({
  spentElsewhere: sum(spentOf(exchange)),
  fee: exchange.fee,
  error: { code: 'SPENT_ELSEWHERE', detail: 'some of the inputs were spent outside this wallet' },
})

/** Marks exactly chosen inputs as sent: they are the token. */
export const sendOff = (id: string, inputs: readonly { readonly Y: string }[]): Write[] =>
  inputs.map(({ Y }): Write => ({
    patch: 'proofs',
    key: [Y],
    set: { state: 'sent' },
    if: { state: 'reserved', operationId: id },
  }))
