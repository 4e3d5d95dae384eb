/**
 * Goal: an operation goes on by itself after a crash in any state. Method: each state in which an operation can
 * rest is brought about on the wire; at the commit that enters it the process is dropped as SIGKILL would drop it. A
 * new process on the same file gets a working wire, and must come to the right end with the money in the right place.
 * That no state is left out is read from the charts. The many use the explorer's crypto; then the same with true crypto,
 * dropped between what the mint did and its answer.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import type { AnyStateMachine } from 'xstate'
import { melt } from '../../machines/wallet/melt.ts'
import { mint } from '../../machines/wallet/mint.ts'
import { receive } from '../../machines/wallet/receive.ts'
import { restore } from '../../machines/wallet/restore.ts'
import { send } from '../../machines/wallet/send.ts'
import { swap } from '../../machines/wallet/swap.ts'
import { stateNodes } from '../../src/kernel/define/chart.ts'
import { bolt11 } from '../../src/mint-server/lightning/bolt11.ts'
import { preimageOf } from '../../src/mint-server/lightning/fake-backend.ts'
import type { MintServerOptions } from '../../src/mint-server/index.ts'
import { decide } from '../kits/mint-server-client.ts'
import {
  bench,
  eventually,
  forged,
  money,
  reached,
  type Bench,
  type Answer,
  type Opened,
  type Plan,
} from '../kits/wallet-kit.ts'

interface Scenario {
  readonly kind: string
  readonly state: string
  readonly mint?: Partial<MintServerOptions>
  /** Money that the wallet has first. */
  readonly funds?: number
  /** What happens on the wire, from the operation's start. */
  readonly plan?: Plan
  /** Starts the operation; runs into the drop. */
  start(bench: Bench, process: Opened): Promise<unknown>
  /** What the caller or the world does once the next process is there. */
  next?(bench: Bench, process: Opened, id: string): Promise<unknown>
  /** The chart's last state. */
  readonly end: string
  /** The wallet's money in the end, and the mint's. */
  readonly money: Partial<Record<'spendable' | 'reserved' | 'outstanding' | 'held', number>>
  readonly owed: number
}

const MINT = /POST \/v1\/mint\/bolt11$/
const MINT_QUOTE = /GET \/v1\/mint\/quote/
const SWAP = /POST \/v1\/swap/
const CHECK = /POST \/v1\/checkstate/
const RESTORE = /POST \/v1\/restore/
const KEYSETS = /GET \/v1\/keysets/
const MELT = /POST \/v1\/melt\/bolt11$/
const MELT_QUOTE = /GET \/v1\/melt\/quote/
const inactive = { code: 12_002, detail: 'keyset is inactive' }
const meant = { code: 0, detail: 'it is not told' }
/** It lists no active keyset. */
const shut = (body: Answer): Answer => ({
  ...body,
  keysets: (body['keysets'] as readonly object[]).map((keyset) => ({ ...keyset, active: false })),
})
/** So often that the mint means it. */
const unwilling: Plan = Array.from({ length: 8 }, () => [RESTORE, meant])
const odd = { code: 0, detail: 'database is locked' }

const resumed = (_: Bench, { wallet }: Opened, id: string): Promise<void> => wallet.operations.resume(id)
const minting = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'mint',
  state,
  start: ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 100, key: 'mint' }),
  end: 'issued',
  money: { spendable: 100 },
  owed: 100,
  ...rest,
})

/** A quote that was made by other software. */
async function foreignQuote({ mintUrl }: Bench): Promise<string> {
  const body = JSON.stringify({ amount: 100, unit: 'sat' })
  const answer = await fetch(`${mintUrl}/v1/mint/quote/bolt11`, { method: 'POST', body })
  return ((await answer.json()) as { quote: string }).quote
}
const importing = async (on: Bench, { wallet }: Opened): Promise<unknown> =>
  wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 100, quoteId: await foreignQuote(on) })
