/** A mint behind a network that injects every possible fault of a request. */
import { codes } from '../../cashu/codes.ts'
import type { Transport } from '../../cashu/transport.ts'
import type { Dump } from '../../store/memory.ts'
import type { Inject } from '../explorer/choices.ts'
import type { Answer } from '../../mint-server/http/request.ts'
import { deadKeyset, inDialect, type Dialect } from './dialects.ts'
import { ASLEEP_FOR_MS } from './faulty-port.ts'
import { forge, forgeriesOf, isLie, isProofNeeded, unheard, type Forgery } from './forgery.ts'
import { isAway } from './outages.ts'
import type { Life, VirtualClock } from '../explorer/life.ts'
import { afterwards, answered as answeredSo, askedBy, cameOf, type Heard } from '../invariants/reasons.ts'
import type { MintFixture } from '../environments/mint-fixture.ts'
import type { Moved } from '../invariants/books.ts'
import type { Lies } from '../invariants/quarantine.ts'
import type { Senders } from '../invariants/statement.ts'
import type { MintRow } from '../../wallet/tables.ts'
import { stubCrypto } from '../environments/stub-crypto.ts'
import { walletRows, operationsIn } from '../invariants/rows.ts'
import { sure } from '../../sure.ts'
import { noteOf, type Notes } from '../explorer/notes.ts'

/**
 * The state of the network. It is part of the world, because it outlives every process. Its values are never changed in
 * place.
 */
export interface Wire {
  /** Requests that the network still holds. */
  late: readonly LateRequest[]
  /** The mint's contradictions. After one, an operation may need a person to go on. */
  lies: Lies
  /** What operations have done to the wallet's money so far. */
  moved: Moved
  /** Output → the request that first carried it. */
  sent: Readonly<Record<string, string>>
  /** Melt quote → how often the wallet asked for its payment. */
  melts: Readonly<Record<string, number>>
  /** The results of the wallet's requests so far. Nothing depends on them. */
  heard: Heard
  /** Output → the operation that sent it first. */
  senders: Senders
  /**
   * Keysets whose proofs the mint no longer takes, as it told the wallet. Each has the time until which the wallet must
   * not use them, in milliseconds since the Unix epoch.
   */
  dead: Readonly<Record<string, number>>
}

export interface LateRequest {
  readonly method: string
  readonly path: string
  readonly body?: string | undefined
  /** It arrives after this many other requests. */
  readonly after: number
}

/** The faults of a request that only reads. */
export const GET_FAULTS = ['crashBefore', 'lost', 'refused', 'malformed'] as const
/** More faults of a state check (NUT-07). */
export const CHECK_FAULTS = [
  ...GET_FAULTS,
  /** The answer says that all proofs are in use. */
  'pending',
  /** The answer omits the last proof. */
  'short',
] as const
/** More faults of a request for a keyset’s keys (NUT-01). */
export const KEYS_FAULTS = [
  ...GET_FAULTS,
  /** The keys are others, from which the keyset’s id does not follow. */
  'otherKeys',
] as const
/** More faults of a restore (NUT-09). */
const FORGED_FAULTS = [
  ...GET_FAULTS,
  /** The signatures are not the mint’s. */
  'forged',
] as const
/** More faults of a restore whose outputs were either all signed or not signed at all. */
export const RESTORE_FAULTS = [
  ...FORGED_FAULTS,
  /** The answer omits the last of several signatures. */
  'partly',
] as const
/** More faults of a request for a mint quote's status (NUT-04). */
export const QUOTE_FAULTS = [
  ...GET_FAULTS,
  /** The answer says that it is unpaid, whatever its state. */
  'denied',
] as const
/** More faults of a request for a payment's status (NUT-05). */
export const PAYMENT_FAULTS = [
  ...QUOTE_FAULTS,
  /** The answer omits the change. Some mints do this when asked again. */
  'bare',
  /** The answer says that it is unpaid, and contains the proof that it was paid. */
  'disowned',
] as const
/** The faults of a request that changes something at the mint. */
export const POST_FAULTS = [
  'crashBefore',
  /** The mint applies it; the process dies before the answer. */
  'crashAfter',
  /** The mint applies it; the answer is lost. */
  'lost',
  'notSent',
  /** The network holds it; the mint applies it after the next request. */
  'late',
  /** The mint refuses it and changes nothing. */
  'refused',
  /** A proxy answers with HTTP 200 in place of the mint. */
  'malformed',
  /** The mint gets it twice; the second answer arrives. */
  'twice',
  /** The mint applies it; another process takes the operations over before the answer arrives. */
  'overtaken',
] as const
/** More faults of a request for a new quote. */
export const WISH_FAULTS = [
  ...POST_FAULTS,
  /** The quote is in another unit. */
  'otherwise',
] as const
/** More faults of a request that moves money. */
export const MONEY_FAULTS = [
  ...POST_FAULTS,
  /** The network holds it for longer, and a proxy answers with an error of its own. */
  'gateway',
  /** The mint rotates its keyset just before. */
  'rotated',
  /** The mint applies it; the machine sleeps for hours before it receives the answer. */
  'asleep',
  /** The mint applies it and answers with a refusal. */
  'refusedAfter',
  /** The mint applies it; the signatures in the answer are not the mint’s. */
  'forged',
] as const
/** More faults of a request that is answered with signatures for all its outputs. */
export const SIGNING_FAULTS = [
  ...MONEY_FAULTS,
  /** The mint applies it; the answer omits the last signature. */
  'short',
  /** The mint applies it; the signatures come in another order. */
  'shuffled',
] as const
/** The faults of a request that moves money at a mint that lies, beside forged answers. */
export const LYING_FAULTS = [
  /** The mint applies it, and answers that there were too many outputs. */
  'tooLargeAfter',
  /** The mint applies it; the server answers with an error of its own that inputs are spent. */
  'brokenAfter',
  /** The network holds it for longer, and a proxy gives the same answer. */
  'broken',
] as const
/** At a mint that stores answers (NUT-19): it deletes them just before. */
const FORGOTTEN = 'forgotten'

