/** The two mints, each a process of its own, behind one face. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startScript, type Child } from '../kill-lab/children.ts'
import { getJson } from '../kill-lab/mint-balances.ts'
import { foreignInvoice, nutshellBalances, startNutshell, type NutshellVersion, type Steering } from '../nutshell.ts'
import type { BalanceSheet } from '../../src/mint-server/index.ts'
import { FEE_PPK } from './worth.ts'

/**
 * How Lightning is.
 *
 * - `paying`: the mint's invoices are paid by themselves, and what it pays is paid at once.
 * - `failing`: as before, but what the mint pays fails.
 * - `open`: nobody pays its invoices, and what it pays stays open.
 * - `brief`: as before, and its mint quotes last for a second.
 */
export type Lightning = 'paying' | 'failing' | 'open' | 'brief'

export interface TestMint extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** An invoice of somebody else's: what comes of paying it, Lightning says. */
  invoice(amountSat: number): Promise<string>
  /** The mint is started anew for it, unless Lightning is that way already. */
  turn(lightning: Lightning): Promise<void>
  /** Has the invoice of a mint quote paid. Lightning is `paying` by then, where the mint cannot do it otherwise. */
  settle(quoteId: string): Promise<void>
  /** Has the open payment of a melt quote made. Lightning is `paying` by then, where the mint cannot do it otherwise. */
  complete(quoteId: string): Promise<void>
  /** Makes another keyset of sats the active one, at the latest when Lightning turns. */
  rotate(): Promise<void>
  /** Ecash in people's hands, in sats, by the mint's own balances. */
  outstanding(): Promise<number>
}

/** Waits until a melt quote is paid: asking has the mint look. */
async function paid(url: string, quote: string): Promise<void> {
  for (;;) {
    const { state } = await getJson<{ state: string }>(`${url}/v1/melt/quote/bolt11/${quote}`)
    if (state === 'PAID') return
    await delay(50)
  }
}

/** What the memo of an invoice tells the fake Lightning of our mint. */
const MEMOS: Readonly<Record<Lightning, string | undefined>> = {
  paying: undefined,
  failing: JSON.stringify({ pay_invoice_state: 'FAILED' }),
  open: JSON.stringify({ pay_invoice_state: 'PENDING' }),
  brief: JSON.stringify({ pay_invoice_state: 'PENDING' }),
}

/** Our mint, as its command line starts it. What the command line has no option for, `brief-mint.ts` does. */
export async function startOurs(dir: string): Promise<TestMint> {
  const file = join(dir, 'ours.db')
  const command = (lightning: Lightning, port: string): { script: URL; args: string[] } => {
    if (lightning === 'brief') return { script: new URL('./brief-mint.ts', import.meta.url), args: [file, port] }
    const settings = ['--admin', '--fee-ppk', String(FEE_PPK), '--unit', 'sat', '--unit', 'usd', '--log', 'none']
    const pays = lightning === 'open' ? [] : ['--auto-pay-ms', '0']
    const args = ['mint', ...settings, ...pays, '--store', `sqlite:${file}`, '--port', port]
    return { script: new URL('../../src/mint-server/cli/cli.ts', import.meta.url), args }
  }
  async function start(lightning: Lightning, port: string): Promise<{ child: Child; url: string }> {
    const told = Promise.withResolvers<string>()
    const { script, args } = command(lightning, port)
    const child = startScript(script, args, told.resolve)
    child.ended.then(() => told.reject(new Error('our mint ended')), told.reject)
    return { child, url: (JSON.parse(await told.promise) as { url: string }).url }
  }
  let lightning: Lightning = 'paying'
  const { url, ...first } = await start(lightning, '0')
  let { child } = first
  const admin = <T>(name: string, request: object): Promise<T> =>
    getJson<T>(`${url}/admin/${name}`, JSON.stringify(request))
  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    await child.ended
  }
  return {
    name: 'hardshell',
    url,
    async invoice(amount) {
      return (await admin<{ request: string }>('invoice', { amount, description: MEMOS[lightning] })).request
    },
    async turn(to) {
      if (to === lightning) return
      lightning = to
      await stop()
      ;({ child } = await start(to, new URL(url).port))
    },
    async settle(quote) {
      await admin('settle', { quote })
    },
    async complete(quote) {
      await admin('resolve', { quote, state: 'paid' })
      await paid(url, quote)
    },
    async rotate() {
      await admin('rotate', {})
    },
    async outstanding() {
      return (await getJson<BalanceSheet>(`${url}/admin/balance-sheet`)).units['sat']!.outstanding
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Its mint quotes may be brief by themselves: melt quotes last as long as their invoices. */
const OPEN: Steering = {
  ...{ payInvoiceState: 'PENDING', paymentState: 'PENDING' },
  env: { FAKEWALLET_BRR: 'FALSE', MINT_QUOTE_TTL: '1' },
}
/** What steers Nutshell's fake Lightning. */
const STEERING: Readonly<Record<Lightning, Steering>> = {
  paying: {},
  failing: { payInvoiceState: 'FAILED', paymentState: 'FAILED' },
  open: OPEN,
  brief: OPEN,
}

export async function startTheirs(options: {
  readonly version: NutshellVersion
  readonly dir: string
  readonly log: (line: string) => void
}): Promise<TestMint> {
  const { version, dir, log } = options
  const units = {
    MINT_BACKEND_BOLT11_USD: 'FakeWallet',
    MINT_DERIVATION_PATH_LIST: JSON.stringify(["m/0'/2'/0'"]),
  }
  const database = join(dir, 'theirs')
  const mint = await startNutshell({ version, feePpk: FEE_PPK, database, log, env: units })
  let keysetIndex: number | undefined
  let now = STEERING.paying
  async function turn(to: Lightning): Promise<void> {
    if (STEERING[to] === now) return
    now = STEERING[to]
    await mint.restart({ ...now, keysetIndex, env: { ...units, ...now.env } })
  }
  return {
    name: `Nutshell ${version}`,
    url: mint.url,
    invoice: (amount) => Promise.resolve(foreignInvoice(amount)),
    turn,
    settle: () => turn('paying'),
    async complete(quote) {
      await turn('paying')
      await paid(mint.url, quote)
    },
    rotate() {
      keysetIndex = (keysetIndex ?? 0) + 1
      return Promise.resolve()
    },
    outstanding() {
      const { issued, redeemed } = nutshellBalances(database)
      return Promise.resolve(issued - redeemed)
    },
    [Symbol.asyncDispose]: () => mint[Symbol.asyncDispose](),
  }
}
