/** Balances, per mint and unit. */
import type { Totals as Line } from '../feed.ts'
import { laneText, numberText } from './words.ts'

/** In this order, and of others nothing where they are zero. */
const ALWAYS = 'spendable'

export function Totals({ totals }: { readonly totals: readonly Line[] }) {
  if (totals.length === 0) return null
  return (
    <ul class="totals" aria-label="Balances">
      {totals.map(({ of, sums }) => (
        <li key={Object.values(of).join(' ')}>
          <span class="total-of">{laneText(of['mint'] ?? Object.values(of).join(' '))}</span>
          {Object.entries(sums)
            .filter(([name, sum]) => name === ALWAYS || sum !== 0)
            .map(([name, sum]) => (
              <span key={name} class={name === ALWAYS ? 'sum is-main' : 'sum'}>
                <b>{numberText(sum)}</b> {name === ALWAYS ? (of['unit'] ?? name) : name}
              </span>
            ))}
        </li>
      ))}
    </ul>
  )
}
