/**
 * What step history costs, on files of SQLite. A small kind of operation runs with it and without, in turns, so that whatever else
 * the machine does befalls both alike; the difference is what a step adds. A wallet's swaps say what part of an operation that is: the CPU
 * of the mint, which is in this process, is not counted.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setup } from 'xstate'
import { openWallet, type Transport } from '../../src/index.ts'
import { defineOperation, effect, openOperations, operationsTable, ownersTable, stepsTable, type OperationsOptions } from '../../src/kernel/index.ts' // prettier-ignore
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { inProcessMint, MINT_URL } from './in-process.ts'

/** What it took. */
export interface StepsCost {
  /** CPU that a step adds, in microseconds. */
  readonly usPerStep: number
  /** What a step adds to the file, in bytes. */
  readonly bytesPerStep: number
  /** What the steps of a swap take of its CPU, in percent. */
  readonly percentOfSwap: number
}

const WARM_UP = 50
const TURNS = 500
const SWAPS = 60

const tables = { operations: operationsTable(), owners: ownersTable(), steps: stepsTable() }
const errand = defineOperation({
  kind: 'errand',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string } },
    actors: { run: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'running',
    states: {
      running: { invoke: { src: 'run', input: ({ context: { id } }) => ({ id }), onDone: 'walking' } },
      walking: { invoke: { src: 'run', input: ({ context: { id } }) => ({ id }), onDone: 'done' } },
      done: { type: 'final' },
    },
  }),
  effects: () => ({ run: async () => ({ answer: 'ok' as const }) }),
})
/** So many steps an errand has. */
export const STEPS = 3

/** The CPU of this thread, in microseconds: no other one works for an operation. */
export function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

export async function measureSteps(): Promise<StepsCost> {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-bench-'))
  try {
    const sides = [
      await errands(join(dir, 'kept.db'), {}),
      await errands(join(dir, 'none.db'), { keepSteps: false }),
    ] as const
    for (let at = 0; at < WARM_UP; at++) for (const side of sides) await side.run()
    const cpu = new Map<object, number[]>(sides.map((side) => [side, []]))
    for (let at = 0; at < TURNS; at++)
      for (const side of at % 2 === 0 ? sides : sides.toReversed()) {
        const before = cpuUs()
        await side.run()
        cpu.get(side)?.push(cpuUs() - before)
      }
    const [kept, none] = sides
    const usPerStep = (median(cpu.get(kept)) - median(cpu.get(none))) / STEPS
    const [keptBytes, noneBytes] = [await kept.close(), await none.close()]
    const swap = await swaps(join(dir, 'wallet.db'))
    return {
      usPerStep,
      bytesPerStep: (keptBytes - noneBytes) / (TURNS + WARM_UP) / STEPS,
      percentOfSwap: ((usPerStep * swap.steps) / swap.cpuUs) * 100,
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What befalls a few runs alone does not count. */
export const median = (values: readonly number[] = []): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Errands on a file. */
export async function errands(path: string, options: Pick<OperationsOptions<undefined>, 'keepSteps' | 'telemetry'>) {
  const store = await sqliteStore({ path }).open({ version: 1, tables })
  const operations = openOperations({ store, tables, kinds: [errand], ports: undefined, ...options })
  await operations.resumed
  return {
    async run(): Promise<void> {
      const { id } = await operations.of(errand).create({})
      await operations.of(errand).finished(id)
    },
    /** Gives the size of the file. */
    async close(): Promise<number> {
      operations.close()
      await operations.closed
      await store.close()
      return statSync(path).size
    },
  }
}

/** The CPU of a swap without step history, and how many steps it has. */
async function swaps(path: string): Promise<{ readonly cpuUs: number; readonly steps: number }> {
  let ofMint = 0
  const { transport } = await inProcessMint({ autoPayMs: 0 })
  const uncounted: Transport = async (request) => {
    const before = cpuUs()
    const reply = await transport(request)
    ofMint += cpuUs() - before
    return reply
  }
  const seed = new Uint8Array(64).fill(3)
  await using wallet = await openWallet({ store: sqliteStore({ path }), transport: uncounted, seed, keepSteps: false })
  await wallet.mints.trust(MINT_URL)
  const funds = await wallet.mint.prepare({ mintUrl: MINT_URL, amount: 10_000 })
  await funds.refresh()
  await funds.finished()
  const taken: number[] = []
  let steps = 0
  for (let at = 0; at < SWAPS; at++) {
    const [before, mintBefore] = [cpuUs(), ofMint]
    const swap = await wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [8, 4, 2] })
    await swap.execute()
    taken.push(cpuUs() - before - (ofMint - mintBefore))
    steps = swap.version
  }
  return { cpuUs: median(taken), steps }
}
