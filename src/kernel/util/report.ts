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

/** For work that is repeated by itself: reports every failure except a store that is away for a while. */
export const reportLasting = (error: unknown): void => {
  if (!(error instanceof StoreError) || stays(error)) reportError(error)
}
