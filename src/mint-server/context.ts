/** What the parts of one mint share. */
import type { Store } from '../store/port.ts'
import type { MintPorts } from './ports.ts'
import type { Fields } from './request.ts'

export interface Context extends MintPorts {
  readonly store: Store
  readonly newId: () => string
  /** Refuses units and amounts that there are no quotes for; no amount, where the payer chooses it. */
  readonly checkQuotable: (unit: string, amount: number | null) => void
}

/** Who asks, where that is known: what is bounded is shared among clients. */
export type Party = string | undefined
/** An endpoint gives its answer, or the text of it. */
export type Endpoint = (request: Fields, party: Party) => Promise<object | string>
export type View = (id: string, party: Party) => Promise<object | string>
