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
 * | incomplete, relisting | what was restored, and which keysets could not be had | restores those again |
 *
 * A keyset whose keys cannot be had, or that the mint refuses to answer for, spoils no other: it is named in
 * `unavailable`, and restored again for a day.
 * A scan only adds: it never changes a proof that is there, and leaves alone what a live operation is waiting for. It
 * takes all keysets, active or not, in batches of 100 counters, up to where 1,000 in a row are not signed, and at least
 * as far as the wallet's own counters.
 */
import { assign, setup } from 'xstate'
import {
  backoff,
  effect,
  from,
  isAnswered,
  local,
  on,
  such,
  sure,
  tx,
  when,
  write,
} from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { denialsWith, isMeant, isRefusedOrMalformed, type Failure, type Reply, type Tag } from './common.ts'
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
  /** The mint does not say which proofs are unspent (NUT-07). It is asked once for each batch, without waiting. */
  readonly untold: boolean
  /** How often those were restored again. */
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

type Kept = Partial<RestoreContext>

/** The keyset that is scanned. */
const scanOf = ({ scans }: Pick<RestoreContext, 'scans'>): Scan => sure(scans[0], 'scan')

/** The scans after a batch; the keyset is done where enough counters in a row were not signed. */
function advance(context: Pick<RestoreContext, 'scans'>, signed: boolean): Scan[] {
  const scan = scanOf(context)
  const next = { ...scan, next: scan.next + BATCH, unsigned: signed ? 0 : scan.unsigned + BATCH }
  const rest = context.scans.slice(1)
  return next.unsigned >= GAP && next.next >= next.atLeast ? rest : [next, ...rest]
}

const isKeysetGone = ({ meaning }: Reply): boolean => meaning === 'keysetUnknown' || meaning === 'keysetExpired'
const isUnsupported = ({ denials }: RestoreContext, reply: Reply): boolean =>
  reply.meaning === 'unsupported' || (reply.hint === 'unsupported' && isMeant(denials, reply))
const reasonOf = ({ answer, detail = '' }: Reply): string =>
  answer === 'malformed' ? 'the mint’s answers make no sense' : `the mint refuses: ${detail === '' ? 'it gives no reason' : detail}` // prettier-ignore
const without = (unavailable: readonly Unavailable[], keysetIds: readonly string[]): Unavailable[] =>
  unavailable.filter(({ keysetId }) => !keysetIds.includes(keysetId))
/** Names the keyset that is scanned as one that was not restored, or not wholly. */
const named = (context: RestoreContext, reason: string, later = true): Kept => {
  const { keysetId } = scanOf(context)
  return { unavailable: [...without(context.unavailable, [keysetId]), { keysetId, reason, later }] }
}
/** Of the keysets that could not be restored and may be had later, those that the mint now lists. */
const back = ({ unavailable }: RestoreContext, keysetIds: readonly string[]): string[] =>
  keysetIds.filter((id) => unavailable.some(({ keysetId, later }) => later && keysetId === id))

const ASKED = { tries: 0, denials: 0 }
/** A question in vain. */
const inVain = ({ context: { tries, denials }, output }: { context: RestoreContext; output: Reply }): Kept => ({
  tries: Math.min(MOST_TRIES, tries + 1),
  denials: denialsWith(denials, output),
})
/** Names a keyset of which some signatures do not verify. */
const doubted = (context: RestoreContext, answer: 'ok' | 'wrong'): Kept =>
  answer === 'wrong' ? named(context, 'some of the signatures that the mint shows do not verify') : {}
