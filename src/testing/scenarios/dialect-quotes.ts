/** The kinds with quotes, and the restore, at mints that differ: tables of dialects, and quotes that lie. */
import { MINT_URL, type WalletScenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import type { Dialect } from '../faults/dialects.ts'
import { AT_ONCE, coinOf, DIALECT, dialectOf, madeFor, settles } from './dialect.ts'
import { burnCounters, ending, fund, HOUR_MS, mood, nextCounter, reaches, speak, spendElsewhere } from './stage.ts'
import { table } from './table.ts'
import { notedText } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'
import { speech } from '../faults/faulty-mint.ts'

const { fees: _, ...FEELESS } = DIALECT

export const mintDialects = table({
  kind: 'mint',
  named: 'dialect',
  factors: { ...FEELESS, keyset: ['stays', 'closing'] },
  impossible: AT_ONCE.filter(([one]) => one === 'keyset: closing'),
  rows: {
    plain: {},
    'cdk-small': {
      words: 'cdk',
      limits: 'small',
      info: 'missing',
      keyset: 'closing',
      lacks: '09',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-pages': {
      words: 'nutshell',
      limits: 'pages',
      info: 'odd',
      beside: 'ending',
      lacks: '12',
      clock: 'fast',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-pages': { words: 'text', limits: 'pages', info: 'odd', beside: 'keyless', lacks: '09', clock: 'slow' },
    'coded500-small': {
      words: 'coded500',
      limits: 'small',
      info: 'missing',
      beside: 'ending',
      lacks: '12',
      clock: 'fast',
    },
    'text-closing': { words: 'text', keyset: 'closing', clock: 'fast', counters: 'behind', amounts: 'tens' },
    'coded500-pages': {
      words: 'coded500',
      limits: 'pages',
      info: 'odd',
      keyset: 'closing',
      lacks: '12',
      counters: 'behind',
    },
    'nutshell-small': { words: 'nutshell', limits: 'small', info: 'missing', beside: 'keyless', amounts: 'tens' },
    'cdk-keyless': { words: 'cdk', beside: 'keyless', lacks: '12', clock: 'slow' },
    'coded500-ending': { words: 'coded500', beside: 'ending', lacks: '09', amounts: 'tens' },
    'pages-missing': {
      limits: 'pages',
      info: 'missing',
      beside: 'ending',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'small-odd': {
      limits: 'small',
      info: 'odd',
      beside: 'keyless',
      lacks: '09',
      clock: 'fast',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-closing': { words: 'nutshell', limits: 'pages', keyset: 'closing', lacks: '09', clock: 'slow' },
    'cdk-pages': { words: 'cdk', limits: 'pages', info: 'odd', beside: 'ending', clock: 'fast', counters: 'behind' },
    'text-small': {
      words: 'text',
      limits: 'small',
      info: 'missing',
      beside: 'ending',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'coded500-missing': {
      words: 'coded500',
      info: 'missing',
      beside: 'keyless',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'small-closing': {
      limits: 'small',
      keyset: 'closing',
      lacks: '12',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-odd': { words: 'nutshell', info: 'odd', keyset: 'closing', lacks: '12', counters: 'behind' },
    'cdk-ending': { words: 'cdk', limits: 'pages', beside: 'ending', lacks: '09' },
  },
  scenario: (row) => ({
    ...madeFor(row),
    setup: (stage) => dialectOf(stage, row, 1),
    async drive(stage) {
      const run = async (): Promise<void> => {
        const amount = row.amounts === 'tens' ? 170 : 15
        const mint = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount, key: 'mint' })
        await reaches(stage, mint.id, 'issued')
      }
      // An issue cannot be split: more than a small mint signs is refused before anybody pays, or it waits.
      const cannot = row.keyset === 'closing' || row.limits !== 'none'
      await settles(stage, run, {
        mayRest: cannot || row.lacks === '09',
        codes: ['REFUSED', ...(cannot ? ['NO_ACTIVE_KEYSET', 'AMOUNT_UNREACHABLE'] : [])],
      })
    },
  }),
})

const SCRIPTS: Readonly<Record<string, object>> = { failed: { pay_invoice_state: 'FAILED' } }

async function pay(stage: Stage, key: string): Promise<void> {
  const request = notedText(stage.notes, 'invoice')
  const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key })
  await melt.execute()
  await melt.finished()
  // The change may come later, and the books count it.
  if (melt.state.startsWith('change')) await reaches(stage, melt.id, 'paid')
}

export const meltDialects = table({
  kind: 'melt',
  named: 'dialect',
  factors: {
    ...FEELESS,
    lacks: ['nothing', '08', '09', '12'],
    /** `unknown`: it is paid, and the answer is lost. */
    payment: ['paid', 'failed', 'unknown'],
  },
  impossible: AT_ONCE.filter(([one]) => one !== 'amounts: tens'),
  rows: {
    plain: {},
    'coded500-unknown': {
      words: 'coded500',
      payment: 'unknown',
      limits: 'small',
      info: 'odd',
      keyset: 'closing',
      lacks: '08',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-failed': {
      words: 'text',
      payment: 'failed',
      limits: 'pages',
      info: 'missing',
      beside: 'keyless',
      lacks: '09',
      clock: 'fast',
      counters: 'behind',
    },
    'nutshell-pages': {
      words: 'nutshell',
      limits: 'pages',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'fast',
      amounts: 'tens',
    },
    'cdk-failed': {
      words: 'cdk',
      payment: 'failed',
      limits: 'small',
      info: 'odd',
      beside: 'ending',
      lacks: '12',
      clock: 'slow',
    },
    'nutshell-unknown': {
      words: 'nutshell',
      payment: 'unknown',
      beside: 'ending',
      lacks: '09',
      counters: 'behind',
      amounts: 'tens',
    },
    'cdk-dead': {
      words: 'cdk',
      payment: 'failed',
      keyset: 'dead',
      lacks: '08',
      clock: 'fast',
      counters: 'behind',
      amounts: 'tens',
    },
    'coded500-pages': {
      words: 'coded500',
      payment: 'unknown',
      limits: 'pages',
      info: 'odd',
      beside: 'keyless',
      lacks: '08',
    },
    'text-small': { words: 'text', limits: 'small', info: 'odd', keyset: 'dead', lacks: '09', clock: 'slow' },
    'unknown-small': {
      payment: 'unknown',
      limits: 'small',
      info: 'missing',
      keyset: 'closing',
      clock: 'fast',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-unknown': { words: 'text', payment: 'unknown', keyset: 'closing', lacks: '12', amounts: 'tens' },
    'nutshell-failed': { words: 'nutshell', payment: 'failed', info: 'odd', beside: 'keyless', clock: 'slow' },
    'pages-missing': {
      limits: 'pages',
      info: 'missing',
      beside: 'ending',
      lacks: '08',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'cdk-pages': { words: 'cdk', limits: 'pages', info: 'missing', keyset: 'closing', lacks: '09' },
    'failed-small': {
      payment: 'failed',
      limits: 'small',
      beside: 'keyless',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'coded500-failed': {
      words: 'coded500',
      payment: 'failed',
      limits: 'pages',
      beside: 'ending',
      clock: 'fast',
      counters: 'behind',
    },
    'coded500-missing': { words: 'coded500', info: 'missing', keyset: 'dead', lacks: '09' },
    'unknown-pages': {
      payment: 'unknown',
      limits: 'pages',
      info: 'odd',
      keyset: 'dead',
      clock: 'fast',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-small': {
      words: 'nutshell',
      payment: 'failed',
      limits: 'small',
      keyset: 'closing',
      lacks: '08',
      clock: 'slow',
      amounts: 'tens',
    },
    'cdk-unknown': {
      words: 'cdk',
      payment: 'unknown',
      limits: 'pages',
      info: 'odd',
      beside: 'keyless',
      counters: 'behind',
      amounts: 'tens',
    },
    'coded500-small': {
      words: 'coded500',
      limits: 'small',
      info: 'odd',
      beside: 'keyless',
      lacks: '12',
      clock: 'fast',
    },
    'text-missing': { words: 'text', payment: 'failed', info: 'missing', beside: 'ending', lacks: '08', clock: 'fast' },
    'text-dead': {
      words: 'text',
      payment: 'failed',
      limits: 'small',
      info: 'missing',
      keyset: 'dead',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'failed-missing': { payment: 'failed', info: 'missing', beside: 'keyless', lacks: '09' },
  },
  scenario: (row) => ({
    ...madeFor(row),
    async setup(stage) {
      await dialectOf(stage, row, 5)
      stage.note('invoice', stage.invoice(row.amounts === 'tens' ? 160 : 6, SCRIPTS[row.payment]))
      if (row.payment === 'unknown') mood(stage, 'POST /v1/melt/bolt11', 'lost', HOUR_MS)
    },
    async drive(stage) {
      await settles(stage, () => pay(stage, 'melt'), {
        // Of coins that the mint does not take (any more), nothing proves what became of a request without an answer.
        mayRest: row.keyset === 'closing' || row.keyset === 'dead' || row.beside === 'ending' || row.lacks === '09',
        codes: [
          ...['PAYMENT_FAILED', 'PAYMENT_FENCED', 'FEE_TOO_HIGH', 'REFUSED'],
          ...(row.keyset === 'dead' || row.beside === 'ending'
            ? ['KEYSET_REFUSED', 'TOO_SMALL', 'INSUFFICIENT_FUNDS']
            : []),
          // It gives no change, and there are no coins that make up the sum.
          ...(row.lacks === '08' && (row.amounts === 'tens' || row.keyset === 'closing') ? ['INEXACT'] : []),
          ...(row.keyset === 'closing' ? ['NO_ACTIVE_KEYSET', 'INEXACT'] : []),
        ],
      })
    },
  }),
})

/** What a mint takes of each that tells its limits. */
const TOLD = { inputs: 40, outputs: 40, states: 40, restore: 40 }

export const restoreDialects = table({
  kind: 'restore',
  named: 'dialect',
  factors: {
    words: DIALECT.words,
    limits: DIALECT.limits,
    info: DIALECT.info,
    /** Coins of an old keyset that never signed anything for the wallet. */
    keys: ['had', '404', 'other'],
    lacks: ['nothing', '07', '09', '12'],
    clock: DIALECT.clock,
    amounts: DIALECT.amounts,
    wallet: ['live', 'empty'],
  },
  rows: {
    plain: {},
    'text-pages': {
      words: 'text',
      limits: 'pages',
      keys: 'other',
      lacks: '12',
      clock: 'slow',
      amounts: 'tens',
      wallet: 'empty',
    },
    'cdk-small': {
      words: 'cdk',
      limits: 'small',
      info: 'odd',
      keys: '404',
      lacks: '07',
      clock: 'fast',
      wallet: 'empty',
    },
    'nutshell-small': {
      words: 'nutshell',
      limits: 'small',
      info: 'missing',
      lacks: '09',
      clock: 'fast',
      amounts: 'tens',
    },
    'coded500-pages': {
      words: 'coded500',
      limits: 'pages',
      info: 'missing',
      keys: 'other',
      lacks: '07',
      clock: 'slow',
    },
    'coded500-odd': { words: 'coded500', info: 'odd', keys: '404', lacks: '09', amounts: 'tens', wallet: 'empty' },
    'text-small': { words: 'text', limits: 'small', info: 'missing', keys: '404', lacks: '12' },
    'pages-odd': { limits: 'pages', info: 'odd', keys: 'other', clock: 'fast', amounts: 'tens', wallet: 'empty' },
    'cdk-odd': { words: 'cdk', info: 'odd', lacks: '12', clock: 'slow', amounts: 'tens' },
    'nutshell-keys-404': { words: 'nutshell', limits: 'small', keys: '404', clock: 'slow', wallet: 'empty' },
    'cdk-pages': { words: 'cdk', limits: 'pages', keys: 'other', lacks: '09' },
    'text-missing': { words: 'text', info: 'missing', lacks: '07', clock: 'fast', amounts: 'tens', wallet: 'empty' },
    'coded500-small': { words: 'coded500', limits: 'small', lacks: '12', clock: 'fast' },
    'nutshell-keys-other': { words: 'nutshell', keys: 'other', lacks: '07', wallet: 'empty' },
    'small-missing': { limits: 'small', info: 'missing', keys: '404', lacks: '09', clock: 'slow' },
    'nutshell-pages': { words: 'nutshell', limits: 'pages', info: 'odd', keys: '404', lacks: '12', clock: 'slow' },
    'cdk-missing': { words: 'cdk', limits: 'pages', info: 'missing' },
    'text-odd': { words: 'text', limits: 'small', info: 'odd', keys: 'other', lacks: '09', clock: 'fast' },
    'pages-without-07': { limits: 'pages', info: 'odd', lacks: '07', clock: 'fast', amounts: 'tens' },
    'text-slow': { words: 'text', limits: 'pages', clock: 'slow', amounts: 'tens', wallet: 'empty' },
    'pages-keys-other': { limits: 'pages', keys: 'other', lacks: '12', clock: 'slow', wallet: 'empty' },
    'coded500-keys-404': {
      words: 'coded500',
      limits: 'small',
      info: 'odd',
      keys: '404',
      amounts: 'tens',
      wallet: 'empty',
    },
  },
  scenario: (row) => ({
    ...madeFor(row),
    async setup(stage) {
      if (row.keys !== 'had') await stage.mint.rotate('sat')
      await dialectOf(stage, row, row.wallet === 'live' ? 1 : 0)
      const { dialect } = sure(speech.in(stage.notes), 'dialect')
      speak(stage, {
        ...dialect,
        // It tells the least of them, for all: a scan of a thousand counters by twos is long.
        ...(dialect.tellsLimits && dialect.limits && { limits: TOLD }),
        ...(row.keys !== 'had' && { keysMissing: { keyset: 'first', how: row.keys === '404' ? 404 : 'other' } }),
      })
      await stage.wallet.mints.trust(MINT_URL)
      const theirs = await burnCounters(stage, 5, await nextCounter(stage), coinOf(row))
      await spendElsewhere(stage, theirs.slice(0, 1))
    },
    async drive(stage) {
      const run = async (): Promise<unknown> =>
        (await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })).execute()
      const cannot = row.lacks === '07' || row.lacks === '09'
      await settles(stage, run, { mayRest: cannot, codes: cannot ? ['UNSUPPORTED', 'REFUSED'] : [] })
    },
  }),
})

/** The mint's quote differs from the request: nothing is paid and nothing is reserved. */
const lies = (kind: 'mint' | 'melt', name: string, dialect: Dialect): WalletScenario => ({
  kind,
  name: `dialect-${name}`,
  depth: 1,
  async setup(stage) {
    await fund(stage, 64)
    stage.note('invoice', stage.invoice(6))
    speak(stage, dialect)
  },
  async drive(stage) {
    const { wallet } = stage
    const run = async (): Promise<void> => {
      if (kind === 'melt') return pay(stage, 'melt')
      const { id } = await wallet.mint.prepare({ mintUrl: MINT_URL, amount: 7, key: 'mint' })
      stage.violated(`misstated: ${id} hands out a request to pay that is not for what was asked`)
    }
    await ending(
      stage,
      run,
      'QUOTE_WRONG',
      'REFUSED',
      'FEE_TOO_HIGH',
      'MINT_UNREACHABLE',
      'CANCELLED',
      'INSUFFICIENT_FUNDS',
    )
  },
})

export const lyingQuotes: readonly WalletScenario[] = [
  lies('mint', 'other-amount', { mintQuote: 'other amount' }),
  lies('mint', 'no-amount', { mintQuote: 'no amount' }),
  lies('mint', 'no-invoice', { mintQuote: 'no invoice' }),
  lies('melt', 'dear', { meltQuote: 'dear' }),
  lies('melt', 'cheap', { meltQuote: 'cheap' }),
  lies('melt', 'absurd-reserve', { meltQuote: 'absurd reserve' }),
]

/** Amounts that its keysets cannot represent. */
export const oddAmount: WalletScenario = {
  kind: 'mint',
  name: 'dialect-odd-amount',
  depth: 1,
  mint: { amounts: [10, 50, 100, 1000] },
  setup: ({ wallet }) => wallet.mints.trust(MINT_URL).then(() => {}),
  async drive(stage) {
    const run = async (): Promise<void> => {
      const { id } = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount: 155, key: 'mint' })
      stage.violated(`misstated: ${id} hands out a request to pay for what cannot be issued`)
    }
    await ending(stage, run, 'AMOUNT_UNREACHABLE', 'REFUSED', 'MINT_UNREACHABLE', 'CANCELLED')
  },
}
