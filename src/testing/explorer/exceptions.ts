/** What of a chart no run of the explorer comes to in one place, and where the same is come to instead. */
import type { Exception } from './coverage.ts'

/** Where the swap before a payment leads in the end, and where a swap does. */
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
