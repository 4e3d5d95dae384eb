/** Requests of clients to a mint, while the explorer injects faults into the mint's operations. */
import type { Message } from '../../../machines/mint-server/signing.ts'
import { codes } from '../../cashu/codes.ts'
import type { Proof } from '../../mint-server/http/request.ts'
import type { KeysetRow, Signature } from '../../mint-server/db/tables.ts'
import { mintRows, operationsIn } from '../invariants/rows.ts'
import { onMint, type MintScenario, type MintStage as Stage } from '../environments/mint-subject.ts'
import { SEED } from '../environments/mint-fixture.ts'
import { stubCrypto } from '../environments/stub-crypto.ts'
import type { Scenario } from '../explorer/subject.ts'
import { sure } from '../../sure.ts'
import { noteOf } from '../explorer/notes.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const SHORT_MS = 10
const LONG_MS = 90 * 86_400_000

interface Refused {
  readonly code: number
}
type Told<T> = (T & { readonly code?: undefined }) | Refused
interface Signatures {
  readonly signatures: readonly Signature[]
}
interface Quote {
  readonly quote: string
  readonly request: string
  readonly state: string
  readonly amount_paid: number
  readonly amount_issued: number
  readonly change?: readonly Signature[]
}

const keysetOf = (stage: Stage): KeysetRow =>
  sure(
    mintRows(stage.rows()).keysets.find(({ active }) => active === 1),
    'active keyset',
  )

/** A quote from the notes of an earlier step. */
const quoteIn = (stage: Stage, name: string): Quote => sure(noteOf<Quote>(name).in(stage.notes), name)

/** While somebody has to look at what an operation holds, a request for it is refused for now. */
const ASKS_AFTER_MS = 30_000

/** Asks until there is an answer, and gives it; a refusal is one, unless it is due to what was set aside. */
async function post<T>(stage: Stage, path: string, body: object): Promise<Told<T>> {
  for (;;) {
    const told = JSON.parse((await stage.ask('POST', path, body)).body) as Told<T>
    const isAside = operationsIn(stage.rows()).some(({ status }) => status === 'quarantined')
    if (told.code === undefined || !isAside) return told
    await stage.clock.pause(ASKS_AFTER_MS)
  }
}
/** The same for a request that must not be refused. */
async function granted<T>(stage: Stage, path: string, body: object): Promise<T> {
  const told = await post<T>(stage, path, body)
  if (told.code !== undefined) throw new Error(`${path} is refused with ${told.code}`)
  return told
}
const get = async <T>(stage: Stage, path: string): Promise<T> => JSON.parse((await stage.ask('GET', path)).body) as T

/** Notes a violation, which is judged at the end of a life. */
const wrong = (stage: Stage, what: string): void => stage.violated(`answer: ${what}`)

/** Outputs that are the same each time: `from` is the counter of the first one. */
function blinded(
  stage: Stage,
  from: number,
  amounts: readonly number[],
): { message: Message; secret: string; r: string }[] {
  const { id } = keysetOf(stage)
  const derive = stubCrypto.deriver(SEED, id)
  return amounts.map((amount, at) => {
    const { secret, r } = derive(from + at)
    return { message: { id, amount, B_: stubCrypto.blind(secret, r) }, secret, r }
  })
}
const messages = (outputs: ReturnType<typeof blinded>): Message[] => outputs.map(({ message }) => message)

/** The proofs of signatures. Each signature must be genuine. */
function unblinded(stage: Stage, outputs: ReturnType<typeof blinded>, signatures: readonly Signature[]): Proof[] {
  const { keysets } = mintRows(stage.rows())
  return signatures.map(({ id, amount, C_, dleq }, at) => {
    const { secret, r, message } = sure(outputs[at], 'output')
    const { keys } = sure(
      keysets.find((row) => row.id === id),
      'keyset',
    )
    const { [amount]: key = '' } = keys
    if (!dleq || key === '' || !stubCrypto.verifyDleq(message.B_, C_, key, dleq))
      wrong(stage, 'a signature is not of this output')
    return { id, amount, secret, C: stubCrypto.unblind(C_, r, key) }
  })
}