const issued = (body: Answer): Answer => ({ ...body, state: 'ISSUED' })
/** A quote paid after the wallet had given it up. */
const paidLate: Partial<Scenario> = {
  mint: { lightning: {} },
  async next({ server, rows }, { wallet }, id) {
    const { quoteId } = (await rows())['operations']!.find((row) => row['id'] === id)!
    const { body } = await server.mint.handle('GET', `/v1/mint/quote/bolt11/${quoteId as string}`)
    await server.backend.settle(
      server.backend.decode('bolt11', (JSON.parse(body) as { request: string }).request)!.requestId,
    )
    await (await wallet.mint.get(id)).refresh()
  },
}

const DAY_MS = 86_400_000
/** The mint is out of reach as seven days end; the quote was paid at the last moment, or never. */
const weekAfterCancel =
  (paid: boolean) =>
  async ({ mintUrl, server: { backend } }: Bench, { wallet, wire, clock }: Opened): Promise<void> => {
    const handle = await wallet.mint.prepare({ mintUrl, amount: 100 })
    await handle.cancel()
    wire.always = 'down'
    if (paid) await backend.settle(backend.decode('bolt11', handle.quote.request)!.requestId)
    clock.jump(8 * DAY_MS)
  }

/** The exchange, in whatever kind embeds it. */
const exchange = (of: (state: string, rest: Partial<Scenario>) => Scenario, prefix: string): Scenario[] =>
  (
    [
      ['swapping', {}],
      ['backoff', { plan: [[SWAP, 'lost']] }],
      ['checking', { plan: [[SWAP, 'garbled']] }],
      ['restoring', { plan: [[SWAP, 'garbled']] }],
      [
        'pausing',
        {
          plan: [
            [SWAP, 'garbled'],
            [CHECK, 'down'],
          ],
        },
      ],
      ['refreshing', { plan: [[SWAP, inactive]] }],
      [
        'waiting',
        {
          plan: [
            [SWAP, inactive],
            [KEYSETS, 'down'],
          ],
        },
      ],
      [
        'blocked',
        {
          plan: [
            [SWAP, 'garbled'],
            [CHECK, meant],
          ],
          next: resumed,
        },
      ],
      [
        'closed',
        {
          plan: [
            [SWAP, inactive],
            [KEYSETS, shut],
          ],
        },
      ],
      [
        'quarantined',
        {
          plan: [
            [SWAP, 'garbled'],
            [RESTORE, forged],
          ],
          next: resumed,
        },
      ],
    ] as const
  ).map(([state, rest]) => of(`${prefix}.${state}`, rest as Partial<Scenario>))

/** Receives 60 that somebody else sends. */
const taking =
  (options: { readonly atLeast?: number } = {}): Scenario['start'] =>
  async (on, { wallet }) => {
    const payer = await on.funded(60, 'bob')
    const { token } = await (await payer.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 60 })).execute()
    return (await wallet.receive.prepare({ token, key: 'receive', ...options })).execute()
  }

const receiving = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'receive',
  state,
  start: taking(),
  end: 'received',
  money: { spendable: 60 },
  owed: 60,
  ...rest,
})

const swapping = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'swap',
  state,
  funds: 64,
  start: async ({ mintUrl }, { wallet }) =>
    (await wallet.swap.prepare({ mintUrl, amounts: [16, 16, 8], key: 'swap' })).execute(),
  end: 'swapped',
  money: { spendable: 64 },
  owed: 64,
  ...rest,
})

const sending = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'send',
  state,
  funds: 64,
  start: async ({ mintUrl }, { wallet }) => (await wallet.send.prepare({ mintUrl, amount: 21, key: 'send' })).execute(),
  end: 'tokenCreated',
  money: { spendable: 43, outstanding: 21 },
  owed: 64,
  ...rest,
})

