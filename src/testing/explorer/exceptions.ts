/** What the wallet's charts have and no run of the explorer can reach, by kind, and why. */
import type { Exception } from './coverage.ts'

/** A restore that gave some signatures and not all. */
const partly: Exception = {
  what: /^crash .*(exchanging|reclaiming|fencing)\.matching: done\[10\]|^crash .*mint\.matching: done\[3\]/,
  why: 'two faults lead there, and no third is left; beyond the budget crashes are tried at this commit from this state, but where another answer led there',
}

export const exceptions: { readonly [kind: string]: readonly Exception[] } = {
  mint: [partly],
  send: [
    partly,
    {
      what: /send\.splitting: done\[[12]\]|^answer send\.split: stale/,
      why: 'the keysets were known when it was prepared, and what is known of them is never forgotten; the chart must say where it goes all the same',
    },
  ],
  melt: [
    {
      what: /melt\.fitting\.|state fitting\.|fitting\.matching/,
      why: 'the swap before a payment is the exchange of every swap: the scenarios of swap, send and receive come everywhere in it',
    },
    {
      what: /melt\.reselecting: done\[2\]|melt\.planning: done\[4\]/,
      why: 'powers of two make up every amount, and what is spendable covers the fee of one swap more wherever it covers the payment here',
    },
    {
      what: /melt\.fencing\.deriving: done\[3\]|^answer exchange\.derive: gap/,
      why: 'blank outputs leave fifty counters to the fence, which takes fewer: it takes other operations at the same time',
    },
  ],
  receive: [
    partly,
    {
      what: /receive\.exchanging\.deriving: done\[4\]/,
      why: 'a lost request, a rotated keyset and a fee beyond the amount at once; swap and send, which share the exchange, come there',
    },
  ],
}
