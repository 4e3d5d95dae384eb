/**
 * Restore (NUT-09, NUT-13): finds what a seed owns at a mint, on an empty wallet or on a live one.
 *
 * ```text
 *  prepared ──execute──▶ listing ──▶ planning* ──▶ scanning ──nothing──▶ (next batch, next keyset, or the end)
 *                          ▲  │                     ▲   │ signatures            ▲
 *     any ──cancel──▶      │  ▼                     │   ▼                       │
 *        cancelled       waiting                 pausing  unblinding* ──▶ checking ──▶ keeping*
 *
 *  the end: restored | incomplete ──later──▶ relisting ──▶ planning* (what could not be had), incomplete, restored
 *           failed, where the mint does not offer NUT-09
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | prepared | what is wanted | waits for execute, cancel, or the deadline |
 * | listing, waiting | the same | fetches the keysets again |
 * | planning, unblinding, keeping | nothing of them: the state before | the state before runs again |
 * | scanning, pausing, checking, resting | how far each keyset was scanned, and what was found | goes on from there |
 * | incomplete, relisting | what was restored, and which keysets could not be had | looks for those again |
 *
 * A keyset whose keys cannot be had, or that the mint refuses to answer for, spoils no other: it is named in
 * `unavailable`, and looked for again for a day.
 * A scan only adds: it never changes a proof that is there, and leaves alone what a live operation is waiting for. It
 * takes all keysets, active or not, in batches of 100 counters, up to where 1,000 in a row are not signed, and at least
 * as far as the wallet's own counters.
 */
import { assign, setup } from 'xstate'
import { effect, local, tx, backoff, answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { denialsWith, isMeant, isRefusedOrMalformed, outputOf, type Failure, type Tag, write } from './common.ts'
import { type MadeProof, type Signature, type SpentState, type Replied, REPLIES, type Place } from './exchange-model.ts'

export interface RestoreInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
}

/** How far one keyset was scanned. */
export type Scan = {
  readonly keysetId: string
  /** The next counter to ask about. */
  readonly next: number
  /** How many in a row, before it, were not signed. */
  readonly unsigned: number
  /** The wallet's own counter: scan at least so far. */
  readonly atLeast: number
}
/** A keyset that was not restored, or not wholly. */
export type Unavailable = {
  readonly keysetId: string
  /** For people. */
  readonly reason: string
  /** It may be had later. */
  readonly later: boolean
}
export type Found = { readonly counter: number; readonly signature: Signature }
export type Restored = MadeProof & { readonly counter: number }

