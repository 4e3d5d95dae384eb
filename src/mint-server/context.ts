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

/** An endpoint gives its answer, or the text of it. */
export type Endpoint = (request: Fields) => Promise<object | string>
export type View = (id: string) => Promise<object | string>
