/**
 * Goal: bad input gets a coded error, or a TypeError that names the argument, and changes nothing. Method: every bad
 * call is made on a wallet with money; its rows before and after must be the same, and no request may be made that
 * changes anything at the mint.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { openWallet } from '../../src/index.ts'
import { createMintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Row } from '../../src/store/port.ts'
import { bench, failure, type Bench, type Opened } from '../kits/wallet-kit.ts'

type Call = (on: Bench, process: Opened) => Promise<unknown>
/** A code; or, in front of a colon, the argument that a TypeError names. */
type Wanted = string

/** As JavaScript callers call it. */
const odd = (value: unknown): never => value as never
const elsewhere = 'http://127.0.0.1:1'

const amounts: readonly [string, unknown][] = [
  ['zero', 0],
  ['negative', -1],
  ['fractional', 1.5],
  ['no number', Number.NaN],
  ['infinite', Number.POSITIVE_INFINITY],
  ['a text that is no number', 'ten'],
  ['a negative text', '-1'],
  ['a fractional text', '1.5'],
  ['a negative bigint', -1n],
  ['beyond 2^53', 2n ** 53n],
  ['missing', undefined],
  ['null', null],
]

const calls: readonly [string, Call, Wanted][] = [
  ...amounts.flatMap(([name, amount]): [string, Call, Wanted][] => [
    [
      `mint: an amount that is ${name}`,
      ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: odd(amount) }),
      'amount:',
    ],
    [
      `send: an amount that is ${name}`,
      ({ mintUrl }, { wallet }) => wallet.send.prepare({ mintUrl, amount: odd(amount) }),
      'amount:',
    ],
    [
      `swap: an amount that is ${name}`,
      ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: [1, odd(amount)] }),
      'amounts[1]:',
    ],
  ]),
  ['swap: no amounts', ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: [] }), 'amounts:'],
  [
    'swap: too many amounts',
    ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: Array<number>(65).fill(1) }),
    'amounts:',
  ],
  [
    'swap: amounts missing',
    ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: odd(undefined) }),
    'amounts:',
  ],

  [
    'mint: a mint never trusted',
    (_, { wallet }) => wallet.mint.prepare({ mintUrl: elsewhere, amount: 1 }),
    'MINT_UNKNOWN',
  ],
  [
    'send: a mint never trusted',
    (_, { wallet }) => wallet.send.prepare({ mintUrl: elsewhere, amount: 1 }),
    'MINT_UNKNOWN',
  ],
  [
    'swap: a mint never trusted',
    (_, { wallet }) => wallet.swap.prepare({ mintUrl: elsewhere, amounts: [1] }),
    'MINT_UNKNOWN',
  ],
  [
    'melt: a mint never trusted',
    (on, { wallet }) => wallet.melt.prepare({ mintUrl: elsewhere, request: on.invoice(1) }),
    'MINT_UNKNOWN',
  ],
  ['restore: a mint never trusted', (_, { wallet }) => wallet.restore.prepare({ mintUrl: elsewhere }), 'MINT_UNKNOWN'],
  ['refresh: a mint never trusted', (_, { wallet }) => wallet.mints.refresh(elsewhere), 'MINT_UNKNOWN'],
  ['distrust: a mint never trusted', (_, { wallet }) => wallet.mints.distrust(elsewhere), 'MINT_UNKNOWN'],

  [
    'mint: an address that is none',
    (_, { wallet }) => wallet.mint.prepare({ mintUrl: 'the mint', amount: 1 }),
    'MINT_URL_MALFORMED',
  ],
  [
    'mint: no address',
    (_, { wallet }) => wallet.mint.prepare({ mintUrl: odd(undefined), amount: 1 }),
    'MINT_URL_MALFORMED',
  ],
  ['trust: an address that is none', (_, { wallet }) => wallet.mints.trust('ftp://mint.test'), 'MINT_URL_MALFORMED'],

  [
    'mint: a unit the mint does not have',
    ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 1, unit: 'usd' }),
    'UNIT_UNKNOWN',
  ],
  [
    'send: a unit the mint does not have',
    ({ mintUrl }, { wallet }) => wallet.send.prepare({ mintUrl, amount: 1, unit: 'usd' }),
    'UNIT_UNKNOWN',
  ],
  [
    'swap: a unit the mint does not have',
    ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: [1], unit: 'usd' }),
    'UNIT_UNKNOWN',
  ],
  [
    'melt: a unit the mint does not have',
    (on, { wallet }) => wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(1), unit: 'usd' }),
    'UNIT_UNKNOWN',
  ],
  [
    'restore: a unit the mint does not have',
    ({ mintUrl }, { wallet }) => wallet.restore.prepare({ mintUrl, unit: 'usd' }),
    'UNIT_UNKNOWN',
  ],

  [
    'send: more than there is',
    ({ mintUrl }, { wallet }) => wallet.send.prepare({ mintUrl, amount: 101 }),
    'INSUFFICIENT_FUNDS',
  ],
  [
    'swap: more than there is',
    ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: [64, 64] }),
    'INSUFFICIENT_FUNDS',
  ],

  ['receive: not a token', (_, { wallet }) => wallet.receive.prepare({ token: 'hello' }), 'TOKEN_MALFORMED'],
  ['receive: an empty token', (_, { wallet }) => wallet.receive.prepare({ token: '' }), 'TOKEN_MALFORMED'],
  [
    'receive: a token cut off',
    (_, { wallet }) => wallet.receive.prepare({ token: tokenText.slice(0, -9) }),
    'TOKEN_MALFORMED',
  ],
  [
    'receive: a token with a letter changed',
    (_, { wallet }) => wallet.receive.prepare({ token: `${tokenText.slice(0, 40)}!${tokenText.slice(41)}` }),
    'TOKEN_MALFORMED',
  ],
  ['receive: no token', (_, { wallet }) => wallet.receive.prepare({ token: odd(undefined) }), 'token:'],

  [
    'melt: not an invoice',
    ({ mintUrl }, { wallet }) => wallet.melt.prepare({ mintUrl, request: 'hello' }),
    'INVOICE_MALFORMED',
  ],
  [
    'melt: an invoice cut off',
    (on, { wallet }) => wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(1).slice(0, -3) }),
    'INVOICE_MALFORMED',
  ],
  [
    'melt: an invoice that leaves the amount open',
    (on, { wallet }) => wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.server.backend.foreignInvoice({}) }),
    'AMOUNT_MISSING',
  ],
  [
    'melt: no invoice',
    ({ mintUrl }, { wallet }) => wallet.melt.prepare({ mintUrl, request: odd(undefined) }),
    'request:',
  ],

  [
    'key: of another kind',
    ({ mintUrl }, { wallet }) => wallet.send.prepare({ mintUrl, amount: 1, key: 'used' }),
    'KEY_REUSED',
  ],
  [
    'key: of another input',
    ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 101, key: 'used' }),
    'KEY_REUSED',
  ],

  ['get: an id that is not there', (_, { wallet }) => wallet.send.get('nobody'), 'NOT_FOUND'],
  ['get: an operation of another kind', async (on, { wallet }) => wallet.send.get(await mintId(on)), 'NOT_FOUND'],
  ['operations.get: an id that is not there', (_, { wallet }) => wallet.operations.get('nobody'), 'NOT_FOUND'],
  ['operations.explain: an id that is not there', (_, { wallet }) => wallet.operations.explain('nobody'), 'NOT_FOUND'],
  ['operations.resume: an id that is not there', (_, { wallet }) => wallet.operations.resume('nobody'), 'NOT_FOUND'],
  ['operations.cancel: an id that is not there', (_, { wallet }) => wallet.operations.cancel('nobody'), 'NOT_FOUND'],
  [
    'operations.cancel: one that has ended',
    async (on, { wallet }) => wallet.operations.cancel(await mintId(on)),
    'INVALID_STATE',
  ],
  ['history: a limit of zero', (_, { wallet }) => wallet.history.list({ limit: 0 }), 'limit:'],
  ['history: a limit that is no whole number', (_, { wallet }) => wallet.history.list({ limit: 1.5 }), 'limit:'],
]

