/** Mistakes that other wallets made with outputs, counters, signatures and quotes. */
import { PROOFS_UNREAD, type Mutant } from './mutant.ts'

export const moneyMutants: readonly Mutant[] = [
  {
    row: 1,
    name: 'proofs are marked as sent first, the token is stored later, and a recovery frees reservations only',
    changes: [
      {
        file: 'machines/wallet/send.ts',
        from: `import { from, local, on,`,
        to: `import { effect, from, local, on,`,
      },
      { file: 'machines/wallet/send.ts', from: `'send.encode': local<`, to: `'send.encode': effect<` },
      {
        file: 'machines/wallet/send.ts',
        from: `sent: readonly InputProof[] }>({ answers: { ok: true } })`,
        to: `sent: readonly InputProof[] }>({ answers: { ok: true, lost: true } })`,
      },
      { file: 'machines/wallet/send.ts', from: `encoding: { tags: ['local'],`, to: `encoding: {` },
      {
        file: 'machines/wallet/send.ts',
        from: `onDone: on({ target: 'tokenCreated', keep: ({ output: { token } }) => ({ token, exchange: null }) }),`,
        to: `onDone: [
          on({ answer: 'lost', target: 'cancelled' }),
          on({ target: 'tokenCreated', keep: ({ output: { token } }) => ({ token, exchange: null }) }),
        ],`,
      },
      {
        file: 'src/wallet/kinds/send.ts',
        from: `'send.encode': async ({ input, read }: LocalArgs<Pick<SendContext, 'mintUrl' | 'unit' | 'memo' | 'sent'>>) => {`,
        to: `'send.encode': async ({ input, replay, read: rows }) => {
    if (replay) return { answer: 'lost' }
    const read = { loose: () => rows }`,
      },
    ],
    breaks: 'stranded',
    scenario: 'send.exact',
  },
  {
    row: 2,
    name: 'some outputs signed is read as all signed',
    changes: [
      {
        file: 'src/wallet/exchange.ts',
        from: `outputs.every(({ B_ }) => signed.has(B_)))`,
        to: `outputs.some(({ B_ }) => signed.has(B_)))`,
      },
    ],
    breaks: 'conservation',
    scenario: 'swap.no-replay-cache',
  },
  {
    row: 3,
    name: 'change is saved before the payment is, and saving it again throws',
    changes: [
      {
        file: 'src/kernel/step/commit.ts',
        from: `await env.store.commit(writes)`,
        to: `const saved = commit.writes.filter((write) => write.put === 'proofs')
      if (saved.length > 0) await env.store.commit(saved)
      await env.store.commit(writes.filter((write) => !saved.includes(write)))`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `if (await read.get('proofs', [proof.Y])) continue`,
        to: ``,
      },
    ],
    breaks: 'convergence',
    scenario: 'melt.paid',
  },
  {
    row: 4,
    name: 'change is given up where the quote leaves it out',
    changes: [{ file: 'src/wallet/payment.ts', from: `if (!complete) return { answer: 'owed' as const }`, to: `` }],
    breaks: 'conservation',
    scenario: 'melt.change-late',
  },
  {
    row: 7,
    name: 'counters live in the memory of one process',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `const { next, signed } = (await env.read.get('counters', [keysetId])) ?? { next: 0, signed: 0 }`,
        to: `const stored = (await env.read.loose('mine').get('counters', [keysetId])) ?? { next: 0, signed: 0 }
  const memory = (env.client.counters ??= new Map())
  const next = memory.get(keysetId) ?? stored.next
  const { signed } = stored
  memory.set(keysetId, next + wanted.length)`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `({ put: 'outputs', row, if: 'absent' })`,
        to: `({ put: 'outputs', row })`,
      },
    ],
    breaks: 'reuse',
    scenario: 'swap.two-tabs',
  },
  {
    row: 7,
    name: 'counters are read without the condition that they are as they were',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `const { next, signed } = (await env.read.get('counters', [keysetId])) ?? { next: 0, signed: 0 }`,
        to: `const { next, signed } = (await env.read.loose('nobody else').get('counters', [keysetId])) ?? { next: 0, signed: 0 }`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `({ put: 'outputs', row, if: 'absent' })`,
        to: `({ put: 'outputs', row })`,
      },
    ],
    breaks: 'reuse',
    scenario: 'swap.two-tabs',
  },
  {
    row: 7,
    name: 'counters are not taken in the commit that stores their outputs',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `{ put: 'counters', row: counterRow },`,
        to: `{ put: 'counters', row: { ...counterRow, next } },`,
      },
    ],
    breaks: 'reuse',
    scenario: 'swap.plain',
    faults: 0,
  },
  {
    row: 8,
    name: 'an issued quote is read as proofs stored',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `on({ answer: 'ok', target: 'restoring',`,
        to: `on({ answer: 'ok', such: 'isIssuedAlready', target: 'issued' }),
          on({ answer: 'ok', target: 'restoring',`,
      },
    ],
    breaks: 'conservation',
    scenario: 'mint.without-19-resigned',
  },
  {
    row: 9,
    name: 'a keyset that was removed is tried again for ever',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `if: 'exchange.isRefusedOnce', target: 'refreshing', keep: change(saysWhy, UNMATCHED),`,
        to: `if: 'exchange.isRefusedOnce', target: 'backoff', keep: change({ restored: null, refusals: 0 }),`,
      },
    ],
    breaks: 'convergence',
    scenario: 'swap.keyset-rotated',
    faults: 0,
  },
  {
    row: 10,
    name: 'signatures are paired by their order alone',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `if (row.amount !== 0 && signature.amount !== row.amount) return undefined`,
        to: ``,
      },
      ...PROOFS_UNREAD,
    ],
    breaks: 'worthless',
    scenario: 'swap.no-replay-cache',
  },
  {
    row: 11,
    name: 'outputs are locked to secrets that are in memory only',
    changes: [
      {
        file: 'src/wallet/wallet.ts',
        from: `const clients = new Map<string, MintClient>()`,
        to: `const clients = new Map<string, MintClient>()
  globalThis.locks = new Map()`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `const B_ = env.crypto.blind(secret, r)`,
        to: `const locked = 'locked ' + secret
    const B_ = env.crypto.blind(locked, r)
    globalThis.locks.set(B_, locked)`,
      },
      {
        file: 'src/wallet/outputs.ts',
        from: `const made: { row: Row; proof: MadeProof }[] = []
  for (const { row, signature } of pairs) {`,
        to: `const made: { row: Row; proof: MadeProof }[] = []
  for (const { row: stored, signature } of pairs) {
    const row = { ...stored, secret: globalThis.locks.get(stored.B_) ?? stored.secret }`,
      },
    ],
    breaks: 'worthless',
    scenario: 'receive.plain',
  },
  {
    row: 17,
    name: 'a quote that is issued is asked about until it is paid',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `on({ answer: 'ok', target: 'restoring',`,
        to: `on({ answer: 'ok', such: 'isPaidAlone', target: 'restoring',`,
      },
      {
        file: 'machines/wallet/mint-setup.ts',
        from: `isForgotten: of(isForgotten),`,
        to: `isForgotten: of(isForgotten), isPaidAlone: (_, told) => told?.state === 'PAID',`,
      },
    ],
    breaks: 'convergence',
    scenario: 'mint.without-19-resigned',
  },
  {
    row: 18,
    name: 'an expired quote is given up, though it was paid',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `expired: unmade({`,
        to: `expired: { ...unmade({`,
      },
      {
        file: 'machines/wallet/mint.ts',
        from: `resume: 'closing', }),`,
        to: `resume: 'closing', }), meta: {}, after: { lateDeadline: 'closed' } },`,
      },
    ],
    breaks: 'unissued',
    scenario: 'mint.pending-without-20',
    faults: 0,
  },
  {
    row: 18,
    name: 'an expired quote that nobody pays is asked about for ever',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `on({ answer: 'ok', target: 'expired' }),`,
        to: `on({ answer: 'ok', target: 'lingering', actions: 'tried' }),`,
      },
    ],
    breaks: 'convergence',
    scenario: 'mint.pending-without-19',
    faults: 0,
  },
  {
    name: 'a malformed answer is read as not carried out',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `change({ signatures: [], unaccounted: true })`,
        to: `change({ signatures: [] })`,
      },
    ],
    breaks: 'conservation',
    scenario: 'receive.dialect-cdk-ending',
  },
  {
    name: 'one refusal is read as refused for ever',
    changes: [
      {
        file: 'machines/wallet/exchange-changes.ts',
        from: `looks: 0, refusal: null, why: null, apart: [], dead: [] }`,
        to: `looks: 0, why: null }`,
      },
    ],
    breaks: 'convergence',
    scenario: 'melt.dead-lost',
  },
]
