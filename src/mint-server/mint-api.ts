/** What a mint offers to those who serve it: HTTP, websockets, a process. */
import type { BalanceSheet } from './db/balance-sheet.ts'
import type { Change } from './http/changes.ts'
import type { Answer } from './http/request.ts'
import type { Topic } from './http/topics.ts'

export interface HandleOptions {
  /** A melt is answered as soon as it is durable (the header `Prefer: respond-async`). */
  readonly respondAsync?: boolean
  /** The client that asks. Limits are shared among clients, and requests without a client share one part. */
  readonly client?: string | undefined
  /** Aborted, it stops the waiting, never the operation. */
  readonly signal?: AbortSignal
}

/** A mint, as those see it who serve it. */
export interface Mint {
  /**
   * Answers one HTTP request. Rejects only where the store fails, or the signatory: the outcome is unknown then.
   *
   * @throws {StoreError} where the database fails, or the signatory: the outcome is unknown then
   */
  handle(method: string, path: string, body?: string, options?: HandleOptions): Promise<Answer>
  /**
   * The state of each id by the mint's rows, in the order of the ids: the payload for subscribers (NUT-17), undefined
   * where the mint does not know the id.
   *
   * @throws {StoreError} where the database fails, or the signatory: the outcome is unknown then
   */
  statesOf(topic: Topic, ids: readonly string[]): Promise<readonly (object | undefined)[]>
  /**
   * Polls the backend about a quote and commits the outcome. Resolves to false if the backend gave no answer in time.
   *
   * @throws {StoreError} where the database fails, or the signatory: the outcome is unknown then
   */
  ask(topic: Topic, id: string): Promise<boolean>
  /** Calls with each change that this mint commits, in order. Returns the way to stop. */
  onCommit(listener: (change: Change) => void): () => void
  /** Calls when something may have changed, here or in another process; says not what. Returns the way to stop. */
  onChange(listener: (topics: readonly Topic[]) => void): () => void
  /**
   * Gives a unit a new active keyset and returns its id; the old one stays good for inputs. The fee stays unless given.
   * @throws {MintError} The mint has no such unit.
   */
  rotate(unit: string, options?: { readonly feePpk?: number }): Promise<string>
  /**
   * The mint's balance sheet.
   *
   * @throws {StoreError} where the database fails, or the signatory: the outcome is unknown then
   */
  balanceSheet(): Promise<BalanceSheet>
  /**
   * Takes no more requests and waits for those under way until the deadline; what is unfinished then goes on at the next start.
   *
   * @throws {StoreError} where the database fails, or the signatory: the outcome is unknown then
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>
}
