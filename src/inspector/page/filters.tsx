/** What of the operations is shown: search, groups, kinds, states, mints, age; each with how many there are. */
import { attentionOf, type Group } from './attention.ts'
import { model as current, nowMs, NO_FILTER, setFilter, type Filter, type Model } from './model.ts'
import { laneText, numberText } from './words.ts'

const GROUPS: readonly (readonly [Group | 'all', string])[] = [
  ['all', 'All'],
  ['stuck', 'Stuck'],
  ['human', 'Waiting for you'],
  ['active', 'Going on'],
  ['done', 'Ended'],
]

const AGES: readonly (readonly [number, string])[] = [
  [Infinity, 'of any age'],
  [3_600_000, 'of the last hour'],
  [86_400_000, 'of the last day'],
  [604_800_000, 'of the last week'],
]

type Choice = 'kind' | 'state' | 'lane'

/** How often each value is there, the most frequent first. */
function counted(values: Iterable<string>): (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

export function Filters({ model: { operations, filter } }: { readonly model: Model }) {
  const now = nowMs()
  const groups = new Map(counted(operations.map((of) => attentionOf(of, now).group)))
  const ofKind = operations.filter(({ kind }) => filter.kind === '' || kind === filter.kind)
  return (
    <div class="filters">
      <input
        type="search"
        class="search"
        placeholder="Search: id, state, mint, amount"
        aria-label="Search operations"
        value={filter.text}
        onInput={({ currentTarget }) => setFilter({ text: currentTarget.value.trim() })}
      />
      <div class="groups" role="group" aria-label="How they stand">
        {GROUPS.map(([group, name]) => {
          const count = group === 'all' ? operations.length : (groups.get(group) ?? 0)
          return (
            <button
              key={group}
              type="button"
              class={`chip is-${group}`}
              aria-pressed={filter.group === group}
              onClick={() => setFilter({ group })}
            >
              {name} <span class="count">{numberText(count)}</span>
            </button>
          )
        })}
      </div>
      <div class="selects">
        <Select name="kind" all="every kind" filter={filter} counts={counted(operations.map(({ kind }) => kind))} />
        <Select
          name="state"
          all="in every state"
          filter={filter}
          counts={counted(ofKind.map(({ kind, state }) => `${kind}.${state}`))}
        />
        <Select
          name="lane"
          all="at every mint"
          filter={filter}
          counts={counted(operations.map(({ lane }) => lane).filter((lane) => lane !== ''))}
          text={laneText}
        />
        <select
          aria-label="Age"
          value={String(filter.withinMs)}
          onChange={({ currentTarget }) => setFilter({ withinMs: Number(currentTarget.value) })}
        >
          {AGES.map(([ms, name]) => (
            <option key={ms} value={String(ms)}>
              {name}
            </option>
          ))}
        </select>
        {filter !== NO_FILTER && isAny(filter) && (
          <button type="button" class="link" onClick={() => setFilter(NO_FILTER)}>
            clear
          </button>
        )}
      </div>
    </div>
  )
}

const isAny = (filter: Filter): boolean =>
  Object.entries(NO_FILTER).some(([name, value]) => Reflect.get(filter, name) !== value)

const LABELS: Readonly<Record<Choice, string>> = { kind: 'Kind', state: 'State', lane: 'Mint' }

interface SelectProps {
  readonly name: Choice
  readonly all: string
  readonly filter: Filter
  readonly counts: readonly (readonly [string, number])[]
  readonly text?: (value: string) => string
}

function Select({ name, all, filter, counts, text = (value) => value }: SelectProps) {
  const change = (value: string): void => {
    // A state belongs to a kind.
    const isOther = name === 'kind' && value !== '' && !current.filter.state.startsWith(`${value}.`)
    setFilter({ [name]: value, ...(isOther && { state: '' }) })
  }
  return (
    <select
      aria-label={LABELS[name]}
      value={filter[name]}
      onChange={({ currentTarget }) => change(currentTarget.value)}
    >
      <option value="">{all}</option>
      {counts.map(([value, count]) => (
        <option key={value} value={value}>
          {text(value)} ({numberText(count)})
        </option>
      ))}
    </select>
  )
}
