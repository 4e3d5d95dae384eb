/**
 * Goal: a wallet and a mint keep what their operations went through, and no secret of it; databases from before get the table.
 * Method: operations over HTTP with true crypto, on SQLite, with requests that go wrong; files that were written without the table.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openWallet } from '../../src/index.ts'
import type { OperationKind } from '../../src/kernel/index.ts'
import { mintSchema } from '../../src/mint-server/index.ts'
import { mintKinds } from '../../src/mint-server/operations/index.ts'
import type { Schema } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { walletKinds } from '../../src/wallet/kinds/index.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { bench } from '../kits/wallet-kit.ts'

/** A schema as it was before there were steps. */
const before = ({ tables: { steps: _, ...tables } }: Schema): Schema => ({ version: 1, tables })

const path = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-steps-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return join(dir, 'a.db')
}

test('an operation says what the mint answered, and when', async () => {
  const on = await bench()
  const { wallet, wire } = await on.funded(64)
  wire.plan = [[/swap/, 'lost']]
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  await swap.execute()
  const steps = await wallet.operations.steps(swap.id)
  const answers = steps.flatMap(({ src, answer }) => (src === null ? [] : [`${src} ${answer}`]))
  expect(answers[0]).toBe('mint.swap unknown')
  expect(answers.at(-1)).toMatch(/ ok$/)
  expect(steps.map(({ version }) => version)).toEqual(Array.from({ length: swap.version }, (_, at) => at + 1))
  expect([steps[0]?.to, steps.at(-1)?.to]).toEqual(['prepared', 'swapped'])
  expect(steps.map(({ from }) => from)).toEqual([null, ...steps.map(({ to }) => to).slice(0, -1)])
  for (const { src, tookMs } of steps) expect(tookMs === null).toBe(src === null)
  const { lastAnswer } = await wallet.operations.explain(swap.id)
  expect(lastAnswer).toMatchObject({ answer: 'ok' })
  expect((await wallet.operations.export(swap.id))['steps']).toEqual(steps)
  expect(await wallet.operations.steps(swap.id, { after: 1, limit: 1 })).toEqual([steps[1]])
})

test('no steps are kept where they are switched off', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open('quiet', { keepSteps: false })
  await wallet.mints.trust(on.mintUrl)
  const { id } = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 })
  expect(await wallet.operations.steps(id)).toEqual([])
  expect((await on.rows('quiet'))['steps']).toEqual([])
})

test('a database from before gets the table when it is opened', async () => {
  const [walletPath, mintPath] = [path(), path()]
  await (await sqliteStore({ path: walletPath }).open(before(walletSchema))).close()
  await (await sqliteStore({ path: mintPath }).open(before(mintSchema))).close()
  await using wallet = await openWallet({ store: sqliteStore({ path: walletPath }), seed: new Uint8Array(64) })
  expect(await wallet.operations.list()).toEqual([])
  const store = await sqliteStore({ path: mintPath }).open(mintSchema)
  expect(await store.query({ table: 'steps' })).toEqual([])
  await store.close()
})

test('no operation that moves money can be forked, or keeps a snapshot with its steps', () => {
  const kinds: readonly Pick<OperationKind, 'kind' | 'forks' | 'keepSnapshots'>[] = [...walletKinds, ...mintKinds]
  expect(kinds.length).toBeGreaterThan(8)
  expect(kinds.filter(({ forks, keepSnapshots }) => forks !== undefined || keepSnapshots === true)).toEqual([])
})
