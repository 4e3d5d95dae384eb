/** What a person may have done to an operation: each asks once more before it is done. */
import { useRef, useState } from 'preact/hooks'
import type { Act, Detail } from '../feed.ts'
import * as api from './api.ts'
import { amountText } from './words.ts'

const MEANS: Readonly<Record<Act, string>> = {
  resume: 'It goes on from where it is: a pause ends, and what was set aside is tried again.',
  execute: 'It is carried out: money moves.',
  cancel: 'It gives up, if it still can. What the sentence above says of cancelling, or of giving up, is what happens.',
}

interface ActProps {
  readonly detail: Detail
  readonly done: () => void
}

export function ActButtons({ detail, done }: ActProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [asked, ask] = useState<Act>('resume')
  const [failure, fail] = useState<string>()
  const [busy, setBusy] = useState(false)
  const { summary, acts, explained } = detail
  if (acts.length === 0) return null

  const confirm = async (): Promise<void> => {
    setBusy(true)
    try {
      await api.act(summary.id, asked)
      fail(undefined)
    } catch (error) {
      fail(error instanceof Error ? error.message : 'it could not be done')
    }
    setBusy(false)
    dialog.current?.close()
    done()
  }
  return (
    <section class="acts" aria-label="What can be done">
      {acts.map((act) => (
        <button
          key={act}
          type="button"
          class={`act is-${act}`}
          onClick={() => {
            ask(act)
            dialog.current?.showModal()
          }}
        >
          {act}
        </button>
      ))}
      {failure !== undefined && (
        <p class="error" role="alert">
          {failure}
        </p>
      )}
      <dialog ref={dialog} aria-labelledby="asked">
        <h3 id="asked">
          {asked} this {summary.kind}
          {summary.amount === null ? '' : ` of ${amountText(summary)}`}?
        </h3>
        <p class="muted">
          Now in {summary.state}: {explained.why}
        </p>
        <p>{MEANS[asked]}</p>
        <div class="dialog-foot">
          <button type="button" onClick={() => dialog.current?.close()}>
            no
          </button>
          <button type="button" class={`act is-${asked}`} disabled={busy} onClick={() => void confirm()}>
            yes, {asked}
          </button>
        </div>
      </dialog>
    </section>
  )
}
