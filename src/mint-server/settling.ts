/** Waiting for operations: who began one, or asks for the same again, is told how it ended. */
import type { Told } from '../../machines/mint-server/signing.ts'
import { codes } from '../cashu/codes.ts'
import { HardshellError } from '../kernel/errors.ts'
import type { Change } from '../kernel/kernel.ts'
import type { OperationView } from '../kernel/operation.ts'
import type { Operations } from '../kernel/operations.ts'
import { MintError } from './request.ts'

interface Refused {
  readonly refusal: { readonly code: number; readonly detail: string } | null
}

export class Settling {
  readonly #operations: Operations<never>
  readonly #kept: (request: string) => Promise<string | undefined>
  readonly #waiting = new Map<string, Set<(change: Change) => void>>()

  constructor(of: {
    readonly operations: Operations<never>
    /** The answer that was kept for a request. */
    readonly kept: (request: string) => Promise<string | undefined>
  }) {
    this.#operations = of.operations
    this.#kept = of.kept
    this.#operations.on((change) => {
      if (change.row.status === 'active') return
      for (const tell of this.#waiting.get(change.row.id) ?? []) tell(change)
    })
  }

  /**
   * The text that a request is answered with when its operation has ended. To be called before the operation is begun,
   * so that no news is missed.
   * @throws {MintError} It was refused after all; the signal's reason.
   */
  answerOf(id: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const others = this.#waiting.get(id) ?? new Set()
      const end = (): void => {
        others.delete(tell)
        if (others.size === 0) this.#waiting.delete(id)
        signal.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        end()
        reject(signal.reason as Error)
      }
      const tell = ({ emitted, row, snapshot }: Change): void => {
        end()
        const told = emitted.find(({ type }) => type === 'answered' || type === 'refused') as Told | undefined
        if (told?.type === 'answered') resolve(told.body)
        else if (told) reject(new MintError(told.code, told.detail))
        else this.outcomeOf(row.id, snapshot.context as Refused, row['requestKey'] as string).then(resolve, reject)
      }
      if (signal.aborted) return reject(signal.reason as Error)
      others.add(tell)
      this.#waiting.set(id, others)
      signal.addEventListener('abort', abort)
    })
  }

  /** As `answerOf`, for an operation that somebody began: it may have ended, and another process may run it. */
  async joined(id: string, signal: AbortSignal): Promise<string> {
    const ended = (view: OperationView): OperationView | undefined => (view.status === 'active' ? undefined : view)
    const { snapshot, row } = await this.#operations.until(id, ended, signal)
    return this.outcomeOf(id, snapshot?.context as Refused | undefined, row['requestKey'] as string)
  }

  /** What is known of an operation's end when nobody tells. */
  private async outcomeOf(id: string, context: Refused | undefined, request: string): Promise<string> {
    const body = await this.#kept(request)
    if (body !== undefined) return body
    if (context?.refusal) throw new MintError(context.refusal.code, context.refusal.detail)
    if (context === undefined) throw new HardshellError('QUARANTINED', 'the operation was set aside', { operationId: id })
    // It was carried out, and the answer was not kept, or not for so long: the wallet restores it (NUT-09).
    throw new MintError(codes.alreadySigned, 'it was carried out before')
  }
}