const reclaiming = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  ...sending(state),
  async start({ mintUrl }, { wallet, wire }) {
    const { plan } = wire
    wire.plan = []
    const handle = await wallet.send.prepare({ mintUrl, amount: 21, key: 'send' })
    await handle.execute()
    wire.plan = plan
    return handle.reclaim()
  },
  end: 'reclaimed',
  money: { spendable: 64 },
  ...rest,
})

const melting = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'melt',
  state,
  funds: 100,
  start: async (on, { wallet }) =>
    (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50), key: 'melt' })).execute(),
  end: 'paid',
  // The fake Lightning takes 1 sat.
  money: { spendable: 49 },
  owed: 49,
  ...rest,
})
const paying =
  (memo: object) =>
  async (on: Bench, { wallet }: Opened): Promise<unknown> =>
    (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50, memo), key: 'melt' })).execute()
const unpaid: Partial<Scenario> = { end: 'failed', money: { spendable: 100 }, owed: 100 }
const withoutChange = ({ change: _, ...body }: Answer): Answer => body
/** No keyset is known to be active: the wallet must fetch them. */
const keysetsForgotten = async (on: Bench, { wallet, wire }: Opened): Promise<unknown> => {
  const { plan } = wire
  wire.plan = []
  const handle = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50) })
  const [keyset] = (await on.rows())['keysets']!
  await on.tamper((store) =>
    store.commit([{ patch: 'keysets', key: [on.mintUrl, keyset!['id'] as string], set: { active: 0 } }]),
  )
  wire.plan = plan
  return handle.execute()
}
/** No more outputs may be made before one of them is signed. */
const crowded = async (on: Bench, { wallet }: Opened): Promise<unknown> => {
  const handle = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50) })
  const [counter] = (await on.rows())['counters']!
  await on.tamper((store) =>
    store.commit([{ put: 'counters', row: { ...counter!, next: (counter!['signed'] as number) + 150 } }]),
  )
  return handle.execute()
}
const retired = ({ keysets, ...body }: Answer): Answer => ({
  ...body,
  keysets: (keysets as object[]).map((keyset) => ({ ...keyset, active: false })),
})
const weekAfterPayment = async (on: Bench, process: Opened): Promise<void> => {
  const pending = reached(process, 'melt', 'changePending')
  const handle = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50) })
  void handle.execute().catch(() => {})
  await pending
  process.wire.always = 'down'
  process.clock.jump(8 * DAY_MS)
}
/** The mint restores nothing, and for a week nothing is heard of the quote. */
const weekWithoutRestores = async (on: Bench, process: Opened): Promise<void> => {
  // Asked once when it is paid; then by each poll, and at last, after the restore for the quote.
  const refused = [RESTORE, { code: 0, detail: 'not today' }] as const
  const polls = Array.from({ length: 10 }, () => [refused, [MELT_QUOTE, 'down']] as const)
  process.wire.plan.push(refused, ...polls.flat())
  const pending = reached(process, 'melt', 'changePending')
  const handle = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(50) })
  void handle.execute().catch(() => {})
  await pending
  process.clock.jump(8 * DAY_MS)
}
/** The first answer is lost, and the mint's next one says nothing of the change. */
const changeForgotten: Partial<Scenario> = {
  plan: [
    [MELT, 'garbled'],
    [MELT_QUOTE, withoutChange],
  ],
}
const unpaidSays = (body: Answer): Answer => ({ ...body, state: 'UNPAID', payment_preimage: null, change: undefined })
const quoteIdOf = async ({ rows }: Bench, id: string): Promise<string> =>
  (await rows())['operations']!.find((row) => row['id'] === id)!['quoteId'] as string
/** The mint gives the proof of a payment that it says it has not made. */
const provenUnpaid = (body: Answer): Answer => {
  const { paymentSecret } = bolt11.decode(body['request'] as string)!
  return { ...body, state: 'UNPAID', payment_preimage: bytesToHex(preimageOf(hexToBytes(paymentSecret))) }
}
/** The mint gives no change, and the coins are others than are needed. */
const fitting = (state: string, rest: Partial<Scenario> = {}): Scenario =>
  melting(state, { mint: { without: [8], feeReserve: () => 1 }, ...rest })
