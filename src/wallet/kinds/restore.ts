/** Restore: the kind, its requests and its local steps. */
import type { Place, SpentState } from '../../../machines/wallet/exchange-model.ts'
import {
  BATCH,
  restore,
  type Found,
  type Restored,
  type RestoreContext,
  type Unavailable,
} from '../../../machines/wallet/restore.ts'
import type { BlindedMessage } from '../../cashu/parse.ts'
import { askRestore, askStates } from '../asking.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { checkNames, checkKeys } from '../../arguments.ts'
import type { WalletEnv } from '../env.ts'
import { fetchKeysets } from '../keyset-fetch.ts'
import { contextIn, ExecutableHandle, type Finished, type Waiting } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { keysetsOf, codeAndDetail } from '../keysets.ts'
import { unblind } from '../outputs.ts'
import { OF_MINT, type EffectArgs, type LocalArgs, type WalletPorts } from '../ports.ts'
import type { CounterRow, ProofRow, Write } from '../tables.ts'
import { sure } from '../../sure.ts'

type Batch = { mintUrl: string; keysetId: string; from: number }
type Keep = Place & {
  keysetId: string
  proofs: readonly Restored[]
  states: readonly SpentState[]
  found: readonly Found[]
}

/** The reason of a proof that a restore has found begins with this. */
const RESTORED = 'restored'

const ON_CONDITION = 'a proof is put where there is none, and one that is held is changed on condition'
const LIVE = 'who takes a counter stores its outputs in the same commit, and these were signed before'
const AT_LEAST = 'how far counters are is read again at the end, and what is taken meanwhile is of live operations'

const effects = ({ client, crypto, deriver, turn }: WalletPorts) => ({
  'restore.keysets': async ({ input, signal, read }: EffectArgs<{ mintUrl: string; unit: string }>) => {
    const fetched = await fetchKeysets({ client, crypto }, { ...input, old: true }, read, signal)
    if (fetched.answer !== 'ok') return fetched
    const rows = fetched.writes.flatMap((write) => ('put' in write && write.put === 'keysets' ? [write.row] : [])) // prettier-ignore
    const ofUnit = rows.filter(({ unit }) => unit === input.unit)
    return {
      ...fetched,
      keysetIds: ofUnit.filter(({ keys }) => keys !== null).map(({ id }) => id),
      unavailable: ofUnit.flatMap(({ id, keys, trouble }): Unavailable[] => {
        if (keys !== null) return []
        const [code, reason] = codeAndDetail(trouble ?? 'KEYS_MISSING: its keys are not known')
        return [{ keysetId: id, reason, later: code === 'KEYS_MISSING' }]
      }),
    }
  },

  'restore.batch': async ({ input: { mintUrl, keysetId, from }, read, signal }: EffectArgs<Batch>) => {
    const derive = deriver(keysetId)
    const outputs: BlindedMessage[] = []
    for (let at = 0; at < BATCH; at++) {
      await turn()
      const { secret, r } = derive(from + at)
      outputs.push({ id: keysetId, amount: 0, B_: crypto.blind(secret, r) })
    }
    const counters = new Map(outputs.map(({ B_ }, at) => [B_, from + at]))
    const asked = await askRestore(client(mintUrl), outputs, { read, signal })
    if (asked.answer !== 'ok') return asked
    const found = asked.outputs.map(({ B_ }, at) => ({
      counter: sure(counters.get(B_), 'counter'),
      signature: sure(asked.signatures[at], 'signature'),
    }))
    return { answer: 'ok' as const, found, writes: asked.writes }
  },

  'restore.check': async ({ input, read, signal }: EffectArgs<{ mintUrl: string; Ys: readonly string[] }>) => {
    const asked = await askStates(client(input.mintUrl), input.Ys, { read, signal })
    return asked.answer === 'ok' ? { ...asked, states: asked.states.map(({ state }) => state) } : asked
  },
})

