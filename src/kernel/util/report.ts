import { StoreError } from '../../store/port.ts'
import { stays } from './retry.ts'

/** A listener's error must reach whoever looks after errors, and nobody else. */
export const reportError = (error: unknown): void => {
  queueMicrotask(() => {
    const report = (globalThis as { reportError?: (error: unknown) => void }).reportError
    if (report) report(error)
    else console.error(error)
  })
}

/** What is done again by itself reports no store that is away for a while, and every other failure. */
export const reportLasting = (error: unknown): void => {
  if (!(error instanceof StoreError) || stays(error)) reportError(error)
}
