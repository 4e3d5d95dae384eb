/**
 * Goal: mint, melt and restore do in the wallet what their charts say, along every way through them. Method: paths that `xstate/graph` finds
 * through a chart in the world of a mint (test/machines/paths/model.ts), the shortest to every move and the simple ones, are
 * lived by the real wallet against the simulated mint: the mint answers each request as the path says, what has to
 * happen at the mint for that happens, and after every step the operation is in the path's state. Then its process dies,
 * another finishes without faults, and the oracle compares the books.
 */
import { MINT_URL, onWallet } from '../../src/testing/environments/wallet-subject.ts'
import { fund, must } from '../../src/testing/scenarios/stage.ts'
import type { Subject } from './paths/drive.ts'
import { FREE } from './paths/exchange.ts'
import { World } from './paths/model.ts'
import { meltModel, mintModel, restoreModel } from './paths/quotes.ts'
import { keysetsUnknown, livePaths, NOT_HERE, scenario } from './paths/run.ts'

const TWO_HOURS_MS = 7_200_000
const NEVER_MS = 10_000_000_000

const mint = (name: string, imported: boolean): Subject => ({
  world: new World(mintModel(name, FREE, imported ? 'q' : null)),
  scenario: onWallet({
    kind: 'mint',
    name,
    mint: { autoPayMs: NEVER_MS, quoteTtlMs: TWO_HOURS_MS },
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      const body = JSON.stringify({ amount: 5, unit: 'sat' })
      stage.note(
        'quoteId',
        must(await stage.outside.createMintQuote(body, { signal: new AbortController().signal })).quote,
      )
    },
    drive: async () => {},
  }),
  prepare: ({ wallet, notes }) => wallet.mint.prepare({ mintUrl: MINT_URL, amount: 5, key: 'path', ...(imported && { quoteId: notes['quoteId'] as string }) }), // prettier-ignore
})

const melt = (name: string): Subject => ({
  world: new World(meltModel(name, FREE)),
  scenario: onWallet({
    kind: 'melt',
    name,
    mint: { quoteTtlMs: TWO_HOURS_MS },
    async setup(stage) {
      await fund(stage, 16)
      stage.note('invoice', stage.invoice(4))
    },
    drive: async () => {},
  }),
  prepare: ({ wallet, notes }) => wallet.melt.prepare({ mintUrl: MINT_URL, request: notes['invoice'] as string, key: 'path' }), // prettier-ignore
})

const restore = (name: string): Subject => ({
  world: new World(restoreModel(name, FREE)),
  scenario: scenario('restore', 'live-wallet'),
  prepare: ({ wallet }) => wallet.restore.prepare({ mintUrl: MINT_URL, key: 'path' }),
})

const [aQuote, aPayment] = [mint('a quote', false), melt('a payment')]

livePaths(
  'mint',
  [aQuote, keysetsUnknown(aQuote), mint('an imported quote', true)],
  [
    // Nobody pays a quote before its mint has said what it is: the explorer does.
    /mint\.quoting\.requesting: done\[0\]/,
    /mint\.deriving: done\[4\]/,
    /^answer mint\.derive: (gap|unreachable)$/,
    // Requests without an answer in a row, so many that no path is as long: the explorer and `wallet-issue` come there.
    /mint\.matching: done\[1[67]\]/,
  ],
)
livePaths(
  'melt',
  [aPayment, keysetsUnknown(aPayment)],
  [
    ...NOT_HERE,
    // There is enough, change is given and owed, and any fee is allowed.
    /melt\.selecting: done\[[013]\]/,
    /^answer melt\.select: short$/,
    // And what is chosen fits.
    /planning|reselecting|fitting|gathering|robbed|misfit|unfitted|shrinking|^answer (proofs\.select|melt\.(plan|gather)):/,
    /lastChange: done\[[234]\]|lastReading/,
    // Left out, see the model.
    /quoteExpiry|readyDeadline/,
    /melt\.lost|→ melt\.lost|spentQuarantined/,
    /judging: always\[(6|8|10|13|14)\]/,
    // No mint here forgets a quote: see `wallet-payments`.
    /melt\.asking: done\[1\]/,
    // Nonsense in a row, so often that no path is as long: the explorer and `wallet-nonsense` come there.
    /melt\.(asking|confirming): done\[2\]|unconfirmed/,
    // Keysets that are fetched are active, there is room for outputs, and change is owed for certain.
    /readying\.deriving: done\[[13]\]|^answer melt\.derive: gap$/,
    /changeless|crowded/,
    /changeOpen|changePausing|change\.none/,
    // A fence is one request, keysets that are fetched serve, and what has been read as spent twice is the payment's.
    /(outrun|halted): always\[0\]|fencing\.closed/,
    // The keysets were known when it was sent, one input makes one output, and inputs are never given up.
    /fencing\.deriving: done\[1\]|^answer exchange\.derive: stale$/,
    /fencing\.matching: done\[14\]|^answer exchange\.match: partly$/,
  ],
)
livePaths('restore', [restore('a restore')], [])
