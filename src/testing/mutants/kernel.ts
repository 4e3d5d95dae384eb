/** Mistakes of the kernel. */
import type { Mutant } from './mutant.ts'

/** A mistake in a kind: what an answer leads to cannot be written. */
const DEFECT: Mutant['changes'][number] = {
  file: 'src/wallet/outputs.ts',
  from: `writes.push({ put: 'proofs', row: stored, if: 'absent' })`,
  to: `writes.push({ put: 'profos', row: stored, if: 'absent' })`,
}

export const kernelMutants: readonly Mutant[] = [
  {
    name: 'effect before commit',
    changes: [
      {
        file: 'src/kernel/run/durable.ts',
        from: `const outcome = await commitStep(`,
        to: `this.snapshot = step.snapshot
    this.#follow(step.entered)
    for (let turns = 0; turns < 200; turns++) await null
    const outcome = await commitStep(`,
      },
    ],
    breaks: 'unrecorded',
    scenario: 'receive.plain',
  },
  {
    name: 'two commits for one step',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `await env.store.commit(writes)`,
        to: `await env.store.commit([put])
      if (commit.writes.length > 0) await env.store.commit(commit.writes)`,
      },
    ],
    breaks: 'conservation',
    scenario: 'receive.plain',
  },
  {
    name: 'a step that landed at the second try starts nothing',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `await env.store.commit(writes)
      return { outcome: 'landed' }`,
        to: `await env.store.commit(writes)
      return { outcome: 'landed', retried: waitMs > FIRST_WAIT_MS }`,
      },
      {
        file: 'src/kernel/run/step-commit.ts',
        from: `if (outcome.outcome === 'landed') landed()`,
        to: `if (outcome.outcome === 'landed') landed(outcome.retried)`,
      },
      {
        file: 'src/kernel/run/durable.ts',
        from: `commit, () => {`,
        to: `commit, (retried) => {`,
      },
      {
        file: 'src/kernel/run/durable.ts',
        from: `this.#follow(step.entered)
    })`,
        to: `if (!retried) this.#follow(step.entered)
    })`,
      },
    ],
    breaks: 'stuck',
    scenario: 'send.exact',
  },
  {
    name: 'the replay flag is lost',
    changes: [
      { file: 'src/kernel/run/durable.ts', from: `const replay = this.#row.attempt > 1`, to: `const replay = false` },
    ],
    breaks: 'paid twice',
    scenario: 'melt.paid',
  },
  {
    name: 'owner and attempt are not written on taking over',
    changes: [
      {
        file: 'src/kernel/run/supervisor.ts',
        from: `const taken = await this.#takeOver(due)`,
        to: `const taken = new Map(due.map(({ row }) => [row.id, row] as const))`,
      },
    ],
    breaks: 'paid twice',
    scenario: 'melt.paid',
  },
  {
    name: 'timers are lost on resuming',
    changes: [
      {
        file: 'src/kernel/run/durable.ts',
        from: `this.#timers = loaded.timers(input.row)`,
        to: `this.#timers = input.row.owner === kernel.owner ? loaded.timers(input.row) : {}`,
      },
    ],
    breaks: 'stuck',
    scenario: 'swap.cancelled',
  },
  {
    name: 'pauses are measured by the time of day alone',
    changes: [
      {
        file: 'src/kernel/run/moments.ts',
        from: `steadyMs: clock.monotonicMs() + delayMs,`,
        to: `steadyMs: Infinity,`,
      },
    ],
    breaks: 'slow',
    scenario: 'swap.plain-clock-back',
  },
  {
    name: 'timers are not stored',
    changes: [{ file: 'src/kernel/run/durable.ts', from: `timers: JSON.stringify(timers)`, to: `timers: '{}'` }],
    breaks: 'stuck',
    scenario: 'swap.cancelled',
    faults: 0,
  },
  {
    name: 'a commit in doubt is taken for one that failed',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `doubt ||= error.code === 'IN_DOUBT'`,
        to: `if (error.code === 'IN_DOUBT') throw error`,
      },
    ],
    breaks: 'failed',
    scenario: 'receive.plain',
  },
  {
    name: 'a commit in doubt is taken for one that landed',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `if ((found?.version ?? 0) !== before) return { outcome: 'superseded' }`,
        to: `return { outcome: 'landed' }`,
      },
    ],
    breaks: 'unrecorded',
    scenario: 'receive.plain',
  },
  {
    name: 'every start commits a row',
    changes: [
      {
        file: 'src/wallet/wallet.ts',
        from: `const clients = new Map<string, MintClient>()`,
        to: `const clients = new Map<string, MintClient>()
  for (const { mintUrl, infoAt } of await store.query({ table: 'mints' }))
    await store.commit([{ patch: 'mints', key: [mintUrl], set: { infoAt: infoAt + 1 } }])`,
      },
    ],
    breaks: 'restless',
    scenario: 'receive.plain',
    faults: 0,
  },
  {
    name: 'a step writes to a table that does not exist',
    changes: [DEFECT],
    breaks: 'quarantined',
    scenario: 'receive.plain',
    faults: 0,
  },
  {
    name: 'an operation that met a defect is tried again',
    changes: [
      DEFECT,
      {
        file: 'src/kernel/run/supervisor.ts',
        from: `if (row && isDefect(error)) return void this.#reload(id)`,
        to: ``,
      },
      { file: 'src/kernel/run/supervisor.ts', from: `isDefect: isDefect(error)`, to: `isDefect: false` },
    ],
    breaks: 'retried',
    scenario: 'receive.plain',
    faults: 0,
  },
  {
    name: 'a commit that the store refuses for good is tried again',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `if (error.code === 'BUSY' || error.code === 'FULL'`,
        to: `if (error.code === 'UNSTORABLE' || error.code === 'BUSY' || error.code === 'FULL'`,
      },
    ],
    breaks: 'convergence',
    scenario: 'receive.plain',
  },
  {
    name: 'an operation whose step cannot be stored is forgotten',
    changes: [
      {
        file: 'src/kernel/run/supervisor.ts',
        from: `this.#drop(id) if ((error instanceof StoreError`,
        to: `this.#drop(id)
    if (isUnstorable(error)) return
    if ((error instanceof StoreError`,
      },
    ],
    breaks: 'stuck',
    scenario: 'receive.plain',
  },
  {
    name: 'effects are taken over without a step in the history',
    changes: [
      {
        file: 'src/kernel/run/supervisor.ts',
        from: `writes.push(...this.#recorded(KERNEL_STEPS.takenOver, row, mine))`,
        to: ``,
      },
    ],
    breaks: 'steps',
    scenario: 'receive.plain',
  },
  {
    name: 'a step is written to the history after its commit',
    changes: [
      {
        file: 'src/kernel/run/durable.ts',
        from: `if (kernel.history) writes.push(kernel.history.write({ cause, before, row, kind, step, trace }))`,
        to: `if (kernel.history) {
    const late = kernel.history.write({ cause, before, row, kind, step, trace })
    setTimeout(() => void kernel.store.commit([late]).catch(() => {}), 0)
  }`,
      },
    ],
    breaks: 'steps',
    scenario: 'receive.plain',
    faults: 0,
  },
  {
    name: 'a step in the history says that it came from where it led',
    changes: [
      {
        file: 'src/kernel/run/step-history.ts',
        from: `from: before && before.version > 0 ? before.state : null`,
        to: `from: before && before.version > 0 ? state : null`,
      },
    ],
    breaks: 'steps',
    scenario: 'receive.plain',
    faults: 0,
  },
]
