/**
 * Goal: the inspector shows a mint and bounties as it shows a wallet, and none of their secrets. Method: both run, well and badly; all that
 * there is to be asked is asked, the stream of changes is read, and every byte is searched for what is secret in their databases.
 */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import type { Detail, Overview, SummaryPage } from '../../src/inspector/feed.ts'
import { serveInspector, type InspectorOptions } from '../../src/inspector/index.ts'
import { bountySchema } from '../../src/bounty/index.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { localSignatory, mintSchema, type Signatory } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Row, Schema, Store, StoreAdapter } from '../../src/store/port.ts'
import { DEADLINE_MS, desk } from '../kits/bounty-kit.ts'
import { secretsIn } from '../kits/secrets.ts'
import { bench, failure } from '../kits/wallet-kit.ts'

/** An inspector, asked as its page asks it; `sent` is all that it said. */
async function inspected(options: InspectorOptions) {
  const inspector = await serveInspector(options)
  onTestFinished(() => inspector.close())
  const { origin, hash } = new URL(inspector.url)
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  const sent: string[] = []
  const get = async <T>(path: string): Promise<T> => {
    const text = await (await fetch(origin + path, { headers })).text()
    sent.push(text)
    return JSON.parse(text) as T
  }
  const stream = httpRequest(`${origin}/api/changes`, { headers }).end()
  onTestFinished(() => void stream.destroy())
  const [changes] = (await once(stream, 'response')) as [IncomingMessage]
  changes.on('data', (chunk) => sent.push(String(chunk)))
  changes.on('error', () => {})
  return {
    sent,
    get,
    /** Everything, and the detail of each operation. */
    all: async (): Promise<readonly Detail[]> => {
      await get('/api/overview')
      const { operations } = await get<SummaryPage>('/api/operations?limit=2000')
      const details: Detail[] = []
      for (const { id } of operations) details.push(await get<Detail>(`/api/operations/${id}`))
      for (const name of new Set(operations.map(({ kind }) => kind))) await get(`/api/charts/${name}/1`)
      return details
    },
    act: async (id: string, act: string): Promise<number> => {
      const more = { origin, 'content-type': 'application/json' }
      const body = JSON.stringify({ id, act })
      const answer = await fetch(`${origin}/api/act`, { method: 'POST', headers: { ...headers, ...more }, body })
      sent.push(await answer.text())
      return answer.status
    },
  }
}

/** A store in memory that lets the test look into it. */
function openStore(): {
  readonly adapter: StoreAdapter
  readonly rows: (schema: Schema) => Promise<Record<string, Row[]>>
} {
  const inner = memoryStore()
  let store: Store | undefined
  return {
    adapter: { open: async (schema) => (store = await inner.open(schema)) },
    rows: async ({ tables }) => {
      const found = Object.keys(tables).map(async (table) => [table, (await store?.query({ table })) ?? []] as const)
      return Object.fromEntries(await Promise.all(found))
    },
  }
}

/** The texts of some columns. */
const texts = (rows: readonly Row[] = [], ...columns: readonly string[]): string[] =>
  rows.flatMap((row) => columns.map((column) => row[column])).flatMap((value) =>
    typeof value === 'string' && value.length >= 16 ? [value] : [],
  ) // prettier-ignore