type Fault =
  | (typeof CHECK_FAULTS | typeof RESTORE_FAULTS | typeof PAYMENT_FAULTS | typeof WISH_FAULTS)[number]
  | (typeof SIGNING_FAULTS | typeof LYING_FAULTS)[number]
  | Forgery

/** What a mint does with one kind of request for a while, unless a fault is injected into the request. */
export interface Mood {
  /** Method and path, or a prefix of them. */
  readonly at: string
  readonly does:
    | Exclude<Fault, 'crashBefore' | 'crashAfter'>
    /** The network holds it until five other requests have overtaken it; there is no answer. */
    | 'held'
    /** The network holds it as long, and a page comes in place of the answer. */
    | 'portal'
    /** It refuses every request, and asks to wait for two minutes (Retry-After). */
    | 'throttled'
    /** It redirects to another address. */
    | 'moved'
    /** It has no such quote. */
    | 'forgotten'
    /** A quote is paid as soon as it is made, and the answer says so. */
    | 'paidAtOnce'
  /** Milliseconds since the Unix epoch. */
  readonly untilMs: number
}

/** The dialect of the mint towards wallets, and until when it lasts. */
export interface Speech {
  readonly dialect: Dialect
  /** Milliseconds since the Unix epoch; for ever if left out. */
  readonly untilMs?: number
}

export const speech = noteOf<Speech>('speech')
export const moods = noteOf<readonly Mood[]>('moods')
/** Each answer may be forged in every way. */
export const lying = noteOf<true>('lying')

/** The dialect of the mint at a time, according to the scenario's notes. */
export function spokenAt(notes: Notes, nowMs: number): Dialect {
  const { dialect = {}, untilMs = Infinity } = speech.in(notes) ?? {}
  return nowMs < untilMs ? dialect : {}
}

const THROTTLED_FOR_MS = 120_000
const error = (status: number, code: number, detail: string) => ({ status, body: JSON.stringify({ detail, code }) })
const REFUSED = error(400, 0, 'database is locked')
const TOO_LARGE = error(400, codes.tooManyOutputs, 'too many outputs')
const BROKEN = error(500, codes.alreadySpent, 'inputs are spent')
/** A mood of this duration is over after one request during which it lets time pass. */
export const SOON_MS = 1
/** After this time a wallet may use again what the mint did not take. */
const DEAD_FOR_MS = 3_600_000

const signing = /^\/v1\/(swap|mint\/bolt11)$/
/** Only the mint knows the cost of a payment, and so its change: an answer to a melt is never too short. */
const money = /^\/v1\/(swap|(mint|melt)\/bolt11)$/
const questions = /^\/v1\/(info|keys|keysets)/

