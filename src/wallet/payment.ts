/** The melt operation's local steps: blank outputs, and the change that comes on them (NUT-08). */
import { sum, total } from '../../machines/wallet/common.ts'
import type { MadeProof, Place, Refusal, Signature } from '../../machines/wallet/exchange-model.ts'
import type {
  Derive,
  Derived,
  Fitted,
  MeltContext,
  Plan,
  Planned,
  Select,
  Settle,
  Taken,
} from '../../machines/wallet/melt-model.ts'
import { blankOutputs, denominationsOf, enoughCoins, exactCoins } from '../cashu/amounts.ts'
import { isTooLarge } from '../cashu/codes.ts'
import { dleqOf } from './exchange.ts'
import { activeKeyset, feeFor, keysetsOf } from './keysets.ts'
import { selectStep } from './kinds/steps.ts'
import { keepLimits, learnt, limitsOf } from './limits.ts'
import { forget, jumpCounters, makeOutputs, outputsOf, storeProofs, unblind } from './outputs.ts'
import { OF_MINT, type LocalArgs, type WalletPorts } from './ports.ts'
import type { Write } from './tables.ts'
import { sure } from '../sure.ts'

type Deriving = LocalArgs<Derive>
type Renew = LocalArgs<Place & Pick<MeltContext, 'blanks' | 'anew' | 'refusal'>>
type Settling = LocalArgs<Settle>

/** More than the blank outputs of any request. */
const MOST_BLANKS = 64

/** Whether a refusal for size is about the blank outputs; where it does not say, the inputs are the larger part. */
const isOfOutputs = (refusal: Refusal | null, inputs: number): boolean =>
  refusal?.meaning === 'tooManyOutputs' || (refusal?.meaning === 'tooLarge' && inputs === 1)

