/**
 * A bounty: credits of a payer, held in escrow until somebody's contribution meets the criteria. The operation asks two
 * outside services, credits and claims. Each can fail after it has done what it was asked for.
 *
 * ```text
 *  reserving ──▶ open ──claim──▶ claiming ──▶ claimed ──settle, met*──▶ pendingSettlement ──▶ completed ──▶ settled
 *      │  ╲       │ ▲               │          │ ▲ │ ╲                  ═══ pivot: capture    the claim's record
 *      │   ╲      │ │        refused│    renew ▼ │ │  ╲ release,
 *      │    ╲     │ │               │     renewing │   ╲ lease ran out
 *      │     ╲    │ ╰── releasing ◀─┴───────┴──────┴────╯
 *      │      ╲   │ cancel, deadline
 *      ▼       ▼  ▼                                 Each of these that asks a service is a small chart:
 *  rejecting   refunding ═══ pivot: void              sending ──ok──▶ done              sending ──rejected──▶ refused,
 *      │           │                                  sending ──unknown, silence──▶ pausing       or disputed where it
 *      ▼           ▼                                  pausing ──▶ asking ──▶ done                 must come true
 *  rejected    expired | cancelled                    asking ──undone──▶ sending                          * local
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | reserving | the bounty, its key at the credits | reserves, by the same key |
 * | rejecting, refunding | that nothing will be paid, and why | voids, by the same key |
 * | open | the reservation | waits for a claim, cancel, or the deadline |
 * | claiming, renewing | who claims, under which lease, until when | the same request again, till the lease has run out |
 * | claimed | the lease | waits for settle, renew, release, or the end of the lease |
 * | releasing | whose lease it was, and why it ended | releases, by the same key |
 * | judging | nothing of this state: the state before is stored | `claimed` goes on |
 * | pendingSettlement | who is paid, and for what: fixed from here on | captures, by the same key and to the same payee |
 * | completed | that the credits are captured | completes the claim |
 * | sending | the request | sends it again |
 * | pausing | that the request's result is unknown, and when to ask | waits for the rest of the time |
 * | asking | the same | asks again |
 * | disputed | a refusal of a request that must succeed | waits for a person |
 *
 * Credits are captured only in `pendingSettlement` and voided only in `rejecting` and `refunding`. No transition leads
 * from the first to the others. A lost answer undoes nothing: the operation asks the service what it did. A request
 * that is given up (a reservation refused or cancelled, a claim refused or too late) may still be under way. Its key is
 * then voided or released, so that the service refuses the request when it arrives, even if it never heard of the key
 * before.
 */
import { assign, setup } from 'xstate'
import {
  backoff,
  effect,
  from,
  isAnswered,
  keeps,
  local,
  on,
  sure,
  tx,
  until,
  when,
  type Json,
} from '../src/kernel/define/authoring.ts'

export interface BountyInput {
  readonly id: string
  /** The account that pays. */
  readonly payer: string
  /** In credits. */
  readonly amount: number
  /** What a contribution must be. Only the evaluator reads it. */
  readonly criteria: Json
  /** Epoch ms. From then on nobody can claim it, and no lease ends later. */
  readonly deadlineAt: number
}

/** Why a claim is over. */
export type ClaimEnd =
  /** The claims service did not grant it. */
  | 'refused'
  | 'released'
  | 'lapsed'
  /** The claims service would not renew it. */
  | 'revoked'

/** A claim of a bounty: who works on it, and until when. */
export interface Claim {
  /** The claim's idempotency key. Whoever has it may renew, release and settle. */
  readonly lease: string
  /** Who works on it. */
  readonly worker: string
  /** Epoch ms. */
  readonly untilMs: number
  /** How the claim ended; null while it goes on. */
  readonly end: ClaimEnd | null
}

/** What was submitted, and who is paid for it. */
export interface Offer {
  /** Who is paid. */
  readonly payee: string
  /** What is submitted. */
  readonly contribution: Json
}

