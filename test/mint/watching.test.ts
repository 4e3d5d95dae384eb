/** What subscribers are told of (NUT-17), on a clock that stands still: each change once, in order, and no topic waits for another. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { silent } from '../../src/mint-server/cli/log.ts'
import type { Topic } from '../../src/mint-server/http/topics.ts'
import { watchMint } from '../../src/mint-server/http/watching.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { fakeMint } from '../kits/served-mint.ts'

const START_MS = 1_800_000_000_000

async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await setImmediate()
}

function bench() {
  const mint = fakeMint()
  const clock = new VirtualClock(START_MS)
  const watching = watchMint({ mint, clock, log: silent })
  /** Watches, and gives the list of all that is told. */
  function watch(topic: Topic, ...ids: string[]): { state?: string; quote?: string }[] {
    const told: { state?: string }[] = []
    watching.subscribe(topic, new Set(ids), (payload) => void told.push(JSON.parse(payload) as object))
    return told
  }
  /** Lets time go by. */
  async function wait(ms: number): Promise<void> {
    const endMs = clock.now() + ms
    for (await settled(); Math.min(...clock.ringsMs) <= endMs; await settled()) clock.advance()
    clock.sleep(endMs - clock.now())
  }
  return { mint, clock, watching, watch, wait }
}

const statesOf = (told: readonly { readonly state?: string }[]): unknown[] => told.map(({ state }) => state)

interface Commit {
  /** How things stand after it, as a look tells it. */
  readonly after: object
  readonly set: object | undefined
}

interface Story {
  readonly topic: Topic
  readonly topics: readonly Topic[]
  readonly id: string
  readonly before: object
  readonly commits: readonly Commit[]
}

const quote = { quote: 'q', state: 'UNPAID', payment_preimage: null }
const change = [{ id: '00', amount: 1, C_: '02' }]
const invoice = { quote: 'q', state: 'UNPAID', amount_paid: 0, amount_issued: 0, updated_at: 1 }
const proof = { Y: '02', state: 'UNSPENT', witness: null }

const STORIES: readonly Story[] = [
  {
    ...{ topic: 'bolt11_melt_quote', topics: ['bolt11_melt_quote', 'bolt12_melt_quote'], id: 'q', before: quote },
    commits: [
      { after: { ...quote, state: 'PENDING' }, set: { state: 'PENDING', operationId: 'o', claim: 'c' } },
      { after: quote, set: { state: 'FAILED', operationId: null, claim: null } },
      { after: { ...quote, state: 'PENDING' }, set: { state: 'PENDING', operationId: 'p', claim: 'c' } },
      {
        after: { ...quote, state: 'PAID', payment_preimage: 'p', change },
        set: { state: 'PAID', paidOut: 9, preimage: 'p', change },
      },
    ],
  },
  {
    ...{ topic: 'proof_state', topics: ['proof_state'], id: '02', before: proof },
    commits: [
      { after: { ...proof, state: 'PENDING' }, set: { Y: '02', state: 'PENDING', witness: 'w' } },
      { after: proof, set: undefined },
      { after: { ...proof, state: 'PENDING' }, set: { Y: '02', state: 'PENDING', witness: 'w' } },
      { after: { ...proof, state: 'SPENT', witness: 'w' }, set: { state: 'SPENT', witness: 'w' } },
    ],
  },
  {
    ...{ topic: 'bolt11_mint_quote', topics: ['bolt11_mint_quote', 'bolt12_mint_quote'], id: 'q', before: invoice },
    commits: [
      {
        after: { ...invoice, state: 'PAID', amount_paid: 8, updated_at: 2 },
        set: { amountPaid: 8, updatedAt: 2500 },
      },
      // It is held while it is issued.
      { after: { ...invoice, state: 'PAID', amount_paid: 8, updated_at: 2 }, set: { operationId: 'o' } },
      {
        after: { ...invoice, state: 'ISSUED', amount_paid: 8, amount_issued: 8, updated_at: 3 },
        set: { amountIssued: 8, operationId: null, updatedAt: 3000 },
      },
    ],
  },
]

describe('each change that the mint commits is told once and in order', () => {
  test.each(STORIES)('$topic: wherever a look at the rows begins, reads and ends', async (story) => {
    const { topic, topics, id, before, commits } = story
    const key = `${topic} ${id}`
    const wanted = [before, ...commits.map(({ after }) => after)].filter(
      (each, at, all) => JSON.stringify(each) !== JSON.stringify(all[at - 1]),
    )
    // A look begins after so many commits, and its answer, of rows read then, comes after so many.
    for (let begin = 0; begin <= commits.length; begin++)
      for (let end = begin; end <= commits.length; end++)
        // Who came at the start hears all; who comes in the middle hears how it stands, and all from there.
        for (let joins = 0; joins <= commits.length; joins++) {
          const { mint, clock, watch, wait } = bench()
          mint.states.set(key, before)
          const told = watch(topic, id)
          await settled()
          let late: object[] = []
          const slow = Promise.withResolvers<void>()
          for (let at = 0; at <= commits.length; at++) {
            if (at === begin) {
              mint.reading = () => slow.promise
              clock.advance()
              await settled()
            }
            if (at === joins) late = watch(topic, id)
            if (at === end) {
              mint.reading = () => Promise.resolve()
              slow.resolve()
            }
            if (at % 2 === 0) await settled()
            const commit = commits[at]
            if (!commit) break
            mint.states.set(key, commit.after)
            mint.committed({ topics, id, set: commit.set as never })
          }
          await wait(5_000)
          expect([begin, end, joins, told]).toEqual([begin, end, joins, wanted])
          expect(late).toEqual(wanted.slice(wanted.length - late.length))
          expect(late.length).toBeGreaterThan(0)
        }
  })

  test('what another process did in between is filled in; what it did before somebody came is not', async () => {
    const { mint, watch, wait } = bench()
    for (const { topic, id, before } of STORIES) mint.states.set(`${topic} ${id}`, before)
    const told = STORIES.map(({ topic, id }) => watch(topic, id))
    await wait(0)
    for (const { topic, id, commits } of STORIES) mint.states.set(`${topic} ${id}`, commits.at(-1)!.after)
    const late = STORIES.map(({ topic, id }) => watch(topic, id))
    await wait(2_000)
    expect(told.map(statesOf)).toEqual([
      ['UNPAID', 'PENDING', 'PAID'],
      ['UNSPENT', 'PENDING', 'SPENT'],
      ['UNPAID', 'PAID', 'ISSUED'],
    ])
    expect(late.map(statesOf)).toEqual([['PAID'], ['SPENT'], ['ISSUED']])
  })
})

