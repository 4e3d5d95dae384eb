/** In a wallet process: reports every commit and request as it begins and ends, and dies where it is armed. */
import { tablesOf } from '../../src/kernel/run/durable.ts'
import type { OperationRow } from '../../src/kernel/define/operation.ts'
import type { Transport } from '../../src/cashu/transport.ts'
import type { Store, StoreAdapter, Write } from '../../src/store/port.ts'
import { phaseName, type Life, type Phase, type Report, type Site } from './plan.ts'

/** The store of a wallet, and its way to the mint. */
export interface Ports {
  readonly store: StoreAdapter
  readonly transport: Transport
}

/** Watches over a wallet's ports. `say` must have handed its line over when it returns. */
export function sites(arms: Life['arms'], say: (report: Report) => void): (ports: Ports) => Ports {
  const left = new Map(Object.entries(arms))
  let turns = 0

  function pass(turn: number, at: readonly Site[], phase: Phase): void {
    for (const site of at) {
      const name = phaseName(site, phase)
      const skips = left.get(name)
      if (skips === undefined) continue
      left.set(name, skips - 1)
      if (skips > 0) continue
      say({ type: 'dies', turn, at: name })
      process.kill(process.pid, 'SIGKILL')
    }
  }

  async function within<T>(at: readonly Site[], act: () => Promise<T>): Promise<T> {
    const turn = turns++
    pass(turn, at, 'before')
    say({ type: 'begins', turn, sites: at })
    let well = false
    try {
      const result = await act()
      well = true
      return result
    } finally {
      say({ type: 'ends', turn, well })
      if (well) pass(turn, at, 'after')
    }
  }

  return ({ store: adapter, transport }) => {
    let store: Store
    return {
      store: {
        async open(schema) {
          store = await adapter.open(schema)
          return {
            ...(store.ownership && { ownership: store.ownership }),
            get: (table, key) => store.get(table, key),
            query: (query) => store.query(query),
            sum: (table, prefix) => store.sum(table, prefix),
            commit: async (writes) => within(await committed(store, writes), () => store.commit(writes)),
            watch: (table, changed) => store.watch(table, changed),
            close: () => store.close(),
          }
        },
      },
      transport: async (request) => within(await asked(store, request), () => transport(request)),
    }
  }
}

/** The operations that a commit moves on or takes over. */
async function committed(store: Store, writes: readonly Write[]): Promise<Site[]> {
  const found: Site[] = []
  for (const write of writes) {
    if ('put' in write && write.put === 'operations') {
      const { id, kind, state } = write.row as OperationRow
      found.push({ what: 'commit', id, kind, name: state })
    } else if ('patch' in write && write.patch === 'operations') {
      const row = await store.get<OperationRow>('operations', write.key)
      if (row) found.push({ what: 'commit', id: row.id, kind: row.kind, name: `${row.state} taken over` })
    }
  }
  return found.length > 0
    ? found
    : [{ what: 'commit', id: undefined, kind: 'wallet', name: tablesOf(writes).join(' and ') }]
}

/** Of what a request asks: quotes, proofs and blinded messages. */
const NAMES = /"(?:quote|Y|B_|secret)":"([^"]+)"|"Ys":\["([^"]+)"/
const QUOTE = /\/quote\/\w+\/([^/]+)$/

/** The operations that a request is for: what it asks about stands in their snapshots. */
async function asked(store: Store, { method, url, body = '' }: Parameters<Transport>[0]): Promise<Site[]> {
  const path = new URL(url).pathname
  const [, quoteId] = QUOTE.exec(path) ?? []
  const name = `${method} ${path.replace(/(?<=\/keys\/|\/quote\/\w+\/)[^/]+$/, ':id')}`
  const [, one, first] = NAMES.exec(body) ?? []
  const wanted = quoteId ?? one ?? first
  // A quote is asked for before it has a name; then the path gives the kind.
  if (path === '/v1/mint/quote/bolt11') return [{ what: 'request', id: undefined, kind: 'mint', name }]
  if (path === '/v1/melt/quote/bolt11') return [{ what: 'request', id: undefined, kind: 'melt', name }]
  const rows = await store.query<OperationRow>({ table: 'operations', index: 'byStatus', prefix: ['active'] })
  const named = rows.filter(({ snapshot }) => wanted !== undefined && snapshot.includes(wanted))
  // What a restore asks about it derives, and stores nowhere.
  const of = named.length > 0 ? named : rows.filter(({ kind }) => kind === 'restore')
  const found = of.map(({ id, kind }): Site => ({ what: 'request', id, kind, name }))
  return found.length > 0 ? found : [{ what: 'request', id: undefined, kind: 'wallet', name }]
}
