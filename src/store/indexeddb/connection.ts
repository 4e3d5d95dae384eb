/**
 * A connection that reopens. The browser may close connections, and this code closes one when a newer program in
 * another tab wants to migrate. The next transaction opens a new connection.
 */
import type { UseStore } from 'idb-keyval'
import { timerFor } from '../../timer.ts'
import { coded, isLost } from './errors.ts'
import { checkTables, create, migrate, notOurs, OBJECTS } from './rows.ts'
import { StoreError, type Schema } from '../port.ts'

export interface Connection {
  /** Runs one transaction on the object store. If the connection is lost and nothing was written, it runs once more. */
  readonly use: UseStore
  /** Closes the connection. Transactions under way still end. */
  close(): void
}

interface Opening {
  readonly name: string
  readonly schema: Schema
  readonly busyTimeoutMs: number
}

/**
 * Creates the database, migrates it, or opens it unchanged.
 *
 * @throws {StoreError} `NEWER`; `CORRUPT` where it is not one of ours; `BUSY` where others keep it for so long.
 */
export async function connect(options: Opening): Promise<Connection> {
  let current: Promise<IDBDatabase> | undefined
  let isClosed = false

  const connection = (isFirst: boolean): Promise<IDBDatabase> => {
    const forget = (): void => {
      if (current === opening) current = undefined
    }
    const opening = open(options, isFirst, forget)
    opening.catch(forget)
    current = opening
    return opening
  }

  const use: UseStore = async (mode, run) => {
    for (let hasBegun = false, isLast = false; ; isLast = true) {
      if (isClosed) throw new StoreError('CLOSED', 'the store is closed')
      const opening = current ?? connection(false)
      try {
        const db = await opening
        const transaction = db.transaction(OBJECTS, mode, { durability: 'strict' })
        hasBegun = true
        const work = run(transaction.objectStore(OBJECTS))
        return await (mode === 'readonly' ? unlessClosed(db, work) : work)
      } catch (error) {
        if (isLast || !isLost(error) || (hasBegun && mode !== 'readonly')) throw coded(error)
        // Other transactions may still use it.
        if (current === opening) close()
      }
    }
  }

  const close = (): void => {
    current?.then(
      (db) => db.close(),
      () => {},
    )
    current = undefined
  }

  await connection(true).catch((error: unknown) => {
    throw coded(error)
  })
  return {
    use,
    close() {
      isClosed = true
      close()
    },
  }
}

function open({ name, schema, busyTimeoutMs }: Opening, isFirst: boolean, forget: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, schema.version)
    let isBlocked = false
    let isLate = false
    /** Why a migration was given up. */
    let failure: unknown
    // A request to open cannot be cancelled. If it succeeds too late, its result is undone.
    const giveUp = (): void => {
      isLate = true
      const by = isBlocked ? 'another tab keeps it open with an older program' : 'another tab holds it up'
      reject(new StoreError('BUSY', `the database does not open: ${by}`))
    }
    const timer = timerFor(giveUp, busyTimeoutMs)
    request.addEventListener('blocked', () => (isBlocked = true))
    request.addEventListener('upgradeneeded', (event: IDBVersionChangeEvent & { readonly dataLoss?: string }) => {
      clearTimeout(timer)
      const transaction = request.transaction!
      transaction.addEventListener('abort', () => (failure = transaction.error ?? failure))
      const upgraded = async (): Promise<void> => {
        if (isLate) throw new StoreError('BUSY', 'given up')
        if (event.oldVersion > 0) return migrate(objectsOf(transaction), schema)
        // Chromium deletes a database that it cannot read, and reports this once. So does this store: the next opening
        // finds an empty database.
        if (event.dataLoss === 'total') throw new StoreError('CORRUPT', 'the browser found it damaged and deleted it')
        // An open wallet must not go on with an empty database: it would reuse counters.
        if (!isFirst) throw new StoreError('UNAVAILABLE', 'the database was deleted while it was open')
        create(request.result, schema)
      }
      upgraded().catch((error: unknown) => {
        failure = error
        abort(transaction)
      })
    })
    request.addEventListener('error', () => {
      clearTimeout(timer)
      reject(coded(failure ?? request.error))
    })
    request.addEventListener('success', () => {
      clearTimeout(timer)
      const db = request.result
      const close = (): void => {
        db.close()
        forget()
      }
      db.addEventListener('close', forget)
      db.addEventListener('versionchange', close)
      if (isLate) db.close()
      else
        unlessClosed(db, checked(db, schema)).then(resolve, (error: unknown) => {
          db.close()
          reject(coded(error))
        })
    })
  })
}

async function checked(db: IDBDatabase, schema: Schema): Promise<IDBDatabase> {
  if (!db.objectStoreNames.contains(OBJECTS)) notOurs()
  await checkTables(objectsOf(db.transaction(OBJECTS)), schema)
  return db
}

function objectsOf(transaction: IDBTransaction): IDBObjectStore {
  return transaction.objectStoreNames.contains(OBJECTS) ? transaction.objectStore(OBJECTS) : notOurs()
}

/**
 * The result of some work, unless the browser closes the connection. Chromium never reports the end of a transaction
 * that begins after the browser has closed the connection and before the `close` event.
 */
export function unlessClosed<T>(db: IDBDatabase, work: T | PromiseLike<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const close = (): void => reject(closed())
  db.addEventListener('close', close)
  return Promise.race([work, promise]).finally(() => db.removeEventListener('close', close))
}

export const closed = (): DOMException => new DOMException('the browser closed the connection', 'AbortError')

/** Aborts a transaction, unless it has ended. */
export function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch (error) {
    if (!isLost(error)) throw error
  }
}
