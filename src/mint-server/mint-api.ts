/** What a mint offers to those who serve it: HTTP, websockets, a process. */
import type { Books } from './books.ts'
import type { Answer } from './request.ts'

/** What a wallet may subscribe to (NUT-17). The ids are those of quotes; with `proof_state`, each is a proof's Y. */
export type Topic =
  | 'bolt11_mint_quote'
  | 'bolt12_mint_quote'
  | 'bolt11_melt_quote'
  | 'bolt12_melt_quote'
  | 'proof_state'

export interface HandleOptions {
  /** A melt is answered as soon as it is durable (the header `Prefer: respond-async`). */
  readonly respondAsync?: boolean
  /** Aborted, it stops the waiting, never the operation. */
  readonly signal?: AbortSignal
}

export interface Mint {
  /** Answers one HTTP request. Rejects only where the store fails, or the signatory: the outcome is unknown then. */
  handle(method: string, path: string, body?: string, options?: HandleOptions): Promise<Answer>
  /** How things stand, for each id in its place: what is told to subscribers (NUT-17), undefined where the mint does not know it. */
  look(topic: Topic, ids: readonly string[]): Promise<readonly (object | undefined)[]>
  /** Calls when something may have changed; says not what. Returns the way to stop. */
  onChange(listener: () => void): () => void
  /**
   * Gives a unit a new active keyset and returns its id; the old one stays good for inputs. The fee stays unless told.
   * @throws {MintError} The mint has no such unit.
   */
  rotate(unit: string, options?: { readonly feePpk?: number }): Promise<string>
  /** The mint's own accounts. */
  books(): Promise<Books>
  /** Takes no more requests and waits for those under way until the deadline; what is unfinished then goes on at the next start. */
  close(options?: { readonly deadlineMs?: number }): Promise<void>
}
