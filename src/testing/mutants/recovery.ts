/** Mistakes that other wallets made with answers, rollbacks, restarts and owners. */
import type { Mutant } from './mutant.ts'

export const recoveryMutants: readonly Mutant[] = [
  {
    row: 5,
    name: 'an error of a swap and one reading of unspent inputs release them',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `target: 'backoff', keep: change(again, { unaccounted: true, isChecked: false }),`,
        to: `target: 'checking',
              keep: change({ refusal: { code: 0, detail: 'timed out', meaning: 'passing' }, refusals: 99 }),`,
      },
    ],
    breaks: 'release',
    scenario: 'swap.plain',
  },
  {
    row: 5,
    name: 'an error of a melt and one reading of unspent inputs release them',
    changes: [
      {
        file: 'machines/wallet/melt-model.ts',
        from: `answers === sends || (sends === 1 && landed)`,
        to: `sends > 0 || answers > 0 || landed`,
      },
    ],
    breaks: 'release',
    scenario: 'melt.paid',
  },
  {
    row: 6,
    name: 'a recovery releases every reservation',
    changes: [
      {
        file: 'src/wallet/wallet.ts',
        from: `const clients = new Map<string, MintClient>()`,
        to: `const clients = new Map<string, MintClient>()
  for (const { Y, state } of await store.query({ table: 'proofs' }))
    if (state === 'reserved')
      await store.commit([{ patch: 'proofs', key: [Y], set: { state: 'spendable', operationId: null } }])`,
      },
    ],
    breaks: 'release',
    scenario: 'melt.paid',
  },
  {
    row: 12,
    name: 'status 429 is read as a refusal',
    changes: [{ file: 'src/cashu/reply.ts', from: `425, 429]`, to: `425]` }],
    breaks: 'release',
    scenario: 'melt.paid',
  },
  {
    row: 13,
    name: 'a rollback is a commit of its own, and its failure is ignored',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `await env.store.commit(writes)`,
        to: `const back = commit.writes.filter((write) => write.set?.state === 'spendable')
      await env.store.commit(writes.filter((write) => !back.includes(write)))
      if (back.length > 0) await env.store.commit(back).catch(() => {})`,
      },
    ],
    breaks: 'stranded',
    scenario: 'swap.cancelled',
  },
  {
    row: 14,
    name: 'a pending payment is read as paid',
    changes: [
      {
        file: 'machines/wallet/melt.ts',
        from: `answer: 'pending', target: 'checking',
            keep: ({ context: { answers } }) => ({ answers: answers + 1, landed: true }),`,
        to: `answer: 'pending', target: 'paid',
            actions: writes(({ id, inputs }) => spend(id, inputs, 'reserved')),`,
      },
    ],
    breaks: 'conservation',
    scenario: 'melt.collision-ailing',
    faults: 0,
  },
  {
    row: 14,
    name: 'an error that comes after the commit is compensated for',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `doubt ||= error.code === 'IN_DOUBT'`,
        to: `doubt ||= error.code === 'IN_DOUBT'
      if (doubt)
        for (const write of commit.writes.filter(({ set }) => set?.state === 'reserved'))
          await env.store.commit([{ ...write, set: { state: 'spendable', operationId: null }, if: undefined }])`,
      },
    ],
    breaks: 'release',
    scenario: 'swap.plain',
  },
  {
    row: 15,
    name: 'a start resumes operations one after the other',
    changes: [
      {
        file: 'src/wallet/wallet.ts',
        from: `const wallet = new OpenWallet({ operations, cancel, store, ports, mints, crypto: inUse }, store, forget)`,
        to: `for (const { row } of await operations.list({ status: 'active' }))
    await client(row.mintUrl).keysets({ signal: new AbortController().signal })
  const wallet = new OpenWallet({ operations, cancel, store, ports, mints, crypto: inUse }, store, forget)`,
      },
    ],
    breaks: 'start-up',
    scenario: 'send.many',
    faults: 0,
  },
  {
    row: 15,
    name: 'each token is polled by a request of its own',
    changes: [{ file: 'src/wallet/token-poll.ts', from: `most: 25,`, to: `most: 1,` }],
    breaks: 'start-up',
    scenario: 'send.many',
    faults: 0,
  },
  {
    row: 16,
    name: 'listeners are awaited before the operation goes on',
    changes: [
      {
        file: 'src/wallet/events.ts',
        from: `if (event === 'operation') call(operationEvent(change))`,
        to: `if (event === 'operation') return call(operationEvent(change))`,
      },
      {
        file: 'src/kernel/inspect/telling.ts',
        from: `for (const call of [ ...[...this.#listeners]`,
        to: `const told = []
    for (const call of [ ...[...this.#listeners]`,
      },
      {
        file: 'src/kernel/inspect/telling.ts',
        from: `unharmed(call)`,
        to: `told.push(unharmed(call))
    return Promise.all(told)`,
      },
      {
        file: 'src/kernel/operations.ts',
        from: `this.#telling.step(change)`,
        to: `return this.#telling.step(change)`,
      },
      {
        file: 'src/kernel/inspect/telling.ts',
        from: `this.#change(change)`,
        to: `return this.#change(change)`,
      },
      {
        file: 'src/kernel/run/durable.ts',
        from: `kernel.changed({ before, row, snapshot, emitted, moves, tables: tablesOf(writes) })`,
        to: `await kernel.changed({ before, row, snapshot, emitted, moves, tables: tablesOf(writes) })`,
      },
      {
        file: 'src/kernel/run/durable.ts',
        from: `await commitStep(kernel, this.#loaded, step, commit, () => {`,
        to: `await commitStep(kernel, this.#loaded, step, commit, async () => {`,
      },
      {
        file: 'src/kernel/run/step-commit.ts',
        from: `if (outcome.outcome === 'landed') landed()`,
        to: `if (outcome.outcome === 'landed') await landed()`,
      },
    ],
    breaks: 'stuck',
    scenario: 'swap.listening',
    faults: 0,
  },
  {
    row: 19,
    name: 'a stale owner continues from its last snapshot',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `if: before === 0 ? 'absent' : { version: before }`,
        to: `if: undefined`,
      },
    ],
    breaks: 'paid twice',
    scenario: 'melt.cancelled',
  },
  {
    row: 20,
    name: 'a mint that is no longer trusted gets requests',
    changes: [
      {
        file: 'src/kernel/run/request-limiter.ts',
        from: `if (!(await this.#open(lane))) {`,
        to: `if (lane === undefined) {`,
      },
    ],
    breaks: 'trust',
    scenario: 'receive.distrusted',
    faults: 0,
  },
  {
    name: 'a mint gets requests during its Retry-After',
    changes: [
      {
        file: 'src/kernel/run/request-limiter.ts',
        from: `} else if (this.pauseOf(lane)) {`,
        to: `} else if (lane === undefined) {`,
      },
      { file: 'src/wallet/standings.ts', from: `if (this.waitMs(mintUrl) > 0)`, to: `if (mintUrl === '')` },
    ],
    breaks: 'throttled',
    scenario: 'swap.plain-throttled',
    faults: 0,
  },
  {
    name: 'a mint’s Retry-After ends with the process',
    changes: [
      {
        file: 'src/wallet/standings.ts',
        from: `if (pause && pause.untilMs !== before.pause?.untilMs)`,
        to: `if (pause && mintUrl === '')`,
      },
    ],
    breaks: 'throttled',
    scenario: 'swap.plain-throttled',
  },
  {
    row: 21,
    name: 'a payment is sent again on resuming',
    changes: [
      {
        file: 'src/wallet/kinds/melt.ts',
        from: `if (replay) return { answer: 'unknown' as const }`,
        to: `void replay`,
      },
    ],
    breaks: 'paid twice',
    scenario: 'melt.failed',
  },
  {
    name: 'inputs of a payment are released when the second request is answered and the first is not',
    changes: [
      {
        file: 'machines/wallet/melt-model.ts',
        from: `answers === sends || (sends === 1 && landed)`,
        to: `answers > 0 || (sends === 1 && landed)`,
      },
    ],
    breaks: 'release',
    scenario: 'melt.held-refused',
    faults: 0,
  },
]
