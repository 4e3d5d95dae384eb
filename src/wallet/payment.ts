/** The melt operation's local steps: blank outputs, and the change that comes on them (NUT-08). */
import type { MadeProof, Place, Signature } from '../../machines/wallet/exchange-model.ts'
import {
  UNUSED,
  type Derive,
  type Derived,
  type Fitted,
  type MeltContext,
  type Planned,
  type Settle,
  type Taken,
} from '../../machines/wallet/melt-model.ts'
import { blankOutputs, denominationsOf, exactCoins } from '../cashu/amounts.ts'
import type { LocalArgs, Reader } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import { activeKeyset, feeFor, keysetsOf } from './keysets.ts'
import { selectStep } from './kinds/steps.ts'
import { keepLimits, learnt, limitsOf } from './limits.ts'
import { forget, jumpCounters, makeOutputs, outputsOf, storeProofs, unblind } from './outputs.ts'
import type { WalletPorts } from './ports.ts'
import type { MintRow, OutputRow } from './tables.ts'

type Deriving = LocalArgs<Derive>
type Renew = LocalArgs<Place & Pick<MeltContext, 'blanks' | 'anew' | 'refusal'>>
type Settling = LocalArgs<Settle>

/** More than the blank outputs of any request. */
const MOST_BLANKS = 64

const sum = (proofs: readonly { readonly amount: number }[]): number =>
  proofs.reduce((total, { amount }) => total + amount, 0)

