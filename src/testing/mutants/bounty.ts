/** Mutants of the bounty: mistakes that other escrows have made, and similar ones. */
import type { Mutant } from './mutant.ts'

export const bountyMutants: readonly Mutant[] = [
  {
    row: 14,
    name: 'a bounty is settled before its credits are captured',
    changes: [
      {
        file: 'src/bounty/kind.ts',
        from: `asking((input, signal) => ports.credits.capture(input, signal))`,
        to: `asking((input, signal) => ports.credits.capture(input, signal).catch(() => ({ answer: 'ok' as const })))`,
      },
    ],
    breaks: 'unpaid',
    scenario: 'bounty.settled',
  },
  {
    row: 14,
    name: 'an error after a committed create releases the reserved credits',
    changes: [
      {
        file: 'src/bounty/kind.ts',
        from: `asking((input, signal) => ports.credits.reserve(input, signal))`,
        to: `asking(async (input, signal) => {
          try {
            return await ports.credits.reserve(input, signal)
          } catch {
            await ports.credits.void({ key: input.key }, signal)
            return { answer: 'rejected' as const, reason: 'failed' }
          }
        })`,
      },
    ],
    breaks: 'compensation',
    scenario: 'bounty.settled',
  },
  {
    row: 14,
    name: 'an error after a committed claim releases it',
    changes: [
      {
        file: 'src/bounty/kind.ts',
        from: `asking((input, signal) => ports.claims.acquire(input, signal))`,
        to: `asking(async (input, signal) => {
          try {
            return await ports.claims.acquire(input, signal)
          } catch {
            await ports.claims.release({ key: input.key }, signal)
            return { answer: 'rejected' as const, reason: 'failed' }
          }
        })`,
      },
    ],
    breaks: 'compensation',
    scenario: 'bounty.settled',
  },
  {
    name: 'a claim counts whether its lease was granted or not',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `refused: { target: '#bounty.releasing', keep: ended('refused') }`,
        to: `refused: { target: '#bounty.claimed' }`,
      },
    ],
    breaks: 'lease',
    scenario: 'bounty.claims-rejected',
  },
  {
    name: 'an open bounty can be settled',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `Waits for a claim, cancel, or the deadline.',
      on: {`,
        to: `Waits for a claim, cancel, or the deadline.',
      on: {
        settle: {
          target: 'judging',
          actions: { type: 'keep', params: ({ event: { payee, contribution } }) => ({ offer: { payee, contribution } }) },
        },`,
      },
    ],
    breaks: 'payee',
    scenario: 'bounty.settled-twice',
  },
  {
    row: 19,
    name: 'a paused worker overwrites the claim of the next one',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `settle: {
          guard: { type: 'isHolder', params: ({ event }) => event.lease },`,
        to: `settle: {`,
      },
    ],
    breaks: 'payee',
    scenario: 'bounty.successor',
  },
  {
    name: 'a payment that is refused is given back',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `done: { target: '#bounty.completed' },`,
        to: `done: { target: '#bounty.completed' },
        refused: { target: '#bounty.refunding' },`,
      },
    ],
    breaks: 'both',
    scenario: 'bounty.settled',
  },
  {
    name: 'an expired bounty is not refunded',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `after: { deadline: { target: 'refunding', actions: endsAs('expired') } },`,
        to: `after: { deadline: { target: 'expired', actions: endsAs('expired') } },`,
      },
    ],
    breaks: 'refund',
    scenario: 'bounty.expired',
  },
  {
    name: 'a replayed capture pays a second time',
    changes: [
      {
        file: 'src/bounty/rules.ts',
        from: `if (found.state === 'captured') return found.payee === payee ? { reply: OK } : no('paid to somebody else')`,
        to: ``,
      },
      {
        file: 'src/bounty/rules.ts',
        from: `const all = [...entries(after), ...entries(before).map(({ account, by }) => ({ account, by: -by }))]`,
        to: `const all = after.state === 'captured' ? entries(after).slice(1) : [...entries(after), ...entries(before).map(({ account, by }) => ({ account, by: -by }))]`,
      },
    ],
    breaks: 'conservation',
    scenario: 'bounty.settled',
  },
  {
    name: 'an index entry that was not written is never written',
    changes: [
      {
        file: 'src/bounty/documents.ts',
        from: `if (last) await this.#bringUpToDate(last)
      return reply`,
        to: `if (put && last) await this.#bringUpToDate(last)
      return reply`,
      },
      { file: 'src/bounty/documents.ts', from: `if (found) await this.#bringUpToDate(found)`, to: `` },
    ],
    breaks: 'index',
    scenario: 'bounty.settled',
  },
  {
    name: 'a released lease keeps its bounty from other workers',
    changes: [
      {
        file: 'src/bounty/store-services.ts',
        from: `holds: put.state === 'released' ? null : put.task`,
        to: `holds: put.task`,
      },
    ],
    breaks: 'orphan',
    scenario: 'bounty.expired-claimed',
    faults: 0,
  },
]
