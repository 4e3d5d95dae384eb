/**
 * Planted mistakes: the program with one thing wrong. The explorer must find each of them, by the invariant that it
 * breaks; one that escapes shows what the explorer cannot see. They are changes of the program's text, made while it
 * is loaded, so that the program itself knows nothing of them.
 */

/** What an exploration says was broken: the word with which a violation begins. */
export type Invariant =
  | 'conservation'
  | 'unrecorded'
  | 'resent'
  | 'trust'
  | 'worthless'
  | 'release'
  | 'stranded'
  | 'reuse'
  | 'paid twice'
  | 'stuck'
  | 'endless'
  | 'does not converge'
  | 'restless'
  | 'failed'

export interface Plant {
  readonly name: string
  readonly changes: readonly {
    /** From the root of the repository. */
    readonly file: string
    /** Stands in the file once. */
    readonly from: string
    readonly to: string
  }[]
  /** The scenarios in which it shows, `kind.name`. */
  readonly scenarios: readonly string[]
  /** Faults in a life that it takes; 1 unless given. */
  readonly faults?: number
  /** The invariants that it breaks: one of them must fire. */
  readonly breaks: readonly Invariant[]
}

/** A source with one change made; how it is broken into lines does not matter. @throws {Error} where it does not fit. */
export function planted(source: string, { file, from, to }: Plant['changes'][number]): string {
  const escaped = from.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const parts = source.split(new RegExp(escaped.replaceAll(/\s+/g, String.raw`\s+`)))
  if (parts.length !== 2) throw new Error(`${file} has the text to change ${parts.length - 1} times: ${from}`)
  return parts.join(to)
}

const RECEIVE = ['receive.plain', 'receive.no-replay-cache']
const SWAP = ['swap.plain', 'swap.no-replay-cache']

