/** Starts many children in one commit, and joins them: the CPU that it takes, from the caller's call to the parent's end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as path } from 'node:path'
import { setup } from 'xstate'
import {
  defineOperation,
  effect,
  join,
  openOperations,
  operationsTable,
  ownersTable,
  start,
  starts,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

const errand = defineOperation({
  kind: 'errand',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string; n: number } },
    actors: { run: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'running',
    states: {
      running: { invoke: { src: 'run', input: ({ context: { id } }) => ({ id }), onDone: 'done' } },
      done: { type: 'final' },
    },
  }),
  effects: () => ({ run: async () => ({ answer: 'ok' as const }) }),
})

const batch = defineOperation({
  kind: 'batch',
  version: 1,
  machine: setup({
    types: {} as { context: { size: number }; input: { id: string; size: number } },
    actors: { join: join() },
    actions: { start },
  }).createMachine({
    context: ({ input: { size } }) => ({ size }),
    entry: starts(errand, ({ size }: { size: number }) =>
      Array.from({ length: size }, (_, n) => ({ name: String(n), input: { n } })),
    ),
    initial: 'waiting',
    states: { waiting: { invoke: { src: 'join', input: {}, onDone: 'done' } }, done: { type: 'final' } },
  }),
  effects: () => ({}),
})

const tables = { operations: operationsTable(), owners: ownersTable() }

/** What it took, in milliseconds. */
export interface FanOut {
  readonly cpuMs: number
  readonly wallMs: number
  /** Of the CPU, until all are started. */
  readonly startMs: number
}

/** Starts and joins so many children in a store. */
export async function fanOut(adapter: StoreAdapter, size: number): Promise<FanOut> {
  const store = await adapter.open({ version: 1, tables })
  const operations = openOperations({ store, tables, kinds: [batch, errand], ports: undefined })
  await operations.resumed
  const before = process.cpuUsage()
  const beganMs = performance.now()
  const { id } = await operations.of(batch).create({ size })
  const startMs = cpuSince(before)
  await operations.until(id, ({ status }) => (status === 'done' ? status : undefined))
  const [cpuMs, wallMs] = [cpuSince(before), performance.now() - beganMs]
  operations.close()
  await operations.closed
  await store.close()
  return { cpuMs, wallMs, startMs }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The same in a file of SQLite. */
export async function fanOutInFile(size: number): Promise<FanOut> {
  const dir = mkdtempSync(path(tmpdir(), 'hardshell-bench-'))
  try {
    return await fanOut(sqliteStore({ path: path(dir, 'children.db') }), size)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export const fanOutInMemory = (size: number): Promise<FanOut> => fanOut(memoryStore(), size)
