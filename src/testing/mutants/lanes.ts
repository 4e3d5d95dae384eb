/** Mistakes that only a lane finds: of owners, of groups of commits, of time-outs, of the real crypto. */
import type { Mutant } from './mutant.ts'

export const laneMutants: readonly Mutant[] = [
  {
    name: 'a request without an answer never times out',
    changes: [
      {
        file: 'src/cashu/client.ts',
        from: `limitMs <= LONGEST_TIMER_MS ? clock.setTimeout(late, limitMs) : undefined`,
        to: `undefined`,
      },
    ],
    breaks: 'stuck',
    scenario: 'swap.plain',
  },
  {
    name: 'a time-out is taken for a refusal',
    changes: [
      {
        file: 'src/cashu/client.ts',
        from: `return { answer: 'unknown', reason: stop.signal.aborted ?`,
        to: `if (stop.signal.aborted && !signal.aborted)
        return classify({ status: 400, body: '{"detail":"timed out","code":0}' }, parse, name)
      return { answer: 'unknown', reason: stop.signal.aborted ?`,
      },
    ],
    breaks: 'release',
    scenario: 'melt.dead-late',
  },
  {
    name: 'a process does not renew its heartbeat',
    lane: 'owners',
    changes: [{ file: 'src/kernel/share/ownership.ts', from: `await this.#touch()`, to: `` }],
    breaks: 'rivals',
    scenario: 'swap.plain',
    faults: 0,
  },
  {
    name: 'a stale owner’s answer overwrites the step of its adopter',
    lane: 'owners',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `const put: KernelWrite = { put: 'operations', row, if: before === 0 ? 'absent' : { version: before } }`,
        to: `const put: KernelWrite = before === 0 ? { put: 'operations', row, if: 'absent' } : { put: 'operations', row }`,
      },
    ],
    breaks: 'rivals',
    scenario: 'swap.plain',
  },
  {
    name: 'a process that was suspended sends its request without verifying ownership',
    lane: 'owners',
    changes: [
      {
        file: 'src/kernel/run/durable.ts',
        from: `return !this.#owned || sinceMs(this.#owned, this.#kernel.clock) > LONG_WAIT_MS`,
        to: `return false`,
      },
    ],
    breaks: 'rivals',
    scenario: 'swap.plain',
  },
  {
    name: 'a follower does not wait for the lock',
    lane: 'owners',
    changes: [
      {
        file: 'src/kernel/share/ownership.ts',
        from: `this.#held = await this.#ask(lock, true)
        if (!this.#held) continue`,
        to: `return`,
      },
    ],
    breaks: 'follower',
    scenario: 'swap.plain',
  },
  {
    name: 'the commits of other processes are not noticed',
    lane: 'owners',
    changes: [
      {
        file: 'src/kernel/operations.ts',
        from: `if (this.#store.ownership) this.#remoteChanges.begin()`,
        to: ``,
      },
    ],
    breaks: 'unheard',
    scenario: 'swap.plain',
    faults: 0,
  },
  {
    name: 'a commit that is refused takes its whole group with it',
    lane: 'group',
    changes: [
      {
        file: 'src/store/sqlite/store.ts',
        from: `refusals.set(member, coded(ownConflict(error, this.#unique)))`,
        to: `throw error`,
      },
    ],
    breaks: 'store',
    scenario: 'many.kinds-at-once',
  },
  {
    name: 'a total counts the members of a group twice',
    lane: 'group',
    changes: [
      {
        file: 'src/store/sqlite/store.ts',
        from: `sum: safe(table, before.sum + sum), count`,
        to: `sum: safe(table, before.sum + 2 * sum), count`,
      },
    ],
    breaks: 'totals',
    scenario: 'many.kinds-at-once',
    faults: 0,
  },
  {
    name: 'a group of commits is acknowledged before it landed',
    lane: 'group',
    changes: [
      {
        file: 'src/store/sqlite/store.ts',
        from: `committing = true
      this.#run('COMMIT')`,
        to: `committing = true
      for (const member of members) member.resolve()
      this.#run('COMMIT')`,
      },
    ],
    breaks: 'store',
    scenario: 'many.kinds-at-once',
  },
  {
    name: 'a signature is accepted without its DLEQ proof',
    lane: 'crypto',
    changes: [
      {
        file: 'src/cashu/wallet-crypto.ts',
        from: `verifyDleq: (B_, C_, A, dleq) => holds(() => dleqHolds(curve, points.get(B_), points.get(C_), keys.get(A), dleq)),`,
        to: `verifyDleq: () => true,`,
      },
    ],
    breaks: 'worthless',
    scenario: 'restore.forging-hasty',
    faults: 0,
  },
]