function faultsOf(path: string, body: string) {
  if (path === '/v1/checkstate') return CHECK_FAULTS
  // Of blank outputs (NUT-08) only the mint knows how many it signed.
  if (path === '/v1/restore') return body.includes('"amount":0') ? FORGED_FAULTS : RESTORE_FAULTS
  if (path.startsWith('/v1/melt/quote/bolt11/')) return PAYMENT_FAULTS
  if (path.startsWith('/v1/mint/quote/bolt11/')) return QUOTE_FAULTS
  if (path.endsWith('/quote/bolt11')) return WISH_FAULTS
  if (path.startsWith('/v1/keys/')) return KEYS_FAULTS
  if (questions.test(path)) return GET_FAULTS
  if (signing.test(path)) return SIGNING_FAULTS
  return money.test(path) ? MONEY_FAULTS : POST_FAULTS
}

/** The outputs of a request, each with its sender. */
export const sentOf = (body: string, id: string): Senders =>
  Object.fromEntries((bodyOf(body).outputs ?? []).map(({ B_ }) => [B_, id]))

/** The part of a request's body that is read here. */
interface Body {
  readonly inputs?: readonly { readonly id: string; readonly secret: string }[]
  readonly outputs?: readonly { readonly B_: string }[]
  readonly quote?: string
}
const bodyOf = (body: string): Body => JSON.parse(body) as Body

/** A path without the ids in it. */
export const placeOf = (path: string): string => path.replace(/[0-9a-f]{16,}/, '…')

