/** Parts of charts that no run visits, each with the place where the same part is visited instead. */
import type { Exception } from './coverage.ts'

/** The last states of the swap before a payment, each with the last state of a plain swap. */
const EXITS = { gathering: 'swapped', robbed: 'lost', misfit: 'failed', unfitted: 'releasing' } as const

export const exceptions: { readonly [kind: string]: readonly Exception[] } = {
  melt: [
    {
      what: /melt\.fitting\.|^state fitting\./,
      why: 'the swap before a payment is the exchange of every swap; what comes of each of its ends is not excused',
      as: (what) => ({
        kind: 'swap',
        what: Object.entries(EXITS)
          .reduce((text, [from, to]) => text.replaceAll(`→ melt.${from}`, `→ swap.${to}`), what)
          .replaceAll('melt.fitting.', 'swap.exchanging.')
          .replace('state fitting.', 'state exchanging.'),
      }),
    },
  ],
}
