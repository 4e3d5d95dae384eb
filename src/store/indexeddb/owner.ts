/** The owner's lock of a database in a browser: a Web Lock. The browser releases it when the tab or worker ends. */
import type { HeldLock, OwnerLock, Ownership } from '../port.ts'

/** Of all tabs and workers of an origin, one holds the lock of a name. Browsers offer Web Locks to pages over HTTPS. */
export function webLock(name: string): Ownership | undefined {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (!locks) return undefined
  const lock: OwnerLock = async ({ wait, signal }) => {
    const lost = new AbortController()
    // The browser holds the lock until this is called.
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    return new Promise<HeldLock | undefined>((resolve, reject) => {
      const granted = (got: Lock | null): Promise<void> | undefined => {
        resolve(got ? { lost: lost.signal, release } : undefined)
        return got ? held : undefined
      }
      // An aborted request may not be combined with `ifAvailable`, and settles at once anyway.
      const options: LockOptions = wait ? { signal } : { ifAvailable: true }
      locks.request(`hardshell ${name}`, options, granted).catch((error: unknown) => {
        if (signal.aborted) return resolve(undefined)
        // Another request has stolen the lock after it was granted.
        lost.abort(error)
        reject(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }
  return { by: 'lock', lock }
}
