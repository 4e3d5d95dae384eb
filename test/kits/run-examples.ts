/**
 * Runs the examples of doc comments, one after the other, on a mint in this process: `node run-examples.ts examples.json`.
 * Each example is a module whose function gets what its reader has at hand. The program prints what did not run to its end.
 */
import { readFileSync } from 'node:fs'
import { argv, stdout } from 'node:process'
import { setup } from 'xstate'
import { openWallet, type Wallet } from 'hardshell'
import { memoryClaims, memoryCredits, openBounties } from 'hardshell/bounty'
import { defineOperation, openOperations, operationsTable, repliesTable, stepsTable } from 'hardshell/kernel'
import { createMintServer } from 'hardshell/mint-server'
import { newPhrase } from 'hardshell/phrase'
import { memoryStore } from 'hardshell/store/memory'
import { defineProof, kindSubject, type KindStage } from 'hardshell/testing'

export interface RunnableExample {
  readonly name: string
  /** Its module. */
  readonly path: string
  readonly code: string
}

const seed = new Uint8Array(32).fill(3)
const lightning = { autoPayMs: 0 }
await using server = await closing(createMintServer({ store: memoryStore(), seed, lightning }))
// The same keysets at another address: the mint has moved.
await using moved = await closing(createMintServer({ store: memoryStore(), seed, lightning }))
const mintUrl = server.url
const bob = await funded(new Uint8Array(64).fill(1))
const alice = await funded(new Uint8Array(64).fill(2))
let count = 0

async function closing<T extends { close(): Promise<void> }>(opened: Promise<T>): Promise<T & AsyncDisposable> {
  const it = await opened
  return Object.assign(it, { [Symbol.asyncDispose]: () => it.close() })
}

async function funded(walletSeed: Uint8Array): Promise<Wallet> {
  const wallet = await openWallet({ store: memoryStore(), seed: walletSeed })
  await wallet.mints.trust(mintUrl)
  await (await wallet.mint.prepare({ mintUrl, amount: 4095 })).finished()
  return wallet
}

const invoice = (): string => server.backend.foreignInvoice({ amountSat: 3, memo: `bill ${++count}` })

async function tokenOf(sender: Wallet): Promise<string> {
  const send = await sender.send.prepare({ mintUrl, amount: 4 })
  return (await send.execute()).token
}

/** A kind of its reader's own: an order that can be cancelled. */
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string; item: string }; events: { type: 'cancel' } },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'open',
    states: { open: { tags: 'human', on: { cancel: 'cancelled' } }, cancelled: { type: 'final' } },
  }),
  effects: () => ({}),
  cancel: { type: 'cancel' },
  keepSnapshots: true,
  forks: (context, { id }) => ({ ...context, id }),
})
const tables = { operations: operationsTable(), replies: repliesTable(), steps: stepsTable() }
const operations = openOperations({
  store: await memoryStore().open({ version: 1, tables }),
  tables,
  kinds: [order],
  ports: {},
})

/** What its reader proves of such orders. */
const shop = { outside: () => ({}), ports: () => ({}), judge: () => [] }
const drive = async ({ operations: orders }: KindStage<object>): Promise<void> => {
  const { id } = await orders.of(order).create({ item: 'tea' }, { key: 'the only one' })
  await orders.of(order).cancel(id)
}
const proof = defineProof({ kind: order, ...shop, drive })
const scenario = { kind: 'order', name: 'paid', subject: kindSubject({ kinds: [order], ...shop }), drive }

/** An operation as the example expects it: only prepared, or already executed. */
async function idFor(code: string, wallet: Wallet): Promise<string> {
  const [, kind = 'send'] = /wallet\.(mint|melt|send|receive|swap|restore)\.get\(id\)/.exec(code) ?? []
  if (kind === 'mint') return (await wallet.mint.prepare({ mintUrl, amount: 2 })).id
  const handle = {
    melt: () => wallet.melt.prepare({ mintUrl, request: invoice() }),
    send: () => wallet.send.prepare({ mintUrl, amount: 5 }),
    receive: async () => wallet.receive.prepare({ token: await tokenOf(bob) }),
    swap: () => wallet.swap.prepare({ mintUrl, amounts: [2, 1] }),
    restore: () => wallet.restore.prepare({ mintUrl }),
  }[kind as 'melt' | 'send' | 'receive' | 'swap' | 'restore']
  const prepared = await handle()
  if (/finished\(|reclaim\(/.test(code)) await prepared.execute()
  return prepared.id
}

async function run({ path, code }: RunnableExample): Promise<void> {
  // Some examples close the wallet, or change what it trusts.
  const isOwn = /close\(|distrust\(|rebind\(/.test(code)
  const wallet = isOwn ? await funded(new Uint8Array(64).fill(10 + ++count)) : alice
  const cases: (() => unknown)[] = []
  const { example } = (await import(path)) as { example: (given: object) => Promise<void> }
  await example({
    ...{ operations, order, proof, scenario },
    ...{ wallet, mintUrl, invoice: invoice(), token: await tokenOf(bob), phrase: newPhrase(), movedTo: moved.url },
    id: /\bwallet\b.*\bid\b/s.test(code) ? await idFor(code, wallet) : '',
    send: /\bsend\.id\b/.test(code) ? await wallet.send.prepare({ mintUrl, amount: 1 }) : undefined,
    store: memoryStore(),
    seed: new Uint8Array(64).fill(5),
    key: new Uint8Array(32).fill(6),
    bounties: await openBounties({
      store: memoryStore(),
      credits: memoryCredits({ ada: 100 }),
      claims: memoryClaims(),
    }),
    test: (_: string, each: () => unknown) => cases.push(each),
  })
  for (const each of cases) await each()
}

const failures: string[] = []
for (const each of JSON.parse(readFileSync(argv[2] ?? '', 'utf8')) as RunnableExample[])
  await run(each).catch((error: unknown) => failures.push(`${each.name}: ${String(error)}`))
await Promise.all([alice.close(), bob.close()])
stdout.write(`\n${JSON.stringify(failures)}\n`, () => process.exit())
