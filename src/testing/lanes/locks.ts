/** The owner's lock of a store in the explorer. */
import { sleep } from '../../kernel/util/ports.ts'
import type { HeldLock, OwnerLock } from '../../store/port.ts'
import type { FrozenLife } from './frozen-life.ts'

/** Grants the lock. */
export interface Locks {
  /** The lock for one process, which loses it when it dies. */
  of(life: FrozenLife): OwnerLock
  /** Takes the lock away from a process and gives it to the next. Returns false if a living process cannot lose it. */
  rob(life: FrozenLife): boolean
}

/** A lock like that of browsers (Web Locks): the first to ask gets it next, and a process may lose it. */
export function queuedLock(): Locks {
  const waiting: (() => void)[] = []
  let holder: { readonly life: FrozenLife; readonly lost: AbortController } | undefined
  const next = (): void => {
    holder = undefined
    waiting.shift()?.()
  }
  const grant = (life: FrozenLife): HeldLock => {
    const mine = { life, lost: new AbortController() }
    holder = mine
    const release = (): void => void (holder === mine && next())
    life.death.signal.addEventListener('abort', release)
    return { lost: mine.lost.signal, release }
  }
  return {
    of: (life) => {
      const ask: OwnerLock = async ({ wait, signal }) => {
        if (!holder) return grant(life)
        if (!wait) return undefined
        return new Promise((resolve) => {
          const go = (): void => resolve(grant(life))
          waiting.push(go)
          const leave = (): void => {
            const at = waiting.indexOf(go)
            if (at === -1) return
            waiting.splice(at, 1)
            resolve(undefined)
          }
          for (const end of [signal, life.death.signal]) end.addEventListener('abort', leave)
        })
      }
      return (options) => life.call(() => ask(options))
    },
    rob(life) {
      if (holder?.life !== life) return false
      const { lost } = holder
      next()
      // A frozen process learns of it when it thaws.
      void life.awake().then(() => lost.abort())
      return true
    },
  }
}

/** The pause between two tries to get the lock, as with SQLite. */
const AGAIN_MS = 250

/** The lock of a real store. It is tried again and again, by the world's clock. A living process does not lose it. */
export function realLock(lock: OwnerLock): Locks {
  return {
    of: (life) => {
      const ask: OwnerLock = async ({ wait, signal }) => {
        while (!signal.aborted && !life.dead) {
          const held = await lock({ wait: false, signal })
          if (held) {
            let open = true
            const release = (): void => {
              if (open) void held.release()
              open = false
            }
            life.death.signal.addEventListener('abort', release)
            return { lost: held.lost, release }
          }
          if (!wait) return undefined
          await sleep(life.clock, AGAIN_MS, signal)
        }
        return undefined
      }
      return (options) => life.call(() => ask(options))
    },
    rob: () => false,
  }
}
