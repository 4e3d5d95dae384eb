/** Melts at mints that close, lie about change, have too little room or know too much; beside the table of melts. */
import { codes } from '../../cashu/codes.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import {
  burnCounters,
  ending,
  fund,
  HOUR_MS,
  hurry,
  MINUTE_MS,
  mood,
  nearGap,
  nextCounter,
  reaches,
  rob,
  speak,
  spendable,
} from './stage.ts'
import { whenIn } from './mint-faults.ts'
import { notedText } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

/** The ends of a melt that is not paid. */
export const MELT_ENDS = [
  'REFUSED',
  'CANCELLED',
  'PAYMENT_FAILED',
  'PAYMENT_FENCED',
  'INSUFFICIENT_FUNDS',
  'INEXACT',
  'SPENT_ELSEWHERE',
  'MINT_UNREACHABLE',
  'QUOTE_WRONG',
  'QUOTE_EXPIRED',
  'FEE_TOO_HIGH',
  'NO_ACTIVE_KEYSET',
  'TOO_MANY_UNSIGNED',
  'INVOICE_PAID',
  'OUTPUTS_KNOWN',
]
const DAY_MS = 24 * HOUR_MS
const PAY = 'POST /v1/melt/bolt11'

export async function pay(stage: Stage, key = 'melt', note = 'invoice'): Promise<void> {
  await ending(
    stage,
    async () => {
      const request = notedText(stage.notes, note)
      const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key })
      await melt.execute()
      await melt.finished()
      // The change may come later, and the books count it.
      if (/^(change|last)/.test(melt.state)) await reaches(stage, melt.id, 'paid')
    },
    ...MELT_ENDS,
  )
}

/** A person who knows that another device has spent the inputs. */
export const writeOff = (stage: Stage): void =>
  whenIn(stage, 'spentQuarantined', (id) => void stage.wallet.operations.cancel(id).catch(() => {}))

/** Runs the next of several actions each time an operation comes into a state. */
export function inTurn(stage: Stage, state: string, ...acts: readonly ((id: string) => Promise<unknown>)[]): void {
  let times = 0
  whenIn(stage, state, (id) => void sure(acts[Math.min(times++, acts.length - 1)], 'act')(id).catch(() => {}))
}

const melts = (name: string, of: Omit<Scenario, 'kind' | 'name'>): Scenario => ({
  kind: 'melt',
  name,
  depth: 1,
  ...of,
})

/** A payment of 4 whose first answer is lost. Its coins exceed the amount only by the reserve. */
const unsure = (
  name: string,
  of: {
    /** Faults beside crashes; one unless given. */
    readonly depth?: number
    readonly reserve: number
    /** How long the quote omits the change. */
    readonly bareForMs: number
    /** How long it tells of change that the mint has not signed. */
    readonly forgesForMs?: number
    readonly restores?: { readonly does: 'notSent' | 'refused'; readonly forMs: number }
  },
): Scenario =>
  melts(name, {
    mint: { feeReserve: () => of.reserve },
    async setup(stage) {
      await fund(stage, 4, of.reserve)
      stage.note('invoice', stage.invoice(4))
      mood(stage, PAY, 'lost', HOUR_MS)
      mood(stage, 'GET /v1/melt/quote', 'bare', of.bareForMs)
      if (of.forgesForMs !== undefined) mood(stage, 'GET /v1/melt/quote', 'forged', of.forgesForMs)
      if (of.restores) mood(stage, 'POST /v1/restore', of.restores.does, of.restores.forMs)
    },
    drive: (stage) => pay(stage),
    ...(of.depth !== undefined && { depth: of.depth }),
  })

