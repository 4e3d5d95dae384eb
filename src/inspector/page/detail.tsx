/** One operation: why it is where it is, its chart, its steps, its row, and what can be done to it. */
import { useEffect, useState } from 'preact/hooks'
import type { ChartView, Detail } from '../feed.ts'
import { ActButtons } from './act-buttons.tsx'
import * as api from './api.ts'
import { attentionOf } from './attention.ts'
import { Chart } from './chart.tsx'
import { ChartTable } from './chart-table.tsx'
import { forget, nowMs, select } from './model.ts'
import { Standing } from './standing.tsx'
import { Timeline } from './timeline.tsx'
import { amountText, clockText, laneText, shortId } from './words.ts'

interface DetailProps {
  readonly id: string
  /** Goes up whenever it changed. */
  readonly version: number
  readonly write: boolean
}

/** How often an operation that goes on is read anew, though nothing was committed. */
const AGAIN_MS = 2000

/** Reads the operation anew whenever it changed, one request at a time. */
function useDetail(id: string, version: number) {
  const [shown, show] = useState<Detail>()
  const [failure, fail] = useState<string>()
  const [asked, ask] = useState(0)
  useEffect(() => {
    let isOver = false
    api.detail(id).then(
      (detail) => {
        if (isOver) return
        show(detail)
        fail(undefined)
      },
      (error: unknown) => {
        if (isOver) return
        fail(error instanceof Error ? error.message : 'it cannot be read')
        if (error instanceof api.Failed && error.status === 404) forget(id)
      },
    )
    return () => void (isOver = true)
  }, [id, version, asked])
  // Requests begin and end without a commit, and so does what keeps it from going on.
  const isOpen = shown?.summary.status === 'active'
  useEffect(() => {
    if (!isOpen) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') ask((count) => count + 1)
    }, AGAIN_MS)
    return () => clearInterval(timer)
  }, [id, isOpen])
  return { shown, failure, again: () => ask((count) => count + 1) }
}

function useChart(kind: string | undefined, version: number | undefined): ChartView | undefined {
  const [chart, show] = useState<ChartView>()
  useEffect(() => {
    if (kind === undefined || version === undefined) return undefined
    let isOver = false
    api.chart(kind, version).then(
      (found) => isOver || show(found),
      () => {},
    )
    return () => void (isOver = true)
  }, [kind, version])
  return chart
}

export function DetailPane({ id, version, write }: DetailProps) {
  const { shown, failure, again } = useDetail(id, version)
  const chart = useChart(shown?.summary.kind, shown?.summary.kindVersion)
  /** The step that is looked at; undefined is now. */
  const [at, look] = useState<number>()
  if (!shown)
    return (
      <div class="detail">
        <BackButton />
        <p class="empty">{failure ?? 'reading…'}</p>
      </div>
    )
  const { summary, explained, steps } = shown
  const step = at === undefined ? undefined : steps[at]
  const { group } = attentionOf(summary, nowMs())
  return (
    <article class="detail" aria-labelledby="operation">
      <header class="detail-head">
        <BackButton />
        <h2 id="operation">
          {summary.kind} <span class={`state-pill is-${group}`}>{summary.state}</span>
          <span class="amount">{amountText(summary)}</span>
        </h2>
        <p class="facts">
          <code title={id}>{shortId(id)}</code>
          <span>{laneText(summary.lane)}</span>
          <span>made {clockText(summary.createdAt, nowMs())}</span>
          <span>
            version {summary.version}
            {summary.attempt > 1 && `, attempt ${summary.attempt}`}
          </span>
        </p>
      </header>
      {failure !== undefined && (
        <p class="banner" role="alert">
          {failure}
        </p>
      )}
      <Standing explained={explained} summary={summary} />
      {write && <ActButtons detail={shown} done={again} />}
      <div class="story">
        <Chart
          chart={chart}
          state={step?.to ?? summary.state}
          steps={steps.slice(0, at === undefined ? undefined : at + 1)}
          isNow={step === undefined && summary.status === 'active'}
        />
        <Timeline steps={steps} at={at} look={look} />
      </div>
      {chart && <ChartTable chart={chart} state={step?.to ?? summary.state} />}
      {shown.children.length > 0 && <Related title="Started by it" ids={shown.children} />}
      {summary.parent !== null && <Related title="Belongs to" ids={[summary.parent]} />}
      <RawRow detail={shown} />
    </article>
  )
}

function BackButton() {
  return (
    <button type="button" class="back" onClick={() => select(undefined)}>
      ← all operations
    </button>
  )
}

function Related({ title, ids }: { readonly title: string; readonly ids: readonly string[] }) {
  return (
    <section class="related">
      <h3>{title}</h3>
      <ul>
        {ids.map((id) => (
          <li key={id}>
            <button type="button" class="link" onClick={() => select(id)}>
              {id}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function RawRow({ detail: { row, hidden } }: { readonly detail: Detail }) {
  return (
    <details class="raw">
      <summary>The row as it is stored</summary>
      <table>
        <tbody>
          {Object.entries(row).map(([column, value]) => (
            <tr key={column}>
              <th scope="row">{column}</th>
              <td>{value === null ? '–' : String(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">Not shown, for it may hold secrets: {hidden.join(', ')}.</p>
    </details>
  )
}