/** An answer that must be the same in every life. */
function steady(stage: Stage, name: string, answer: unknown): void {
  const text = JSON.stringify(answer)
  const before = stage.notes[`steady ${name}`]
  if (before !== undefined && before !== text) wrong(stage, `${name} is answered in two ways`)
  stage.note(`steady ${name}`, text)
}

/** A paid quote. */
async function paid(stage: Stage, amount: number): Promise<Quote> {
  const quote = await granted<Quote>(stage, '/v1/mint/quote/bolt11', { amount, unit: 'sat' })
  await payFor(stage, quote)
  return quote
}
async function payFor({ lightning }: Stage, { request }: Quote, amount?: number): Promise<void> {
  const method = request.startsWith('plain-offer') || request.startsWith('lno') ? 'bolt12' : 'bolt11'
  await lightning.settle(sure(lightning.decode(method, request), 'request').requestId, amount)
}

/** The client's own ecash, made before any fault. */
async function fund(stage: Stage, name: string, from: number, amounts: readonly number[]): Promise<void> {
  const outputs = blinded(stage, from, amounts)
  const { quote } = await paid(
    stage,
    amounts.reduce((a, b) => a + b, 0),
  )
  const { signatures } = await granted<Signatures>(stage, '/v1/mint/bolt11', {
    quote,
    outputs: messages(outputs),
  })
  stage.note(name, unblinded(stage, outputs, signatures))
}
const proofs = ({ notes }: Stage, name: string): readonly Proof[] =>
  sure(noteOf<readonly Proof[]>(name).in(notes), name)

/** Has a request carried out, again in each life, and returns the ecash. After a refusal there is none. */
async function carriedOut(
  stage: Stage,
  path: string,
  body: object,
  outputs: ReturnType<typeof blinded>,
): Promise<Proof[] | undefined> {
  const told = await post<Signatures>(stage, path, { ...body, outputs: messages(outputs) })
  if (told.code !== undefined) return undefined
  return unblinded(stage, outputs, told.signatures)
}

const CARRIED_OUT: readonly number[] = [codes.alreadySpent, codes.alreadySigned, codes.quoteIssued]

async function restored(stage: Stage, path: string, outputs: ReturnType<typeof blinded>): Promise<Proof[]> {
  const told = await granted<Signatures>(stage, '/v1/restore', { outputs: messages(outputs) })
  if (told.signatures.length !== outputs.length) wrong(stage, `${path} was carried out, and is not restored`)
  return unblinded(stage, outputs, told.signatures)
}

/**
 * Asks for signatures under other counters each time it is refused for good by a signatory that would not sign: what was
 * set aside must have been given back.
 */
async function insisting(
  stage: Stage,
  path: string,
  body: object,
  from: number,
  amounts: readonly number[],
): Promise<Proof[]> {
  for (let tries = noteOf<number>(`tries ${from}`).in(stage.notes) ?? 0; ;) {
    const outputs = blinded(stage, from + tries * 10, amounts)
    const told = await post<Signatures>(stage, path, { ...body, outputs: messages(outputs) })
    if (told.code === undefined) {
      steady(stage, `${path} ${from} ${tries}`, told)
      return unblinded(stage, outputs, told.signatures)
    }
    // Carried out, and the answer is kept no more (NUT-19): then the signatures are there to be restored (NUT-09).
    if (CARRIED_OUT.includes(told.code)) return restored(stage, path, outputs)
    if (told.code !== codes.unclassified) wrong(stage, `${path} is refused with ${told.code}`)
    if (tries > 5) {
      wrong(stage, `${path} is refused again and again`)
      return []
    }
    stage.note(`tries ${from}`, ++tries)
  }
}

