/** The steps of an operation: each commit with the request whose answer led to it, and a way to go back and forth among them. */
import { useEffect, useRef } from 'preact/hooks'
import type { StepRecord } from '../feed.ts'
import { nowMs } from './model.ts'
import { clockText, spanText } from './words.ts'

interface TimelineProps {
  readonly steps: readonly StepRecord[]
  /** The step that is looked at; undefined is now. */
  readonly at: number | undefined
  readonly look: (at: number | undefined) => void
}

export function Timeline({ steps, at, look }: TimelineProps) {
  if (steps.length === 0)
    return (
      <section class="timeline" aria-label="Timeline">
        <h3>Timeline</h3>
        <p class="note">No steps are kept of it.</p>
      </section>
    )
  const last = steps.length - 1
  const shown = at ?? last
  const to = (next: number): void => look(next >= last ? undefined : Math.max(0, next))
  const longest = Math.max(1, ...steps.map(({ tookMs }) => tookMs ?? 0))
  return (
    <section class="timeline" aria-label="Timeline">
      <h3>
        Timeline <span class="muted">{at === undefined ? 'now' : `step ${shown + 1} of ${steps.length}`}</span>
      </h3>
      <div class="scrub">
        <button type="button" aria-label="One step back" disabled={shown === 0} onClick={() => to(shown - 1)}>
          ◀
        </button>
        <input
          type="range"
          min={0}
          max={last}
          value={shown}
          aria-label="Step"
          aria-valuetext={`step ${shown + 1} of ${steps.length}: ${steps[shown]?.to ?? ''}`}
          onInput={({ currentTarget }) => to(Number(currentTarget.value))}
        />
        <button type="button" aria-label="One step on" disabled={shown === last} onClick={() => to(shown + 1)}>
          ▶
        </button>
      </div>
      <ol class="steps">
        {steps.map((step, index) => (
          <Step
            key={step.version}
            step={step}
            before={steps[index - 1]}
            longest={longest}
            isShown={index === shown}
            isLater={index > shown}
            look={() => to(index)}
          />
        ))}
      </ol>
    </section>
  )
}

interface StepProps {
  readonly step: StepRecord
  readonly before: StepRecord | undefined
  readonly longest: number
  readonly isShown: boolean
  readonly isLater: boolean
  readonly look: () => void
}

/** What led to a step, in words. */
export function causeOf({ event, src, answer, delay, from }: StepRecord): string {
  if (src !== null) return `${src} answered ${answer ?? '…'}`
  if (delay !== null) return `after ${delay}`
  const own: Readonly<Record<string, string>> = {
    'xstate.init': 'created',
    '@hardshell.takeOver': 'taken over by another process',
    '@hardshell.quarantine': 'set aside',
    '@hardshell.resume': 'resumed by a person',
    '@hardshell.fork': 'forked',
  }
  return own[event] ?? (from === null ? 'created' : event)
}

function Step({ step, before, longest, isShown, isLater, look }: StepProps) {
  const { to, from, version, atMs, tookMs, src, attempt, owner, detail } = step
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isShown) row.current?.scrollIntoView({ block: 'nearest' })
  }, [isShown])
  const isOther = before !== undefined && before.owner !== owner
  return (
    <li ref={row} class={['step', isShown ? 'is-shown' : '', isLater ? 'is-later' : ''].join(' ')}>
      <button type="button" aria-pressed={isShown} onClick={look}>
        <span class="step-to">
          <b>{to}</b>
          {from === to && <span class="muted"> again</span>}
        </span>
        <span class="step-time" title={clockText(atMs, nowMs())}>
          {before ? `+${spanText(atMs - before.atMs)}` : clockText(atMs, nowMs())}
        </span>
        <span class="step-cause">{causeOf(step)}</span>
        {src !== null && tookMs !== null && (
          <span class="step-request">
            <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect width={Math.max(2, (tookMs / longest) * 100)} height="6" rx="3" />
            </svg>
            request, {spanText(tookMs)}
          </span>
        )}
        {detail?.locals?.map((local) => (
          <span key={local.src} class="step-local">
            {local.src}: {local.answer}
          </span>
        ))}
        {detail?.because !== undefined && <span class="step-local">{detail.because}</span>}
        <span class="step-foot">
          commit {version}
          {attempt > 1 && `, attempt ${attempt}`}
          {isOther && ', by another process'}
        </span>
      </button>
    </li>
  )
}