/** What was paid is all that there was, and the first answer is lost. */
const nothingOwed: Partial<Scenario> = {
  ...changeForgotten,
  mint: { feeReserve: () => 1 },
  funds: 51,
  money: {},
  owed: 0,
}
/** The request to pay gets lost twice: the inputs are taken back. */
const fencing = (state: string, { plan = [], ...rest }: Partial<Scenario>): Scenario =>
  melting(state, { ...unpaid, ...rest, plan: [[MELT, 'down'], [MELT, 'down'], ...plan] })

/** The wallet loses its proofs, and restores what can be had. */
async function lost(on: Bench, wallet: Opened['wallet']): Promise<{ readonly id: string }> {
  const proofs = (await on.rows())['proofs']!
  await on.tamper((store) => store.commit(proofs.map(({ Y }) => ({ delete: 'proofs', key: [Y as string] }))))
  const restore = await wallet.restore.prepare({ mintUrl: on.mintUrl, key: 'restore' })
  return restore.execute()
}

const restoring = (state: string, rest: Partial<Scenario> = {}): Scenario => ({
  kind: 'restore',
  state,
  funds: 77,
  start: (on, { wallet }) => lost(on, wallet),
  end: 'restored',
  money: { spendable: 77 },
  owed: 77,
  ...rest,
})