describe('no topic waits for another, nor for the backend', () => {
  test('three thousand quotes that the backend says nothing of', async () => {
    const { mint, watch, wait } = bench()
    const ids = Array.from({ length: 3000 }, (_, at) => `q${at}`)
    for (const id of ids) mint.states.set(`bolt11_mint_quote ${id}`, { quote: id, state: 'UNPAID', expiry: null })
    mint.states.set('proof_state 02', proof)
    mint.asking = () => new Promise(() => {})
    const quotes = watch('bolt11_mint_quote', ...ids)
    const proofs = watch('proof_state', '02')
    await wait(0)
    // All hear what is known; the backend is asked about a few at a time.
    expect([quotes.length, proofs.length, mint.asked.length]).toEqual([3000, 1, 32])
    // Nor does it matter that the rows of the quotes are slow to read.
    mint.reading = () => new Promise(() => {})
    mint.changed('bolt11_mint_quote')
    await wait(50)
    mint.reading = () => Promise.resolve()
    mint.states.set('proof_state 02', { ...proof, state: 'SPENT' })
    mint.changed('proof_state')
    await wait(50)
    expect(statesOf(proofs)).toEqual(['UNSPENT', 'PENDING', 'SPENT'])
    mint.committed({ topics: ['bolt11_mint_quote', 'bolt12_mint_quote'], id: 'q7', set: { amountPaid: 8 } })
    expect(quotes.at(-1)).toMatchObject({ quote: 'q7', state: 'PAID' })
  })

  test('the backend is asked ever less often about a quote, and no longer once it can change no more', async () => {
    const { mint, watch, wait } = bench()
    const [expiry, over] = [(START_MS + 7_200_000) / 1000, (START_MS - 30 * 86_400_000) / 1000]
    mint.states.set('bolt11_mint_quote open', { quote: 'open', state: 'UNPAID', expiry })
    mint.states.set('bolt11_mint_quote paid', { quote: 'paid', state: 'PAID', expiry })
    mint.states.set('bolt11_mint_quote over', { quote: 'over', state: 'UNPAID', expiry: over })
    mint.states.set('bolt11_melt_quote unpaid', { quote: 'unpaid', state: 'UNPAID', expiry })
    mint.states.set('bolt11_melt_quote pending', { quote: 'pending', state: 'PENDING', expiry })
    watch('bolt11_mint_quote', 'open', 'paid', 'over', 'none')
    watch('bolt11_melt_quote', 'unpaid', 'pending')
    await wait(0)
    const countOf = (id: string): number => mint.asked.filter((each) => each.id === id).length
    await wait(10_000)
    expect(countOf('open')).toBeGreaterThanOrEqual(8)
    await wait(3_600_000)
    expect(countOf('open')).toBeLessThan(250)
    expect(countOf('pending')).toBe(countOf('open'))
    for (const id of ['paid', 'over', 'none', 'unpaid']) expect(countOf(id)).toBe(0)
    await wait(3 * 3_600_000)
    const before = countOf('open')
    await wait(3_600_000)
    expect(countOf('open')).toBe(before)
  })

  test('a clock that is set back two days delays nothing', async () => {
    class SetBack extends VirtualClock {
      offMs = 0
      override now(): number {
        return super.now() + this.offMs
      }
    }
    const mint = fakeMint()
    const clock = new SetBack(START_MS)
    const watching = watchMint({ mint, clock, log: silent })
    mint.states.set('proof_state 02', proof)
    mint.states.set('bolt11_mint_quote q', invoice)
    const told: string[] = []
    watching.subscribe('proof_state', new Set(['02']), (payload) => void told.push(payload))
    watching.subscribe('bolt11_mint_quote', new Set(['q']), () => {})
    await settled()
    clock.offMs = -2 * 86_400_000
    mint.states.set('proof_state 02', { ...proof, state: 'SPENT' })
    const asked = mint.asked.length
    mint.changed()
    const sinceMs = clock.monotonicMs()
    while (told.length < 3 && clock.monotonicMs() < sinceMs + 10_000) {
      clock.advance()
      await settled()
    }
    expect(clock.monotonicMs() - sinceMs).toBeLessThanOrEqual(50)
    while (mint.asked.length === asked && clock.monotonicMs() < sinceMs + 10_000) {
      clock.advance()
      await settled()
    }
    expect(mint.asked.length).toBeGreaterThan(asked)
    watching.close()
  })
})