export function faultyTransport(of: {
  fixture: MintFixture
  wire: Wire
  clock: VirtualClock
  mintUrl: string
  /** The wallet's current rows. */
  rows: () => Dump
  /** Bodies that were stored when their process was paused before it sent them. */
  recorded?: ReadonlySet<string>
  inject: Inject
  life: Life
  requested: (what: string) => void
  /** The scenario's notes. They hold the mint's moods and its dialect. */
  notes: Notes
  violated: (what: string) => void
  /** Has another process take the operations over for a while. */
  overtake: () => Promise<void>
}): Transport {
  const { fixture, wire, mintUrl, inject, life, violated } = of
  const answered = (path: string, status: number, fault: string): void =>
    of.requested(`${placeOf(path)} → ${status === 0 ? 'no answer' : status}${fault === 'ok' ? '' : ` (${fault})`}`)
  const present = (): Dialect => spokenAt(of.notes, of.clock.rightMs)
  const mint = inDialect((...request) => fixture.mint.handle(...request), present, { now: () => of.clock.rightMs })
  const deliver = ({ method, path, body }: Omit<LateRequest, 'after'>) => {
    noteOutputs(body)
    return mint(method, path, body)
  }
  /** The invariants of every request of a wallet. */
  const check = (path: string, body: string | undefined): void => {
    const { mints } = walletRows(of.rows())
    const operations = operationsIn(of.rows())
    const row = mints.find((it) => it.mintUrl === mintUrl)
    if (row?.trusted !== 1) violated(`trust: ${placeOf(path)} of a mint that is not trusted`)
    if (isTooEarly(row?.pause)) violated(`throttled: ${placeOf(path)} was sent before the time that the mint asked for`)
    if (body === undefined || !money.test(path)) return
    const quoted = JSON.stringify(body).slice(1, -1)
    // A request of an operation that is over may go out once more, from a process that was paused and does not know it
    // yet.
    const known = of.recorded?.has(body) === true || Object.values(wire.sent).includes(body)
    if (!known && !operations.some(({ snapshot }) => snapshot.includes(quoted)))
      violated(`unrecorded: ${path} was sent before its body was stored`)
    const sender = operations.find(({ snapshot }) => snapshot.includes(quoted))
    // Outputs of a request that was refused serve another operation.
    if (sender) wire.senders = { ...wire.senders, ...sentOf(body, sender.id) }
    if (path !== '/v1/melt/bolt11') return
    const quote = sure(bodyOf(body).quote, 'quote')
    wire.melts = { ...wire.melts, [quote]: (wire.melts[quote] ?? 0) + 1 }
  }
  /**
   * The mint asked this process to wait, or the wallet, if that is stored. A request that is sent at the same moment
   * may not know of it.
   */
  let heardMs = -Infinity
  const isTooEarly = (pause: MintRow['pause'] | undefined): boolean => {
    const within = (nowMs: number, fromMs: number): boolean => nowMs > fromMs && nowMs < fromMs + THROTTLED_FOR_MS
    const isStored = pause !== null && pause !== undefined && within(of.clock.now(), pause.untilMs - pause.delayMs)
    return within(of.clock.rightMs, heardMs) || isStored
  }
  const noteOutputs = (body: string | undefined): void => {
    // A restore asks about outputs, it sends none.
    if (body === undefined || !/"(inputs|quote)"/.test(body)) return
    const { outputs = [] } = bodyOf(body)
    for (const { B_ } of outputs) {
      const first = wire.sent[B_]
      if (first !== undefined && first !== body && !isDead(B_, first))
        violated(`reuse: output ${B_.slice(-8)} was sent in two different requests, of which the first may land`)
      wire.sent = { ...wire.sent, [B_]: body }
    }
  }
  /**
   * A request that did nothing and never will: the network no longer holds it, and the mint does not know its output or
   * signed it for another request, which spent none of this request's inputs.
   */
  const isDead = (B_: string, first: string): boolean => {
    if (wire.late.some(({ body }) => body === first)) return false
    const { signatures = [], proofs = [] } = fixture.dump()
    const signed = signatures.find((row) => row['B_'] === B_)
    if (!signed) return true
    const { inputs } = bodyOf(first)
    if (!inputs) return false
    const Ys = new Set(inputs.map(({ secret }) => stubCrypto.hashToCurve(secret)))
    const spent = proofs.filter((row) => row['operationId'] === signed['operationId'])
    return !spent.some((row) => Ys.has(row['Y'] as string))
  }
  /** A refusal that reaches the wallet because inputs are of a dead keyset. */
  const noteDead = async (body = ''): Promise<void> => {
    if (isTooLong(body, present())) return
    const id = await deadKeyset((...request) => fixture.mint.handle(...request), present())
    if (id === undefined || !body.includes('"inputs"') || !body.includes(id)) return
    // That proofs of a stranger's do not verify says nothing of the wallet's own.
    const { inputs = [] } = bodyOf(body)
    const own = new Set((of.rows()['proofs'] ?? []).map((row) => row['secret']))
    const isOurs = inputs.some((input) => input.id === id && own.has(input.secret))
    if (isOurs || present().dead?.code !== codes.proofInvalid)
      wire.dead = { ...wire.dead, [id]: of.clock.rightMs + DEAD_FOR_MS }
  }
  /** Delivers the requests that the network held, if it is time. */
  const arrive = async (): Promise<void> => {
    const held = wire.late.map((request) => ({ ...request, after: request.after - 1 }))
    wire.late = held.filter(({ after }) => after > 0)
    for (const request of held) if (request.after === 0) await deliver(request)
  }
  /** The mint's present mood, according to a note of the scenario. An injected fault takes precedence. */
  const mood = (request: string): Mood['does'] | undefined =>
    moods.in(of.notes)?.find(({ at, untilMs }) => request.startsWith(at) && of.clock.rightMs < untilMs)?.does
  /** Without DLEQ proofs (NUT-12), nobody can tell whether signatures are the mint's. */
  const isSeen = (fault: string): boolean => !isProofNeeded(fault) || present().without?.includes(12) !== true
  /**
   * The possible faults of a request. A mint contradicts itself once: a mint that never stops lying would prove
   * nothing.
   */
  const faultsAt = (path: string, body: string): readonly Fault[] => {
    const more = lying.in(of.notes) ? [...forgeriesOf(path), ...(money.test(path) ? LYING_FAULTS : [])] : []
    const all = new Set<Fault>([...faultsOf(path, body), ...more])
    return [...all].filter((fault) => isSeen(fault) && !(wire.lies.told > 0 && isOnce(fault, path)))
  }
  /** Restores may be forged any number of times. */
  const isOnce = (fault: string, path: string): boolean => isLie(fault, path) && path !== '/v1/restore'
  // Headers carry whole seconds.
  const dated = async (answer: Promise<Answer>) => ({
    ...(await answer),
    dateMs: Math.floor(of.clock.rightMs / 1000) * 1000,
  })
  const carried: Transport = ({ method, url, body, signal }) =>
    dated(
      life.act(async () => {
        const path = url.slice(mintUrl.length)
        const request = { method, path, ...(body !== undefined && { body }) }
        check(path, body)
        const more = money.test(path) && fixture.remembers() ? ([FORGOTTEN] as const) : []
        const { fault: injected, applied } = inject(
          `${method} ${placeOf(path)}`,
          ['ok', ...faultsAt(path, body ?? ''), ...more],
          [path, body ?? ''],
        )
        const fault = injected === 'ok' ? (mood(`${method} ${path}`) ?? injected) : injected
        switch (fault) {
          case 'crashBefore':
            return life.die()
          case 'refused':
            await arrive()
            answered(path, 400, fault)
            return REFUSED
          case 'forgotten':
            await arrive()
            answered(path, 400, fault)
            return { status: 400, body: JSON.stringify({ detail: 'quote not found', code: 0 }) }
          case 'malformed':
            answered(path, 200, fault)
            return { status: 200, body: '<html>sign in</html>' }
          case 'notSent':
            answered(path, 0, fault)
            throw new Error('connection refused')
          case 'late':
          case 'gateway':
          case 'broken':
          case 'held':
          case 'portal':
            await arrive()
            wire.late = [
              ...wire.late,
              { ...request, after: { late: 1, gateway: 3, broken: 3, held: 5, portal: 5 }[fault] },
            ]
            answered(path, 0, fault)
            if (fault === 'portal') return { status: 200, body: '<html>sign in</html>' }
            if (fault === 'broken') return BROKEN
            if (fault !== 'gateway') return unanswered(signal)
            return { status: 429, body: JSON.stringify({ detail: 'too many requests' }) }
          case 'throttled':
            answered(path, 429, fault)
            heardMs = of.clock.rightMs
            return { status: 429, body: '', retryAfterMs: THROTTLED_FOR_MS }
          case 'moved':
            answered(path, 308, fault)
            return { status: 308, body: '', location: `https://elsewhere.test${path}` }
          case 'rotated':
            await fixture.mint.rotate('sat')
            break
          case FORGOTTEN:
            await fixture.forget()
            break
          case 'twice':
            await deliver(request)
            break
          default:
        }
        const answer = await deliver(request)
        await arrive()
        answered(path, answer.status, fault)
        void applied()
        if (fault === 'ok' && answer.status >= 400) await noteDead(body)
        switch (fault) {
          case 'crashAfter':
            return life.die()
          case 'paidAtOnce':
            return paidAtOnce(path, answer)
          case 'overtaken':
            // What a scenario has happen is over when it has.
            if (injected === 'ok') of.clock.sleep(SOON_MS)
            await of.overtake()
            return answer
          case 'asleep':
            of.clock.sleep(ASLEEP_FOR_MS)
            return answer
          case 'lost':
            throw new Error('connection reset')
          case 'refusedAfter':
            return REFUSED
          case 'tooLargeAfter':
            return TOO_LARGE
          case 'brokenAfter':
            return BROKEN
          case 'ok':
          case 'twice':
          case 'rotated':
          case FORGOTTEN:
            return answer
          default:
            if (isLie(fault, path)) wire.lies = { ...wire.lies, told: wire.lies.told + 1 }
            return answer.status < 300 ? forge(answer, fault, body) : answer
        }
      }),
    )
  const paidAtOnce = async (path: string, answer: Answer): Promise<Answer> => {
    if (answer.status >= 300) return answer
    const quote = sure(bodyOf(answer.body).quote, 'quote')
    await fixture.pay(quote)
    return mint('GET', `${path}/${quote}`)
  }
  wire.heard = afterwards(wire.heard, of.rows()['operations']?.some(({ status }) => status === 'active') ?? false)
  return async (request) => {
    const asked = askedBy(request.url.slice(mintUrl.length))
    if (!asked) return carried(request)
    wire.heard = { ...wire.heard, [`${asked} begun`]: true }
    try {
      const answer = await carried(request)
      const path = request.url.slice(mintUrl.length)
      // An answer that cannot be stored counts as no answer.
      const came = isAway(of.notes, of.clock.rightMs) ? 'unanswered' : cameOf(answer)
      wire.heard = answeredSo(wire.heard, asked, unheard(path, request.body, answer.body) ?? came)
      return answer
    } catch (error) {
      wire.heard = answeredSo(wire.heard, asked, 'unanswered')
      throw error
    }
  }
}

/** No answer comes until the caller gives up, by its time-out or because it closes. */
const unanswered = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const giveUp = (): void => reject(new Error('given up'))
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })

/**
 * Holds requests until the program is open. A program that waits for an answer before would wait for ever, so such a
 * request is let through after a moment and reported.
 */
export function heldUntilOpen(of: { transport: Transport; clock: VirtualClock; violated: (what: string) => void }): {
  readonly transport: Transport
  opened(): void
} {
  let open = false
  return {
    async transport(request) {
      if (!open) await of.clock.pause(1)
      if (!open) of.violated('start-up: it waits for the mint before it is there')
      return of.transport(request)
    },
    opened: () => void (open = true),
  }
}

/** Refuses a request that is larger than the mint takes at once. */
function isTooLong(body: string, { limits = {} }: Dialect): boolean {
  const { inputs = [], outputs = [] } = bodyOf(body || '{}')
  return inputs.length > (limits.inputs ?? Infinity) || outputs.length > (limits.outputs ?? Infinity)
}
