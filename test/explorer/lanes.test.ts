/**
 * Goal: the lanes run what production runs, and see what goes wrong there. Method: each explores a part of what it
 * explores by `npm run crash`; mistakes that only a lane can see are planted; and what lanes judge by is shown by hand.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { groupedStore } from '../../scripts/crash/group-store.ts'
import { runMutants } from '../../scripts/crash/mutants.ts'
import { testedStore } from '../../scripts/crash/stores.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { ProcessClock } from '../../src/testing/explorer/process-clock.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { otherwise, samplePaths, tell, type Told } from '../../src/testing/lanes/crypto.ts'
import { FrozenLife } from '../../src/testing/lanes/frozen-life.ts'
import { exploreGroups, replayGroups } from '../../src/testing/lanes/groups.ts'
import { queuedLock } from '../../src/testing/lanes/locks.ts'
import { exploreOwners, ownersPath, replayOwners } from '../../src/testing/lanes/owners.ts'
import { groupScenarios, ownersScenarios } from '../../src/testing/lanes/scenarios.ts'
import { mutants } from '../../src/testing/mutants/index.ts'

const owned = (name: string) => ownersScenarios.find((it) => nameOf(it) === name)!
const grouped = (name: string) => groupScenarios.find((it) => nameOf(it) === name)!

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-lanes-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

describe('owners', () => {
  test.each([
    { by: 'lock', processes: 2, caller: 'second' },
    { by: 'lock', processes: 3, caller: 'first' },
    { by: 'heartbeats', processes: 3, caller: 'first' },
  ] as const)('by $by, $processes processes, the $caller called: all is well', async (sharing) => {
    const found = await exploreOwners(owned('swap.plain'), { sharings: [sharing] })
    expect(found).toMatchObject({ violations: [], closed: true })
    expect(found.lives).toBeGreaterThanOrEqual(20)
  })

  test('a path says what happened, the same each time', async () => {
    const path = 'swap.plain@lock-2-second:4.crashAfter'
    const [one, other] = [await replayOwners(owned('swap.plain'), path), await replayOwners(owned('swap.plain'), path)]
    expect(one).toEqual(other)
    expect(one.violations).toEqual([])
    const lives = one.trace.filter(({ column }) => column === 'life').map(({ text }) => text)
    expect(lives.slice(0, 2)).toEqual(['first begins', 'second begins'])
    expect(ownersPath('swap.plain:4.crashAfter')).toBeUndefined()
    await expect(replayOwners(owned('swap.plain'), 'swap.plain@lock-2-second:4.lost')).rejects.toThrow(RangeError)
  })

  // It was taken for dead for ever: it began to count again each time, so nobody ever saw another heartbeat.
  test('a process that joins again, of which the heir was frozen, lives', async () => {
    const path = 'swap.plain@heartbeats-2-second:7.frozenBefore,15.frozen'
    expect((await replayOwners(owned('swap.plain'), path)).violations).toEqual([])
  })

  test('with the lock of a SQLite file', async () => {
    const store = testedStore({ store: 'sqlite', dir: directory() }, 1)
    const sharings = [{ by: 'lock', processes: 2, caller: 'second' }] as const
    const found = await exploreOwners(owned('swap.plain'), { sharings, store })
    expect(found).toMatchObject({ violations: [], closed: true })
  })

  test('who is frozen hears of nothing until it thaws, and its lock goes to the next', async () => {
    const clock = new VirtualClock(0)
    const [one, other] = [new FrozenLife(clock), new FrozenLife(clock)]
    const locks = queuedLock()
    const { signal } = new AbortController()
    const held = await locks.of(one)({ wait: false, signal })
    expect(await locks.of(other)({ wait: false, signal })).toBeUndefined()
    const next = locks.of(other)({ wait: true, signal })
    const heard: string[] = []
    one.freeze(1_000)
    expect(locks.rob(one)).toBe(true)
    held!.lost.addEventListener('abort', () => heard.push('lost'))
    one.clock.setTimeout(() => heard.push('timer'), 500)
    void one.call(() => Promise.resolve()).then(() => heard.push('answer'))
    expect(await next).toBeDefined()
    expect(locks.rob(one)).toBe(false)
    clock.advance()
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
    for (let more = true; more;) {
      more = clock.advance()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(heard.toSorted()).toEqual(['answer', 'lost', 'timer'])
  })
})

describe('groups', () => {
  test('what befalls a transaction befalls its commits, and no others; twice the same', async () => {
    const store = groupedStore(directory(), 1)
    const found = await exploreGroups(grouped('many.kinds-at-once'), store)
    expect(found).toMatchObject({ violations: [], closed: true })
    expect(found.lives).toBeGreaterThan(15)
    const path = 'many.kinds-at-once@group:1.fullForLast'
    const tell = () => replayGroups(grouped('many.kinds-at-once'), path, store)
    const [one, other] = [await tell(), await tell()]
    expect(one).toEqual(other)
    expect(one.trace.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^together: .* \+ /))
  })
})

describe('crypto', () => {
  test('paths are drawn and told', async () => {
    const paths = await samplePaths(owned('swap.plain'), 2, () => 0, () => {}) // prettier-ignore
    expect(paths).toHaveLength(2)
    const told = await tell(owned('swap.plain'), paths)
    expect(told.map(({ path, violations }) => ({ path, violations }))).toEqual(
      paths.map((path) => ({ path, violations: [] })),
    )
    expect(otherwise(told, told)).toEqual([])
  })

  test('another story is seen at its first other word', () => {
    const of = (story: readonly string[], violations: readonly string[] = []): Told[] => [
      { path: 'p', story, violations },
    ]
    expect(otherwise(of(['a', 'b']), of(['a', 'c']))[0]!.what).toMatch(/'b' with the stub, and 'c'/)
    expect(otherwise(of(['a', 'b']), of(['a']))[0]!.what).toMatch(/'b' with the stub, and 'the end'/)
    expect(otherwise(of(['a']), of(['a', 'b']))[0]!.what).toMatch(/'the end' with the stub, and 'b'/)
    expect(otherwise(of(['a']), of(['a'], ['worthless: 1']))).toEqual([{ path: 'p', what: 'worthless: 1' }])
    expect(otherwise(of(['a']), [])[0]!.what).toMatch(/not told again/)
  })
})

describe('time-outs', () => {
  test('during a pause nothing rings, and afterwards what is overdue', async () => {
    const world = new VirtualClock(0)
    const clock = new ProcessClock(world)
    const rung: string[] = []
    clock.setTimeout(() => rung.push('overdue'), 10)
    clock.clearTimeout(clock.setTimeout(() => rung.push('cancelled'), 10))
    clock.setTimeout(() => rung.push('later'), 100)
    const pausing = clock.standing(() => world.pause(50))
    world.advance()
    world.advance()
    await pausing
    expect(rung).toEqual([])
    while (world.advance());
    expect(rung).toEqual(['overdue', 'later'])
  })
})

test('each lane finds what only it can see', async () => {
  const names = [
    'a request without an answer never times out',
    'a process does not renew its heartbeat',
    'a commit that is refused takes its whole group with it',
    'a signature is accepted without its DLEQ proof',
  ]
  const planted = mutants.filter(({ name }) => names.includes(name))
  expect(await runMutants(planted, () => {})).toEqual({ total: 4, caught: 4 })
})
