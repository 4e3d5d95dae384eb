/** The chart as it is drawn: the state lit, the way that was taken, what may come next. */
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ChartView, StepRecord } from '../feed.ts'
import { Drawing } from './drawing.ts'
import { nextFrom, statesIn, wayOf as wayOfStep } from './way.ts'
import { spanText } from './words.ts'

interface ChartProps {
  readonly chart: ChartView | undefined
  readonly state: string
  /** Up to the one that is shown. */
  readonly steps: readonly StepRecord[]
  /** Whether something is under way. */
  readonly isNow: boolean
  /** The arrows of a step, where its event is not all that tells them. */
  readonly wayOf?: (chart: ChartView, step: StepRecord) => readonly number[]
}

export function Chart({ chart, state, steps, isNow, wayOf = wayOfStep }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const drawing = useMemo(() => (chart?.svg ? new Drawing(chart.svg) : undefined), [chart])
  useLayoutEffect(() => {
    const { current } = frame
    if (!drawing || !current) return undefined
    current.append(drawing.svg)
    const stop = drawing.view.listen()
    const observer = new ResizeObserver(() => drawing.view.isMoved || drawing.showNow())
    observer.observe(current)
    return () => {
      stop()
      observer.disconnect()
      drawing.svg.remove()
    }
  }, [drawing])
  useLayoutEffect(() => {
    if (!drawing || !chart) return
    const first = steps[0]?.atMs ?? 0
    const ways = steps.map((step) => wayOf(chart, step))
    const taken = new Set(ways.flat())
    // States of local steps are passed within a step, and have no time of their own.
    const passed = [...taken].flatMap((index) => chart.arrows[index]?.to ?? []).map((id) => [id, ''] as const)
    const entered = steps.flatMap(({ to, atMs }) =>
      statesIn(to).map((id) => [id, atMs === first ? '' : `+${spanText(atMs - first)}`] as const),
    )
    drawing.mark({
      ...{ now: statesIn(state), isNow, taken },
      visited: new Map([...passed, ...entered]),
      last: new Set(ways.at(-1)),
      next: new Set(nextFrom(chart, state)),
    })
    if (!drawing.view.isMoved) drawing.showNow()
  }, [drawing, chart, state, steps, isNow])

  if (!chart) return <div class="chart-pane is-empty">reading the chart…</div>
  if (!drawing)
    return (
      <div class="chart-pane is-empty">
        {chart.reason ?? 'There is no drawing of this chart; the table below says the same.'}
      </div>
    )
  const { view } = drawing
  return (
    <section class="chart-pane" aria-label="Chart">
      <div
        ref={frame}
        class="chart-frame"
        role="img"
        tabIndex={0}
        aria-label={`The chart of ${chart.kind}, in ${state}. Arrow keys move it, plus and minus scale it, 0 shows all of it. A table below says the same.`}
        onKeyDown={(event) => {
          if (view.key(event.key)) event.preventDefault()
        }}
      />
      <div class="chart-keys" role="group" aria-label="Scale of the chart">
        <button type="button" aria-label="Closer" onClick={() => view.closer()}>
          +
        </button>
        <button type="button" aria-label="Farther" onClick={() => view.farther()}>
          −
        </button>
        <button type="button" onClick={() => view.fit()}>
          all
        </button>
        <button type="button" onClick={() => drawing.follow()}>
          state
        </button>
      </div>
    </section>
  )
}