/** By what a mint says to a question. */
const of = (holds: (context: RestoreContext, reply: Reply) => boolean) => such(holds)

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
      answers: { ok: true },
    }),
    /** POST /v1/restore for one batch of counters (NUT-09). */
    'restore.batch': effect<Replied<{ found: readonly Found[]; writes: readonly Write[] }>, { mintUrl: string; keysetId: string; from: number }>({ answers: REPLIES }), // prettier-ignore
    /** Signatures that verify, as proofs; `wrong` where some do not. */
    'restore.unblind': local<{ answer: 'ok' | 'wrong'; proofs: readonly Restored[] }, { mintUrl: string; keysetId: string; found: readonly Found[] }>({ answers: { ok: true, wrong: true } }), // prettier-ignore
    /** Writes what the wallet does not have. */
    'restore.keep': local<
      { answer: 'ok'; amount: number; ys: readonly string[]; writes: readonly Write[] },
      Place & {
        readonly keysetId: string
        readonly proofs: readonly Restored[]
        readonly states: readonly SpentState[]
        readonly found: readonly Found[]
      }
    >({ answers: { ok: true } }),
  },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Kept) => kept),
    round: assign({ rounds: ({ context }) => context.rounds + 1 }),
  },
  guards: {
    answered: isAnswered,
    isSomeToScan: when(({ scans }: RestoreContext) => scans.length > 0),
    isAgainDue: when(
      ({ unavailable, rounds }: RestoreContext) => rounds < MOST_ROUNDS && unavailable.some(({ later }) => later),
    ),
    isEarlyTry: when(({ tries }: RestoreContext) => tries < 3),
    isMeant: of(({ denials }, reply) => isMeant(denials, reply)),
    isUnsupported: of(isUnsupported),
    isKeysetRefused: of(
      ({ denials }, reply) => isMeant(denials, reply) || (reply.answer === 'refused' && isKeysetGone(reply)),
    ),
    /** Not knowing which are spent, it counts on none. */
    areStatesUnknown: of(
      (context, reply) =>
        isUnsupported(context, reply) ||
        isMeant(context.denials, reply) ||
        (context.untold && isRefusedOrMalformed(reply)),
    ),
    isSomeSigned: such((_, { found }: Pick<RestoreContext, 'found'>) => found.length > 0),
    isNoneVerified: such((_, { proofs }: Pick<RestoreContext, 'proofs'>) => proofs.length === 0),
    isSomeBack: such(
      (context: RestoreContext, { keysetIds }: Pick<RestoreContext, 'keysetIds'>) =>
        back(context, keysetIds).length > 0,
    ),
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
        input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
        onDone: [
          on({
            answer: 'ok',
            target: 'planning',
            actions: write,
            keep: ({ output: { keysetIds, unavailable } }) => ({ keysetIds, unavailable, ...ASKED }),
          }),
          on({
            such: 'isMeant',
            target: 'failed',
            keep: ({ output }) => ({ error: { code: 'REFUSED', detail: `no keysets: ${reasonOf(output)}` } }),
          }),
          on({ target: 'waiting', keep: inVain }),
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
        input: from(({ keysetIds }) => ({ keysetIds })),
        onDone: on({ target: 'going', keep: ({ output: { scans } }) => ({ scans }) }),
      },
    },
    /** The next batch, or the end. */
    going: {
      always: [
        { guard: 'isSomeToScan', target: 'scanning' },
        { guard: 'isAgainDue', target: 'incomplete' },
        { target: 'restored' },
      ],
    },
    scanning: {
      description: 'Asks the mint which of a batch of outputs it has signed.',
      invoke: {
        src: 'restore.batch',
        input: from((context) => {
          const { keysetId, next } = scanOf(context)
          return { mintUrl: context.mintUrl, keysetId, from: next }
        }),
        onDone: [
          on({
            answer: 'ok',
            such: 'isSomeSigned',
            target: 'unblinding',
            actions: write,
            keep: ({ output: { found } }) => ({ found, denials: 0 }),
          }),
          on({
            answer: 'ok',
            target: 'going',
            reenter: true,
            actions: write,
            keep: ({ context }) => ({ scans: advance(context, false), ...ASKED }),
          }),
          on({
            such: 'isUnsupported',
            target: 'failed',
            keep: { error: { code: 'UNSUPPORTED', detail: 'the mint does not restore signatures (NUT-09)' } },
          }),
          on({
            such: 'isKeysetRefused',
            target: 'going',
            reenter: true,
            keep: ({ context, output }) => ({
              ...named(context, reasonOf(output), !isKeysetGone(output)),
              scans: context.scans.slice(1),
              ...ASKED,
            }),
          }),
          on({ target: 'pausing', keep: inVain }),
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
        input: from((context) => ({
          mintUrl: context.mintUrl,
          keysetId: scanOf(context).keysetId,
          found: context.found,
        })),
        onDone: [
          // What does not verify is asked for again; what never does is not money.
          on({
            answer: 'wrong',
            if: 'isEarlyTry',
            target: 'pausing',
            keep: ({ context: { tries } }) => ({ tries: Math.min(MOST_TRIES, tries + 1), found: [] }),
          }),
          on({
            such: 'isNoneVerified',
            target: 'keeping',
            keep: ({ context, output: { answer } }) => ({ ...doubted(context, answer), proofs: [], states: [] }),
          }),
          on({
            target: 'checking',
            keep: ({ context, output: { answer, proofs } }) => ({ ...doubted(context, answer), proofs }),
          }),
        ],
      },
    },
    checking: {
      description: 'Asks the mint which of the proofs found are unspent.',
      invoke: {
        src: 'restore.check',
        input: from(({ mintUrl, proofs }) => ({ mintUrl, Ys: proofs.map(({ Y }) => Y) })),
        onDone: [
          on({
            answer: 'ok',
            target: 'keeping',
            actions: write,
            keep: ({ output: { states } }) => ({ states, untold: false, ...ASKED }),
          }),
          // They are held until a restore knows their states.
          on({
            such: 'areStatesUnknown',
            target: 'keeping',
            keep: ({ context, output }) => ({
              ...named(context, `it is not known which coins are unspent (NUT-07); ${reasonOf(output)}`),
              states: context.proofs.map(() => 'PENDING'),
              untold: true,
              ...ASKED,
            }),
          }),
          on({ target: 'resting', keep: inVain }),
        ],
      },
    },
    resting: {
      description: 'The mint does not answer the proofs’ states; asks again.',
      after: { restoreBackoff: 'checking' },
      on: { resume: 'checking' },
    },
    keeping: {
      tags: ['local'],
      invoke: {
        src: 'restore.keep',
        input: from((context) => {
          const { id, mintUrl, unit, proofs, states, found } = context
          return { id, mintUrl, unit, keysetId: scanOf(context).keysetId, proofs, states, found }
        }),
        onDone: on({
          target: 'going',
          actions: write,
          keep: ({ context, output }) => ({
            amount: context.amount + output.amount,
            ys: [...context.ys, ...output.ys],
            scans: advance(context, true),
            found: [],
            proofs: [],
            states: [],
            tries: 0,
          }),
        }),
      },
    },
    incomplete: {
      tags: ['ended', 'partly'],
      description: 'Some keysets could not be restored; tries again at growing intervals, or when resumed.',
      after: { restoreAgain: 'relisting' },
      on: { resume: 'relisting', cancel: 'restored' },
    },
    relisting: {
      tags: ['ended', 'partly'],
      description: 'Fetches the keysets again that were missing before.',
      entry: 'round',
      invoke: {
        src: 'restore.keysets',
        input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
        onDone: [
          on({
            answer: 'ok',
            such: 'isSomeBack',
            target: 'planning',
            actions: write,
            keep: ({ context, output }) => {
              const keysetIds = back(context, output.keysetIds)
              return { keysetIds, unavailable: without(context.unavailable, keysetIds), ...ASKED }
            },
          }),
          on({ if: 'isAgainDue', target: 'incomplete' }),
          on({ target: 'restored' }),
        ],
      },
      on: { cancel: 'restored' },
    },
    restored: { type: 'final', tags: ['ended'] },
    failed: { type: 'final', tags: ['ended', 'failed'] },
    cancelled: { type: 'final', tags: ['ended', 'failed'] },
  },
})
