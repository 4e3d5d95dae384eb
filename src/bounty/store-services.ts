/** Credits and claims on a store of the project's own port, in tables of their own. */
import type { Schema, Store } from '../store/port.ts'
import { text, type ReaderOf, type StoreOf, type Tables, type WriteOf } from '../store/typed.ts'
import { again, Documents, documentTable, indexTable, type Document, type DocumentOf } from './documents.ts'
import type { Claims, Credits, Lease, Reservation } from './ports.ts'
import { booked, claimRules, creditRules, known, type Ruling } from './rules.ts'

export const creditsTables = {
  accounts: { columns: { account: 'text', balance: 'integer' }, key: ['account'] },
  reservations: documentTable(
    {
      state: text<Reservation['state']>(),
      payer: 'text',
      amount: 'integer',
      payee: 'text?',
    },
    {},
  ),
  reservationsByPayer: indexTable,
} as const satisfies Tables
type CreditsTables = typeof creditsTables

/** The tables of credits, for a database of their own. */
export const creditsSchema: Schema = { version: 1, tables: creditsTables }

export const claimsTables = {
  leases: documentTable(
    { state: text<Lease['state']>(), task: 'text', worker: 'text', untilMs: 'integer', holds: 'text?' },
    // At most one lease holds a task or has completed it.
    { byTask: { columns: ['holds'], unique: true } },
  ),
  leasesByWorker: indexTable,
} as const satisfies Tables
type ClaimsTables = typeof claimsTables

/** The tables of claims, for a database of their own. */
export const claimsSchema: Schema = { version: 1, tables: claimsTables }

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
   * An account's reservations, as the index lists them.
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
  const tables: StoreOf<CreditsTables> = store
  const balance = async (account: string): Promise<number> => (await tables.get('accounts', [account]))?.balance ?? 0
  const book = async (account: string, by: number): Promise<WriteOf<CreditsTables>> => {
    const there = (await tables.get('accounts', [account]))?.balance
    const row = { account, balance: (there ?? 0) + by }
    return { put: 'accounts', row, if: there === undefined ? 'absent' : { balance: there } }
  }
  const reservations = new Documents<CreditsTables, DocumentOf<CreditsTables['reservations']>>({
    ...{ store, table: 'reservations', index: 'reservationsByPayer', nameOf: ({ payer }) => payer },
    beside: (before, after) => Promise.all(booked(before, after).map(({ account, by }) => book(account, by))),
  })
  return {
    balance,
    deposit: (account, amount) => again(async () => tables.commit([await book(account, amount)])),
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
   * A worker's leases, as the index lists them.

   *
   * @throws {StoreError} where the database fails
   */
  list(worker: string): Promise<readonly Document[]>
}

/** Claims on a store that was opened with `claimsSchema`. */
export function storeClaims(store: Store): StoreClaims {
  type Held = DocumentOf<ClaimsTables['leases']>
  const tables: ReaderOf<ClaimsTables> = store
  const leases = new Documents<ClaimsTables, Held>({
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
    (await tables.query({ table: 'leases', index: 'byTask', prefix: [task] })).length > 0
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
