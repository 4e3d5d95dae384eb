import { StoreError } from '../../store/port.ts'
import { stays } from './retry.ts'

/** Reports a listener's error to the platform. It must reach nobody else. */
export const reportError = (error: unknown): void => {
  queueMicrotask(() => {
    const report = (globalThis as { reportError?: (error: unknown) => void }).reportError
    if (report) report(error)
    else console.error(error)
  })
}

/** Does what is another's, a listener say: what it throws is reported, and harms nothing. */
export function unharmed<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    reportError(error)
    return undefined
  }
}

/** For work that is repeated by itself: reports every failure except a store that is away for a while. */
export const reportLasting = (error: unknown): void => {
  if (!(error instanceof StoreError) || stays(error)) reportError(error)
}
