/** A listener's error must reach whoever looks after errors, and nobody else. */
export const reportError = (error: unknown): void => {
  queueMicrotask(() => {
    const report = (globalThis as { reportError?: (error: unknown) => void }).reportError
    if (report) report(error)
    else console.error(error)
  })
}
