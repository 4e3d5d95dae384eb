/** The kinds that exchange proofs, at mints that differ: tables of dialects. */
import type { SendHandle } from '../../wallet/api-handles.ts'
import { MINT_URL, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { AT_ONCE, coinOf, DIALECT, dialectOf, madeFor, settles, type DialectRow } from './dialect.ts'
import { claim, foreignProofs, tokenOf } from './stage.ts'
import { table, type Row } from './table.ts'
import { notedText } from '../explorer/notes.ts'

const COINS = 5

type Exchanging = Row<typeof DIALECT>

/** It signs nothing, or does not tell what it signed. Then an operation may have to wait for a person. */
const mayRest = ({ keyset, lacks }: DialectRow): boolean => keyset === 'closing' || lacks === '09'

/**
 * Amounts that take nearly all coins, and more outputs than a small mint takes. Where it takes few at once, each round has
 * its fee, and fifties do not become tens.
 */
function amountsOf({ amounts, limits, fees }: DialectRow): number[] {
  const isSmall = limits !== 'none'
  if (amounts === 'tens') return isSmall ? [50, 50, 50, 50] : [50, 50, 50, 10, 10, 10, 10]
  return isSmall && fees === 'some' ? [1, 1, 1, 1] : [1, 1, 1, 1, 1, 1, 1, 1]
}
/** The same as one amount; of small coins that have their fee, two at once do not become a larger one. */
function sumOf(row: DialectRow): number {
  if (row.limits !== 'none' && row.fees === 'some' && row.amounts === 'powers') return 3
  return amountsOf(row).reduce((total, amount) => total + amount, 0)
}

const allowed = (row: Exchanging) => ({
  mayRest: mayRest(row),
  codes: [
    ...(row.keyset === 'closing' ? ['REFUSED', 'NO_ACTIVE_KEYSET'] : []),
    // A process that sleeps wakes up when the keyset has ended, and with it what the coins were worth.
    ...(row.beside === 'ending' ? ['KEYSET_REFUSED'] : []),
  ],
})

export const swapDialects = table({
  kind: 'swap',
  named: 'dialect',
  factors: DIALECT,
  impossible: AT_ONCE,
  rows: {
    plain: {},
    'text-pages': {
      words: 'text',
      limits: 'pages',
      info: 'odd',
      keyset: 'closing',
      lacks: '09',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'cdk-small': {
      words: 'cdk',
      limits: 'small',
      info: 'missing',
      beside: 'keyless',
      lacks: '12',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'nutshell-pages': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'ending',
      lacks: '09',
      clock: 'slow',
      fees: 'some',
    },
    'coded500-missing': {
      words: 'coded500',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'fast',
      amounts: 'tens',
    },
    'coded500-small': {
      words: 'coded500',
      limits: 'small',
      info: 'odd',
      beside: 'ending',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-small': { words: 'text', limits: 'small', info: 'odd', keyset: 'dead', lacks: '09', fees: 'some' },
    'cdk-missing': { words: 'cdk', info: 'missing', keyset: 'closing', clock: 'slow', fees: 'some' },
    'nutshell-keyless': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'keyless',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'odd-keyless': { info: 'odd', beside: 'keyless', lacks: '09', clock: 'fast', counters: 'behind', fees: 'some' },
    'cdk-pages': { words: 'cdk', limits: 'pages', keyset: 'dead', clock: 'fast', counters: 'behind', amounts: 'tens' },
    'coded500-closing': {
      words: 'coded500',
      limits: 'small',
      keyset: 'closing',
      lacks: '12',
      clock: 'slow',
      fees: 'some',
    },
    'text-missing': { words: 'text', info: 'missing', beside: 'ending', lacks: '12', clock: 'fast', fees: 'some' },
    'pages-missing': {
      limits: 'pages',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-small': {
      words: 'nutshell',
      limits: 'small',
      info: 'odd',
      keyset: 'closing',
      clock: 'fast',
      counters: 'behind',
    },
    'coded500-pages': {
      words: 'coded500',
      limits: 'pages',
      info: 'missing',
      beside: 'keyless',
      lacks: '09',
      clock: 'slow',
      amounts: 'tens',
    },
    'cdk-odd': {
      words: 'cdk',
      limits: 'pages',
      info: 'odd',
      beside: 'ending',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'small-missing': { limits: 'small', info: 'missing', keyset: 'closing', lacks: '12', amounts: 'tens' },
    'text-keyless': {
      words: 'text',
      limits: 'pages',
      beside: 'keyless',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-missing': {
      words: 'nutshell',
      info: 'missing',
      keyset: 'dead',
      lacks: '09',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'cdk-ending': { words: 'cdk', limits: 'pages', info: 'missing', beside: 'ending', lacks: '09', clock: 'fast' },
    'ending-slow': { beside: 'ending', clock: 'slow', counters: 'behind', amounts: 'tens' },
  },
  scenario: (row) => ({
    ...madeFor(row),
    setup: (stage) => dialectOf(stage, row, COINS),
    async drive(stage) {
      const run = async (): Promise<unknown> =>
        (await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: amountsOf(row), key: 'swap' })).execute()
      await settles(stage, run, allowed(row))
    },
  }),
})

async function sendAll(stage: Stage, row: Exchanging): Promise<void> {
  let send: SendHandle | undefined
  const run = async (): Promise<void> => {
    send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: sumOf(row), key: 'send' })
    await send.execute()
  }
  await settles(stage, run, allowed(row))
  const made = send
  if (made?.token === undefined) return
  if (row.counters === 'behind') return settles(stage, () => made.reclaim(), { ...allowed(row), codes: ['REFUSED'] })
  if (stage.notes['claimed'] === undefined) {
    await claim(stage, made.token)
    stage.note('claimed', true)
  }
  await settles(stage, () => made.finished())
}

export const sendDialects = table({
  kind: 'send',
  named: 'dialect',
  factors: DIALECT,
  impossible: AT_ONCE,
  rows: {
    plain: {},
    'text-pages': {
      words: 'text',
      limits: 'pages',
      info: 'odd',
      keyset: 'closing',
      lacks: '09',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'cdk-small': {
      words: 'cdk',
      limits: 'small',
      info: 'missing',
      beside: 'keyless',
      lacks: '12',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'nutshell-pages': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'ending',
      lacks: '09',
      clock: 'slow',
      fees: 'some',
    },
    'coded500-missing': {
      words: 'coded500',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'fast',
      amounts: 'tens',
    },
    'coded500-small': {
      words: 'coded500',
      limits: 'small',
      info: 'odd',
      beside: 'ending',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-small': { words: 'text', limits: 'small', info: 'odd', keyset: 'dead', lacks: '09', fees: 'some' },
    'cdk-missing': { words: 'cdk', info: 'missing', keyset: 'closing', clock: 'slow', fees: 'some' },
    'nutshell-keyless': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'keyless',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'odd-keyless': { info: 'odd', beside: 'keyless', lacks: '09', clock: 'fast', counters: 'behind', fees: 'some' },
    'cdk-pages': { words: 'cdk', limits: 'pages', keyset: 'dead', clock: 'fast', counters: 'behind', amounts: 'tens' },
    'coded500-closing': {
      words: 'coded500',
      limits: 'small',
      keyset: 'closing',
      lacks: '12',
      clock: 'slow',
      fees: 'some',
    },
    'text-missing': { words: 'text', info: 'missing', beside: 'ending', lacks: '12', clock: 'fast', fees: 'some' },
    'pages-missing': {
      limits: 'pages',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-small': {
      words: 'nutshell',
      limits: 'small',
      info: 'odd',
      keyset: 'closing',
      clock: 'fast',
      counters: 'behind',
    },
    'coded500-pages': {
      words: 'coded500',
      limits: 'pages',
      info: 'missing',
      beside: 'keyless',
      lacks: '09',
      clock: 'slow',
      amounts: 'tens',
    },
    'cdk-odd': {
      words: 'cdk',
      limits: 'pages',
      info: 'odd',
      beside: 'ending',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'small-missing': { limits: 'small', info: 'missing', keyset: 'closing', lacks: '12', amounts: 'tens' },
    'text-keyless': {
      words: 'text',
      limits: 'pages',
      beside: 'keyless',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-missing': {
      words: 'nutshell',
      info: 'missing',
      keyset: 'dead',
      lacks: '09',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'cdk-ending': { words: 'cdk', limits: 'pages', info: 'missing', beside: 'ending', lacks: '09', clock: 'fast' },
    'ending-slow': { beside: 'ending', clock: 'slow', counters: 'behind', amounts: 'tens' },
  },
  scenario: (row) => ({
    ...madeFor(row),
    setup: (stage) => dialectOf(stage, row, COINS),
    drive: (stage) => sendAll(stage, row),
  }),
})

export const receiveDialects = table({
  kind: 'receive',
  named: 'dialect',
  factors: DIALECT,
  impossible: AT_ONCE,
  rows: {
    plain: {},
    'text-pages': {
      words: 'text',
      limits: 'pages',
      info: 'odd',
      keyset: 'closing',
      lacks: '09',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'cdk-small': {
      words: 'cdk',
      limits: 'small',
      info: 'missing',
      beside: 'keyless',
      lacks: '12',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'nutshell-pages': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'ending',
      lacks: '09',
      clock: 'slow',
      fees: 'some',
    },
    'coded500-missing': {
      words: 'coded500',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'fast',
      amounts: 'tens',
    },
    'coded500-small': {
      words: 'coded500',
      limits: 'small',
      info: 'odd',
      beside: 'ending',
      counters: 'behind',
      amounts: 'tens',
    },
    'text-small': { words: 'text', limits: 'small', info: 'odd', keyset: 'dead', lacks: '09', fees: 'some' },
    'cdk-missing': { words: 'cdk', info: 'missing', keyset: 'closing', clock: 'slow', fees: 'some' },
    'nutshell-keyless': {
      words: 'nutshell',
      limits: 'pages',
      beside: 'keyless',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'odd-keyless': { info: 'odd', beside: 'keyless', lacks: '09', clock: 'fast', counters: 'behind', fees: 'some' },
    'cdk-pages': { words: 'cdk', limits: 'pages', keyset: 'dead', clock: 'fast', counters: 'behind', amounts: 'tens' },
    'coded500-closing': {
      words: 'coded500',
      limits: 'small',
      keyset: 'closing',
      lacks: '12',
      clock: 'slow',
      fees: 'some',
    },
    'text-missing': { words: 'text', info: 'missing', beside: 'ending', lacks: '12', clock: 'fast', fees: 'some' },
    'pages-missing': {
      limits: 'pages',
      info: 'missing',
      keyset: 'dead',
      lacks: '12',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-small': {
      words: 'nutshell',
      limits: 'small',
      info: 'odd',
      keyset: 'closing',
      clock: 'fast',
      counters: 'behind',
    },
    'coded500-pages': {
      words: 'coded500',
      limits: 'pages',
      info: 'missing',
      beside: 'keyless',
      lacks: '09',
      clock: 'slow',
      amounts: 'tens',
    },
    'cdk-odd': {
      words: 'cdk',
      limits: 'pages',
      info: 'odd',
      beside: 'ending',
      lacks: '12',
      counters: 'behind',
      amounts: 'tens',
    },
    'small-missing': { limits: 'small', info: 'missing', keyset: 'closing', lacks: '12', amounts: 'tens' },
    'text-keyless': {
      words: 'text',
      limits: 'pages',
      beside: 'keyless',
      clock: 'slow',
      counters: 'behind',
      amounts: 'tens',
    },
    'nutshell-missing': {
      words: 'nutshell',
      info: 'missing',
      keyset: 'dead',
      lacks: '09',
      clock: 'fast',
      counters: 'behind',
      fees: 'some',
    },
    'cdk-ending': { words: 'cdk', limits: 'pages', info: 'missing', beside: 'ending', lacks: '09', clock: 'fast' },
    'ending-slow': { beside: 'ending', clock: 'slow', counters: 'behind', amounts: 'tens' },
  },
  scenario: (row) => ({
    ...madeFor(row),
    async setup(stage) {
      const coins = (count: number) =>
        foreignProofs(
          stage,
          Array.from({ length: count }, () => coinOf(row)),
        )
      // If a keyset dies, some coins of the token belong to it.
      const dying = row.keyset === 'dead' ? await coins(2) : []
      await dialectOf(stage, row, 1)
      stage.note('token', tokenOf([...dying, ...(await coins(COINS))]))
    },
    async drive(stage) {
      const run = async (): Promise<unknown> =>
        (await stage.wallet.receive.prepare({ token: notedText(stage.notes, 'token'), key: 'receive' })).execute()
      // It does not say of which coins its refusal is. They go out alone, and where that request was lost it may still land.
      const isVague = row.keyset === 'dead' && row.words === 'text'
      await settles(stage, run, { ...allowed(row), mayRest: mayRest(row) || isVague })
    },
  }),
})
