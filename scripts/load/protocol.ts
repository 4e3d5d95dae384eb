/** What clients and the mint say to each other (NUT-00 to 09, 23), as far as the clients need it. */

export interface Proof {
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
}

export interface Output {
  readonly id: string
  readonly amount: number
  readonly B_: string
}

export interface Signature {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq: { readonly e: string; readonly s: string }
}

/** An output with what it takes to unblind its signature. */
export interface Blinded {
  readonly message: Output
  readonly secret: string
  readonly r: string
}

export interface Keyset {
  readonly id: string
  readonly unit: string
  readonly active: boolean
  readonly input_fee_ppk: number
  readonly keys: Readonly<Record<string, string>>
}

export interface MintQuote {
  readonly quote: string
  readonly request: string
  readonly amount: number
  readonly state: 'UNPAID' | 'PAID' | 'ISSUED'
}

export interface MeltQuote {
  readonly quote: string
  readonly amount: number
  readonly fee_reserve: number
  readonly state: 'UNPAID' | 'PENDING' | 'PAID'
  readonly change?: readonly Signature[]
}

/** The powers of two that make up an amount, ascending. */
export function split(amount: number): number[] {
  const parts: number[] = []
  for (let bit = 1; bit <= amount; bit *= 2) if (amount & bit) parts.push(bit)
  return parts
}

export const sum = (items: readonly { readonly amount: number }[]): number =>
  items.reduce((total, { amount }) => total + amount, 0)
