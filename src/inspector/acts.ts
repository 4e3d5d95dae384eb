/** What a person has done to an operation, from the page. */
import type { OperationView } from '../kernel/define/operation.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { actsOf, cancelEvent } from './detail.ts'
import { ACTS, type Act } from './feed.ts'
import { Refused } from './guard.ts'
import type { Source } from './source.ts'

interface Asked {
  readonly id: string
  readonly act: Act
}

const isAct = (act: unknown): act is Act => ACTS.some((known) => known === act)

/** @throws {Refused} where it is no such request */
export function askedOf(body: string): Asked {
  const value = parsed(body)
  if (typeof value !== 'object' || value === null) throw new Refused(400, 'BODY', 'an object of id and act')
  const { id, act } = { id: undefined, act: undefined, ...value }
  if (typeof id !== 'string' || id === '' || !isAct(act)) throw new Refused(400, 'BODY', 'an object of id and act')
  return { id, act }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** @throws {Refused} where it cannot be done now; {HardshellError} what the operations refuse with */
export async function perform(source: Source, { id, act }: Asked): Promise<void> {
  const { operations, cancel } = source.of
  const view = await operations.get(id)
  if (!actsOf(source, view, await operations.explain(id)).includes(act))
    throw new HardshellError('INVALID_STATE', `cannot ${act} in '${view.state}'`, { operationId: id })
  const done = async (): Promise<boolean> => {
    if (act !== 'resume') return act === 'cancel' && cancel ? cancel(id) : send(source, view, act)
    await operations.resume(id)
    return true
  }
  const isTaken = await done().catch((error: unknown) => {
    // A local step of it needs what is not here: keys, say.
    if (operations.role === 'client' && error instanceof TypeError)
      throw new Refused(409, 'NEEDS_OWNER', 'only the program that runs the operations can do that now')
    throw error
  })
  if (!isTaken) throw new HardshellError('INVALID_STATE', `cannot ${act} now`, { operationId: id })
}

async function send(source: Source, { id, kind, row }: OperationView, act: Exclude<Act, 'resume'>): Promise<boolean> {
  const type = act === 'execute' ? act : cancelEvent(source, kind, row)
  if (type === undefined) return false
  return 'reply' in (await source.parts.delivery.deliver(id, { type }))
}