export const paymentSteps = (ports: WalletPorts) => ({
  'melt.select': async (args: LocalArgs<Select>): Promise<Taken> => {
    const { input, read } = args
    const { mintUrl, unit, amount, reserve, givesChange } = input
    const needed = amount + reserve
    const taken = await selectStep['proofs.select']({
      ...args,
      input: { ...input, amount: needed, preferExact: false },
    })
    if (taken.answer !== 'ok') return taken
    const known = read.loose(OF_MINT)
    const limits = await limitsOf(known, mintUrl)
    const signs = givesChange && activeKeyset(await keysetsOf(known, mintUrl), unit) !== undefined
    const blanks = signs ? blankOutputs(sum(taken.inputs) - taken.fee - amount) : 0
    const isExact = sum(taken.inputs) === needed + taken.fee
    return { ...taken, fits: (givesChange || isExact) && taken.inputs.length <= limits.inputs && blanks <= limits.outputs } // prettier-ignore
  },

  'melt.plan': async ({ input, ...args }: LocalArgs<Plan>): Promise<Planned> => {
    const read = args.read.loose(OF_MINT)
    const { mintUrl, unit, amount, reserve, givesChange, refusal, inputs, blanks } = input
    const ofOutputs = isOfOutputs(refusal, inputs.length)
    const less = refusal ? learnt(refusal, ofOutputs ? blanks : inputs.length) : undefined
    const writes = less === undefined ? [] : await keepLimits(read, mintUrl, { [ofOutputs ? 'outputs' : 'inputs']: less }) // prettier-ignore
    // With fewer blank outputs the mint may accept the same inputs.
    if (ofOutputs) return { answer: less === undefined ? 'unreachable' : 'asIs', writes }
    const keysets = await keysetsOf(read, mintUrl)
    const keyset = activeKeyset(keysets, unit)
    if (!keyset) return { answer: 'stale', writes }
    const { inputs: known } = await limitsOf(read, mintUrl)
    const most = Math.min(known, less ?? known, isTooLarge(refusal?.meaning) ? inputs.length - 1 : known)
    const of = { denominations: denominationsOf(keyset.keys ?? {}), feePpk: keyset.feePpk, most }
    const planned = givesChange ? enoughCoins(amount + reserve, of) : exactCoins(amount + reserve, of)
    const worth = sum(inputs) - (feeFor(inputs, keysets) ?? 0)
    // Other proofs of the wallet replace refused ones.
    const isShort = isTooLarge(refusal?.meaning) && planned !== undefined && worth < total(planned.amounts)
    return planned && !isShort ? { answer: 'ok', ...planned, writes } : { answer: 'unreachable', writes }
  },

  'melt.gather': async ({ input, read }: LocalArgs<Place & { made: readonly MadeProof[] }>): Promise<Fitted> => {
    const inputs = input.made.filter(({ purpose }) => purpose === 'hold')
    return {
      answer: 'ok',
      inputs: inputs.map(({ Y, id, amount, secret, C }) => ({ Y, id, amount, secret, C })),
      fee: feeFor(inputs, await keysetsOf(read.loose(OF_MINT), input.mintUrl)) ?? 0,
    }
  },

  'melt.derive': async ({ input, read }: Deriving): Promise<Derived> => {
    const { id, mintUrl, unit, quote, inputs, inputFee, givesChange, sends } = input
    const known = read.loose(OF_MINT)
    const { outputs: most } = await limitsOf(known, mintUrl)
    const count = givesChange ? Math.min(most, blankOutputs(sum(inputs) - inputFee - quote.amount)) : 0
    const keyset = count > 0 ? activeKeyset(await keysetsOf(known, mintUrl), unit) : undefined
    if (count > 0 && !keyset) return { answer: 'stale' }
    const wanted = Array.from({ length: count }, () => ({ amount: 0, purpose: 'keep' as const }))
    const made =
      keyset &&
      (await makeOutputs(
        { ...ports, read },
        { id, keysetId: keyset.id, wanted, firstPlace: sends * MOST_BLANKS, reserve: true },
      ))
    // Without blank outputs the mint would return no change, so the operation waits.
    if (keyset && !made) return { answer: 'gap' }
    const blanks = (made?.rows ?? []).map(({ B_, keysetId }) => ({ B_, id: keysetId }))
    const outputs = blanks.map(({ B_, id: keysetId }) => ({ amount: 0, id: keysetId, B_ }))
    const proofs = inputs.map(({ Y: _, ...proof }) => proof)
    const body = JSON.stringify({ quote: quote.quote, inputs: proofs, ...(outputs.length > 0 && { outputs }) })
    return { answer: 'ok', blanks, body, writes: made?.writes ?? [] }
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
    const known = read.loose(OF_MINT)
    const keysets = await keysetsOf(known, input.mintUrl)
    const pair = (B_: string, signature: Signature) =>
      rows.flatMap((row) => (row.B_ === B_ ? [{ row, signature }] : []))
    const change = sure(payment, 'payment').change ?? []
    const pairs = found
      ? found.outputs.flatMap((B_, at) => pair(B_, sure(found.signatures[at], 'signature')))
      : change.flatMap((signature, at) => (blanks[at] ? pair(blanks[at].B_, signature) : []))
    const isNamed = found?.isOrdered === false
    // The order pairs outputs with signatures (NUT-08). DLEQ proofs (NUT-12) verify the pairs.
    const made = await unblind(ports, pairs, keysets, isNamed ? 'optional' : await dleqOf(known, input.mintUrl))
    const { amount, feeReserve } = sure(quote, 'quote')
    const owed = sum(inputs) - inputFee - amount - feeReserve
    if (!made) return { answer: 'owed' as const }
    // A restore returns every signature. Otherwise the change must add up to what is certainly owed. Only the first
    // answer may omit the change: mints may have forgotten it later.
    const returned = sum(made.map(({ proof }) => proof))
    const complete = isNamed
      ? made.length > 0
      : blanks.length === 0 || (returned >= owed && (returned > 0 || firstHand))
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
