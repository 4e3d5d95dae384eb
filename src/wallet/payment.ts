/** The melt operation's local steps: blank outputs, and the change that comes on them (NUT-08). */
import type { MadeProof, Place, Signature } from '../../machines/wallet/exchange-model.ts'
import type { MeltContext, MeltQuote, Settle } from '../../machines/wallet/melt-model.ts'
import { blankOutputs } from '../cashu/amounts.ts'
import type { LocalArgs } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import { activeKeyset, keysetsOf } from './keysets.ts'
import { forget, makeOutputs, outputsOf, storeProofs, unblind } from './outputs.ts'
import type { WalletPorts } from './ports.ts'

type Derive = LocalArgs<
  Place & Pick<MeltContext, 'inputs' | 'inputFee' | 'givesChange'> & { readonly quote: MeltQuote }
>
type Settling = LocalArgs<Settle>

const sum = (proofs: readonly { readonly amount: number }[]): number =>
  proofs.reduce((total, { amount }) => total + amount, 0)

export const paymentSteps = (ports: WalletPorts) => ({
  'melt.derive': async ({ input, read }: Derive) => {
    const { id, mintUrl, unit, quote, inputs, inputFee, givesChange } = input
    const keyset = activeKeyset(await keysetsOf(read, mintUrl), unit)
    if (!keyset) return { answer: 'stale' as const }
    const count = givesChange ? blankOutputs(sum(inputs) - inputFee - quote.amount) : 0
    const wanted = Array.from({ length: count }, () => ({ amount: 0, purpose: 'keep' as const }))
    const made = await makeOutputs(
      { ...ports, read },
      { id, keysetId: keyset.id, wanted, firstPlace: 0, reserve: true },
    )
    // Without room for blank outputs there would be no change: better to wait.
    if (!made) return { answer: 'stale' as const }
    const outputs = made.rows.map(({ B_ }) => ({ amount: 0, id: keyset.id, B_ }))
    const proofs = inputs.map(({ Y: _, ...proof }) => proof)
    const body = JSON.stringify({ quote: quote.quote, inputs: proofs, ...(outputs.length > 0 && { outputs }) })
    return {
      answer: 'ok' as const,
      blanks: outputs.map(({ B_, id: keysetId }) => ({ B_, id: keysetId })),
      body,
      writes: made.writes,
    }
  },

  'melt.settle': async ({ input, read, nowMs }: Settling) => {
    const { context, id } = input
    const { inputs, inputFee, quote, payment, blanks, firstHand, found } = context
    const rows = (await outputsOf(read, id)).filter(({ B_ }) => blanks.some((blank) => blank.B_ === B_))
    const keysets = await keysetsOf(read, input.mintUrl)
    const row = (B_: string) => rows.find((output) => output.B_ === B_)
    const pair = (B_: string, signature: Signature) => (row(B_) ? [{ row: row(B_)!, signature }] : [])
    const change = payment!.change ?? []
    const pairs = found
      ? found.outputs.flatMap((B_, at) => pair(B_, found.signatures[at]!))
      : change.flatMap((signature, at) => (blanks[at] ? pair(blanks[at].B_, signature) : []))
    const made = unblind(ports.crypto, pairs, keysets, found ? 'optional' : 'needed')
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
      writes: [...(found ? [] : spent), ...(await storeProofs(read, input, made, nowMs)), ...forget(rows)],
    }
  },
})
