/** How many operations are in which state, by kind: what is shown while none is open. */
import type { Summary } from '../feed.ts'
import { attentionOf, type Group } from './attention.ts'
import { nowMs, setFilter, type Model } from './model.ts'
import { numberText } from './words.ts'

interface Counted {
  readonly state: string
  readonly group: Group
  readonly count: number
}

/** Kind → its states, those with the most operations first. */
function countedStates(operations: readonly Summary[]): Map<string, Counted[]> {
  const now = nowMs()
  const kinds = new Map<string, Map<string, Counted>>()
  for (const of of operations) {
    const { kind, state } = of
    const { group } = attentionOf(of, now)
    const states = kinds.get(kind) ?? new Map<string, Counted>()
    kinds.set(kind, states)
    const known = states.get(`${group} ${state}`)
    states.set(`${group} ${state}`, { state, group, count: (known?.count ?? 0) + 1 })
  }
  return new Map(
    [...kinds]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, states]) => [kind, [...states.values()].sort((a, b) => b.count - a.count)]),
  )
}

const NAMES: Readonly<Record<Group, string>> = {
  stuck: 'stuck',
  human: 'waiting for you',
  active: 'going on',
  done: 'ended',
}

export function States({ model: { operations, loaded } }: { readonly model: Model }) {
  const kinds = countedStates(operations)
  if (loaded && kinds.size === 0)
    return <p class="empty">There are no operations yet. They appear here as soon as there are.</p>
  return (
    <div class="overview">
      {[...kinds].map(([kind, states]) => {
        const most = Math.max(...states.map(({ count }) => count))
        return (
          <section key={kind} class="kind-card" aria-label={kind}>
            <h2>
              <span class="kind">{kind}</span>
              <span class="muted">{numberText(states.reduce((sum, { count }) => sum + count, 0))}</span>
            </h2>
            <ul>
              {states.map(({ state, group, count }) => (
                <li key={`${group} ${state}`}>
                  <button
                    type="button"
                    class={`state-count is-${group}`}
                    title={`${NAMES[group]}: show these`}
                    onClick={() => setFilter({ kind, state: `${kind}.${state}`, group })}
                  >
                    <span class="state">{state}</span>
                    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                      <rect width={Math.max(1, (count / most) * 100)} height="6" rx="3" />
                    </svg>
                    <b>{numberText(count)}</b>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )
      })}
    </div>
  )
}