export interface RestoreContext extends RestoreInput {
  /** What came back, in the unit. */
  readonly amount: number
  readonly fee: number
  readonly keysetIds: readonly string[]
  /** Keysets still to scan, the current one first. */
  readonly scans: readonly Scan[]
  readonly found: readonly Found[]
  readonly proofs: readonly Restored[]
  readonly states: readonly SpentState[]
  /** What could not be restored yet. */
  readonly unavailable: readonly Unavailable[]
  /** The mint does not tell which proofs are unspent (NUT-07); it is asked once for each batch, and not waited for. */
  readonly untold: boolean
  /** How often those were looked for again. */
  readonly rounds: number
  readonly tries: number
  /** Questions in a row that the mint refused, or answered with what makes no sense. */
  readonly denials: number
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export const BATCH = 100
const GAP = 1_000
const MOST_TRIES = 20
const MOST_ROUNDS = 24

/** The scan after a batch; the keyset is done where enough counters in a row were not signed. */
function advance(scans: readonly Scan[], signed: boolean): Scan[] {
  const [scan, ...rest] = scans
  const next = { ...scan!, next: scan!.next + BATCH, unsigned: signed ? 0 : scan!.unsigned + BATCH }
  return next.unsigned >= GAP && next.next >= next.atLeast ? rest : [next, ...rest]
}

type Answered = { readonly answer: string; readonly meaning?: string; readonly hint?: string; readonly detail?: string }

const KEYSET_GONE = ['keysetUnknown', 'keysetExpired']
const isUnsupported = ({ denials }: RestoreContext, output: Answered): boolean =>
  output.meaning === 'unsupported' || (output.hint === 'unsupported' && isMeant(denials, output))
const reasonOf = ({ answer, detail = '' }: Answered): string =>
  answer === 'malformed' ? 'the mint’s answers make no sense' : `the mint refuses: ${detail === '' ? 'it gives no reason' : detail}` // prettier-ignore
const without = (unavailable: readonly Unavailable[], keysetIds: readonly string[]): Unavailable[] =>
  unavailable.filter(({ keysetId }) => !keysetIds.includes(keysetId))

export const restore = setup({
  types: {} as {
    context: RestoreContext
    input: RestoreInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' }
    tags: Tag
  },
  actors: {
    /** POST /v1/checkstate (NUT-07). */
    'restore.check': effect<Replied<{ states: readonly SpentState[]; writes: readonly Write[] }>, { mintUrl: string; Ys: readonly string[] }>({ answers: REPLIES }), // prettier-ignore
    /** GET /v1/keysets, and the keys of all of the unit's, old ones too (NUT-01, NUT-02). */
    'restore.keysets': effect<Replied<{ keysetIds: readonly string[]; unavailable: readonly Unavailable[]; writes: readonly Write[] }>, { mintUrl: string; unit: string }>({ answers: REPLIES }), // prettier-ignore
    'restore.plan': local<{ answer: 'ok'; scans: readonly Scan[] }, { keysetIds: readonly string[] }>({
      answers: ['ok'],
    }),
    /** POST /v1/restore for one batch of counters (NUT-09). */
    'restore.batch': effect<Replied<{ found: readonly Found[]; writes: readonly Write[] }>, { mintUrl: string; keysetId: string; from: number }>({ answers: REPLIES }), // prettier-ignore
    /** Signatures that verify, as proofs; `wrong` where some do not. */
    'restore.unblind': local<{ answer: 'ok' | 'wrong'; proofs: readonly Restored[] }, { mintUrl: string; keysetId: string; found: readonly Found[] }>({ answers: ['ok', 'wrong'] }), // prettier-ignore
    /** Writes what the wallet does not have. */
    'restore.keep': local<
      { answer: 'ok'; amount: number; ys: readonly string[]; writes: readonly Write[] },
      Place & {
        readonly keysetId: string
        readonly proofs: readonly Restored[]
        readonly states: readonly SpentState[]
        readonly found: readonly Found[]
      }
    >({ answers: ['ok'] }),
  },
  actions: {
    tx: tx<Write>,
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    /** A question in vain. */
    inVain: assign(({ context: { tries, denials }, event }) => ({
      tries: Math.min(MOST_TRIES, tries + 1),
      denials: denialsWith(denials, outputOf<Answered>(event)),
    })),
    /** Leaves the keyset, and names it. */
    pass: assign(({ context: { scans, unavailable }, event }) => {
      const output = outputOf<Answered>(event)
      const { keysetId } = scans[0]!
      const later = !KEYSET_GONE.includes(output.meaning ?? '')
      return {
        scans: scans.slice(1),
        unavailable: [...without(unavailable, [keysetId]), { keysetId, reason: reasonOf(output), later }],
        tries: 0,
        denials: 0,
      }
    }),
    /** Names a keyset of which some signatures do not verify. */
    doubted: assign(({ context: { scans, unavailable }, event }) => {
      if (outputOf<Answered>(event).answer !== 'wrong') return {}
      const { keysetId } = scans[0]!
      const reason = 'some of the signatures that the mint shows do not verify'
      return { unavailable: [...without(unavailable, [keysetId]), { keysetId, reason, later: true }] }
    }),
    round: assign({ rounds: ({ context }) => context.rounds + 1 }),
  },
  guards: {
    isAgainDue: ({ context: { unavailable, rounds } }) =>
      rounds < MOST_ROUNDS && unavailable.some(({ later }) => later),
  },
  delays: {
    restoreDeadline: 600_000,
    restoreAgain: backoff<RestoreContext>({ firstMs: 60_000, maxMs: 3_600_000, tries: ({ rounds }) => rounds }),
    restoreBackoff: backoff<RestoreContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
  },
}).createMachine({
  id: 'restore',
  context: ({ input }) => ({
    ...input,
    amount: 0,
    fee: 0,
    keysetIds: [],
    scans: [],
    found: [],
    proofs: [],
    states: [],
    unavailable: [],
    untold: false,
    rounds: 0,
    tries: 0,
    denials: 0,
    ys: [],
    error: null,
  }),
  initial: 'prepared',
  // What was found and is not kept yet stays where it is: another restore finds it again.
  on: { cancel: '.cancelled' },
  states: {
    prepared: {
      description: 'Nothing was asked yet. Waits for execute or cancel, and is cancelled at its deadline.',
      on: { execute: 'listing' },
      after: { restoreDeadline: 'cancelled' },
    },
    listing: {
      description: 'Fetches all keysets of the mint.',
      invoke: {
        src: 'restore.keysets',
        input: ({ context: { mintUrl, unit } }) => ({ mintUrl, unit }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'planning',
            actions: [
              write,
              assign(({ event: { output } }) =>
                output.answer === 'ok'
                  ? { keysetIds: output.keysetIds, unavailable: output.unavailable, tries: 0, denials: 0 }
                  : {},
              ),
            ],
          },
          {
            guard: ({ context, event: { output } }) => isMeant(context.denials, output),
            target: 'failed',
            actions: assign(({ event: { output } }) => ({
              error: { code: 'REFUSED', detail: `no keysets: ${reasonOf(output)}` },
            })),
          },
          { target: 'waiting', actions: 'inVain' },
        ],
      },
    },
    waiting: {
      description: 'The keysets could not be fetched; asks again.',
      after: { restoreBackoff: 'listing' },
      on: { resume: 'listing' },
    },
    planning: {
      tags: ['local'],
      invoke: {
        src: 'restore.plan',
        input: ({ context: { keysetIds } }) => ({ keysetIds }),
        onDone: { target: 'going', actions: assign(({ event: { output } }) => ({ scans: output.scans })) },
      },
    },
    /** The next batch, or the end. */
    going: {
      always: [
        { guard: ({ context }) => context.scans.length > 0, target: 'scanning' },
        { guard: 'isAgainDue', target: 'incomplete' },
        { target: 'restored' },
      ],
    },
    scanning: {
      description: 'Asks the mint which of a batch of outputs it has signed.',
      invoke: {
        src: 'restore.batch',
        input: ({ context: { mintUrl, scans } }) => ({ mintUrl, keysetId: scans[0]!.keysetId, from: scans[0]!.next }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.found.length > 0,
            target: 'unblinding',
            actions: [
              write,
              assign(({ event: { output } }) => (output.answer === 'ok' ? { found: output.found, denials: 0 } : {})),
            ],
          },
          {
            guard: answered('ok'),
            target: 'going',
            reenter: true,
            actions: [write, assign(({ context }) => ({ scans: advance(context.scans, false), tries: 0, denials: 0 }))],
          },
          {
            guard: ({ context, event: { output } }) => isUnsupported(context, output),
            target: 'failed',
            actions: assign({
              error: { code: 'UNSUPPORTED', detail: 'the mint does not restore signatures (NUT-09)' },
            }),
          },
          {
            guard: ({ context, event: { output } }) =>
              isMeant(context.denials, output) || (output.answer === 'refused' && KEYSET_GONE.includes(output.meaning)),
            target: 'going',
            reenter: true,
            actions: 'pass',
          },
          { target: 'pausing', actions: 'inVain' },
        ],
      },
    },
    pausing: {
      description: 'It is not known yet which of a batch of outputs the mint has signed; asks again.',
      after: { restoreBackoff: 'scanning' },
      on: { resume: 'scanning' },
    },
    unblinding: {
      tags: ['local'],
      invoke: {
        src: 'restore.unblind',
        input: ({ context: { mintUrl, scans, found } }) => ({ mintUrl, keysetId: scans[0]!.keysetId, found }),
        onDone: [
          // What does not verify is asked for again; what never does is not money.
          {
            guard: ({ context, event: { output } }) => output.answer === 'wrong' && context.tries < 3,
            target: 'pausing',
            actions: ['tried', assign({ found: [] })],
          },
          {
            guard: ({ event: { output } }) => output.proofs.length === 0,
            target: 'keeping',
            actions: [assign({ proofs: [], states: [] }), 'doubted'],
          },
          {
            target: 'checking',
            actions: [assign(({ event: { output } }) => ({ proofs: output.proofs })), 'doubted'],
          },
        ],
      },
    },
    checking: {
      description: 'Asks the mint which of the proofs found are unspent.',
      invoke: {
        src: 'restore.check',
        input: ({ context: { mintUrl, proofs } }) => ({ mintUrl, Ys: proofs.map(({ Y }) => Y) }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'keeping',
            actions: [
              write,
              assign(({ event: { output } }) =>
                output.answer === 'ok' ? { states: output.states, untold: false, tries: 0, denials: 0 } : {},
              ),
            ],
          },
          // Not knowing which are spent, it counts on none: they are held until a restore can tell.
          {
            guard: ({ context, event: { output } }) =>
              isUnsupported(context, output) ||
              isMeant(context.denials, output) ||
              (context.untold && isRefusedOrMalformed(output)),
            target: 'keeping',
            actions: assign(({ context: { proofs, scans, unavailable }, event: { output } }) => ({
              states: proofs.map(() => 'PENDING' as const),
              untold: true,
              unavailable: [
                ...without(unavailable, [scans[0]!.keysetId]),
                {
                  keysetId: scans[0]!.keysetId,
                  reason: `it is not known which coins are unspent (NUT-07); ${reasonOf(output)}`,
                  later: true,
                },
              ],
              tries: 0,
              denials: 0,
            })),
          },
          { target: 'resting', actions: 'inVain' },
        ],
      },
    },
    resting: {
      description: 'The mint does not tell the proofs’ states; asks again.',
      after: { restoreBackoff: 'checking' },
      on: { resume: 'checking' },
    },
    keeping: {
      tags: ['local'],
      invoke: {
        src: 'restore.keep',
        input: ({ context: { id, mintUrl, unit, scans, proofs, states, found } }) => ({
          id,
          mintUrl,
          unit,
          keysetId: scans[0]!.keysetId,
          proofs,
          states,
          found,
        }),
        onDone: {
          target: 'going',
          actions: [
            write,
            assign(({ context, event: { output } }) => ({
              amount: context.amount + output.amount,
              ys: [...context.ys, ...output.ys],
              scans: advance(context.scans, true),
              found: [],
              proofs: [],
              states: [],
              tries: 0,
            })),
          ],
        },
      },
    },
    incomplete: {
      tags: ['ended', 'partly'],
      description: 'Some keysets could not be restored; looks for them again, ever more seldom, or when resumed.',
      after: { restoreAgain: 'relisting' },
      on: { resume: 'relisting', cancel: 'restored' },
    },
    relisting: {
      tags: ['ended', 'partly'],
      description: 'Looks whether the keysets can be had that could not before.',
      entry: 'round',
      invoke: {
        src: 'restore.keysets',
        input: ({ context: { mintUrl, unit } }) => ({ mintUrl, unit }),
        onDone: [
          {
            guard: ({ context: { unavailable }, event: { output } }) =>
              output.answer === 'ok' && unavailable.some(({ keysetId, later }) => later && output.keysetIds.includes(keysetId)), // prettier-ignore
            target: 'planning',
            actions: [
              write,
              assign(({ context: { unavailable }, event: { output } }) => {
                if (output.answer !== 'ok') return {}
                const keysetIds = output.keysetIds.filter((id) => unavailable.some(({ keysetId, later }) => later && keysetId === id)) // prettier-ignore
                return { keysetIds, unavailable: without(unavailable, keysetIds), tries: 0, denials: 0 }
              }),
            ],
          },
          { guard: 'isAgainDue', target: 'incomplete' },
          { target: 'restored' },
        ],
      },
      on: { cancel: 'restored' },
    },
    restored: { type: 'final', tags: ['ended'] },
    failed: { type: 'final', tags: ['ended', 'failed'] },
    cancelled: { type: 'final', tags: ['ended', 'failed'] },
  },
})
