/**
 * A connection that outlives being closed: the browser closes connections, and so do we, for a newer program in another
 * tab that wants to migrate. The next transaction opens another one.
 */
import type { UseStore } from 'idb-keyval'
import { coded, isLost } from './indexeddb-errors.ts'
import { checkTables, create, migrate, notOurs, OBJECTS } from './indexeddb-rows.ts'
import { StoreError, type Schema } from './port.ts'

export interface Connection {
  /** Begins one transaction on the object store; where its connection is lost and it has written nothing, once more. */
  readonly use: UseStore
  /** Lets transactions under way end. */
  close(): void
}

interface Opening {
  readonly name: string
  readonly schema: Schema
  readonly busyTimeoutMs: number
}

/**
 * Makes the database, migrates it, or opens it as it is.
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
        return await run(transaction.objectStore(OBJECTS))
      } catch (error) {
        if (isLast || !isLost(error) || (hasBegun && mode !== 'readonly')) throw coded(error)
        if (current === opening) current = undefined
      }
    }
  }

  await connection(true)
  return {
    use,
    close() {
      isClosed = true
      current?.then(
        (db) => db.close(),
        () => {},
      )
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
    // A request to open cannot be taken back: what comes of it later is undone.
    const timer = setTimeout(() => {
      isLate = true
      const by = isBlocked ? 'another tab keeps it open with an older program' : 'another tab holds it up'
      reject(new StoreError('BUSY', `the database does not open: ${by}`))
    }, busyTimeoutMs)
    request.addEventListener('blocked', () => (isBlocked = true))
    request.addEventListener('upgradeneeded', ({ oldVersion }) => {
      clearTimeout(timer)
      const transaction = request.transaction!
      transaction.addEventListener('abort', () => (failure = transaction.error ?? failure))
      const upgraded = isLate
        ? Promise.reject(new StoreError('BUSY', 'given up'))
        : upgrade(transaction, oldVersion, schema, isFirst)
      upgraded.catch((error: unknown) => {
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
        checked(db, schema).then(resolve, (error: unknown) => {
          db.close()
          reject(coded(error))
        })
    })
  })
}

async function upgrade(transaction: IDBTransaction, from: number, schema: Schema, isFirst: boolean): Promise<void> {
  if (from > 0) await migrate(objectsOf(transaction), schema)
  // An open wallet must not go on with nothing: it would take counters that it has used.
  else if (!isFirst) throw new StoreError('UNAVAILABLE', 'the database was deleted while it was open')
  else create(transaction.db, schema)
}

async function checked(db: IDBDatabase, schema: Schema): Promise<IDBDatabase> {
  if (!db.objectStoreNames.contains(OBJECTS)) notOurs()
  await checkTables(objectsOf(db.transaction(OBJECTS)), schema)
  return db
}

function objectsOf(transaction: IDBTransaction): IDBObjectStore {
  return transaction.objectStoreNames.contains(OBJECTS) ? transaction.objectStore(OBJECTS) : notOurs()
}

/** Ends a transaction without effect, unless it has ended. */
export function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch (error) {
    if (!isLost(error)) throw error
  }
}
