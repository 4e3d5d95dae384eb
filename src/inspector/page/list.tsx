/** The list, of which only what is seen is in the document: ten thousand operations are as quick as ten. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Summary } from '../feed.ts'
import { attentionOf } from './attention.ts'
import { select, useNow, type Model } from './model.ts'
import { agoText, amountText, laneText, shortId } from './words.ts'

const ROW_PX = 64
/** Rows beyond the edges, so that scrolling shows none that is empty. */
const BEYOND = 8

export function List({ model: { shown, selected, loaded } }: { readonly model: Model }) {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(800)
  const now = useNow(1000)
  useLayoutEffect(() => {
    const { current } = box
    if (!current) return undefined
    const observer = new ResizeObserver(() => setHeight(current.clientHeight))
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  const at = shown.findIndex(({ id }) => id === selected)
  useEffect(() => {
    const { current } = box
    if (!current || at < 0) return
    const rowTop = at * ROW_PX
    if (rowTop < current.scrollTop) current.scrollTop = rowTop
    else if (rowTop + ROW_PX > current.scrollTop + current.clientHeight)
      current.scrollTop = rowTop + ROW_PX - current.clientHeight
    // Only where another one was chosen: a list that is scrolled away stays there.
  }, [selected])

  const move = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(height / ROW_PX) - 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: shown.length - 1,
    }
    const to = steps[event.key]
    if (to === undefined || shown.length === 0) return
    event.preventDefault()
    select(shown[Math.max(0, Math.min(to, shown.length - 1))]?.id)
  }

  const first = Math.max(0, Math.floor(top / ROW_PX) - BEYOND)
  const rows = shown.slice(first, Math.ceil((top + height) / ROW_PX) + BEYOND)
  return (
    <div
      ref={box}
      class="list"
      role="listbox"
      tabIndex={0}
      aria-label="Operations, stuck ones first"
      aria-activedescendant={at >= first && at < first + rows.length ? `row-${at}` : undefined}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      onKeyDown={move}
    >
      <div role="presentation" class="list-all" style={{ height: `${shown.length * ROW_PX}px` }}>
        {rows.map((of, index) => (
          <Row key={of.id} of={of} at={first + index} count={shown.length} isSelected={of.id === selected} now={now} />
        ))}
      </div>
      {loaded && shown.length === 0 && (
        <div class="none" role="option" aria-selected="false" aria-disabled="true">
          nothing is like that
        </div>
      )}
    </div>
  )
}

interface RowProps {
  readonly of: Summary
  readonly at: number
  readonly count: number
  readonly isSelected: boolean
  readonly now: number
}

function Row({ of, at, count, isSelected, now }: RowProps) {
  const { id, kind, state, lane, updatedAt } = of
  const { group, why } = attentionOf(of, now)
  return (
    <div
      id={`row-${at}`}
      role="option"
      aria-selected={isSelected}
      aria-setsize={count}
      aria-posinset={at + 1}
      class={`row is-${group}`}
      style={{ transform: `translateY(${at * ROW_PX}px)` }}
      onClick={() => select(id)}
    >
      <div class="row-main">
        <span class="kind">{kind}</span>
        <span class={`state is-${group}`}>{state}</span>
        <span class="amount">{amountText(of)}</span>
      </div>
      <div class="row-more">
        <span class={why !== null && group === 'stuck' ? 'why' : 'where'}>
          {group === 'stuck' ? why : laneText(lane)}
        </span>
        <span class="when">
          {shortId(id)} · {agoText(now - updatedAt)}
        </span>
      </div>
    </div>
  )
}
