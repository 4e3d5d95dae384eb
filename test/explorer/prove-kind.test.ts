/**
 * Goal: a kind is proven in a few lines, in any test runner and from the command line, and a proof that does not hold says
 * why. Method: proofs of the order that can be paused, with one thing wrong each; the command is run on files that export
 * them.
 */
import { execFile } from 'node:child_process'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  defineProof,
  ProofFailed,
  proveKind,
  reportOf,
  type Proof,
  type ProofOptions,
} from '../../src/testing/index.ts'
import { drive, pausable, pausableOptions, type Bank, type Ledger } from '../kits/pausable-order.ts'
import * as subscriptions from '../kits/subscription.ts'

const ledger = (declines: boolean) => (): Ledger => ({ charged: [], declines })
type Options = ProofOptions<Bank, Ledger, typeof pausable.machine>
const { ports, judge } = pausableOptions(ledger(false)())

const base = { ...{ kind: pausable, ports, judge }, outside: ledger(false) }
const orders = (more: Partial<Options> = {}): Proof =>
  defineProof({
    ...{ ...base, drive },
    anytime: [{ type: 'pause', why: 'out of tea' }],
    scenarios: { paid: {}, declined: { outside: ledger(true) } },
    ...more,
  })

/** A bank that charges as often as it is asked. */
const careless: Options['ports'] = ({ charged }) => ({
  charge: async (id) => {
    charged.push(id)
    return 'ok'
  },
})

/** The error of a proof that does not hold. */
async function failureOf(proof: Proof, options?: Parameters<typeof proveKind>[1]): Promise<ProofFailed> {
  const error: unknown = await proveKind(proof, options).catch((thrown: unknown) => thrown)
  if (!(error instanceof ProofFailed)) throw new TypeError(`no proof failed: ${String(error)}`)
  return error
}

describe('proveKind', () => {
  test('gives the figures of a proof that holds', async () => {
    const { scenarios, lives, worlds, crashes, required } = await proveKind(orders())
    expect(scenarios).toBe(2)
    expect(lives).toBeGreaterThan(1_000)
    expect([worlds, crashes, required].every((count) => count > 30)).toBe(true)
  })

  test('shows a violation with its path and its trace', async () => {
    const { message, report } = await failureOf(orders({ ports: careless }), { quick: true })
    const [first] = report.violations
    expect(first?.what).toMatch(/^payment: 'paid', and charged 2 times/)
    expect(message).toContain(`${first?.what}\n    path: ${first?.path}`)
    expect(message).toMatch(/request {2}ports\.charge\("[0-9a-f]{32}"\) → "ok"/)
    expect(message).toMatch(/commit {3}order: charging → paid/)
    expect(message).toMatch(/fault {4}\d+\. /)
  })

  test('says what was not come to', async () => {
    const { message, report } = await failureOf(orders({ anytime: [] }))
    expect(report.violations).toEqual([])
    expect(message).toContain('not covered: move order.charging: pause[0] → order.paused')
  })

  test('takes what cannot be come to, and says where that is come to all the same', async () => {
    const unreached = [
      { what: /pause|resume/, why: 'nobody pauses here' },
      { what: /state paid/, why: 'wrong' },
    ]
    const { message } = await failureOf(orders({ anytime: [], unreached }))
    expect(message).toBe('no exception is needed for order: /state paid/')
  })

  test('says what grows where it does not close', async () => {
    const { kinds: _, ...options } = subscriptions.subscriptionOptions(true)
    const proof = defineProof({ kind: subscriptions.subscription, ...options, drive: subscriptions.drive })
    const { message } = await failureOf(proof, { faults: 1, mostLives: 400 })
    expect(message).toMatch(/^subscription\.proof: not closed: growing in invoices\.period, /)
  })

  test('creates and waits by itself where it has an input', async () => {
    const { violations } = await reportOf(defineProof({ ...base, input: {} }), { faults: 1 })
    expect(violations).toEqual([])
  })

  test('tells its progress, and explores one scenario where it is named', async () => {
    const told = new Set<string>()
    const options = { quick: true, onProgress: ({ scenario }: { scenario: string }) => void told.add(scenario) }
    await proveKind(orders(), { ...options, scenario: 'paid' })
    expect([...told]).toEqual(['order.paid'])
    await expect(proveKind(orders(), { scenario: 'lost' })).rejects.toThrow(
      /^scenario: one of order\.paid, order\.decl/,
    )
  })

  test.each<[string, () => unknown, RegExp]>([
    ['an option that nobody reads', () => orders({ juge: judge } as never), /^juge: not among/],
    ['an option of a scenario that nobody reads', () => orders({ scenarios: { paid: { jugde: 1 } as never } }), /^jugde: /],
    ['a name that no path can have', () => orders({ scenarios: { 'a:b': {} } }), /^scenarios: 'a:b' has a colon/],
    ['neither a caller nor an input', () => defineProof(base), /^drive: must be given/],
    ['an event that no state takes', () => orders({ anytime: [{ type: 'stop' } as never] }), /^anytime: no kind/],
  ])('refuses %s', (_, make, what) => expect(make).toThrow(what)) // prettier-ignore
})