export const paymentSteps = (ports: WalletPorts) => ({
  'melt.select': async (args: LocalArgs<Place & { amount: number; givesChange: boolean }>): Promise<Taken> => {
    const { input, read } = args
    const taken = await selectStep['proofs.select']({ ...args, input: { ...input, preferExact: false } })
    if (taken.answer !== 'ok') return taken
    const { inputs: most } = await limitsOf(read, input.mintUrl)
    const exact = sum(taken.inputs) === input.amount + taken.fee
    return { ...taken, fits: (input.givesChange || exact) && taken.inputs.length <= most }
  },

  'melt.plan': async ({
    input,
    read,
  }: LocalArgs<Place & Pick<MeltContext, 'refusal'> & { amount: number; count: number }>): Promise<Planned> => {
    const { mintUrl, unit, amount, refusal, count } = input
    const keyset = activeKeyset(await keysetsOf(read, mintUrl), unit)
    if (!keyset) return { answer: 'stale' }
    const found = exactCoins(amount, { denominations: denominationsOf(keyset.keys ?? {}), feePpk: keyset.feePpk })
    if (!found || (count > 0 && found.amounts.length >= count)) return { answer: 'unreachable' }
    const most = refusal ? learnt(refusal, count) : undefined
    return {
      answer: 'ok',
      ...found,
      writes: most === undefined ? [] : await keepLimits(read, mintUrl, { inputs: most }),
    }
  },

  'melt.gather': async ({ input, read }: LocalArgs<Place & { made: readonly MadeProof[] }>): Promise<Fitted> => {
    const inputs = input.made.filter(({ purpose }) => purpose === 'hold')
    return {
      answer: 'ok',
      inputs: inputs.map(({ Y, id, amount, secret, C }) => ({ Y, id, amount, secret, C })),
      fee: feeFor(inputs, await keysetsOf(read, input.mintUrl)) ?? 0,
    }
  },

  'melt.derive': async ({ input, read }: Deriving): Promise<Derived> => {
    const { id, mintUrl, unit, quote, inputs, inputFee, givesChange, sends } = input
    const count = givesChange ? blankOutputs(sum(inputs) - inputFee - quote.amount) : 0
    const keyset = count > 0 ? activeKeyset(await keysetsOf(read, mintUrl), unit) : undefined
    if (count > 0 && !keyset) return { answer: 'stale' }
    const unused = keyset ? await unusedOutputs(read, keyset.id, count) : []
    const wanted = Array.from({ length: count - unused.length }, () => ({ amount: 0, purpose: 'keep' as const }))
    const made =
      keyset &&
      (await makeOutputs(
        { ...ports, read },
        { id, keysetId: keyset.id, wanted, firstPlace: sends * MOST_BLANKS + unused.length, reserve: true },
      ))
    // Without room for blank outputs there would be no change: better to wait.
    if (keyset && !made) return { answer: 'gap' }
    const taken = unused.map(({ B_ }, at): Write => ({
      patch: 'outputs',
      key: [B_],
      set: { operationId: id, place: sends * MOST_BLANKS + at },
      if: { operationId: UNUSED },
    }))
    const blanks = [...unused, ...(made?.rows ?? [])].map(({ B_, keysetId }) => ({ B_, id: keysetId }))
    const outputs = blanks.map(({ B_, id: keysetId }) => ({ amount: 0, id: keysetId, B_ }))
    const proofs = inputs.map(({ Y: _, ...proof }) => proof)
    const body = JSON.stringify({ quote: quote.quote, inputs: proofs, ...(outputs.length > 0 && { outputs }) })
    return { answer: 'ok', blanks, body, writes: [...taken, ...(wanted.length > 0 ? made!.writes : [])] }
  },

  'melt.renew': async ({ input: { id, blanks, anew, refusal }, read }: Renew) => {
    const mine = new Set(blanks.map(({ B_ }) => B_))
    const rows = (await outputsOf(read, id)).filter(({ B_ }) => mine.has(B_))
    // A keyset that signs no more has signed none of these.
    const used = refusal?.meaning === 'alreadySigned' || refusal?.meaning === 'quotePaid'
    const jumps = used ? await jumpCounters(read, rows.map(({ keysetId }) => keysetId), Math.min(4, 2 ** anew)) : [] // prettier-ignore
    return { answer: 'ok' as const, writes: [...forget(rows), ...jumps] }
  },

  'melt.settle': async ({ input, read, nowMs }: Settling) => {
    const { context, id } = input
    const { inputs, inputFee, quote, payment, blanks, firstHand, found, fenced } = context
    const rows = (await outputsOf(read, id)).filter(({ B_ }) => blanks.some((blank) => blank.B_ === B_))
    const keysets = await keysetsOf(read, input.mintUrl)
    const row = (B_: string) => rows.find((output) => output.B_ === B_)
    const pair = (B_: string, signature: Signature) => (row(B_) ? [{ row: row(B_)!, signature }] : [])
    const change = payment!.change ?? []
    const pairs = found
      ? found.outputs.flatMap((B_, at) => pair(B_, found.signatures[at]!))
      : change.flatMap((signature, at) => (blanks[at] ? pair(blanks[at].B_, signature) : []))
    // The order pairs them (NUT-08); where the mint has DLEQ (NUT-12), that says whether it did.
    const made = await unblind(
      ports,
      pairs,
      keysets,
      found || !(await hasDleq(read, input.mintUrl)) ? 'optional' : 'needed',
    )
    const owed = sum(inputs) - inputFee - quote!.amount - quote!.feeReserve
    if (!made) return { answer: 'owed' as const }
    // A restore says all there is. Else the change must come to what is owed for certain; and only the mint's first
    // answer may leave it out, for any other word without change may have forgotten it.
    const returned = sum(made.map(({ proof }) => proof))
    const complete = found ? made.length > 0 : blanks.length === 0 || (returned >= owed && (returned > 0 || firstHand))
    if (!complete) return { answer: 'owed' as const }
    const spent = inputs.map(({ Y }): Write => ({
      patch: 'proofs',
      key: [Y],
      set: { state: 'spent' },
      if: { state: 'reserved', operationId: id },
    }))
    return {
      answer: 'ok' as const,
      made: made.map(({ proof }): MadeProof => proof),
      writes: [...(found || fenced ? [] : spent), ...(await storeProofs(read, input, made, nowMs)), ...forget(rows)],
    }
  },
})

/** Blank outputs that earlier melts had no use for, the first made first. */
async function unusedOutputs(read: Reader, keysetId: string, count: number): Promise<OutputRow[]> {
  const rows = await outputsOf(read, UNUSED)
  return rows
    .filter((row) => row.keysetId === keysetId)
    .toSorted((a, b) => a.counter - b.counter)
    .slice(0, count)
}

/** Whether a mint signs with DLEQ, as far as is known of it (NUT-06). */
async function hasDleq(read: Reader, mintUrl: string): Promise<boolean> {
  const info = (await read.get<MintRow>('mints', [mintUrl]))?.info as { readonly supported?: readonly number[] } | null
  return info?.supported?.includes(12) !== false
}
