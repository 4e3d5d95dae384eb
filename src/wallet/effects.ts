/** The requests that wallet operations make of a mint: each one request, each answer as the mint client classified it. */
import type { Refusal, Replied, exchangeActors } from '../../machines/wallet/exchange-model.ts'
import type { Reply } from '../cashu/client.ts'
import { keysetVersion } from '../cashu/keyset-id.ts'
import type { Declared } from '../kernel/authoring.ts'
import type { EffectArgs, Reader } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import type { WalletPorts } from './ports.ts'
import type { KeysetRow, MintRow } from './tables.ts'

type Actors = typeof exchangeActors
type In<K extends keyof Actors> = Actors[K] extends Declared<infer _Out, infer I> ? I : never

/** A reply as an effect's answer: what a chart needs of it, and no more. */
export function answerOf<T, A extends object>(reply: Reply<T>, ok: (body: T) => A): Replied<A> {
  if (reply.answer === 'ok') return { answer: 'ok', ...ok(reply.body) }
  if (reply.answer === 'refused') return refusalOf(reply)
  if (reply.answer === 'unknown' && reply.hint !== undefined) return { answer: 'unknown', hint: reply.hint }
  return { answer: reply.answer }
}

/** A refusal, as a chart may keep it. */
export const refusalOf = ({
  code,
  detail,
  meaning,
}: Extract<Reply<unknown>, { answer: 'refused' }>): { answer: 'refused' } & Refusal => ({
  answer: 'refused',
  code,
  detail: withoutSecrets(detail),
  meaning,
})

/** Mints have been seen to answer with the SQL they failed at, secrets and all. */
export const withoutSecrets = (detail: string): string => detail.replaceAll(/[0-9A-Za-z+/=_-]{24,}/g, '…').slice(0, 120)

export const exchangeEffects = ({ client, crypto }: WalletPorts) => ({
  'mint.swap': async ({ input, signal, replay }: EffectArgs<In<'mint.swap'>>) => ({
    ...answerOf(await client(input.mintUrl).swap(input.body, { signal }), ({ signatures }) => ({ signatures })),
    replay,
  }),

  'mint.check': async ({ input, signal }: EffectArgs<In<'mint.check'>>) =>
    answerOf(await client(input.mintUrl).checkState(input.Ys, { signal }), (states) => ({
      states: states.map(({ state }) => state),
    })),

  'mint.restore': async ({ input, signal }: EffectArgs<In<'mint.restore'>>) =>
    answerOf(await client(input.mintUrl).restore(input.outputs, { signal }), ({ outputs, signatures }) => ({
      outputs: outputs.map(({ B_ }) => B_),
      signatures,
    })),

  'mint.keysets': async ({ input, signal, read }: EffectArgs<In<'mint.keysets'>>) =>
    fetchKeysets({ client, crypto }, input, read, signal),
})

/**
 * Fetches a mint's keysets, and the keys of the unit's that are not known yet: of the active ones, or of old ones too. Keys are taken only
 * where the keyset's id is the one that they give (NUT-02).
 */
export async function fetchKeysets(
  { client, crypto }: Pick<WalletPorts, 'client' | 'crypto'>,
  { mintUrl, unit, old = false }: { mintUrl: string; unit: string | undefined; old?: boolean },
  read: Reader,
  signal: AbortSignal,
): Promise<Replied<{ writes: readonly Write[] }>> {
  const listed = await client(mintUrl).keysets({ signal })
  if (listed.answer !== 'ok') return answerOf(listed, () => ({ writes: [] }))
  const writes: Write[] = []
  for (const { id, unit: ofUnit, active, input_fee_ppk: feePpk = 0, final_expiry: finalExpiry } of listed.body) {
    const known = await read.get<KeysetRow>('keysets', [mintUrl, id])
    let keys = known?.keys ?? null
    // A keyset of a version that we don't know is listed, and not used.
    const usable = keysetVersion(id) !== undefined
    if (usable && (active || old) && !keys && (unit === undefined || unit === ofUnit)) {
      // Trust is asked for before every request (it may have gone since the last).
      if ((await read.get<MintRow>('mints', [mintUrl]))?.trusted !== 1) return { answer: 'unknown' }
      const got = await client(mintUrl).keys(id, { signal })
      if (got.answer !== 'ok') return answerOf(got, () => ({ writes: [] }))
      const found = got.body.keys
      if (crypto.keysetId(id, { keys: found, unit: ofUnit, inputFeePpk: feePpk, finalExpiry }) !== id)
        return { answer: 'malformed' }
      keys = found
    }
    const row: KeysetRow = {
      mintUrl,
      id,
      unit: ofUnit,
      active: active ? 1 : 0,
      feePpk,
      finalExpiry: finalExpiry ?? null,
      keys,
    }
    writes.push({ put: 'keysets', row })
  }
  // A keyset that the mint no longer lists takes no new outputs.
  for (const row of await read.query<KeysetRow>({ table: 'keysets', prefix: [mintUrl] }))
    if (row.active === 1 && !listed.body.some(({ id }) => id === row.id))
      writes.push({ patch: 'keysets', key: [mintUrl, row.id], set: { active: 0 } })
  return { answer: 'ok', writes }
}
