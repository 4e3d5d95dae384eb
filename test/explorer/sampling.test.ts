/**
 * Goal: many operations at once survive crashes and faults, wherever they strike. Method: fast-check draws what is
 * begun on one wallet, 2 to 12 operations of all kinds, how the mint speaks, and the places at which faults strike, over up to three lives;
 * the last life runs without any, and everything must come to its end and the books must agree. A run that fails is made
 * smaller, and the message says how to repeat it. `SEED` draws other runs, `RUNS` more of them, up to so
 * many `MINUTES`; `SAMPLE` repeats one.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sampleCrashes, type Injection } from '../../src/testing/explorer/sampling.ts'
import type { WalletScenario } from '../../src/testing/environments/wallet-subject.ts'
import { DIALECT, type DialectRow } from '../../src/testing/scenarios/dialect.ts'
import { KINDS, manyAtOnce, type Planned } from '../../src/testing/scenarios/many.ts'

interface Sample {
  readonly plan: readonly Planned[]
  readonly dialect?: DialectRow
  readonly injections: readonly (readonly Injection[])[]
}

const { SEED = '20', RUNS = '80', MINUTES, SAMPLE } = process.env

const planned = fc.record({ kind: fc.constantFrom(...KINDS), amount: fc.integer({ min: 1, max: 15 }), way: fc.nat(4) })
// A dozen operations come to some hundred places; most runs come to fewer.
const strike = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(15))
/** What any operation bears, whatever its way; the rest is for the tables of dialects. */
const dialect: fc.Arbitrary<DialectRow> = fc.record({
  words: fc.constantFrom(...DIALECT.words),
  limits: fc.constantFrom('none'),
  info: fc.constantFrom(...DIALECT.info),
  clock: fc.constantFrom(...DIALECT.clock),
  lacks: fc.constantFrom('nothing', '12'),
})
const samples: fc.Arbitrary<Sample> = fc.record({
  dialect,
  plan: fc.array(planned, { minLength: 2, maxLength: 12, size: 'max' }),
  injections: fc.array(fc.array(strike, { minLength: 1, maxLength: 4, size: 'max' }), {
    minLength: 1,
    maxLength: 3,
    size: 'max',
  }),
})

const count = { runs: 0, lives: 0, injected: 0, operations: 0 }

async function holds({ plan, dialect: spoken = {}, injections }: Sample): Promise<void> {
  const { violations, path, lives, injected } = await sampleCrashes(manyAtOnce(plan, spoken), injections, {
    weight: plan.length + 6,
  })
  count.runs++
  count.lives += lives
  count.injected += injected
  count.operations += plan.length
  if (violations.length === 0) return
  const again = `SAMPLE='${JSON.stringify({ plan, dialect: spoken, injections })}' npx vitest run test/explorer/sampling.test.ts`
  throw new Error(`${violations.join('; ')}\n  ${path}\n  ${again}`)
}

const endsAfterMs = MINUTES === undefined ? undefined : Number(MINUTES) * 60_000
/** Many times what it takes: what is wrong here is found by what happens, not by how long it takes. */
const limitMs = 600_000 + (endsAfterMs ?? Number(RUNS) * 1_000)

test('many operations at once come to their ends', { timeout: limitMs }, async () => {
  if (SAMPLE !== undefined) return holds(JSON.parse(SAMPLE) as Sample)
  await fc.assert(fc.asyncProperty(samples, holds), {
    seed: Number(SEED),
    numRuns: Number(RUNS),
    ...(endsAfterMs !== undefined && { plugins: [fc.interruptAfterTimeLimit(endsAfterMs)] }),
  })
  const { runs, operations, lives, injected } = count
  console.log(`${runs} runs, ${operations} operations, ${lives} lives, ${injected} faults`)
  expect(injected).toBeGreaterThan(runs / 4)
})

test('a run repeats itself, and one that goes wrong is seen', async () => {
  const plan: Planned[] = KINDS.map((kind, way) => ({ kind, amount: 3, way }))
  const [one, other] = await Promise.all([0, 1].map(() => sampleCrashes(manyAtOnce(plan), [[[9, 0], [20, 3]], [[4, 1]]], { weight: 9 }))) // prettier-ignore
  expect(one).toEqual(other)
  expect(one).toMatchObject({ violations: [] })
  expect(one!.injected).toBeGreaterThan(1)
  const honest = manyAtOnce([{ kind: 'receive', amount: 5, way: 0 }])
  /** Without its key the caller begins another operation after the crash. */
  const drive: WalletScenario['drive'] = async ({ wallet, notes }) => {
    await (await wallet.receive.prepare({ token: notes['token 0'] as string })).execute()
  }
  const { violations, path } = await sampleCrashes({ ...honest, drive }, [[[4, 0]]])
  expect(path).toBe('many.at-once:4.crashBefore/')
  expect(violations).toEqual([expect.stringMatching(/^failed: ALREADY_SPENT/)])
})