export const meltEnds: readonly Scenario[] = [
  // The mint gives no change: a swap for exact coins comes first.
  melts('exact-first', {
    mint: { without: [8], feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
    },
    drive: (stage) => pay(stage),
  }),
  // The mint takes two inputs at once, and the payment has four.
  melts('too-many', {
    mint: { feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 1, 1, 1, 1)
      stage.note('invoice', stage.invoice(3))
      speak(stage, { limits: { inputs: 2 } })
    },
    drive: (stage) => pay(stage),
  }),
  // It takes one, and no fewer would do.
  melts('too-many-still', {
    mint: { feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 4, 1)
      stage.note('invoice', stage.invoice(4))
      speak(stage, { limits: { inputs: 1 } })
    },
    drive: (stage) => pay(stage),
  }),
  // Exact coins would cost more than is allowed; and later the mint has no keyset for them.
  melts('misfit', {
    mint: { without: [8], feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
    },
    async drive(stage) {
      const { wallet, notes } = stage
      const request = notedText(notes, 'invoice')
      await ending(
        stage,
        () => wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'dear', maxFee: 0 }),
        ...MELT_ENDS,
      )
      if (notes['closing'] === undefined) {
        stage.note('closing', true)
        speak(stage, { closing: true })
      }
      await wallet.mints.refresh(MINT_URL).catch(() => {})
      await pay(stage)
    },
  }),
  // No keyset is active for an hour: one is given up, one is paid without change.
  melts('closing', {
    async setup(stage) {
      await fund(stage, 8, 8)
      stage.note('invoice', stage.invoice(4))
      stage.note('other', stage.invoice(4))
      // A payment that was lost on its way can be taken back once a keyset is active again.
      speak(stage, { closing: true }, HOUR_MS)
    },
    async drive(stage) {
      const { wallet } = stage
      await wallet.mints.refresh(MINT_URL).catch(() => {})
      inTurn(
        stage,
        'readying.changeless',
        (id) => wallet.operations.resume(id),
        (id) => wallet.operations.cancel(id),
        () => Promise.resolve(),
        async (id) => {
          stage.note('forgone', true)
          await (await wallet.melt.get(id)).payWithoutChange()
        },
      )
      await pay(stage, 'other', 'other')
      await pay(stage)
    },
  }),
  // Nobody decides: after an hour it is over.
  melts('closing-long', {
    mint: { quoteTtlMs: 3 * HOUR_MS },
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      speak(stage, { closing: true })
    },
    async drive(stage) {
      await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
      await pay(stage)
    },
  }),
  // The keysets cannot be had for a while: one waits for the end of its quote, one is given up.
  melts('keysets-away', {
    mint: { quoteTtlMs: 5 * MINUTE_MS },
    async setup(stage) {
      await fund(stage, 8, 8)
      stage.note('invoice', stage.invoice(4))
      stage.note('other', stage.invoice(4))
      speak(stage, { closing: true })
      await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
      mood(stage, 'GET /v1/keysets', 'notSent', HOUR_MS)
    },
    async drive(stage) {
      const { operations } = stage.wallet
      const patient = (): Promise<void> => Promise.resolve()
      inTurn(
        stage,
        'readying.waiting',
        (id) => operations.resume(id),
        (id) => operations.cancel(id),
        patient,
      )
      await pay(stage, 'other', 'other')
      await pay(stage)
    },
  }),
  // No more outputs may be made: one melt is given up, the other waits until somebody has one signed.
  melts('crowded', {
    async setup(stage) {
      await fund(stage, 8, 8)
      stage.note('invoice', stage.invoice(4))
      stage.note('other', stage.invoice(4))
      await nearGap(stage, 50)
    },
    async drive(stage) {
      const { wallet } = stage
      const swap = async (): Promise<void> => {
        const made = await wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1], key: 'room' })
        await made.execute()
      }
      inTurn(
        stage,
        'readying.crowded',
        (id) => wallet.operations.resume(id),
        (id) => wallet.operations.cancel(id),
        () => ending(stage, swap, ...MELT_ENDS),
      )
      await pay(stage, 'other', 'other')
      await pay(stage)
    },
  }),
  // Another device has had the blank outputs signed: others are taken.
  melts('outputs-known', {
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      await burnCounters(stage, 3, await nextCounter(stage))
    },
    drive: (stage) => pay(stage),
  }),
  // Another device spends all inputs before they are sent.
  melts('stolen', {
    setsAside: ['spentQuarantined'],
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
    },
    async drive(stage) {
      if (stage.notes['robbed'] === undefined) await rob(stage, spendable(stage))
      writeOff(stage)
      await pay(stage)
    },
  }),
  // The mint does not tell what became of inputs (NUT-07), and requests to pay never arrive.
  melts('untold', {
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      speak(stage, { without: [7] })
      mood(stage, PAY, 'notSent', HOUR_MS)
    },
    drive: (stage) => pay(stage),
  }),
  // The same, and another device has spent the coins: only the refusal of a swap tells that.
  melts('untold-stolen', {
    setsAside: ['spentQuarantined'],
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      speak(stage, { without: [7] })
      mood(stage, PAY, 'notSent', HOUR_MS)
    },
    async drive(stage) {
      if (stage.notes['robbed'] === undefined) await rob(stage, spendable(stage))
      writeOff(stage)
      await pay(stage)
    },
  }),
  // The request to pay never arrives, and for a while the mint does not know its quote.
  melts('quote-forgotten', {
    setsAside: ['spentQuarantined'],
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      mood(stage, PAY, 'notSent', HOUR_MS)
      mood(stage, 'GET /v1/melt/quote', 'forgotten', 10 * MINUTE_MS)
    },
    async drive(stage) {
      const request = notedText(stage.notes, 'invoice')
      const begin = async (): Promise<void> => {
        const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'melt' })
        melt.execute().catch(() => {})
        await reaches(stage, melt.id, 'paid', 'failed', 'cancelled')
      }
      await ending(stage, begin, ...MELT_ENDS)
    },
  }),
  // The mint takes none of the coins any more, and the request to pay is lost, or lands late: nothing can take them back.
  ...(['notSent', 'held'] as const).map((does) =>
    melts(`dead-${does === 'held' ? 'late' : 'lost'}`, {
      async setup(stage) {
        await fund(stage, 8)
        stage.note('invoice', stage.invoice(4))
        await stage.mint.rotate('sat')
        await stage.wallet.mints.refresh(MINT_URL)
        mood(stage, PAY, does, HOUR_MS)
        if (does === 'notSent') speak(stage, { dead: { keyset: 'first', code: codes.keysetExpired } }, 1.5 * HOUR_MS)
      },
      async drive(stage) {
        // It is paid before it ends, where the request is only late.
        if (does === 'held')
          whenIn(stage, 'fencing.swapping', () => {
            if (stage.notes['speech'] === undefined)
              speak(stage, { dead: { keyset: 'first', code: codes.keysetExpired } }, 1.5 * HOUR_MS)
          })
        await pay(stage)
      },
    }),
  ),
  // While the payment lands late, another device has had the fence's output signed.
  melts('outsigned', {
    mint: { feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 2)
      stage.note('invoice', stage.invoice(1))
      await burnCounters(stage, 1, (await nextCounter(stage)) + 1)
      mood(stage, PAY, 'held', HOUR_MS)
    },
    async drive(stage) {
      hurry(stage, 'melt')
      await pay(stage)
    },
  }),
  // No change is owed, and the first answer is lost.
  melts('no-change-owed', {
    mint: { feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 4, 1)
      stage.note('invoice', stage.invoice(4))
      mood(stage, PAY, 'lost', HOUR_MS)
      mood(stage, 'GET /v1/melt/quote', 'bare', DAY_MS)
    },
    async drive(stage) {
      inTurn(
        stage,
        'changePausing',
        (id) => stage.wallet.operations.resume(id),
        () => Promise.resolve(),
      )
      await pay(stage)
    },
  }),
  // None is owed for certain, and yet there is some; for a while the mint does not say.
  unsure('change-unsure', { reserve: 2, bareForMs: DAY_MS }),
  unsure('change-unsure-late', { reserve: 1, bareForMs: DAY_MS, restores: { does: 'notSent', forMs: HOUR_MS } }),
  // It restores nothing, and its quote tells of the change when the last question is asked.
  unsure('change-told-late', {
    depth: 0,
    reserve: 2,
    bareForMs: 7 * DAY_MS,
    restores: { does: 'refused', forMs: 30 * DAY_MS },
  }),
  // It restores nothing, and its quote tells of change that nobody can spend: for three weeks, and a person is told.
  unsure('change-told-wrong', {
    reserve: 2,
    bareForMs: 0,
    forgesForMs: 20 * DAY_MS,
    restores: { does: 'refused', forMs: 90 * DAY_MS },
  }),
  // The mint never tells of signatures.
  unsure('change-untold', { reserve: 1, bareForMs: 30 * DAY_MS, restores: { does: 'refused', forMs: 30 * DAY_MS } }),
]
