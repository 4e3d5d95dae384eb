/** What a schedule costs: the commits of a tick that comes in time, and of many that were missed. */
import { setup } from 'xstate'
import { defineOperation, openOperations, operationsTable } from '../../src/kernel/index.ts'
import { schedule } from '../../src/kernel/schedule/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { VirtualClock } from '../../src/testing/index.ts'

const EVERY_MS = 60_000
const MISSED = 1_000

export interface Schedules {
  /** Of a tick, with the first step of its child. */
  readonly commitsOfTick: number
  readonly missed: number
  /** Until all that were missed are made up for. */
  readonly commitsOfMissed: number
  readonly wallMs: number
}

/** Runs on virtual time, with rows in memory: the time that it takes is the kernel's own. */
export async function measureSchedules(): Promise<Schedules> {
  const job = defineOperation({
    kind: 'job',
    version: 1,
    machine: setup({ types: {} as { context: object; input: { id: string; tickMs: number } } }).createMachine({
      context: {},
      initial: 'done',
      states: { done: { type: 'final' } },
    }),
    effects: () => ({}),
  })
  const minutely = schedule({ kind: 'minutely', starts: job, input: ({ tickMs }) => ({ tickMs }) })
  const tables = { operations: operationsTable() }
  const opened = await memoryStore().open({ version: 1, tables })
  let commits = 0
  const store = {
    ...opened,
    commit: (writes: Parameters<typeof opened.commit>[0]) => (commits++, opened.commit(writes)),
  }
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const operations = openOperations({ store, tables, kinds: [job, minutely], ports: {}, clock })
  const { id } = await operations.of(minutely).create({ everyMs: EVERY_MS, missed: 'all' })
  const fired = async (count: number): Promise<number> => {
    const before = commits
    clock.advance()
    const name = new Date(clock.now() - (clock.now() % EVERY_MS)).toISOString()
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (await opened.get('operations', [`${id}/${name}`])) break
      if (commits > before + count + 1) throw new Error('the ticks were not fired')
      clock.advance()
    }
    return commits - before
  }
  const commitsOfTick = await fired(1)
  clock.sleep(MISSED * EVERY_MS)
  const startedAt = performance.now()
  const commitsOfMissed = await fired(MISSED)
  const wallMs = performance.now() - startedAt
  operations.close()
  return { commitsOfTick, missed: MISSED, commitsOfMissed, wallMs }
}
