/** The endpoints that only read: NUT-01, 02, 06, 07, 09. */
import { codes } from '../cashu/codes.ts'
import type { Context, Endpoint, View } from './context.ts'
import { outputsOf, pointsOf, refuse } from './request.ts'
import type { KeysetRow, ProofRow, SignatureRow } from './tables.ts'

const CACHED = ['/v1/mint/bolt11', '/v1/melt/bolt11', '/v1/swap']

export function createViews({ store, has, units, maxAmount, name, cacheTtlMs }: Context) {
  const all = (): Promise<KeysetRow[]> => store.query<KeysetRow>({ table: 'keysets', index: 'byUnit' })

  const about = ({ id, unit, active, feePpk }: KeysetRow) => ({ id, unit, active: active === 1, input_fee_ppk: feePpk })
  const withKeys = (row: KeysetRow) => ({ ...about(row), keys: row.keys })

  const keysets: View = async () => ({ keysets: (await all()).map(about) })
  const activeKeys: View = async () => ({ keysets: (await all()).filter(({ active }) => active === 1).map(withKeys) })
  const keys: View = async (id) => {
    const row = (await store.get<KeysetRow>('keysets', [id])) ?? refuse(codes.keysetUnknown, `no keyset ${id}`)
    return { keysets: [withKeys(row)] }
  }

  const info: View = async () => {
    const methods = units.map((unit) => ({ method: 'bolt11', unit, min_amount: 1, max_amount: maxAmount }))
    const cached = CACHED.map((path) => ({ method: 'POST', path }))
    return {
      name,
      version: 'hardshell/1',
      nuts: {
        4: { methods: methods.map((method) => ({ ...method, options: { description: true } })), disabled: false },
        5: { methods, disabled: false },
        ...Object.fromEntries(([7, 8, 9, 12, 20] as const).map((nut) => [nut, { supported: has(nut) }])),
        ...(has(19) ? { 19: { ttl: Math.floor(cacheTtlMs / 1000), cached_endpoints: cached } } : {}),
      },
    }
  }

  /** NUT-07. */
  const checkState: Endpoint = async (request) => {
    const states: object[] = []
    for (const Y of pointsOf(request)) {
      const row = await store.get<ProofRow>('proofs', [Y])
      states.push({ Y, state: row?.state ?? 'UNSPENT', witness: null })
    }
    return { states }
  }

  /** NUT-09: those of the outputs that are signed, each with its signature, in the order asked. */
  const restore: Endpoint = async (request) => {
    const found: object[] = []
    const signatures: object[] = []
    for (const { B_ } of outputsOf(request)) {
      const row = await store.get<SignatureRow>('signatures', [B_])
      if (!row || row.C_ === null) continue
      const { keysetId: id, amount, C_, dleq } = row
      found.push({ amount, id, B_ })
      signatures.push({ id, amount, C_, ...(dleq ? { dleq } : {}) })
    }
    return { outputs: found, signatures }
  }

  return { keysets, activeKeys, keys, info, checkState, restore }
}
