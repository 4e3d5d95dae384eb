/** Goal: what a mint takes in one request is known from its info, or learnt from its refusals, and kept. */
import { expect, test } from 'vitest'
import type { Reader } from '../../src/kernel/define/operation.ts'
import { effective, keepLimits, learnt, limitsSaid } from '../../src/wallet/limits.ts'
import type { MintLimits } from '../../src/wallet/tables.ts'
import { bench } from '../kits/wallet-kit.ts'

const url = 'https://mint.example'
const knowing = (limits: MintLimits | null): Pick<Reader, 'get'> => ({
  get: (async () => ({ mintUrl: url, trusted: 1, info: null, infoAt: null, limits })) as Reader['get'],
})

test('a refusal teaches the number that it names, or half of what was sent', () => {
  const meaning = 'tooManyInputs'
  expect(learnt({ meaning, detail: 'Maximum inputs exceeded: 180 provided, max 100' }, 180)).toBe(100)
  expect(learnt({ meaning, detail: 'too many' }, 180)).toBe(90)
  // A number that does not explain the refusal explains nothing.
  expect(learnt({ meaning, detail: 'max 1000' }, 180)).toBe(90)
  expect(learnt({ meaning, detail: 'too many' }, 3)).toBe(1)
  expect(learnt({ meaning, detail: 'too many' }, 1)).toBeUndefined()
  expect(learnt({ meaning: 'spent', detail: 'max 100' }, 180)).toBeUndefined()
})

test('limits only become smaller by what is learnt', async () => {
  const kept = await keepLimits(knowing({ inputs: 100 }), url, { inputs: 200, states: 50 })
  expect(kept).toEqual([{ patch: 'mints', key: [url], set: { limits: { inputs: 100, states: 50 } } }])
  expect(await keepLimits(knowing({ inputs: 100 }), url, { inputs: 100 })).toEqual([])
  expect(effective({ inputs: 7 })).toEqual({ inputs: 7, outputs: 100, states: 1000, restore: 100 })
})

test('a mint’s info says how long a list may be', async () => {
  expect(limitsSaid({ maxArrayLength: 64 })).toEqual({ inputs: 64, outputs: 64, states: 64, restore: 64 })
  const { open, mintUrl, rows } = await bench({ stub: true })
  const { wallet, wire } = await open('alice', {
    plan: [[/info$/, (body) => ({ ...body, max_array_length: 64 })]],
  })
  await wallet.mints.trust(mintUrl)
  expect((await rows()).mints).toMatchObject([{ limits: { inputs: 64, outputs: 64, states: 64, restore: 64 } }])
  // Once learnt otherwise, the same words do not undo it; other words do.
  wire.plan = [[/info$/, (body) => ({ ...body, max_array_length: 128 })]]
  await wallet.mints.refresh(mintUrl)
  expect((await rows()).mints).toMatchObject([{ limits: { inputs: 128 } }])
})
