/** Why an operation is where it is, in words; what is under way, which timers run, and what may come next. */
import type { Explained, Summary } from '../feed.ts'
import { useNow } from './model.ts'
import { agoText, inText } from './words.ts'

/** Timers are counted down in tenths of a second while one of them is near. */
const NEAR_MS = 20_000

export function Standing({ explained, summary }: { readonly explained: Explained; readonly summary: Summary }) {
  const { why, lastError, lastAnswer, underWay, watching, timers, takes, laneClosed, lanePaused } = explained
  const soonest = Math.min(...timers.map(({ atMs }) => atMs), lanePaused?.untilMs ?? Infinity)
  const now = useNow(soonest - Date.now() < NEAR_MS ? 100 : 1000)
  const isStuck = summary.status === 'quarantined' || summary.status === 'unloadable'
  return (
    <section class={isStuck ? 'standing is-stuck' : 'standing'} aria-label="Why it is where it is">
      <p class="why-now">{why}</p>
      {lastError && (
        <p class="error">
          {lastError.error}{' '}
          <span class="muted">
            (attempt {lastError.attempt}, {agoText(now - lastError.atMs)})
          </span>
        </p>
      )}
      {lastAnswer && (
        <p class="muted">
          {lastAnswer.src} answered {lastAnswer.answer} last, {agoText(now - lastAnswer.atMs)}
        </p>
      )}
      <ul class="signs">
        {underWay.map((src) => (
          <li key={src} class="sign is-under-way">
            {src} <span class="muted">under way</span>
          </li>
        ))}
        {watching !== null && (
          <li class="sign is-watching">
            {watching} <span class="muted">asked again and again</span>
          </li>
        )}
        {timers.map(({ name, atMs }) => (
          <li key={name} class="sign is-timer">
            {name} <b class="count-down">{inText(atMs - now)}</b>
          </li>
        ))}
        {lanePaused && (
          <li class="sign is-timer">
            the mint lets nothing through <b class="count-down">{inText(lanePaused.untilMs - now)}</b>
          </li>
        )}
        {laneClosed && <li class="sign is-timer">its mint is not trusted</li>}
        {takes.map((event) => (
          <li key={event} class="sign is-event">
            <span class="muted">takes</span> {event}
          </li>
        ))}
      </ul>
    </section>
  )
}
