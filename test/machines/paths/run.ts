/** Lives the paths of subjects of one kind as tests. */
import { describe, expect, test } from 'vitest'
import { Coverage, requirementsOf } from '../../../src/testing/explorer/coverage.ts'
import { scenarios } from '../../../src/testing/scenarios/index.ts'
import type { Scenario } from '../../../src/testing/explorer/subject.ts'
import type { WalletStage } from '../../../src/testing/environments/wallet-subject.ts'
import { walletKinds } from '../../../src/wallet/kinds/index.ts'
import type { OperationKind } from '../../../src/kernel/define/operation.ts'
import type { World as Lived } from '../../../src/testing/explorer/world.ts'
import { subjectOf, type Subject } from './drive.ts'
import { FREE } from './exchange.ts'
import { nameOf } from './model.ts'

export const scenario = (kind: string, name: string): Scenario<WalletStage> =>
  scenarios.find((it) => it.kind === kind && it.name === name)! as Scenario<WalletStage>

/** The wallet believes that the mint has no active keyset. */
const tamper = (wallet: Lived['rows']): Lived['rows'] => ({
  ...wallet,
  keysets: wallet['keysets']!.map((row) => ({ ...row, active: 0 })),
})
const NO_KEYSETS = { ...FREE, keysets: false }

/** The same, but that the wallet believes so. */
export function keysetsUnknown(subject: Subject): Subject {
  const { world } = subject
  return { ...subject, world: world.from(`${world.model.name}, keysets unknown`, NO_KEYSETS), tamper }
}

/**
 * What no path here shows of an exchange: inputs that do not cover the fee, a wallet that took 200 counters in vain, keysets
 * that are not known, requests in rounds, ones that are too large, and a mint that goes on refusing without saying what
 * became of the first request; nor one without an active keyset for long, or one that cannot answer a question for now.
 */
export const NOT_HERE = [
  /deriving: done\[[2-7]\]/,
  /exchanging\.closed|exchangeLook|reclaiming\.closed/,
  /(checking|restoring): done\[2\]/,
  /^answer exchange\.derive: (impossible|gap)$/,
  /(unblinding|matching): done\[1\]/,
  /matching: done\[(6|11)\]/,
]

/** Moves of a simple path beyond which it is left out. */
const LONGEST_SIMPLE = 8

/** Each kind with its subjects, and what of its chart their paths cannot show. */
export function livePaths(kind: string, subjects: readonly Subject[], unseen: readonly RegExp[]): void {
  describe(`the chart of ${kind}`, () => {
    const of = walletKinds.find((it) => it.kind === kind)! as OperationKind
    const coverage = new Coverage(of)
    const taken = new Set<string>()
    test.each(subjects.map((subject) => [subject.world.model.name, subject] as const))(
      '%s',
      async (name, subject) => {
        const live = await subjectOf(subject)
        const shortest = subject.world.shortest(taken)
        const simple = subject.world
          .simple()
          .filter((path) => path.length <= LONGEST_SIMPLE && !taken.has(nameOf(path)))
        for (const path of simple) taken.add(nameOf(path))
        const wrong: string[] = []
        for (const path of [...shortest, ...simple]) wrong.push(...(await live(path, coverage)))
        console.log(`${name}: ${shortest.length} shortest paths, ${simple.length} simple ones`)
        expect(wrong).toEqual([])
      },
      300_000,
    )

    test('every move of the chart was taken, or cannot be here', () => {
      const open = [...requirementsOf(of, { crashes: false })].filter((what) => !coverage.visited.has(what))
      expect(open.filter((what) => !unseen.some((fits) => fits.test(what)))).toEqual([])
      expect(unseen.filter((fits) => !open.some((what) => fits.test(what)))).toEqual([])
    })
  })
}
