/**
 * Goal: the explorer itself can be trusted. Method: its parts are shown to see what they must: paths read and replay, a
 * quick look at one scenario of each kind closes, and the oracle calls every hand-made wrong by its name.
 */
import { describe, expect, test } from 'vitest'
import { parsePath } from '../src/testing/choices.ts'
import { exploreCrashes, replay, type Scenario } from '../src/testing/explorer.ts'
import { scenarios } from '../src/testing/scenarios/index.ts'

const scenario = (name: string) => scenarios.find((it) => `${it.kind}.${it.name}` === name)!

test('paths name places and options', () => {
  expect([...parsePath('3.lost,12.crashAfter')]).toEqual([
    [3, 'lost'],
    [12, 'crashAfter'],
  ])
  expect([...parsePath('')]).toEqual([])
  expect(() => parsePath('lost')).toThrow(RangeError)
})

test('scenarios have names of their own', () => {
  expect(new Set(scenarios.map(({ kind, name }) => `${kind}.${name}`)).size).toBe(scenarios.length)
})

describe('one fault in each life, any number of crashes', () => {
  test.each(['receive.plain', 'swap.plain', 'send.swapped', 'mint.unlocked', 'melt.paid', 'restore.live-wallet'])(
    '%s closes without a violation',
    async (name) => {
      const { closed, violations, lives, worlds } = await exploreCrashes(scenario(name), { faults: 1 })
      expect(violations).toEqual([])
      expect(closed).toBe(true)
      expect(worlds).toBeGreaterThan(3)
      expect(lives).toBeGreaterThan(worlds)
    },
  )
})

describe('the oracle', () => {
  const honest = scenario('swap.plain')
  const wrong = async (drive: Scenario['drive']): Promise<string> => {
    const { violations } = await exploreCrashes({ ...honest, name: 'wrong', drive }, { faults: 0 })
    return violations.map(({ what }) => what).join('\n')
  }

  test('sees money that others have and nobody wrote down', async () => {
    const drive: Scenario['drive'] = async (stage) => {
      const send = await stage.wallet.send.prepare({ mintUrl: 'http://mint.test', amount: 8, key: 'gift' })
      await send.execute()
      // Redeemed by somebody whom the books of this world do not know.
      const { claim } = await import('../src/testing/scenarios/stage.ts')
      await claim({ ...stage, note: () => {} }, send.token!)
      await send.finished()
    }
    expect(await wrong(drive)).toContain('conservation')
  })

  test('sees a caller that waits for ever', async () => {
    expect(await wrong(() => new Promise(() => {}))).toMatch(/stuck/)
  })

  test('says nothing of an honest run', async () => {
    expect(await wrong((stage) => honest.drive(stage))).toBe('')
  })
})

test('a path replays what it names', async () => {
  const { trace, violations } = await replay(scenario('receive.plain'), 'receive.plain:4.crashBefore/')
  expect(violations).toEqual([])
  expect(JSON.stringify(trace)).toContain('crashBefore')
})