export interface BountyContext extends BountyInput {
  /** The claim that holds the bounty. */
  readonly claim: Claim | null
  /** The one before. */
  readonly last: Claim | null
  /** The end that a renewal asks for, epoch ms; only while a lease is being renewed. */
  readonly renewalMs: number | null
  /** Set while a contribution is judged; it stays set from the pivot on. */
  readonly offer: Offer | null
  readonly ending: 'expired' | 'cancelled' | null
  /** What the last contribution lacked. */
  readonly unmet: string | null
  /** The last refusal's reason. */
  readonly refusal: string | null
  /** The service that is asked now, or was asked last. */
  readonly service: string
  /** How often the result of the request under way was unknown. */
  readonly tries: number
}

export type BountyEvent =
  | { type: 'claim'; lease: string; worker: string; untilMs: number }
  | { type: 'renew'; lease: string; untilMs: number }
  | { type: 'release'; lease: string }
  | { type: 'settle'; lease: string; payee: string; contribution: Json }
  | { type: 'cancel' }
  | { type: 'resume' }

type Replied = { answer: 'ok' | 'unknown' } | { answer: 'rejected'; reason: string }
type Asked = { answer: 'done' | 'undone' | 'unknown' }
const asked = <In>() => effect<Replied, In>({ answers: { ok: true, rejected: true, unknown: true } })
const question = <In>() => effect<Asked, In>({ answers: { done: true, undone: true, unknown: true } })

type Reserve = { key: string; payer: string; amount: number }
type Capture = { key: string; payee: string }
type Acquire = { key: string; task: string; worker: string; untilMs: number }
type Renew = { key: string; untilMs: number }
type Key = { key: string }

type Kept = Partial<BountyContext>
interface Way {
  readonly target: string
  readonly keep?: (context: BountyContext) => Kept
}

const MOST_TRIES = 20
/** The result of the request is known. */
const KNOWN = { tries: 0 }
const unknown = keeps(({ tries }: BountyContext) => ({ tries: Math.min(MOST_TRIES, tries + 1) }))

/**
 * One request to a service, until its result is known. `done` and `refused` are the states that follow. Without
 * `refused`, a refusal is a dispute: only a person can have the request sent again.
 */
const request = <
  const Send extends string,
  In extends object,
  const Ask extends string,
  const Wanted extends string,
>(of: {
  readonly send: Send
  readonly input: (context: BountyContext) => In
  /** Asks whether the request was carried out; `wanted` is added to the request. */
  readonly ask: Ask
  readonly wanted: Wanted
  readonly done: Way
  readonly refused?: Way
}) => {
  const { done, refused = { target: 'disputed' } } = of
  const kept = ({ context }: { context: BountyContext }): Kept => ({ ...KNOWN, ...done.keep?.(context) })
  const silence = { silence: 'pausing' } as const
  const disputed = {
    description: `The service refused ${of.send}, which has to be done. Resume sends it again.`,
    tags: ['human'],
    on: { resume: 'sending' },
  } as const
  return {
    initial: 'sending',
    entry: { type: 'keep', params: { service: of.ask.replace(/\..*/, '') } },
    states: {
      sending: {
        description: `The request ${of.send} is on its way.`,
        invoke: {
          src: of.send,
          input: from(of.input),
          onDone: [
            on<BountyContext, Replied, 'ok'>({ answer: 'ok', target: done.target, keep: kept }),
            on<BountyContext, Replied, 'rejected'>({
              answer: 'rejected',
              target: refused.target,
              keep: ({ context, output: { reason } }) => ({ ...KNOWN, refusal: reason, ...refused.keep?.(context) }),
            }),
            on<BountyContext, Replied>({ target: 'pausing' }),
          ],
        },
        after: silence,
      },
      pausing: {
        description: `Nobody knows what became of ${of.send}; asks after a pause.`,
        entry: unknown,
        after: { again: 'asking' },
        on: { resume: 'asking' },
      },
      asking: {
        description: `Asks what became of ${of.send}.`,
        invoke: {
          src: of.ask,
          input: from((context: BountyContext) => ({ ...of.input(context), wanted: of.wanted })),
          onDone: [
            on<BountyContext, Asked, 'done'>({ answer: 'done', target: done.target, keep: kept }),
            on<BountyContext, Asked, 'undone'>({ answer: 'undone', target: 'sending' }),
            on<BountyContext, Asked>({ target: 'pausing' }),
          ],
        },
        after: silence,
      },
      ...(!of.refused && { disputed }),
    },
  } as const
}

