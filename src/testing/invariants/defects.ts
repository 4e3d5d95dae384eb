/** What the program says of its own defects: each is met once, since nothing outside is asked again for it. */
import { isDefect, textOf } from '../../kernel/run/defects.ts'
import { isUnstorable } from '../../kernel/util/retry.ts'
import type { OnError } from '../../kernel/options.ts'
import type { Stage } from '../explorer/subject.ts'

/** Hears of one process' errors. What is no defect is tried again, as it should be. */
export function defectsTold({ violated }: Pick<Stage, 'violated'>): OnError {
  const met = new Set<string>()
  return ({ id, kind, state, error }) => {
    // A step that the store refused may be refused again, once a person had it go on.
    if (!isDefect(error) || isUnstorable(error)) return
    if (met.has(id)) violated(`retried: ${kind} in '${state}' met a defect again: ${textOf(error)}`)
    met.add(id)
  }
}
