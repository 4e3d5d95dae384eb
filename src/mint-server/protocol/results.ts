/** Result waiters: the request that began an operation, or repeats it, gets the operation's answer. */
import type { Outcome } from '../../../machines/mint-server/signing.ts'
import { codes } from '../../cashu/codes.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import type { Change } from '../../kernel/kernel.ts'
import type { OperationRow, OperationView } from '../../kernel/define/operation.ts'
import type { Operations } from '../../kernel/operations.ts'
import { MintError } from '../http/request.ts'

interface Refused {
  readonly refusal: { readonly code: number; readonly detail: string } | null
}

/** The state of a payment whose first answer was none, or a failure that is yet to be confirmed. */
const UNSURE = 'paymentAttempted.waiting'

export class ResultWaiters {
  readonly #operations: Operations<never>
  readonly #kept: (request: string) => Promise<string | undefined>
  readonly #waiting = new Map<string, (change: Change) => void>()

  constructor(of: {
    readonly operations: Operations<never>
    /** The answer that was kept for a request. */
    readonly kept: (request: string) => Promise<string | undefined>
  }) {
    this.#operations = of.operations
    this.#kept = of.kept
    this.#operations.on((change) => this.#waiting.get(change.row.id)?.(change))
  }

  /**
   * The text that a request is answered with when its operation has ended; undefined where that takes a while. Must be
   * called before the operation begins, so that no event is missed.
   * @throws {MintError} It was refused after all; the signal's reason.
   */
  answerOf(id: string, signal: AbortSignal): Promise<string | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
    const abort = (): void => reject(signal.reason as Error)
    this.#waiting.set(id, ({ emitted, row, before, snapshot }) => {
      const outcome = emitted[0] as Outcome | undefined
      if (outcome?.type === 'answered') resolve(outcome.body)
      else if (outcome?.type === 'refused') reject(new MintError(outcome.code, outcome.detail))
      else if (outcome?.type === 'pending') resolve(undefined)
      else if (row.status !== 'active') this.#outcomeOf(row, snapshot.context as Refused).then(resolve, reject)
      else if (row.state === UNSURE && before?.state !== UNSURE) {
        // The poll begins after the listeners have heard of the state.
        queueMicrotask(() => void this.#operations.poll(id).then(() => resolve(undefined)))
      }
    })
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    return promise.finally(() => {
      this.#waiting.delete(id)
      signal.removeEventListener('abort', abort)
    })
  }

  /** As `answerOf`, for an operation that somebody began: it may have ended, and another process may run it. */
  async joined(id: string, signal: AbortSignal): Promise<string | undefined> {
    const ended = (view: OperationView): OperationView | undefined => (view.status === 'active' ? undefined : view)
    const { snapshot, row } = await this.#operations.until(id, ended, signal)
    return this.#outcomeOf(row, snapshot?.context as Refused | undefined)
  }

  /** The outcome of an operation by its rows, when no event says it. */
  async #outcomeOf(row: OperationRow, context: Refused | undefined): Promise<string | undefined> {
    const { id, kind, status } = row
    const body = await this.#kept(row['requestKey'] as string)
    if (body !== undefined) return body
    if (status !== 'done') throw new HardshellError('QUARANTINED', 'the operation was set aside', { operationId: id })
    if (context?.refusal) throw new MintError(context.refusal.code, context.refusal.detail)
    // The request was carried out, and the answer is no longer kept. A melt's quote has the outcome. The rest can be
    // restored (NUT-09).
    if (kind === 'mint-melt') return undefined
    throw new MintError(codes.alreadySigned, 'it was carried out before')
  }
}
