/** What the wallet's charts have and no run of the explorer can reach, by kind, and why. */
import type { Exception } from './coverage.ts'

export const exceptions: { readonly [kind: string]: readonly Exception[] } = {}