const scenarios: readonly Scenario[] = [
  minting('quoting.requesting'),
  minting('quoting.repeating', { plan: [[/POST \/v1\/mint\/quote/, 'lost']] }),
  minting('importing.requesting', { start: importing }),
  minting('importing.repeating', { start: importing, plan: [[MINT_QUOTE, 'down']] }),
  minting('unpaid'),
  minting('minting'),
  minting('retrying', { plan: [[MINT, 'lost']] }),
  minting('asking', { plan: [[MINT, 'garbled']] }),
  minting('restoring', { plan: [[MINT, 'portal']] }),
  minting('pausing', {
    plan: [
      [MINT, 'garbled'],
      [MINT_QUOTE, 'down'],
    ],
  }),
  minting('refreshing', { plan: [[MINT, inactive]] }),
  minting('waiting', {
    plan: [
      [MINT, inactive],
      [KEYSETS, 'down'],
    ],
  }),
  minting('blocked', {
    plan: [
      [MINT, odd],
      [MINT, odd],
      [MINT, odd],
    ],
    next: resumed,
  }),
  minting('quarantined', {
    plan: [
      [MINT, 'portal'],
      [MINT_QUOTE, issued],
    ],
    next: resumed,
  }),
  minting('cancelled', {
    ...paidLate,
    start: async ({ mintUrl }, { wallet }) => (await wallet.mint.prepare({ mintUrl, amount: 100 })).cancel(),
  }),
  minting('parting', { mint: { lightning: {} }, start: weekAfterCancel(false), end: 'closed', money: {}, owed: 0 }),
  minting('leaving', { mint: { lightning: {} }, start: weekAfterCancel(true) }),
  minting('closing', { ...paidLate, mint: { lightning: {}, quoteTtlMs: 50 } }),
  minting('lingering', {
    ...paidLate,
    mint: { lightning: {}, quoteTtlMs: 50 },
    plan: [
      [MINT_QUOTE, 'down'],
      [MINT_QUOTE, 'down'],
    ],
  }),
  minting('expired', { ...paidLate, mint: { lightning: {}, quoteTtlMs: 50 } }),

  receiving('prepared', {
    next: async (_, { wallet }, id) => (await wallet.receive.get(id)).execute(),
  }),
  receiving('asking', { start: taking({ atLeast: 60 }) }),
  receiving('pausing', { start: taking({ atLeast: 60 }), plan: [[/POST \/v1\/checkstate/, 'down']] }),
  ...exchange(receiving, 'exchanging'),

  swapping('prepared', { next: async (_, { wallet }, id) => (await wallet.swap.get(id)).execute() }),
  ...exchange(swapping, 'exchanging'),

  sending('prepared', { next: async (_, { wallet }, id) => (await wallet.send.get(id)).execute() }),
  ...exchange(sending, 'exchanging'),
  sending('tokenCreated', {
    next: async (_, { wallet }, id) => (await wallet.send.get(id)).reclaim(),
    end: 'reclaimed',
    money: { spendable: 64 },
  }),
  ...exchange(reclaiming, 'reclaiming'),

  // Nothing executes it: it waits until its deadline.
  melting('quoting.requesting', { end: 'prepared', money: { spendable: 36, reserved: 64 }, owed: 100 }),
  melting('quoting.repeating', {
    plan: [[/POST \/v1\/melt\/quote/, 'lost']],
    end: 'prepared',
    money: { spendable: 36, reserved: 64 },
    owed: 100,
  }),
  melting('prepared', { next: async (_, { wallet }, id) => (await wallet.melt.get(id)).execute() }),
  ...exchange(fitting, 'fitting'),
  melting('readying.refreshing', { start: keysetsForgotten }),
  melting('readying.waiting', { start: keysetsForgotten, plan: [[KEYSETS, 'down']] }),
  melting('readying.changeless', { start: keysetsForgotten, plan: [[KEYSETS, retired]] }),
  melting('readying.crowded', {
    start: crowded,
    next: async (on, process, id) => {
      await (await process.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1] })).execute()
      await resumed(on, process, id)
    },
  }),
  melting('melting'),
  melting('checking', { plan: [[MELT, 'lost']] }),
  melting('asking', { plan: [[MELT, 'lost']] }),
  melting('pausing', {
    plan: [
      [MELT, 'lost'],
      [CHECK, 'down'],
    ],
  }),
  melting('paymentPending', {
    start: paying({ pay_invoice_state: 'PENDING', check_payment_state: 'PENDING' }),
    next: async (on, _, id) => decide(on.server, await quoteIdOf(on, id), 'paid'),
  }),
  ...exchange(fencing, 'fencing'),
  fencing('confirming', {}),
  fencing('confirmPausing', {
    plan: [
      [SWAP, (body) => body],
      [MELT_QUOTE, 'down'],
    ],
  }),
  fencing('unconfirmed', {
    plan: [[SWAP, (body) => body], ...Array.from({ length: 8 }, () => [MELT_QUOTE, 'portal'] as const)],
    next: resumed,
  }),
  melting('changeOpen', nothingOwed),
  melting('changePausing', nothingOwed),
  melting('changePending', changeForgotten),
  melting('lastChange', { ...changeForgotten, start: weekAfterPayment }),
  melting('lastReading', { ...nothingOwed, start: weekWithoutRestores }),
  melting('changeMissing', { ...changeForgotten, start: weekAfterPayment }),
  fencing('blocked', {
    plan: [1, 2, 3].map(() => [SWAP, { code: 0, detail: 'not today' }] as const),
    next: resumed,
  }),
  melting('quarantined', {
    plan: [
      [MELT, 'portal'],
      [MELT_QUOTE, provenUnpaid],
    ],
    next: resumed,
  }),
  melting('spentQuarantined', {
    plan: [
      [MELT, 'garbled'],
      [MELT_QUOTE, unpaidSays],
      [MELT_QUOTE, unpaidSays],
    ],
    next: resumed,
  }),

  restoring('prepared', { next: async (_, { wallet }, id) => (await wallet.restore.get(id)).execute() }),
  restoring('listing'),
  restoring('waiting', { plan: [[KEYSETS, 'down']] }),
  restoring('scanning'),
  restoring('pausing', { plan: [[RESTORE, 'down']] }),
  restoring('checking'),
  restoring('resting', { plan: [[CHECK, 'down']] }),
  restoring('incomplete', { plan: unwilling, next: resumed }),
  restoring('relisting', {
    plan: unwilling,
    async start(on, { wallet }) {
      const { id } = await lost(on, wallet)
      await wallet.operations.resume(id)
    },
  }),
]