const mintId = async (on: Bench): Promise<string> =>
  (await on.rows())['operations']!.find(({ kind }) => kind === 'mint')!['id'] as string
let tokenText = ''

beforeAll(async () => {
  const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
  const wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(9) })
  await wallet.mints.trust(server.url)
  const mint = await wallet.mint.prepare({ mintUrl: server.url, amount: 8 })
  await mint.refresh()
  await mint.finished()
  tokenText = (await (await wallet.send.prepare({ mintUrl: server.url, amount: 8 })).execute()).token
  await wallet.close()
  await server.close()
})

const expectError = (error: Error & { code?: string }, wanted: Wanted): void =>
  expect(error instanceof TypeError ? error.message.slice(0, wanted.length) : error.code, error.message).toBe(wanted)

/** Everything but when a mint was last asked for its settings. */
const lasting = (rows: Record<string, Row[]>): unknown =>
  JSON.parse(JSON.stringify(rows, (key, value: unknown) => (key === 'infoAt' ? null : value)))

test('bad input gets a coded error or a TypeError naming the argument, and changes nothing', async () => {
  const on = await bench()
  const process = await on.open()
  await process.wallet.mints.trust(on.mintUrl)
  const mint = await process.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 100, key: 'used' })
  await mint.refresh()
  await mint.finished()
  const wrong: string[] = []
  for (const [name, call, wanted] of calls) {
    const before = lasting(await on.rows())
    const requests = process.wire.count(/POST/)
    try {
      expectError(await failure(call(on, process)), wanted)
      expect(lasting(await on.rows())).toEqual(before)
      expect(process.wire.count(/POST/)).toBe(requests)
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  expect(wrong).toEqual([])
})