test('all that is sent of a mint has no quote, no signature, no proof, no preimage and no key in it', async () => {
  const { adapter, rows } = openStore()
  const seed = Uint8Array.from({ length: 32 }, (_, at) => (at * 37) % 256)
  const secrets = new Set([Buffer.from(seed).toString('hex')])
  // It is asked for the public key of each private one.
  const publicKey = (key: string): string => {
    secrets.add(key)
    return nobleMintCrypto.publicKey(key)
  }
  const inner = localSignatory({ seed, crypto: { ...nobleMintCrypto, publicKey } })
  let failing = 0
  // It repeats in its errors what it was asked to sign.
  const signatory: Signatory = {
    ...inner,
    async sign(...asked) {
      if (failing-- > 0) throw new Error(`cannot sign ${JSON.stringify(asked)}`)
      return inner.sign(...asked)
    },
  }
  const on = await bench({ store: adapter, signatory })
  const { get, all, act, sent } = await inspected({ mint: on.server, write: true })
  const { wallet, wire } = await on.open('alice')
  wire.before = async (_, body) => {
    secretsIn(body, secrets)
    await all()
  }
  await wallet.mints.trust(on.mintUrl)
  failing = 1
  await (await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 500 })).finished()
  failing = 1
  const { token } = await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })).execute()
  await (await wallet.receive.prepare({ token })).execute()
  await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })).execute()
  await failure((await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20, { pay_invoice_state: 'FAILED' }) })).execute()) // prettier-ignore
  const details = await all()

  const found = await rows(mintSchema)
  for (const text of wire.traffic) secretsIn(text, secrets)
  secretsIn(found, secrets)
  for (const secret of [
    token,
    ...texts(found['operations'], 'quoteId', 'requestKey', 'snapshot', 'request'),
    ...texts(found['mintQuotes'], 'id', 'request', 'requestId', 'preimage', 'pubkey'),
    ...texts(found['meltQuotes'], 'id', 'request', 'requestId', 'preimage', 'claim'),
    ...texts(found['proofs'], 'Y', 'witness'),
    ...texts(found['signatures'], 'B_', 'C_'),
    ...texts(found['responses'], 'key', 'body'),
  ])
    secrets.add(secret)
  expect(new Set(details.map(({ summary }) => summary.kind))).toEqual(new Set(['mint-issue', 'mint-swap', 'mint-melt']))
  // Of all that is shown of a row, nothing is what the mint hides.
  for (const { hidden, row } of details) expect(hidden.filter((column) => column in row)).toEqual([])
  expect(details.every(({ acts }) => acts.every((each) => each === 'resume'))).toBe(true)
  const [some] = details
  expect(await act(some!.summary.id, 'cancel')).toBe(409)
  const { paidOut, ...sums } = (await on.server.mint.balanceSheet()).units['sat']!
  expect(await get<Overview>('/api/overview')).toMatchObject({
    totals: [{ of: { unit: 'sat' }, sums: { ...sums, 'paid out': paidOut } }],
  })

  const said = sent.join('\n')
  expect(secrets.size).toBeGreaterThan(100)
  expect(said).toContain('"type":"changes"')
  expect([...secrets].filter((secret) => said.includes(secret))).toEqual([])
})

test('a mint that is embedded is shown, and only shown unless more is asked for', async () => {
  const on = await bench({ stub: true })
  await on.funded(8)
  const { get, act } = await inspected({ mint: on.server.mint })
  const { operations } = await get<SummaryPage>('/api/operations')
  expect(operations.map(({ kind, status }) => `${kind} ${status}`)).toEqual(['mint-issue done'])
  expect(await get<Overview>('/api/overview')).toMatchObject({ write: false, role: 'owner' })
  expect(await act(operations[0]!.id, 'resume')).toBe(403)
})

test('all that is sent of bounties has no lease, no criteria and no contribution in it, and one is cancelled from the page', async () => {
  const { adapter, rows } = openStore()
  const { bounties } = await desk({ store: adapter })
  const { all, act, sent } = await inspected({ bounties, write: true })
  const secrets = ['criteria-that-are-private', 'lease-of-bob-0123456789', 'contribution-of-bob-123']
  const [criteria, key, contribution] = secrets
  const asked = { payer: 'ada', amount: 20, criteria: { says: criteria }, deadlineAt: DEADLINE_MS }
  const worked = await bounties.create(asked)
  const open = await bounties.create(asked)
  await bounties.claim(worked.id, { worker: 'bob', leaseMs: 3_600_000, key: key! })
  const claimed = await all()
  expect(claimed.map(({ summary: { id, state }, acts }) => [id, state, acts])).toEqual(
    expect.arrayContaining([
      [worked.id, 'claimed', ['resume']],
      [open.id, 'open', ['resume', 'cancel']],
    ]),
  )
  expect(await act(worked.id, 'cancel')).toBe(409)
  expect(await act(open.id, 'cancel')).toBe(200)
  expect((await bounties.finished(open.id)).state).toBe('cancelled')
  await bounties.settle(worked.id, { lease: key!, contribution: { says: contribution } }).catch(() => {})
  await all()

  const found = await rows(bountySchema)
  const stored = JSON.stringify(found)
  const said = sent.join('\n')
  expect(said).toContain(worked.id)
  // They are in the database, or were.
  expect(stored).toContain(criteria)
  const snapshots = texts(found['operations'], 'snapshot')
  expect([...secrets, ...snapshots].filter((secret) => said.includes(secret))).toEqual([])
})
