/**
 * What the mint's charts share: a signatory, which may run elsewhere and be unavailable, signs outputs; and there is
 * one way to give back what an operation set aside.
 *
 * ```text
 *   signing ──signed──▶ done          signing ──refused──▶ refused
 *     │   ▲
 *     ╰▶ pausing (no answer)
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | signing | the outputs, set aside | asks again: the same outputs get the same signatures (NUT-00, NUT-12) |
 * | pausing | the same, and when to ask | waits for the rest of the time |
 */
import { assign, setup } from 'xstate'
import {
  backoff,
  effect,
  from,
  isAnswered,
  keeps,
  on,
  sure,
  tx,
  type Answer,
} from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/mint-server/db/tables.ts'

/** An input that is set aside (NUT-00). Its secret and signature were checked and are not stored. */
export interface HeldInput {
  readonly Y: string
  /** The keyset's id. */
  readonly id: string
  readonly amount: number
  /** What unlocked it (NUT-10), if it was locked. */
  readonly witness?: string | undefined
}

/** An output as it came (NUT-00). */
export interface Message {
  /** The keyset's id. */
  readonly id: string
  readonly amount: number
  readonly B_: string
}

/** An output that is to be signed. */
export interface HeldOutput extends Message {
  /** The generation of the keyset among those of its unit. */
  readonly generation: number
}

/** A blind signature as the signatory gives it. */
export interface Signed {
  readonly C_: string
  readonly dleq: { readonly e: string; readonly s: string }
}

/** Why a request was not carried out after all, by the NUTs' error codes. */
export interface Refusal {
  readonly code: number
  readonly detail: string
}

/** The event that an operation emits for its caller: its answer's text, its refusal, or that it is pending. */
export type Outcome = { type: 'answered'; body: string } | ({ type: 'refused' } & Refusal) | { type: 'pending' }

export type Tag = 'local'

/** A part of the context of each of the mint's charts. */
export interface Signing {
  readonly unit: string
  readonly outputs: readonly HeldOutput[]
  /** Set from the signatory's answer until the end of the step, which records them. */
  readonly signed: readonly Signed[]
  readonly refusal: Refusal | null
  /** How often the request under way had no answer. */
  readonly tries: number
}

export const newSigning: Signing = { unit: '', outputs: [], signed: [], refusal: null, tries: 0 }

export const signingActors = {
  'signatory.sign': effect<
    { answer: 'signed'; signed: readonly Signed[] } | { answer: 'refused'; detail: string } | { answer: 'unknown' },
    { unit: string; outputs: readonly HeldOutput[] }
  >({ answers: { signed: true, refused: true, unknown: true } }),
}

export const signingDelays = {
  /** After this time a request without an answer is given up for now. */
  silence: 60_000,
  again: backoff<{ readonly tries: number }>({ firstMs: 250, maxMs: 60_000, tries: ({ tries }) => tries - 1 }),
}

/** The code of an error without a code of its own. */
const UNCLASSIFIED = 50000
const MOST_TRIES = 20
/** The request had no answer. */
export const unheard = keeps(({ tries }: Pick<Signing, 'tries'>) => ({ tries: Math.min(MOST_TRIES, tries + 1) }))
/** The request is over: the next one counts its failures from zero. */
export const HEARD = { tries: 0 }

const parts = setup({
  types: {} as { context: Signing; tags: Tag },
  actors: signingActors,
  actions: { tx: tx<Write>, keep: assign((_, kept: Partial<Signing>) => kept) },
  guards: { answered: isAnswered },
  delays: signingDelays,
})

/** Asks for signatures until there is an answer. */
export const signing = (of: { readonly done: string; readonly refused: string }) =>
  parts.createStateConfig({
    initial: 'signing',
    states: {
      signing: {
        description: 'The signatory is asked to sign the outputs.',
        invoke: {
          src: 'signatory.sign',
          input: from(({ unit, outputs }) => ({ unit, outputs })),
          onDone: [
            // An earlier refusal no longer counts.
            on({
              answer: 'signed',
              target: of.done,
              keep: ({ output: { signed } }) => ({ ...HEARD, signed, refusal: null }),
            }),
            on({
              answer: 'refused',
              target: of.refused,
              keep: ({ output: { detail } }) => ({ refusal: { code: UNCLASSIFIED, detail } }),
            }),
            on({ target: 'pausing' }),
          ],
        },
        after: { silence: 'pausing' },
      },
      pausing: {
        description: 'The signatory gave no answer. It is asked again after a pause.',
        entry: unheard,
        after: { again: 'signing' },
      },
    },
  })

/** Gives back inputs that were set aside. Nobody has received a signature in exchange for them. */
export const free = (operationId: string, inputs: readonly HeldInput[]): Write[] =>
  inputs.map(({ Y }): Write => ({ delete: 'proofs', key: [Y], if: { state: 'PENDING', operationId } }))

/** Gives back outputs that were set aside and not signed. */
export const drop = (operationId: string, outputs: readonly HeldOutput[]): Write[] =>
  outputs.map(({ B_ }): Write => ({ delete: 'signatures', key: [B_], if: { C_: null, operationId } }))

/** Emits the answer to the request, as the last local step gave it. */
export const tellAnswer = {
  type: 'tellAnswer',
  params: ({ event }: { event: { output: Answer & { readonly body?: string } } }) => sure(event.output.body, 'body'),
} as const

/** The events of the actions `tellAnswer` and `tellRefusal`. */
export const answerOf = (body: string): Outcome => ({ type: 'answered', body })
export const refusalOf = ({ refusal }: Signing): Outcome => ({ type: 'refused', ...sure(refusal, 'refusal') })