export const plants: readonly Plant[] = [
  // The kernel's own mistakes.
  {
    name: 'effect before commit',
    changes: [
      {
        file: 'src/kernel/durable.ts',
        from: `    const { outcome } = await commitRow(env, { row, before: before.version, writes, patienceMs: Infinity })\n`,
        to: `    this.snapshot = step.snapshot
    this.#follow(step.entered)
    for (let turns = 0; turns < 200; turns++) await null
    const { outcome } = await commitRow(env, { row, before: before.version, writes, patienceMs: Infinity })\n`,
      },
    ],
    scenarios: RECEIVE,
    breaks: ['unrecorded'],
  },
  {
    name: 'two commits for one step',
    changes: [
      {
        file: 'src/kernel/commit.ts',
        from: `await env.store.commit(writes)`,
        to: `await env.store.commit([put])
      if (commit.writes.length > 0) await env.store.commit(commit.writes)`,
      },
    ],
    scenarios: RECEIVE,
    breaks: ['conservation'],
  },
  {
    name: 'replay flag lost',
    changes: [
      { file: 'src/kernel/durable.ts', from: `const replay = this.#row.attempt > 1`, to: `const replay = false` },
    ],
    scenarios: ['melt.paid', 'melt.failed'],
    breaks: ['resent'],
  },
  {
    name: 'owner and attempt not bumped on taking over',
    changes: [
      {
        file: 'src/kernel/supervisor.ts',
        from: `const taken = await this.#takeOver(batch.filter((item) => item?.effects === true).map((item) => item!.row))`,
        to: `const taken = new Map(batch.flatMap((item) => (item?.effects ? [[item.row.id, item.row] as const] : [])))`,
      },
    ],
    scenarios: ['melt.paid', 'melt.failed'],
    breaks: ['resent'],
  },
  {
    name: 'timers lost on resuming',
    changes: [
      {
        file: 'src/kernel/durable.ts',
        from: `this.#timers = loaded.stepper.timersOf(this.snapshot, JSON.parse(input.row.timers) as Timers, input.row.updatedAt)`,
        to: `this.#timers = {}`,
      },
    ],
    scenarios: RECEIVE,
    faults: 2,
    breaks: ['stuck'],
  },
  {
    name: 'a stale step overwrites a newer one',
    changes: [
      {
        file: 'src/kernel/commit.ts',
        from: `if: before === 0 ? 'absent' : { version: before }`,
        to: `if: undefined`,
      },
    ],
    scenarios: ['swap.no-replay-cache', 'melt.paid', 'melt.failed'],
    breaks: ['conservation', 'release', 'stranded', 'restless', 'does not converge', 'failed'],
  },
  {
    name: 'a commit in doubt is taken for one that failed',
    changes: [
      {
        file: 'src/kernel/commit.ts',
        from: `if (found?.commitId === row.commitId) return { outcome: 'landed' }`,
        to: ``,
      },
    ],
    scenarios: RECEIVE,
    breaks: ['does not converge', 'stuck', 'failed', 'endless'],
  },
  {
    name: 'a commit in doubt is taken for one that landed',
    changes: [
      {
        file: 'src/kernel/commit.ts',
        from: `if ((found?.version ?? 0) !== before) return { outcome: 'superseded' }`,
        to: `return { outcome: 'landed' }`,
      },
    ],
    scenarios: RECEIVE,
    breaks: ['unrecorded', 'conservation'],
  },

  // What went wrong elsewhere.
  {
    name: 'reserved proofs are never marked as sent',
    changes: [
      {
        file: 'machines/wallet/common.ts',
        from: `set: { state: 'sent' }`,
        to: `set: { state: 'reserved' }`,
      },
    ],
    scenarios: ['send.exact'],
    breaks: ['stranded', 'release', 'failed', 'stuck'],
  },
  {
    name: 'some outputs signed is taken for all',
    changes: [
      {
        file: 'src/wallet/exchange.ts',
        from: `outputs.every(({ B_ }) => signed.has(B_)))`,
        to: `outputs.some(({ B_ }) => signed.has(B_)))`,
      },
    ],
    scenarios: ['swap.no-replay-cache'],
    breaks: ['conservation'],
  },
  {
    name: 'change is given up where the quote leaves it out',
    changes: [
      {
        file: 'src/wallet/payment.ts',
        from: `if (!complete) return { answer: 'owed' as const }`,
        to: ``,
      },
    ],
    scenarios: ['melt.paid', 'melt.paid-fees', 'melt.without-change'],
    breaks: ['conservation'],
  },
  {
    name: 'an error and one look at unspent inputs release them',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `              target: 'backoff',
              actions: [again, change(() => ({ unaccounted: true }))],`,
        to: `              target: 'checking',
              actions: change(() => ({ refusal: { code: 0, detail: 'timed out' }, refusals: 99 })),`,
      },
      {
        file: 'src/wallet/exchange.ts',
        from: `if (pairs.length === 0) return`,
        to: `if (unspent || pairs.length === 0) return`,
      },
    ],
    scenarios: SWAP,
    breaks: ['release', 'conservation'],
  },
  {
    name: 'counters are not taken in the commit that stores their outputs',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `{ put: 'counters', row: counterRow, if: next === 0 ? { next: { atMost: 0 } } : { next, signed } },`,
        to: `{ put: 'counters', row: { ...counterRow, next } },`,
      },
    ],
    scenarios: SWAP,
    breaks: ['reuse', 'failed', 'does not converge'],
  },
  {
    name: 'a keyset that is gone is tried again for ever',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `              target: 'refreshing',
              actions: change(() => ({ restored: null })),`,
        to: `              target: 'backoff',
              actions: change(() => ({ restored: null, refusals: 0 })),`,
      },
    ],
    scenarios: ['swap.keyset-rotated'],
    breaks: ['does not converge'],
  },
  {
    name: 'signatures are paired by their order alone',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `if (!A || signature.id !== row.keysetId || (row.amount !== 0 && signature.amount !== row.amount)) return undefined`,
        to: `if (!A) return undefined`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `if (signature.dleq ? !crypto.verifyDleq(row.B_, signature.C_, A, signature.dleq) : dleq === 'needed')`,
        to: `if (crypto === undefined && dleq === 'needed')`,
      },
    ],
    scenarios: SWAP,
    breaks: ['worthless'],
  },
  {
    name: 'too many requests is taken for a refusal',
    changes: [{ file: 'src/cashu/reply.ts', from: `425, 429]`, to: `425]` }],
    scenarios: ['melt.paid', 'melt.failed', 'melt.no-replay-cache'],
    breaks: ['release', 'conservation'],
  },
  {
    name: 'an expired quote is given up, though paid later',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `      meta: { watch: 'late' },
      entry: assign({ error: { code: 'QUOTE_EXPIRED'`,
        to: `      entry: assign({ error: { code: 'QUOTE_EXPIRED'`,
      },
    ],
    scenarios: ['mint.paid-late'],
    breaks: ['stuck', 'does not converge', 'failed', 'conservation'],
  },
  {
    name: 'a failed payment is sent again on resuming',
    changes: [
      {
        file: 'src/wallet/kinds/melt.ts',
        from: `if (replay) return { answer: 'unknown' as const }`,
        to: `void replay`,
      },
    ],
    scenarios: ['melt.failed', 'melt.paid'],
    breaks: ['resent'],
  },
]
