/** What the parts of one mint share. */
import type { MatchedSignatory } from './signatory/keysets.ts'
import type { MintPorts } from './ports.ts'
import type { Fields } from './http/request.ts'
import type { Store } from './db/tables.ts'

export interface Context extends MintPorts {
  readonly store: Store
  readonly newId: () => string
  readonly signatory: MatchedSignatory
  /** Refuses units and amounts that the mint does not issue. The amount is null where the payer chooses it. */
  readonly checkIssuable: (unit: string, amount: number | null) => void
  /** Refuses units that the mint never had, and amounts that it does not pay. */
  readonly checkPayable: (unit: string, amount: number) => Promise<void>
}

/** The client that asks, if it is known. Limits are shared among clients. */
export type Party = string | undefined
/** An endpoint gives its answer, or the text of it. */
export type Endpoint = (request: Fields, party: Party) => Promise<object | string>
export type ReadEndpoint = (id: string, party: Party) => Promise<object | string>