const states = async (stage: Stage, of: readonly Proof[]): Promise<string[]> => {
  const Ys = of.map(({ secret }) => stubCrypto.hashToCurve(secret))
  const { states: told } = await granted<{ states: { state: string }[] }>(stage, '/v1/checkstate', { Ys })
  return told.map(({ state }) => state)
}
const expectStates = async (stage: Stage, of: readonly Proof[], state: string): Promise<void> => {
  const found = await states(stage, of)
  if (found.some((it) => it !== state)) wrong(stage, `inputs are ${found.join(', ')}, and should be ${state}`)
}

/** Asks for a payment until it is decided, and then takes its change, or its inputs back. */
async function melt(
  stage: Stage,
  of: {
    readonly from: number
    readonly blanks: number
    readonly inputs: string
    /** The note that has the quote. */
    readonly quote: string
    readonly mayFail?: boolean
  },
): Promise<'PAID' | 'UNPAID'> {
  const { from } = of
  const { quote } = quoteIn(stage, of.quote)
  const outputs = blinded(
    stage,
    from,
    Array.from({ length: of.blanks }, () => 0),
  )
  const inputs = proofs(stage, of.inputs)
  const told = await post<Quote>(stage, '/v1/melt/bolt11', { quote, inputs, outputs: messages(outputs) })
  let now = told.code === undefined ? told : await get<Quote>(stage, `/v1/melt/quote/bolt11/${quote}`)
  for (; now.state === 'PENDING'; now = await get<Quote>(stage, `/v1/melt/quote/bolt11/${quote}`)) {
    await stage.clock.pause(MINUTE_MS)
    await decide(stage)
  }
  steady(stage, `melt ${from}`, { state: now.state, change: now.change })
  if (stage.notes['spent elsewhere'] === undefined)
    await expectStates(stage, inputs, now.state === 'PAID' ? 'SPENT' : 'UNSPENT')
  if (now.state === 'PAID') {
    const change = unblinded(stage, outputs, now.change ?? [])
    await expectStates(stage, change, 'UNSPENT')
    if (of.blanks > 0 && change.length === 0) wrong(stage, 'a melt gave no change')
  } else if (!of.mayFail) wrong(stage, 'the melt is not paid')
  return now.state as 'PAID' | 'UNPAID'
}

/** Notes a melt quote, before any fault: a quote whose answer is lost belongs to nobody. */
async function quoteFor(stage: Stage, name: string, request: string): Promise<void> {
  stage.note(name, await post<Quote>(stage, '/v1/melt/quote/bolt11', { request, unit: 'sat' }))
}