/** The current claim, if there is one. */
const claimOf = ({ claim }: BountyContext): Claim => sure(claim, 'claim')
const offerOf = ({ offer }: BountyContext): Offer => sure(offer, 'offer')
const renewalOf = ({ renewalMs }: BountyContext): number => sure(renewalMs, 'renewal')
/** The claim's key at the claims service. It names the bounty too, because all bounties share that service. */
const leaseKey = (context: BountyContext): string => `${context.id}/${claimOf(context).lease}`
const ended =
  (end: ClaimEnd) =>
  (context: BountyContext): Kept => ({ claim: { ...claimOf(context), end }, renewalMs: null })
const endsAs = (ending: 'cancelled' | 'expired') => ({ type: 'keep', params: { ending } }) as const
const known = { type: 'keep', params: KNOWN } as const
const lapsed = keeps(ended('lapsed'))
const reserve = ({ id, payer, amount }: BountyContext): Reserve => ({ key: id, payer, amount })
const byId = ({ id }: BountyContext): Key => ({ key: id })
const byLease = (context: BountyContext): Key => ({ key: leaseKey(context) })

export const bounty = setup({
  types: {} as {
    context: BountyContext
    input: BountyInput
    events: BountyEvent
    tags: 'local' | 'human'
  },
  actors: {
    'credits.reserve': asked<Reserve>(),
    'credits.capture': asked<Capture>(),
    'credits.void': asked<Key>(),
    /** What became of a reservation. */
    'credits.ask': question<Key & { payee?: string; wanted: 'reserved' | 'captured' | 'voided' }>(),
    'claims.acquire': asked<Acquire>(),
    'claims.renew': asked<Renew>(),
    'claims.release': asked<Key>(),
    'claims.complete': asked<Key>(),
    /** What became of a claim. */
    'claims.ask': question<Key & { untilMs?: number; wanted: 'held' | 'released' | 'completed' }>(),
    /** Whether a contribution meets the criteria. */
    'bounty.judge': local<{ answer: 'met' } | { answer: 'unmet'; why: string }, { criteria: Json; contribution: Json }>(
      { answers: { met: true, unmet: true } },
    ),
  },
  actions: { tx, keep: assign((_, kept: Kept) => kept) },
  guards: {
    answered: isAnswered,
    isNewLease: ({ context: { last } }, lease: string) => last?.lease !== lease,
    isHolder: ({ context: { claim } }, lease: string) => claim?.lease === lease,
    isExpired: when(({ ending }: BountyContext) => ending === 'expired'),
  },
  delays: {
    /**
     * The services have no time-outs: after this time a request without an answer is given up, and the operation asks
     * about it.
     */
    silence: 60_000,
    again: backoff<BountyContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries - 1 }),
    deadline: until<BountyContext>(({ deadlineAt }) => deadlineAt),
    leaseEnd: until<BountyContext>((context) => claimOf(context).untilMs),
  },
}).createMachine({
  id: 'bounty',
  context: ({ input }) => ({
    ...input,
    claim: null,
    last: null,
    renewalMs: null,
    offer: null,
    ending: null,
    unmet: null,
    refusal: null,
    service: '',
    tries: 0,
  }),
  initial: 'reserving',
  states: {
    reserving: {
      ...request({
        send: 'credits.reserve',
        input: reserve,
        ask: 'credits.ask',
        wanted: 'reserved',
        done: { target: '#bounty.open' },
        refused: { target: '#bounty.rejecting' },
      }),
      on: { cancel: { target: 'refunding', actions: [endsAs('cancelled'), known] } },
      after: { deadline: { target: 'refunding', actions: [endsAs('expired'), known] } },
    },
    /** A second copy of the same request may still be under way. */
    rejecting: request({
      send: 'credits.void',
      input: byId,
      ask: 'credits.ask',
      wanted: 'voided',
      done: { target: '#bounty.rejected' },
    }),
    open: {
      description: 'The credits are reserved. Waits for a claim, cancel, or the deadline.',
      on: {
        claim: {
          guard: { type: 'isNewLease', params: ({ event }) => event.lease },
          target: 'claiming',
          actions: {
            type: 'keep',
            params: ({ event: { lease, worker, untilMs } }) => ({
              claim: { lease, worker, untilMs, end: null },
              unmet: null,
            }),
          },
        },
        cancel: { target: 'refunding', actions: endsAs('cancelled') },
      },
      after: { deadline: { target: 'refunding', actions: endsAs('expired') } },
    },
    claiming: {
      ...request({
        send: 'claims.acquire',
        input: (context) => {
          const { worker, untilMs } = claimOf(context)
          return { key: leaseKey(context), task: context.id, worker, untilMs }
        },
        ask: 'claims.ask',
        wanted: 'held',
        done: { target: '#bounty.claimed' },
        refused: { target: '#bounty.releasing', keep: ended('refused') },
      }),
      after: { leaseEnd: { target: 'releasing', actions: [lapsed, known] } },
    },
    claimed: {
      description: 'Somebody works on it. Waits for settle, renew, release, or the end of the lease.',
      on: {
        settle: {
          guard: { type: 'isHolder', params: ({ event }) => event.lease },
          target: 'judging',
          actions: {
            type: 'keep',
            params: ({ event: { payee, contribution } }) => ({ offer: { payee, contribution } }),
          },
        },
        renew: {
          guard: { type: 'isHolder', params: ({ event }) => event.lease },
          target: 'renewing',
          actions: {
            type: 'keep',
            params: ({ context, event }) => ({
              renewalMs: Math.max(claimOf(context).untilMs, Math.min(context.deadlineAt, event.untilMs)),
            }),
          },
        },
        release: {
          guard: { type: 'isHolder', params: ({ event }) => event.lease },
          target: 'releasing',
          actions: keeps(ended('released')),
        },
      },
      after: { leaseEnd: { target: 'releasing', actions: lapsed } },
    },
    renewing: {
      ...request({
        send: 'claims.renew',
        input: (context) => ({ key: leaseKey(context), untilMs: renewalOf(context) }),
        ask: 'claims.ask',
        wanted: 'held',
        done: {
          target: '#bounty.claimed',
          keep: (context) => ({
            claim: { ...claimOf(context), untilMs: renewalOf(context) },
            renewalMs: null,
          }),
        },
        refused: { target: '#bounty.releasing', keep: ended('revoked') },
      }),
      after: { leaseEnd: { target: 'releasing', actions: [lapsed, known] } },
    },
    releasing: request({
      send: 'claims.release',
      input: byLease,
      ask: 'claims.ask',
      wanted: 'released',
      done: {
        target: '#bounty.open',
        keep: ({ claim }) => ({ claim: null, last: claim }),
      },
    }),
    judging: {
      tags: ['local'],
      invoke: {
        src: 'bounty.judge',
        input: from((context) => ({
          criteria: context.criteria,
          contribution: offerOf(context).contribution,
        })),
        onDone: [
          on({ answer: 'met', target: 'pendingSettlement', keep: { unmet: null } }),
          on({
            target: 'claimed',
            keep: ({ output }) => ({ offer: null, unmet: output.answer === 'unmet' ? output.why : null }),
          }),
        ],
      },
    },
    pendingSettlement: request({
      send: 'credits.capture',
      input: (context) => ({ key: context.id, payee: offerOf(context).payee }),
      ask: 'credits.ask',
      wanted: 'captured',
      done: { target: '#bounty.completed' },
    }),
    completed: request({
      send: 'claims.complete',
      input: byLease,
      ask: 'claims.ask',
      wanted: 'completed',
      done: { target: '#bounty.settled' },
    }),
    refunding: request({
      send: 'credits.void',
      input: byId,
      ask: 'credits.ask',
      wanted: 'voided',
      done: { target: '#bounty.refunded' },
    }),
    refunded: {
      always: [{ guard: 'isExpired', target: 'expired' }, { target: 'cancelled' }],
    },
    settled: { type: 'final' },
    rejected: { type: 'final' },
    expired: { type: 'final' },
    cancelled: { type: 'final' },
  },
})
