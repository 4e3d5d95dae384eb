/** Whether every sat is where it should be, when all is over: the clients' accounts, the mint's, and the mint's rows. */
import type { BalanceSheet } from '../../src/mint-server/index.ts'
import { mintSchema } from '../../src/mint-server/db/tables.ts'
import type { Row } from '../../src/store/port.ts'
import type { Client } from './client.ts'
import type { MintProcess } from './mints.ts'
import { adapterOf, type Place } from './places.ts'
import { sum } from './protocol.ts'
import { insist, type Send } from './wire.ts'

interface Audited {
  readonly place: Place
  readonly mints: readonly MintProcess[]
  readonly clients: readonly Client[]
  readonly send: Send
}

/** So many proofs of each client are swapped. */
const SAMPLE = 4

/** Ends the mint, and gives all that is wrong. */
export async function audit({ place, mints, clients, send }: Audited): Promise<string[]> {
  const problems: string[] = []
  const equal = (what: string, found: number, expected: number): void => {
    if (found !== expected) problems.push(`${what}: ${found}, and not ${expected}`)
  }
  await Promise.all(clients.map((client) => client.swap(SAMPLE, false)))
  const states = await Promise.all(clients.map((client) => client.states(client.proofs)))
  equal('proofs of clients that are not unspent', states.flat().filter((state) => state !== 'UNSPENT').length, 0)
  for (const [i, { proofs, account }] of clients.entries())
    equal(`what client ${i} holds`, sum(proofs), account.issued - account.paidOut - account.fees)

  const total = (what: keyof Client['account']): number => clients.reduce((all, { account }) => all + account[what], 0)
  const { units, payments } = await insist<BalanceSheet>(send, 'GET', '/admin/balance-sheet')
  const sheet = units['sat']!
  equal('received', sheet.received, total('issued'))
  equal('paid out', sheet.paidOut, total('paidOut'))
  equal('kept', sheet.kept, total('fees'))
  equal('outstanding', sheet.outstanding, total('issued') - total('paidOut') - total('fees'))
  equal('issued less redeemed', sheet.issued - sheet.redeemed, sheet.outstanding)
  equal('pending', sheet.pending, 0)
  equal('paid and not issued', sheet.unissued, 0)
  equal('payments made twice', Object.values(payments).filter(({ paid }) => paid > 1).length, 0)

  for (const mint of mints) await mint.stop()
  for (const [what, count] of await unfinished(place)) equal(what, count, 0)
  return problems
}

/** What the mint's rows say is under way. */
async function unfinished(place: Place): Promise<[string, number][]> {
  if (place.store === 'memory') return []
  const store = await adapterOf(place).open(mintSchema)
  const count = async (table: string, isOpen: (row: Row) => boolean): Promise<number> =>
    (await store.query({ table })).filter(isOpen).length
  try {
    return [
      ['operations that are not done', await count('operations', (row) => row['status'] !== 'done')],
      ['proofs that are pending', await count('proofs', (row) => row['state'] !== 'SPENT')],
      ['outputs that are set aside', await count('signatures', (row) => row['C_'] === null)],
      ['mint quotes that are held', await count('mintQuotes', (row) => row['operationId'] !== null)],
      ['melt quotes that are pending', await count('meltQuotes', (row) => row['state'] === 'PENDING')],
    ]
  } finally {
    await store.close()
  }
}
