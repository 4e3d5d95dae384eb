/** The endpoints that only read: NUT-01, 02, 06, 07, 09. */
import { codes } from '../../cashu/codes.ts'
import type { Context, Endpoint, ReadEndpoint } from '../context.ts'
import type { Keysets } from '../signatory/keysets.ts'
import { has } from '../ports.ts'
import { MAX_ITEMS, messagesOf, pointsOf, refuse } from '../http/request.ts'
import type { KeysetRow, ProofRow } from '../db/tables.ts'
import { inWaves } from '../db/waves.ts'

/** How many quotes one request may issue (NUT-29). */
export const MAX_BATCH = 100

/** NUT-07. The witness is shown once it has spent the proof. A payment under way may still fail, and must show no preimage. */
export const stateOfProof = (Y: string, row: ProofRow | undefined): object => ({
  ...{ Y, state: row?.state ?? 'UNSPENT' },
  witness: row?.state === 'SPENT' ? row.witness : null,
})

export function createReadEndpoints({ store, backend, settings }: Context, keysetRows: Keysets) {
  const about = ({ id, unit, active, feePpk }: KeysetRow) => ({ id, unit, active: active === 1, input_fee_ppk: feePpk })
  const withKeys = (row: KeysetRow) => ({ ...about(row), keys: row.keys })

  const keysets: ReadEndpoint = async () => ({ keysets: (await keysetRows.all()).map(about) })
  const activeKeys: ReadEndpoint = async () => ({
    keysets: (await keysetRows.all()).filter(({ active }) => active === 1).map(withKeys),
  })
  const keys: ReadEndpoint = async (id) => {
    const row = (await store.get('keysets', [id])) ?? refuse(codes.keysetUnknown, `no keyset ${id}`)
    return { keysets: [withKeys(row)] }
  }

  const info: ReadEndpoint = async () => {
    const { name, units, minAmount, maxAmount, cacheTtlMs } = settings
    const methodsOf = (those: readonly string[]) =>
      backend.methods.flatMap((method) =>
        those.map((unit) => ({ method, unit, min_amount: minAmount, max_amount: maxAmount })),
      )
    const redeemed = [...new Set([...units, ...(await keysetRows.all()).map(({ unit }) => unit)])]
    const methods = methodsOf(redeemed)
    const described = methodsOf(units).map((method) => ({ ...method, options: { description: true } }))
    const moving = (method: string) => [`mint/${method}`, `mint/${method}/batch`, `melt/${method}`]
    const cached = ['swap', ...backend.methods.flatMap(moving)].map((path) => `/v1/${path}`)
    const topics = backend.methods.flatMap((method) => [`${method}_mint_quote`, `${method}_melt_quote`])
    const commands = [...topics, 'proof_state']
    return {
      name,
      version: 'hardshell/1',
      // Neither inputs, outputs nor Ys may be more: Nutshell and cdk say it by this name.
      max_array_length: MAX_ITEMS,
      nuts: {
        4: { methods: described, disabled: false },
        5: { methods, disabled: false },
        ...Object.fromEntries(([7, 8, 9, 12, 20] as const).map((nut) => [nut, { supported: has(settings, nut) }])),
        ...Object.fromEntries([10, 11, 14].map((nut) => [nut, { supported: true }])),
        17: {
          supported: backend.methods.flatMap((method) => redeemed.map((unit) => ({ method, unit, commands }))),
        },
        ...(has(settings, 19) && {
          19: {
            ttl: Math.floor(cacheTtlMs / 1000),
            cached_endpoints: cached.map((path) => ({ method: 'POST', path })),
          },
        }),
        29: { max_batch_size: MAX_BATCH, methods: backend.methods },
      },
    }
  }

  /** NUT-07. */
  const checkState: Endpoint = async (request) => {
    const Ys = pointsOf(request)
    const rows = await inWaves(Ys, (Y) => store.get('proofs', [Y]))
    return { states: Ys.map((Y, at) => stateOfProof(Y, rows[at])) }
  }

  /** NUT-09: those of the outputs that are signed, each with its signature, in the order asked. */
  const restore: Endpoint = async (request) => {
    const asked = messagesOf(request)
    const rows = await inWaves(asked, ({ B_ }) => store.get('signatures', [B_]))
    const found = rows.flatMap((row) => (row === undefined || row.C_ === null ? [] : [row]))
    return {
      outputs: found.map(({ B_, keysetId: id, amount }) => ({ amount, id, B_ })),
      signatures: found.map(({ keysetId: id, amount, C_, dleq }) => ({ id, amount, C_, ...(dleq && { dleq }) })),
    }
  }

  return { keysets, activeKeys, keys, info, checkState, restore }
}