describe('a closed wallet', () => {
  const closed: readonly [string, Call][] = [
    ['mint', ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 1 })],
    ['send', ({ mintUrl }, { wallet }) => wallet.send.prepare({ mintUrl, amount: 1 })],
    ['receive', (_, { wallet }) => wallet.receive.prepare({ token: tokenText })],
    ['melt', (on, { wallet }) => wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(1) })],
    ['swap', ({ mintUrl }, { wallet }) => wallet.swap.prepare({ mintUrl, amounts: [1] })],
    ['restore', ({ mintUrl }, { wallet }) => wallet.restore.prepare({ mintUrl })],
    ['trust', ({ mintUrl }, { wallet }) => wallet.mints.trust(mintUrl)],
    ['balances', (_, { wallet }) => wallet.balances()],
    ['history', (_, { wallet }) => wallet.history.list()],
    ['operations.list', (_, { wallet }) => wallet.operations.list()],
    ['operations.explain', (_, { wallet }) => wallet.operations.explain('any')],
    ['operations.resume', (_, { wallet }) => wallet.operations.resume('any')],
    ['operations.cancel', (_, { wallet }) => wallet.operations.cancel('any')],
  ]
  test('rejects every call with CLOSED, and contacts nobody', async () => {
    const on = await bench()
    const process = await on.funded(8)
    const send = await process.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
    await process.wallet.close()
    const before = await on.rows()
    const requests = process.wire.requests.length
    const codes: (string | undefined)[] = []
    for (const [name, call] of closed) {
      const { code, message } = await failure(call(on, process))
      codes.push(`${name} ${code ?? message}`)
    }
    expect(codes).toEqual(closed.map(([name]) => `${name} CLOSED`))
    for (const call of [send.execute(), send.cancel(), send.finished(), send.refresh(), send.reclaim()])
      expect(await failure(call)).toMatchObject({ code: 'CLOSED' })
    expect(await on.rows()).toEqual(before)
    expect(process.wire.requests).toHaveLength(requests)
  })
})

describe('opening', () => {
  test.each([
    ['no seed', undefined],
    ['a text for a seed', 'abandon abandon abandon'],
    ['a seed that is too short', new Uint8Array(15)],
    ['a seed that is too long', new Uint8Array(65)],
  ])('with %s is refused, before anything is opened', async (_, seed) => {
    let opened = 0
    const store = {
      open: () => {
        opened += 1
        return Promise.reject(new Error('opened'))
      },
    }
    expectError(await failure(openWallet({ store, seed: odd(seed) })), 'seed:')
    expect(opened).toBe(0)
  })

  test('with no store is refused', async () => {
    expectError(await failure(openWallet({ store: odd(undefined), seed: new Uint8Array(64) })), 'store:')
  })
})

test('what a mint refuses is kept as a failure, with its word', async () => {
  const on = await bench({ maxAmount: 50 })
  const { wallet, wire } = await on.open()
  // What it takes, it does not say.
  wire.dialect = { info: 'missing' }
  await wallet.mints.trust(on.mintUrl)
  const error = await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 51 }))
  expect(error).toMatchObject({ code: 'REFUSED' })
  expect(await wallet.operations.get(error.operationId!)).toMatchObject({ kind: 'mint', state: 'failed' })
  expect(await wallet.history.list()).toMatchObject([{ kind: 'mint', status: 'failed', error: { code: 'REFUSED' } }])
})
