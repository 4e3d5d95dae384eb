/** A run of the explorer as a film: the lives of the program, and in each what it committed, asked and met, beside the chart. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ChartView, Film, Scene, StepRecord } from '../feed.ts'
import * as api from './api.ts'
import { Chart } from './chart.tsx'
import { around } from './way.ts'

/** How long a scene is shown while the film runs. */
const SCENE_MS = 600

export function FilmPane() {
  const [film, show] = useState<Film>()
  const [failure, fail] = useState<string>()
  useEffect(() => {
    api.film().then(show, (error: unknown) => fail(error instanceof Error ? error.message : 'it cannot be read'))
  }, [])
  if (!film)
    return (
      <main class="film">
        <p class="empty">{failure ?? 'reading…'}</p>
      </main>
    )
  return <Shown film={film} />
}

/** Where an operation is, as far as scenes tell: `melt prepared`. */
interface Place {
  readonly kind: string
  readonly state: string
}

function placeOf({ column, text }: Scene): Place | undefined {
  const [, kind, state] = (column === 'state' ? /^(\S+) (\S+)/.exec(text) : undefined) ?? []
  return kind === undefined || state === undefined ? undefined : { kind, state }
}

/** The steps of the operations of a kind up to a scene; which of several it was, a film does not tell. */
function stepsOf(scenes: readonly Scene[], kind: string): StepRecord[] {
  const steps: StepRecord[] = []
  for (const scene of scenes) {
    const place = placeOf(scene)
    if (place?.kind !== kind) continue
    const from = steps.at(-1)?.to ?? null
    if (from === place.state) continue
    steps.push({
      ...{
        operation: kind,
        version: steps.length + 1,
        atMs: scene.atMs,
        event: '',
        src: null,
        answer: null,
        delay: null,
      },
      ...{ from, to: place.state, attempt: 1, owner: String(scene.life), tookMs: null, detail: null },
    })
  }
  return steps
}

/** A chart whose arrows without a known event are taken where they lead from one state to the next. */
function wayBetween(chart: ChartView, { from, to }: StepRecord): readonly number[] {
  if (from === null) return []
  const places = around(from)
  const direct = chart.arrows.find(
    (arrow) => places.includes(arrow.from) && arrow.to.some((target) => to === target || to.startsWith(`${target}.`)),
  )
  return direct ? [direct.index] : []
}

function Shown({ film }: { readonly film: Film }) {
  const { scenes, violations, charts } = film
  const last = scenes.length - 1
  const [at, look] = useState(last)
  const [runs, run] = useState(false)
  useEffect(() => {
    if (!runs) return undefined
    if (at >= last) {
      run(false)
      return undefined
    }
    const timer = setTimeout(() => look(at + 1), SCENE_MS)
    return () => clearTimeout(timer)
  }, [runs, at])
  const seen = useMemo(() => scenes.slice(0, at + 1), [scenes, at])
  const place = seen.map(placeOf).findLast((found) => found !== undefined && charts[found.kind] !== undefined)
  const steps = useMemo(() => (place ? stepsOf(seen, place.kind) : []), [seen, place?.kind])
  return (
    <div class="app film">
      <header class="head">
        <h1>
          <img src="/icon.svg" alt="" width="24" height="24" />
          <span class="brand">{film.path}</span>
        </h1>
        <span class={violations.length === 0 ? 'live' : 'live is-off'} role="status">
          {violations.length === 0 ? 'nothing is wrong' : 'something is wrong'}
        </span>
      </header>
      <main class="film-panes">
        <section class="film-left" aria-label="Where it is">
          <div class="scrub">
            <button type="button" aria-label="One scene back" disabled={at === 0} onClick={() => look(at - 1)}>
              ◀
            </button>
            <button
              type="button"
              onClick={() => {
                if (!runs && at >= last) look(0)
                run(!runs)
              }}
            >
              {runs ? 'stop' : 'play'}
            </button>
            <button type="button" aria-label="One scene on" disabled={at >= last} onClick={() => look(at + 1)}>
              ▶
            </button>
            <input
              type="range"
              min={0}
              max={last}
              value={at}
              aria-label="Scene"
              aria-valuetext={`scene ${at + 1} of ${scenes.length}: ${scenes[at]?.text ?? ''}`}
              onInput={({ currentTarget }) => look(Number(currentTarget.value))}
            />
          </div>
          {violations.map((what) => (
            <p key={what} class="banner">
              {what}
            </p>
          ))}
          {place ? (
            <>
              <h2 class="film-place">
                {place.kind} <span class="state-pill">{place.state}</span>
              </h2>
              <Chart chart={charts[place.kind]} state={place.state} steps={steps} isNow={false} wayOf={wayBetween} />
            </>
          ) : (
            <p class="empty">No operation has a state yet.</p>
          )}
        </section>
        <Scenes scenes={scenes} at={at} look={look} />
      </main>
    </div>
  )
}

interface ScenesProps {
  readonly scenes: readonly Scene[]
  readonly at: number
  readonly look: (at: number) => void
}

const COLUMNS = ['commit', 'request', 'state'] as const

function Scenes({ scenes, at, look }: ScenesProps) {
  const row = useRef<HTMLTableRowElement>(null)
  useEffect(() => row.current?.scrollIntoView({ block: 'nearest' }), [at])
  const startMs = scenes[0]?.atMs ?? 0
  return (
    <section class="scenes" aria-label="What happened" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">s</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {scenes.map((scene, index) => (
            <tr
              key={index}
              {...(index === at && { ref: row })}
              class={[`scene is-${scene.column}`, index === at ? 'is-now' : '', index > at ? 'is-later' : ''].join(' ')}
              aria-current={index === at ? 'step' : undefined}
              onClick={() => look(index)}
            >
              <td class="scene-time">{((scene.atMs - startMs) / 1000).toFixed(2)}</td>
              <Cells scene={scene} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Cells({ scene: { column, text, life } }: { readonly scene: Scene }) {
  if (column === 'life') return <td colSpan={3}>{`life ${life}: ${text}`}</td>
  if (column === 'fault') return <td colSpan={3}>⚡ {text}</td>
  const shown = column === 'event' || column === 'context' ? 'state' : column
  return (
    <>
      {COLUMNS.map((each) => (
        <td key={each}>{each === shown ? text : ''}</td>
      ))}
    </>
  )
}