async function expectToGoOn(scenario: Scenario, drop: 'at the commit' | 'when applied'): Promise<void> {
  const { kind, state, funds, plan = [] } = scenario
  const on = await bench({ stub: drop === 'at the commit', ...scenario.mint })
  const first = funds === undefined ? await on.open() : await on.funded(funds)
  if (funds === undefined) await first.wallet.mints.trust(on.mintUrl)
  first.wire.plan = [...plan]
  let dropped: string | undefined
  const die = (id: string): void => {
    first.drop()
    dropped ??= id
  }
  let current = ''
  first.wallet.on('operation', (event) => {
    if (event.kind !== kind || dropped !== undefined) return
    current = event.id
    if (drop === 'at the commit' && event.state === state) die(event.id)
  })
  first.wire.onApplied = () => die(current)
  void scenario.start(on, first).catch(() => {})
  await eventually(`${kind} comes to ${state}`, () => dropped !== undefined)
  const id = dropped!

  const second = await on.open()
  const report = await second.wallet.operations.resumed()
  expect(report.find((found) => found.id === id)).toMatchObject({ kind, state })
  await scenario.next?.(on, second, id)
  let last = ''
  await eventually(`${kind} goes from ${state} to ${scenario.end}, is in ${last}`, async () => {
    last = (await second.wallet.operations.get(id)).state
    return last === scenario.end
  })
  expect(await money(second)).toEqual({ spendable: 0, reserved: 0, outstanding: 0, held: 0, ...scenario.money })
  expect(await on.outstanding()).toBe(scenario.owed)
}

describe('dropped at the commit that enters it, it goes on:', () => {
  test.each(scenarios.map((scenario) => [`${scenario.kind} ${scenario.state}`, scenario] as const))(
    '%s',
    (_, scenario) => expectToGoOn(scenario, 'at the commit'),
  )

  test('no state is left out', () => {
    const resting = (machine: AnyStateMachine): string[] =>
      stateNodes(machine)
        .filter(
          ({ type, tags, always }) =>
            type === 'atomic' && !tags.includes('local') && !always?.some(({ guard }) => guard === undefined),
        )
        .map(({ path }) => `${machine.id} ${path.join('.')}`)
    const all = [mint, melt, receive, restore, send, swap].flatMap(resting)
    expect(scenarios.map(({ kind, state }) => `${kind} ${state}`).toSorted()).toEqual(all.toSorted())
  })
})

describe('dropped after the mint did it, and before it could say so, it goes on:', () => {
  const applied: readonly Scenario[] = [
    minting('quoting.requesting', { plan: [[/POST \/v1\/mint\/quote/, 'applied']] }),
    minting('minting', { plan: [[MINT, 'applied']] }),
    receiving('exchanging.swapping', { plan: [[SWAP, 'applied']] }),
    swapping('exchanging.swapping', { plan: [[SWAP, 'applied']] }),
    sending('exchanging.swapping', { plan: [[SWAP, 'applied']] }),
    reclaiming('reclaiming.swapping', { plan: [[SWAP, 'applied']] }),
    melting('melting', { plan: [[MELT, 'applied']] }),
    melting('melting', { start: paying({ pay_invoice_state: 'FAILED' }), plan: [[MELT, 'applied']], ...unpaid }),
    fencing('fencing.swapping', { plan: [[SWAP, 'applied']] }),
    restoring('scanning', { plan: [[RESTORE, 'applied']] }),
  ]
  test.each(applied.map((scenario) => [`${scenario.kind} ${scenario.state}`, scenario] as const))('%s', (_, scenario) =>
    expectToGoOn(scenario, 'when applied'),
  )
})