/** A mint quote, and a melt quote that pays it. */
async function ownQuote(stage: Stage): Promise<void> {
  const own = await granted<Quote>(stage, '/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
  stage.note('own', own)
  await quoteFor(stage, 'quote', own.request)
}

/** Decides payments that are still undecided. */
const decision = noteOf<'paid' | 'failed'>('decides')

/** After some minutes those payments are decided that nobody knows of. */
async function decide({ lightning, notes, rows }: Stage): Promise<void> {
  for (const { requestId } of mintRows(rows()).meltQuotes)
    await lightning.decide(requestId, decision.in(notes) ?? 'paid')
}

const SCRIPTS: Readonly<Record<string, object>> = {
  pending: { pay_invoice_state: 'PENDING', check_payment_state: 'PENDING' },
  unknown: { pay_invoice_state: 'UNKNOWN', check_payment_state: 'UNKNOWN' },
  failed: { pay_invoice_state: 'FAILED' },
  'failed it says, and paid': { pay_invoice_state: 'FAILED', check_payment_state: 'PAID' },
  'no answer': { pay_err: true, check_payment_state: 'PAID' },
}
const invoice = ({ lightning, clock }: Stage, amountSat: number, script?: string): string =>
  lightning.foreignInvoice({
    amountSat,
    expiryAt: clock.rightMs + LONG_MS,
    ...(script && { memo: JSON.stringify(SCRIPTS[script]) }),
  })

/** Once in all lives; the machine sleeps meanwhile. */
function twoDaysGoBy(stage: Stage): void {
  if (stage.notes['two days went by'] !== undefined) return
  stage.note('two days went by', true)
  stage.clock.sleep(48 * HOUR_MS)
}

/** Ended operations are deleted a day later; if a sweep was interrupted, by the next one. */
async function expectForgotten(stage: Stage): Promise<void> {
  for (let sweeps = 0; operationsIn(stage.rows()).some(({ status }) => status === 'done'); sweeps++) {
    if (sweeps > 3) return wrong(stage, 'an operation that is over is kept for ever')
    await get(stage, '/v1/keysets')
    await stage.clock.pause(25 * HOUR_MS)
  }
}

const swaps: readonly MintScenario[] = [
  {
    kind: 'mint-swap',
    name: 'plain',
    mint: { feePpk: 300 },
    setup: (stage) => fund(stage, 'mine', 0, [8, 4]),
    async drive(stage) {
      const made = await insisting(stage, '/v1/swap', { inputs: proofs(stage, 'mine') }, 100, [1, 2, 8])
      await expectStates(stage, proofs(stage, 'mine'), 'SPENT')
      await expectStates(stage, made, 'UNSPENT')
    },
  },
  {
    kind: 'mint-swap',
    name: 'rivals',
    setup: (stage) => fund(stage, 'mine', 0, [8]),
    async drive(stage) {
      const inputs = proofs(stage, 'mine')
      const both = await Promise.all(
        [100, 200].map((from) => carriedOut(stage, '/v1/swap', { inputs }, blinded(stage, from, [8]))),
      )
      if (both.every((made) => made !== undefined)) wrong(stage, 'the same input bought two outputs')
      // One of them may have been refused by the signatory, and the other because of it.
      const made = both.find((it) => it !== undefined) ?? (await insisting(stage, '/v1/swap', { inputs }, 300, [8]))
      await expectStates(stage, made, 'UNSPENT')
      await expectStates(stage, inputs, 'SPENT')
    },
  },
  {
    kind: 'mint-swap',
    name: 'the same twice',
    setup: (stage) => fund(stage, 'mine', 0, [8]),
    async drive(stage) {
      const inputs = proofs(stage, 'mine')
      const outputs = blinded(stage, 100, [4, 4])
      const both = await Promise.all([0, 1].map(() => carriedOut(stage, '/v1/swap', { inputs }, outputs)))
      const made = both.filter((it) => it !== undefined)
      if (new Set(made.map((it) => JSON.stringify(it))).size > 1) wrong(stage, 'one request is answered in two ways')
      if (made.length === 0) await insisting(stage, '/v1/swap', { inputs }, 200, [8])
      await expectStates(stage, inputs, 'SPENT')
    },
  },
  {
    kind: 'mint-swap',
    name: 'forgotten',
    mint: { cacheTtlMs: HOUR_MS },
    setup: (stage) => fund(stage, 'mine', 0, [8]),
    async drive(stage) {
      const swap = () => insisting(stage, '/v1/swap', { inputs: proofs(stage, 'mine') }, 100, [8])
      const made = await swap()
      twoDaysGoBy(stage)
      if (JSON.stringify(await swap()) !== JSON.stringify(made)) wrong(stage, 'what is restored is something else')
      await expectForgotten(stage)
      await expectStates(stage, made, 'UNSPENT')
      await expectStates(stage, proofs(stage, 'mine'), 'SPENT')
    },
  },
]

const issues: readonly MintScenario[] = [
  {
    kind: 'mint-issue',
    name: 'plain',
    async setup(stage) {
      stage.note('quote', await post<Quote>(stage, '/v1/mint/quote/bolt11', { amount: 12, unit: 'sat' }))
    },
    async drive(stage) {
      const { quote } = quoteIn(stage, 'quote')
      if (stage.notes['paid'] === undefined) {
        const outputs = messages(blinded(stage, 0, [8, 4]))
        const early = await post<Signatures>(stage, '/v1/mint/bolt11', { quote, outputs })
        if (early.code !== codes.quoteNotPaid) wrong(stage, 'a quote that nobody paid is not refused as unpaid')
        await payFor(stage, quoteIn(stage, 'quote'))
        stage.note('paid', true)
      }
      const made = await insisting(stage, '/v1/mint/bolt11', { quote }, 100, [8, 4])
      await expectStates(stage, made, 'UNSPENT')
    },
  },
  {
    kind: 'mint-issue',
    name: 'rivals',
    setup: async (stage) => stage.note('quote', await paid(stage, 8)),
    async drive(stage) {
      const { quote } = quoteIn(stage, 'quote')
      const both = await Promise.all(
        [100, 200].map((from) => carriedOut(stage, '/v1/mint/bolt11', { quote }, blinded(stage, from, [8]))),
      )
      if (both.every((made) => made !== undefined)) wrong(stage, 'a quote is issued twice')
      if (both.every((made) => made === undefined)) await insisting(stage, '/v1/mint/bolt11', { quote }, 300, [8])
    },
  },
  {
    kind: 'mint-issue',
    name: 'batch',
    setup: async (stage) => stage.note('quotes', [await paid(stage, 8), await paid(stage, 4)]),
    async drive(stage) {
      const quotes = sure(noteOf<readonly Quote[]>('quotes').in(stage.notes), 'quotes').map(({ quote }) => quote)
      await insisting(stage, '/v1/mint/bolt11/batch', { quotes }, 100, [4, 8])
      for (const quote of quotes) {
        const { state } = await get<Quote>(stage, `/v1/mint/quote/bolt11/${quote}`)
        if (state !== 'ISSUED') wrong(stage, `a quote of a batch is ${state}`)
      }
    },
  },
  {
    kind: 'mint-issue',
    name: 'paid late, and forgotten',
    mint: { cacheTtlMs: HOUR_MS, quoteTtlMs: HOUR_MS },
    async setup(stage) {
      stage.note('quote', await post<Quote>(stage, '/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' }))
    },
    async drive(stage) {
      const { quote } = quoteIn(stage, 'quote')
      // Whoever pays in the last moment, and asks long after the quote expired, has paid all the same.
      if (stage.notes['paid'] === undefined) {
        await payFor(stage, quoteIn(stage, 'quote'))
        stage.note('paid', true)
        stage.clock.sleep(2 * HOUR_MS)
      }
      const issue = () => insisting(stage, '/v1/mint/bolt11', { quote }, 100, [8])
      const made = await issue()
      twoDaysGoBy(stage)
      if (JSON.stringify(await issue()) !== JSON.stringify(made)) wrong(stage, 'what is restored is something else')
      await expectForgotten(stage)
      await expectStates(stage, made, 'UNSPENT')
    },
  },
]

