/**
 * Goal: every chart does in the wallet what it says, along every way through it. Method: paths that `xstate/graph` finds
 * through the chart in the world of a mint (test/machines/paths/model.ts), the shortest to every move and the simple ones, are
 * lived by the real wallet against the simulated mint: the mint answers each request as the path says, what has to
 * happen at the mint for that happens, and after every step the operation is in the path's state. Then its process dies,
 * another finishes without faults, and the oracle compares the books.
 */
import { expect, test } from 'vitest'
import { Coverage } from '../../src/testing/explorer/coverage.ts'
import type { OperationKind } from '../../src/kernel/define/operation.ts'
import { swapKind } from '../../src/wallet/kinds/swap.ts'
import { fund } from '../../src/testing/scenarios/stage.ts'
import { MINT_URL, onWallet } from '../../src/testing/environments/wallet-subject.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { subjectOf, type Subject } from './paths/drive.ts'
import { FREE, receiveModel, sendModel, swapModel } from './paths/exchange.ts'
import { World } from './paths/model.ts'
import { keysetsUnknown, livePaths, NOT_HERE, scenario } from './paths/run.ts'

/** `whole`: the receiver wants all of it, or nothing. */
const receive = (name: string, whole = false): Subject => ({
  world: new World(receiveModel(name, FREE, whole ? 5 : 0)),
  scenario: scenario('receive', 'plain'),
  prepare: ({ wallet, notes }) =>
    wallet.receive.prepare({ token: notes['token'] as string, key: 'path', ...(whole && { atLeast: 14 }) }),
})
const swap = (name: string): Subject => ({
  world: new World(swapModel(name, FREE)),
  scenario: scenario('swap', 'plain'),
  prepare: ({ wallet }) => wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'path' }),
})
const send = (name: string, amount: number, ...inputs: number[]): Subject => ({
  world: new World(sendModel(name, FREE, amount, ...inputs)),
  scenario: onWallet({ kind: 'send', name, setup: (stage) => fund(stage, ...inputs), drive: async () => {} }),
  prepare: ({ wallet }) => wallet.send.prepare({ mintUrl: MINT_URL, amount, key: 'path' }),
})

/** Ends of what was done in rounds. */
const IN_ROUNDS = [/matching: done\[7\] → receive/, /→ receive\.receivedPartly$/]

const [aToken, aSwap, splits] = [receive('a token'), swap('a swap'), send('a send with a swap', 3, 8)]

/** What waits before anything was sent: there are always counters here. */
const AT_THE_GAP = /blocked: cancel/

livePaths(
  'receive',
  [aToken, keysetsUnknown(aToken), receive('a whole token', true)],
  [...NOT_HERE, ...IN_ROUNDS, /asking: done\[3\]/],
)
livePaths('swap', [aSwap, keysetsUnknown(aSwap)], [...NOT_HERE, AT_THE_GAP])
livePaths(
  'send',
  [send('an exact send', 8, 8), splits, keysetsUnknown(splits), send('a send of two proofs', 3, 1, 2)],
  // The keysets were known when it was prepared.
  [
    ...NOT_HERE,
    AT_THE_GAP,
    /splitting: done\[[12]\]/,
    /send\.split: stale/,
    /reclaiming\.deriving: done\[1\]/,
    /→ send\.(kept|returned)$/,
  ],
)

test('a wallet that goes another way is noticed, and so is money that there is not', async () => {
  const honest = aSwap
  const path = honest.world.shortest().find((moves) => moves.some(({ name }) => name === 'mint.swap ok'))!
  const live = async (subject: Subject): Promise<string[]> =>
    (await subjectOf(subject))(path, new Coverage(swapKind as unknown as OperationKind))
  expect(await live(honest)).toEqual([])
  const prepare: Subject['prepare'] = async (stage) => {
    const { id } = await honest.prepare(stage)
    return { id, execute: () => stage.wallet.operations.cancel(id) }
  }
  expect(await live({ ...honest, prepare })).toEqual([expect.stringMatching(/^is in cancelled, and not in exchanging/)])
  const invent: Subject['tamper'] = ({ proofs = [], ...others }) => {
    const [secret, state] = ['made up', 'spendable']
    const invented = {
      ...proofs[0],
      secret,
      state,
      Y: stubCrypto.hashToCurve(secret),
      operationId: null,
      counter: null,
    }
    return { ...others, proofs: [...proofs, invented] }
  }
  expect(await live({ ...honest, tamper: invent })).toEqual([
    expect.stringMatching(/^conservation/),
    expect.stringMatching(/^worthless/),
    expect.stringMatching(/^books/),
  ])
})
