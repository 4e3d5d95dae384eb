/** A test file or a scenario, and what is known of it. */
import type { Notes } from './places.ts'

export interface Check {
  readonly sort: 'test' | 'scenario'
  /** The test file, or `kind.name`. */
  readonly name: string
}

export interface Measured extends Check, Notes {
  readonly cpuMs: number
  readonly wallMs: number
  /** It does not pass in the program as it is, so it can catch nothing. */
  readonly failed?: string
}