const steps = ({ crypto, deriver, turn }: WalletPorts) => ({
  'restore.plan': async ({ input, read }: LocalArgs<{ keysetIds: readonly string[] }>) => {
    const known = read.loose(AT_LEAST)
    const counters = await Promise.all(input.keysetIds.map((id) => known.get('counters', [id])))
    const scans = input.keysetIds.map((keysetId, at) => ({
      keysetId,
      next: 0,
      unsigned: 0,
      atLeast: counters[at]?.next ?? 0,
    }))
    return { answer: 'ok' as const, scans }
  },

  'restore.unblind': async ({
    input,
    read,
  }: LocalArgs<{ mintUrl: string; keysetId: string; found: readonly Found[] }>) => {
    const keysets = await keysetsOf(read.loose(OF_MINT), input.mintUrl)
    const derive = deriver(input.keysetId)
    const proofs: Restored[] = []
    for (const { counter, signature } of input.found) {
      await turn()
      const { secret, r } = derive(counter)
      const B_ = crypto.blind(secret, r)
      const row = { B_, keysetId: input.keysetId, amount: 0, purpose: 'keep', secret, r } as const
      const made = (await unblind({ crypto, turn }, [{ row, signature }], keysets, 'optional')) ?? []
      proofs.push(...made.map(({ proof }): Restored => ({ ...proof, counter })))
    }
    return { answer: proofs.length === input.found.length ? ('ok' as const) : ('wrong' as const), proofs }
  },

  'restore.keep': async ({ input, read, nowMs }: LocalArgs<Keep>) => {
    const { mintUrl, unit, keysetId, proofs, states, found } = input
    const writes: Write[] = []
    const ys: string[] = []
    let amount = 0
    const came = (Y: string, worth: number): void => {
      ys.push(Y)
      amount += worth
    }
    for (const [at, { Y, amount: worth, secret, C, dleq, counter }] of proofs.entries()) {
      const state = sure(states[at], 'state')
      const there = await read.loose(ON_CONDITION).get('proofs', [Y])
      if (there?.state === 'held' && there.operationId === null && state !== 'PENDING') {
        writes.push({
          patch: 'proofs',
          key: [Y],
          set: { state: state === 'SPENT' ? 'spent' : 'spendable' },
          if: { state: 'held' },
        })
        if (state === 'UNSPENT' && there.reason?.startsWith(RESTORED) === true) came(Y, worth)
      }
      if (state === 'SPENT' || there) continue
      const [awaited] = await read
        .loose(LIVE)
        .query({ table: 'outputs', index: 'byCounter', prefix: [keysetId, counter], limit: 1 })
      if (awaited) {
        const operation = await read.get('operations', [awaited.operationId])
        if (operation && operation.status !== 'done') continue // a live operation will take it
        writes.push({ delete: 'outputs', key: [awaited.B_] })
      }
      const row: ProofRow = {
        Y,
        mintUrl,
        unit,
        state: state === 'UNSPENT' ? 'spendable' : 'held',
        operationId: null,
        amount: worth,
        keysetId,
        counter,
        secret,
        C,
        dleq: dleq ?? null,
        // The proof may belong to a token that was sent and is not claimed. Only swapping it would show.
        reason: state === 'UNSPENT' ? RESTORED : `${RESTORED}, and pending at the mint`,
        createdAt: nowMs,
      }
      writes.push({ put: 'proofs', row, if: 'absent' })
      // Proofs that may be spent do not count as restored yet.
      if (state === 'UNSPENT') came(Y, worth)
    }
    const seen = Math.max(...found.map(({ counter }) => counter)) + 1
    const stored = await read.get('counters', [keysetId])
    const { next, signed } = stored ?? { next: 0, signed: 0 }
    const counter: CounterRow = { keysetId, next: Math.max(next, seen), signed: Math.max(signed, seen) }
    writes.push({ put: 'counters', row: counter })
    return { answer: 'ok' as const, amount, ys, writes }
  },
})

export const restoreKind = defineOperation({
  kind: 'restore',
  version: 1,
  machine: restore,
  effects: (ports: WalletPorts) => ({
    ...effects(ports),
    ...steps(ports),
  }),
  lane,
  columns,
  project: record<RestoreContext>('restore', 'self', ({ ys }) => ({ ys })),
})

/** What is to be restored: one unit of one mint. */
export interface PrepareRestore {
  /** The mint's URL. */
  readonly mintUrl: string
  /** `sat` unless given. */
  readonly unit?: string
  /** The idempotency key: the same key and the same request are the same operation. */
  readonly key?: string
}

/** How a restore ended. `amount` is what came back. */
export interface RestoredFunds extends Finished {
  /** Keysets that could not be restored, or not wholly, and why. In the state `incomplete` they are tried again. */
  readonly unavailable: readonly { readonly keysetId: string; readonly reason: string }[]
}

/** `amount` is what came back, so far and in the end. */
export class RestoreHandle extends ExecutableHandle<RestoreContext> {
  get unavailable(): RestoredFunds['unavailable'] {
    return contextIn(this).unavailable.map(({ keysetId, reason }) => ({ keysetId, reason }))
  }

  override async execute(waiting: Waiting = {}): Promise<RestoredFunds> {
    await super.execute(waiting)
    return this.result()
  }

  override async finished(waiting: Waiting = {}): Promise<RestoredFunds> {
    await super.finished(waiting)
    return this.result()
  }

  protected override result(): RestoredFunds {
    return { ...super.result(), unavailable: this.unavailable }
  }
}

/** @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`, `KEY_REUSED` */
export async function prepareRestore(env: WalletEnv, options: PrepareRestore): Promise<RestoreHandle> {
  checkNames(options, 'options', ['mintUrl', 'unit', 'key'])
  const { mintUrl: url, unit = 'sat', key } = options
  checkKeys({ unit })
  const { mintUrl } = await env.mints.get(url)
  const input = { mintUrl, unit }
  const checked = async () => {
    await env.mints.assertUsable(mintUrl, unit)
    return input
  }
  const calls = env.operations.of(restoreKind)
  return new RestoreHandle(env, calls, await calls.create(checked, { key, request: input }))
}