test('a proof is typed by its chart, its outside and its tables', () => {
  // @ts-expect-error: a pause says why
  const silent = () => orders({ anytime: [{ type: 'pause' }] })
  // @ts-expect-error: the ledger has no such field
  const misread = () => orders({ judge: ({ outside }) => (outside.paid === 1 ? [] : ['']) })
  const { kinds: _, ...options } = subscriptions.subscriptionOptions(true)
  const of = { ...options, kind: subscriptions.subscription, input: {} }
  // @ts-expect-error: a period is a number
  const texts = () => defineProof({ ...of, rows: () => ({ invoices: [{ id: 'old', period: 'first' }] }) })
  // @ts-expect-error: of what is outside, nothing has this name
  const elsewhere = () => defineProof({ ...of, alike: { matters: ({ bills }) => ({ all: bills === 1 }) } })
  expect([silent, misread, texts, elsewhere]).toHaveLength(4)
})

describe('the command', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const sources = join(root, 'test/kits/resolve-sources.ts')
  const kit = join(root, 'test/kits/pausable-order.ts')
  const code = (more: string) => `
    import { defineProof } from 'hardshell/testing'
    import { drive, pausable, pausableOptions } from '${kit}'
    const { kinds, ...options } = pausableOptions({ charged: [], declines: false })
    const bank = ({ charged }: { charged: string[] }) => ({ charge: async (id: string) => (charged.push(id), 'ok') })
    const proof = (more: object) => defineProof({ kind: pausable, ...options, drive, scenarios: { paid: {} }, ...more } as never)
    ${more}`
  const run = async (more: string, ...args: string[]) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'hardshell-crash-'))
    const file = join(folder.path, 'proofs.ts')
    writeFileSync(file, code(more))
    return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
      execFile(
        process.execPath,
        ['--import', sources, join(root, 'src/cli/cli.ts'), 'crash', ...(more === '' ? [] : [file]), ...args],
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      ),
    )
  }
  const HONEST = 'export default proof({})'
  const CARELESS = 'export const proofs = [proof({ ports: bank })]'

  test('proves a file, and tells a proof that does not hold by a path that it replays', async () => {
    const [honest, careless] = await Promise.all([run(HONEST, '--quick', '--json'), run(CARELESS, '--quick')])
    expect([honest.code, honest.stderr]).toEqual([0, ''])
    expect(honest.stdout).toMatch(/^✓ order: 1 scenario, \d+ worlds, \d+ lives\n/)
    expect(JSON.parse(honest.stdout.split('\n').at(-2) ?? '')).toMatchObject({ kinds: { order: { violations: [] } } })
    expect(careless.code).toBe(1)
    expect(careless.stdout).toMatch(/^✗ order: /)
    const [, path = ''] = /path: (\S+)/.exec(careless.stdout) ?? []
    const replayed = await run(CARELESS, '--replay', path)
    expect(replayed.code).toBe(1)
    expect(replayed.stdout).toContain("✗ payment: 'paid', and charged 2 times")
    expect(replayed.stdout).toMatch(/request {2}ports\.charge\("[0-9a-f]{32}"\) → "ok"/)
    expect(replayed.stdout).toMatch(/event {4}order: charge answered \{"answer":"(ok|unknown)"\}/)
  })

  test.each<[string, string, string[], number, RegExp]>([
    ['no file', '', [], 2, /one file is needed/],
    ['a file that is not there', '', ['lost.ts'], 2, /there is no file lost\.ts/],
    ['a file without proofs', 'export const x = 1', [], 2, /must export what defineProof\(\) gives/],
    ['an unknown option', HONEST, ['--fast'], 2, /--fast/],
    ['a number that is none', HONEST, ['--depth', 'deep'], 2, /--depth: a whole number from 0/],
    ['a scenario that is not there', HONEST, ['--scenario', 'lost'], 2, /--scenario: one of order\.paid/],
    ['a path of no scenario', HONEST, ['--replay', 'lost:1.lost'], 1, /no scenario is called 'lost'; there are order\.paid/],
    ['a path that leads nowhere', HONEST, ['--replay', 'order.paid:1.lost'], 1, /1\.lost: here is commit order charging/],
  ])('refuses %s', async (_, more, args, status, what) => {
    const { code: ended, stderr } = await run(more, ...args)
    expect([ended, stderr]).toEqual([status, expect.stringMatching(what)])
    expect(stderr.trim()).not.toContain('\n')
  }) // prettier-ignore
})