const melts: readonly MintScenario[] = [
  ...[undefined, ...Object.keys(SCRIPTS)].flatMap((script) =>
    [4, 0].map((blanks): MintScenario => ({
      kind: 'mint-melt',
      name: `${script ?? 'paid'}${blanks > 0 ? '' : ', no blanks'}`,
      mint: { feePpk: 100 },
      async setup(stage) {
        await fund(stage, 'mine', 0, [16])
        await quoteFor(stage, 'quote', invoice(stage, 8, script))
      },
      async drive(stage) {
        await melt(stage, { from: 100, blanks, inputs: 'mine', quote: 'quote', mayFail: script === 'failed' })
      },
    })),
  ),
  {
    kind: 'mint-melt',
    name: 'pending then failed',
    async setup(stage) {
      await fund(stage, 'mine', 0, [16])
      await quoteFor(stage, 'quote', invoice(stage, 8, 'pending'))
      decision.write(stage, 'failed')
    },
    async drive(stage) {
      const end = await melt(stage, { from: 100, blanks: 4, inputs: 'mine', quote: 'quote', mayFail: true })
      // What was given back buys something else.
      if (end !== 'UNPAID') return wrong(stage, 'a payment that failed is paid')
      stage.note('spent elsewhere', true)
      await insisting(stage, '/v1/swap', { inputs: proofs(stage, 'mine') }, 300, [16])
    },
  },
  {
    kind: 'mint-melt',
    name: 'pending for days, and forgotten',
    mint: { quoteTtlMs: HOUR_MS },
    async setup(stage) {
      await fund(stage, 'mine', 0, [16])
      await quoteFor(stage, 'quote', invoice(stage, 8, 'pending'))
    },
    async drive(stage) {
      const { quote } = quoteIn(stage, 'quote')
      const inputs = proofs(stage, 'mine')
      const outputs = blinded(stage, 100, [0, 0])
      const ask = () => post<Quote>(stage, '/v1/melt/bolt11', { quote, inputs, outputs: messages(outputs) })
      if (stage.notes['asked'] === undefined) {
        stage.note('asked', true)
        await ask()
      }
      twoDaysGoBy(stage)
      // Where nothing was begun before the quote expired, nothing is any more.
      const [{ state } = { state: '' }] = mintRows(stage.rows()).meltQuotes
      if (state === 'UNPAID') {
        const told = await ask()
        if (told.code !== codes.quoteExpired) wrong(stage, `an expired quote is answered with ${told.code}`)
        return expectStates(stage, inputs, 'UNSPENT')
      }
      await melt(stage, { from: 100, blanks: 2, inputs: 'mine', quote: 'quote' })
      await expectForgotten(stage)
      await melt(stage, { from: 100, blanks: 2, inputs: 'mine', quote: 'quote' })
    },
  },
  {
    kind: 'mint-melt',
    name: 'internal',
    async setup(stage) {
      await fund(stage, 'mine', 0, [16])
      await ownQuote(stage)
    },
    async drive(stage) {
      const own = quoteIn(stage, 'own')
      await melt(stage, { from: 100, blanks: 4, inputs: 'mine', quote: 'quote' })
      await insisting(stage, '/v1/mint/bolt11', { quote: own.quote }, 300, [8])
    },
  },
  {
    kind: 'mint-melt',
    name: 'internal, paid elsewhere',
    async setup(stage) {
      await fund(stage, 'mine', 0, [16])
      await ownQuote(stage)
    },
    async drive(stage) {
      const own = quoteIn(stage, 'own')
      const melting = melt(stage, { from: 100, blanks: 4, inputs: 'mine', quote: 'quote', mayFail: true })
      // Between the set-up and the settlement, where there is time: while the signatory is away.
      for (let looks = 0; looks < 50 && mintRows(stage.rows()).meltQuotes[0]?.state === 'UNPAID'; looks++)
        await stage.clock.pause(SHORT_MS)
      await payFor(stage, own)
      await get(stage, `/v1/mint/quote/bolt11/${own.quote}`)
      await melting
      await insisting(stage, '/v1/mint/bolt11', { quote: own.quote }, 300, [8])
    },
  },
  {
    kind: 'mint-melt',
    name: 'rivals',
    async setup(stage) {
      await fund(stage, 'mine', 0, [16])
      await fund(stage, 'theirs', 50, [16])
      const request = invoice(stage, 8)
      await quoteFor(stage, 'mine to pay', request)
      await quoteFor(stage, 'theirs to pay', request)
    },
    async drive(stage) {
      const of = { blanks: 4, mayFail: true }
      const ends = await Promise.all([
        melt(stage, { ...of, from: 100, inputs: 'mine', quote: 'mine to pay' }),
        melt(stage, { ...of, from: 200, inputs: 'theirs', quote: 'theirs to pay' }),
      ])
      if (ends.filter((state) => state === 'PAID').length !== 1)
        wrong(stage, 'of two melts of one invoice not one is paid')
    },
  },
]

export const mintServerScenarios: readonly Scenario<Stage>[] = [...swaps, ...issues, ...melts].map(onMint)
