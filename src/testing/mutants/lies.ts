/** Mutants that believe a lie of the mint. */
import { PROOFS_UNREAD, type Mutant } from './mutant.ts'

export const lieMutants: readonly Mutant[] = [
  {
    name: 'a signature’s DLEQ proof is not verified',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `return A && dleq && !crypto.verifyDleq(B_, C_, A, dleq) ? undefined : A`,
        to: `return A`,
      },
    ],
    breaks: 'worthless',
    scenario: 'swap.lies-forged',
    faults: 0,
  },
  {
    name: 'a restored signature’s DLEQ proof is not verified',
    changes: [
      {
        file: 'src/wallet/kinds/restore.ts',
        from: `[{ row, signature }], keysets, 'optional')`,
        to: `[{ row, signature: { ...signature, dleq: undefined } }], keysets, 'optional')`,
      },
    ],
    breaks: 'worthless',
    scenario: 'restore.lies-otherKey',
    faults: 0,
  },
  {
    name: 'change without DLEQ proofs is accepted',
    changes: [...PROOFS_UNREAD],
    breaks: 'worthless',
    scenario: 'melt.lies-exchanged',
    faults: 0,
  },
  {
    name: 'signatures of a swap that do not verify are believed to be another device’s',
    changes: [
      {
        file: 'src/wallet/exchange.ts',
        from: `if (!(await arePlausible(ports, pairs, await keysetsOf(known, input.mintUrl)))) return { answer: 'wrong' }`,
        to: ``,
      },
    ],
    breaks: 'conservation',
    scenario: 'swap.lies-exchanged',
    faults: 0,
  },
  {
    name: 'signatures of an issue that do not verify are believed to be another device’s',
    changes: [
      {
        file: 'src/wallet/issue.ts',
        from: `if (!(await arePlausible(ports, pairs, await keysetsOf(known, input.mintUrl)))) return { answer: 'wrong' as const }`,
        to: ``,
      },
    ],
    breaks: 'convergence',
    scenario: 'mint.lies-otherKeyset',
    faults: 0,
  },
  {
    name: 'a quote that is refused as issued is believed to be open',
    changes: [
      {
        file: 'src/wallet/issue.ts',
        from: `(quoteState === 'PAID' && refusal?.meaning !== 'quoteIssued')`,
        to: `quoteState === 'PAID'`,
      },
    ],
    breaks: 'quarantined',
    scenario: 'mint.lies-quote-unissued',
    faults: 0,
  },
  {
    name: 'of two states of a proof the last counts',
    changes: [
      {
        file: 'src/cashu/client.ts',
        from: `state: state === told.state ? state : 'PENDING'`,
        to: `state: told.state`,
      },
    ],
    breaks: 'conservation',
    scenario: 'swap.lies-states-doubled',
    faults: 0,
  },
  {
    name: 'inputs that are refused as spent are free where the mint says so',
    changes: [
      {
        file: 'machines/wallet/exchange-setup.ts',
        from: `!exchange.unaccounted && !contradictsStates(exchange)`,
        to: `!exchange.unaccounted`,
      },
    ],
    breaks: 'release',
    scenario: 'swap.lies-states-unspent',
    faults: 0,
  },
  {
    name: 'a swap that is refused is taken not to have happened, where the mint restores nothing',
    changes: [
      {
        file: 'src/wallet/exchange.ts',
        from: `refusal !== null && refusal.meaning !== 'spent')`,
        to: `refusal === undefined)`,
      },
    ],
    breaks: 'conservation',
    scenario: 'receive.dialect-nutshell-pages',
  },
  {
    name: 'proof states are paired with proofs by their order',
    changes: [
      {
        file: 'src/cashu/client.ts',
        from: `if (Ys.length > 0 && !Ys.some((Y) => byY.has(Y))) expected('states', 'a state for each Y')`,
        to: ``,
      },
      {
        file: 'src/cashu/client.ts',
        from: `return Ys.map((Y) => byY.get(Y) ?? { Y, state: 'PENDING' as const })`,
        to: `return Ys.map((Y, place) => ({ Y, state: [...byY.values()].at(place)?.state ?? 'UNSPENT' }))`,
      },
    ],
    breaks: 'conservation',
    scenario: 'swap.lies-states-short',
    faults: 0,
  },
  {
    name: 'keys are not compared with their keyset’s id',
    changes: [
      {
        file: 'src/wallet/keyset-fetch.ts',
        from: `return isIdOf(info.id, got.body.keys, info, crypto) ? undefined : 'its keys do not give its id'`,
        to: `return undefined`,
      },
    ],
    breaks: 'quarantined',
    scenario: 'swap.lies-keys-otherKeys',
    faults: 0,
  },
  {
    name: 'a keyset may change its unit',
    changes: [
      {
        file: 'src/wallet/keyset-fetch.ts',
        from: `keys !== null && (unit !== info.unit || (!isAsBefore`,
        to: `keys !== null && ((!isAsBefore`,
      },
    ],
    breaks: 'failed',
    scenario: 'swap.lies-keysets-otherwise',
    faults: 0,
  },
  {
    name: 'a keyset whose id gives its fee may change it',
    changes: [
      {
        file: 'src/wallet/keyset-fetch.ts',
        from: `(!isAsBefore && !isIdOf(id, keys, info, crypto))`,
        to: `false`,
      },
    ],
    breaks: 'failed',
    scenario: 'swap.lies-keysets-cheaper-01',
    faults: 0,
  },
  {
    name: 'of two entries for a keyset the last counts',
    changes: [
      {
        file: 'src/wallet/keyset-fetch.ts',
        from: `for (const info of named(listed.body)) {`,
        to: `for (const info of listed.body) {`,
      },
    ],
    breaks: 'reason',
    scenario: 'receive.lies-keysets-doubled',
    faults: 0,
  },
  {
    name: 'a swap that is refused as too large is believed not to be carried out',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `on({ answer: 'refused', target: 'checking', keep: change(refusedNow) }),`,
        to: `on({ answer: 'refused', such: 'exchange.isTooLarge', target: 'deriving', keep: change(refusedNow) }),
            on({ answer: 'refused', target: 'checking', keep: change(refusedNow) }),`,
      },
      {
        file: 'machines/wallet/exchange-setup.ts',
        from: `'exchange.isHinted': of`,
        to: `'exchange.isTooLarge': of<Refusal>((_, { meaning }) => isTooLarge(meaning)),
  'exchange.isHinted': of`,
      },
    ],
    breaks: 'conservation',
    scenario: 'receive.lies-tooLargeAfter',
    faults: 0,
  },
  {
    name: 'an internal server error is read as not paid',
    changes: [
      {
        file: 'machines/wallet/melt-model.ts',
        from: `if (hint === undefined || !isTooLarge(hint)) return null`,
        to: `if (hint === undefined) return null`,
      },
    ],
    breaks: 'release',
    scenario: 'melt.lies-broken',
    faults: 0,
  },
]
