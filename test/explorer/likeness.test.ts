/**
 * Goal: what a fingerprint leaves out decides nothing. Method: every chart is walked through, and each step, input and
 * delay is computed from two contexts that fingerprints take for one: it must come to the same, as far as they tell. Charts
 * that compare what is left out are planted, and told. And times: whatever a chart waits for is a limit of how far off is told.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { backoff, defineOperation, type OperationKind } from '../../src/kernel/index.ts'
import type { Samples } from '../../src/testing/contracts/machine-contract.ts'
import { distance, LIMITS_MS, type Likeness } from '../../src/testing/explorer/world.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { bountySamples } from '../kits/machine-samples-bounty.ts'
import { mintSamples } from '../kits/machine-samples-mint.ts'
import { walletSamples } from '../kits/machine-samples.ts'
import { toldApart } from '../kits/likeness.ts'

const all = [...walletSamples, ...mintSamples, ...bountySamples]
const likenessOf = ({ kind }: OperationKind): Likeness => scenarios.find((it) => it.kind === kind)?.subject.alike ?? {}

describe.each(all.map(([kind, samples]) => [kind.kind, kind, samples] as const))('%s', (_, kind, samples) => {
  test('tells nothing apart that fingerprints do not', () =>
    expect(toldApart(kind, samples, likenessOf(kind))).toEqual([]))

  test('waits for times that fingerprints tell apart', () => {
    const waits = Object.values(kind.machine.implementations.delays).filter((delay) => typeof delay === 'number')
    expect(waits.filter((delayMs) => !LIMITS_MS.includes(delayMs))).toEqual([])
  })
})

describe('a chart that compares', () => {
  /** It gives up at so many tries, or by what a text says; its pauses grow where they are asked to. */
  const kindOf = (of: { most?: number; text?: string; name?: string; isSlower?: boolean }): OperationKind => {
    const machine = setup({
      types: {} as { context: { id: string; tries: number; text: string; name: string }; input: { id: string } },
      guards: {
        isLast: ({ context: { tries, text, name } }) => tries >= (of.most ?? 1) || text === of.text || name === of.name,
      },
      actions: { tried: assign({ tries: ({ context }) => context.tries + 1 }) },
      delays: { again: backoff<{ tries: number }>({ firstMs: 1_000, maxMs: of.isSlower ? 3_600_000 : 1_000, tries: ({ tries }) => tries }) }, // prettier-ignore
    }).createMachine({
      id: 'toy',
      context: ({ input: { id } }) => ({ id, tries: 0, text: 'no', name: 'no' }),
      initial: 'pausing',
      states: {
        pausing: { after: { again: [{ guard: 'isLast', target: 'over' }, { target: 'pausing', reenter: true, actions: 'tried' }] } }, // prettier-ignore
        over: { type: 'final' },
      },
    })
    return defineOperation({ kind: 'toy', version: 1, machine, effects: () => ({}) }) as unknown as OperationKind
  }
  const samples: Samples = { inputs: [{}], sees: ({ tries }: { tries: number }) => Math.min(9, tries) }
  const alike: Likeness = { ignore: ['text'], names: ['name'], counts: { tries: 2 } }
  const told = (of: Parameters<typeof kindOf>[0]): string[] => toldApart(kindOf(of), samples, alike)

  test('what is kept is not told', () => expect(told({ most: 2 })).toEqual([]))
  test('a count with more than is kept is told', () => expect(told({ most: 3 })).toContain('pausing goes on by tries of 2 and of 3')) // prettier-ignore
  test('a text that is left out is told', () => expect(told({ most: 99, text: 'no' })).toContain('pausing goes on by text')) // prettier-ignore
  test('what a name says is told', () => expect(told({ most: 99, name: 'no' })).toContain('pausing goes on by what name says')) // prettier-ignore
  test('a pause that grows is told', () => expect(told({ most: 2, isSlower: true })).toContain('pausing waits by tries of 2 and of 14')) // prettier-ignore
})

test('a retry in three minutes is not one in a hundred', () => expect(distance(180_000)).not.toBe(distance(6_000_000)))
