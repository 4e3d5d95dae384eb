/** Credits and claims on a store of the project's own port, in tables of their own. */
import type { Row, Schema, Store, Write } from '../store/port.ts'
import { again, Documents, documentTable, indexTable, type Document } from './documents.ts'
import type { Claims, Credits, Lease, Reservation } from './ports.ts'
import { booked, claimRules, creditRules, known, type Ruling } from './rules.ts'

/** The tables of credits, for a database of their own. */
export const creditsSchema: Schema = {
  version: 1,
  tables: {
    accounts: { columns: { account: 'text', balance: 'integer' }, key: ['account'] },
    reservations: documentTable({ payer: 'text', amount: 'integer', payee: 'text?' }),
    reservationsByPayer: indexTable,
  },
}

/** The tables of claims, for a database of their own. */
export const claimsSchema: Schema = {
  version: 1,
  tables: {
    leases: documentTable(
      { task: 'text', worker: 'text', untilMs: 'integer', holds: 'text?' },
      // One lease at most holds a task, or has completed it.
      { byTask: { columns: ['holds'], unique: true } },
    ),
    leasesByWorker: indexTable,
  },
}

/** Credits on a store, with what their users see. */
export interface StoreCredits extends Credits {
  /**
   * Adds credits to an account.
   *
   * @throws {StoreError} where the database fails
   */
  deposit(account: string, amount: number): Promise<void>
  /**
   * What an account can spend.
   *
   * @throws {StoreError} where the database fails
   */
  balance(account: string): Promise<number>
  /**
   * An account's reservations, as the index has them.
   *
   * @throws {StoreError} where the database fails
   */
  list(payer: string): Promise<readonly Document[]>
}

/**
 * Credits on a store that was opened with `creditsSchema`. Balances change with the reservation, in one commit.
 *
 * @example
 * const credits = storeCredits(await sqliteStore({ path: 'credits.db' }).open(creditsSchema))
 */
export function storeCredits(store: Store): StoreCredits {
  const balance = async (account: string): Promise<number> =>
    ((await store.get('accounts', [account]))?.['balance'] as number | undefined) ?? 0
  const book = async (account: string, by: number): Promise<Write> => {
    const there = (await store.get('accounts', [account]))?.['balance'] as number | undefined
    const row: Row = { account, balance: (there ?? 0) + by }
    return { put: 'accounts', row, if: there === undefined ? 'absent' : { balance: there } }
  }
  const reservations = new Documents<Reservation>({
    ...{ store, table: 'reservations', index: 'reservationsByPayer', nameOf: ({ payer }) => payer },
    beside: (before, after) => Promise.all(booked(before, after).map(({ account, by }) => book(account, by))),
  })
  return {
    balance,
    deposit: (account, amount) => again(async () => store.commit([await book(account, amount)])),
    list: (payer) => reservations.list(payer),
    reserve: (request) =>
      reservations.change(
        request.key,
        (found, left) => creditRules.reserve(found, request, left),
        () => balance(request.payer),
      ),
    get: async ({ key }) => known(await reservations.get(key)),
    capture: (request) => reservations.change(request.key, (found) => creditRules.capture(found, request)),
    void: (request) => reservations.change(request.key, (found) => creditRules.void(found, request)),
  }
}

/** Claims on a store, with what their users see. */
export interface StoreClaims extends Claims {
  /**
   * A worker's leases, as the index has them.
   *
   * @throws {StoreError} where the database fails
   */
  list(worker: string): Promise<readonly Document[]>
}

/** Claims on a store that was opened with `claimsSchema`. */
export function storeClaims(store: Store): StoreClaims {
  type Held = Lease & { readonly holds: string | null }
  const leases = new Documents<Held>({
    store,
    table: 'leases',
    index: 'leasesByWorker',
    nameOf: ({ worker }) => worker,
  })
  const held = ({ reply, put }: Ruling<Lease>): Ruling<Held> => ({
    reply,
    ...(put && { put: { ...put, holds: put.state === 'released' ? null : put.task } }),
  })
  const taken = async (task: string): Promise<boolean> =>
    (await store.query({ table: 'leases', index: 'byTask', prefix: [task] })).length > 0
  return {
    list: (worker) => leases.list(worker),
    acquire: (request) =>
      leases.change(
        request.key,
        (found, isTaken) => held(claimRules.acquire(found, request, isTaken)),
        () => taken(request.task),
      ),
    get: async ({ key }) => known(await leases.get(key)),
    renew: (request) => leases.change(request.key, (found) => held(claimRules.renew(found, request))),
    release: (request) => leases.change(request.key, (found) => held(claimRules.release(found, request))),
    complete: ({ key }) => leases.change(key, (found) => held(claimRules.complete(found))),
  }
}
