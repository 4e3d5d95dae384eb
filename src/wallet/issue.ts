/** The mint operation's local steps: outputs for a paid quote, and proofs of their signatures (NUT-04). */
import type { Job as Issue } from '../../machines/wallet/mint-model.ts'
import type { MadeProof, OutputSet, Place } from '../../machines/wallet/exchange-model.ts'
import { dleqOf } from './exchange.ts'
import { activeKeyset, keysetsOf, partsOf, whyNone } from './keysets.ts'
import { keepLimits, learnt } from './limits.ts'
import {
  arePlausible,
  forget,
  jumpCounters,
  makeOutputs,
  noteSigned,
  outputsOf,
  storeProofs,
  unblind,
  signedOf,
} from './outputs.ts'
import { OF_MINT, type LocalArgs, type LocalReader, type WalletPorts } from './ports.ts'
import type { OutputRow, Write } from './tables.ts'
import { sure } from '../sure.ts'

type Job = LocalArgs<Issue>

export const issueSteps = (ports: WalletPorts) => ({
  'mint.derive': async ({ input, read }: Job) => {
    const { id, mintUrl, unit, context } = input
    const known = read.loose(OF_MINT)
    const keysets = await keysetsOf(known, mintUrl)
    const keyset = activeKeyset(keysets, unit)
    if (!keyset) return { answer: 'stale' as const, detail: whyNone(keysets, unit)?.detail ?? '' }
    const parts = partsOf(context.asked, keyset)
    if (typeof parts === 'string') return { answer: 'unreachable' as const, detail: parts }
    const last = context.sets.at(-1)
    // A quote is issued in one request. The learnt limit prevents payments of quotes that cannot be issued.
    const most = context.refusal && learnt(context.refusal, last?.outputs.length ?? 0)
    const limits = most ? await keepLimits(known, mintUrl, { outputs: most }) : []
    // As in the exchange: unsigned outputs are sent again, and other outputs are tried once.
    const again = last?.keysetId === keyset.id && (context.refusals !== 2 || context.sets.length > 2)
    const wanted = parts.map((amount) => ({ amount, purpose: 'keep' as const }))
    const firstPlace = context.sets.reduce((count, { outputs }) => count + outputs.length, 0)
    const made = again
      ? {
          rows: (await outputsOf(read, id)).filter(({ B_ }) => last.outputs.some((output) => output.B_ === B_)),
          writes: [],
        }
      : await makeOutputs({ ...ports, read }, { id, keysetId: keyset.id, wanted, firstPlace, reserve: false })
    if (!made) return { answer: 'gap' as const }
    const quote = sure(context.quote, 'quote').quote
    const outputs = made.rows.map(({ amount, B_ }) => ({ amount, id: keyset.id, B_ }))
    const signature =
      context.privateKey &&
      ports.crypto.signMintRequest(context.privateKey, quote, outputs, context.form === 'plain' ? 'plain' : 'framed')
    const set: OutputSet = {
      keysetId: keyset.id,
      outputs: made.rows.map(({ B_, amount, purpose }) => ({ B_, amount, purpose })),
      fee: 0,
    }
    const body = JSON.stringify({ quote, outputs, ...(signature && { signature }) })
    return { answer: 'ok' as const, set, again, body, writes: [...made.writes, ...limits] }
  },

  'mint.unblind': async ({ input, read, nowMs }: Job) => {
    const { signatures, sets } = input.context
    const set = sure(sets.at(-1), 'set of outputs')
    if (signatures.length !== set.outputs.length) return { answer: 'wrong' as const }
    const rows = await outputsOf(read, input.id)
    const pairs = set.outputs.map(({ B_ }, at) => ({
      row: sure(
        rows.find((row) => row.B_ === B_),
        'own output',
      ),
      signature: sure(signatures[at], 'signature'),
    }))
    const known = read.loose(OF_MINT)
    const made = await unblind(ports, pairs, await keysetsOf(known, input.mintUrl), await dleqOf(known, input.mintUrl))
    return made
      ? { answer: 'ok' as const, ...(await finish(read, input, rows, made, nowMs)) }
      : { answer: 'wrong' as const }
  },

  'mint.match': async ({ input, read, nowMs }: Job) => {
    const { restored, sets, quoteState, seenSigned, collisions, refusal } = input.context
    const rows = await outputsOf(read, input.id)
    const known = read.loose(OF_MINT)
    const { signed, pairs } = signedOf(rows, sure(restored, 'answer of a restore'))
    if (pairs.length === 0) return { answer: 'nothing' as const }
    // Signed for another amount, or before the quote is issued: another device with this seed asked for it.
    const foreign = ({ outputs, keysetId }: OutputSet): boolean =>
      outputs.some(({ B_, amount }) => {
        const signature = signed.get(B_)
        return signature !== undefined && (signature.amount !== amount || signature.id !== keysetId)
      })
    // What the mint refuses as issued is issued, whatever it says when it is asked.
    const open = quoteState === 'UNPAID' || (quoteState === 'PAID' && refusal?.meaning !== 'quoteIssued')
    if (open || sets.some(foreign)) {
      // One wrong answer decides nothing: the request is repeated.
      if (!seenSigned) return { answer: 'early' as const }
      // What nobody has signed says nothing of another device: outputs that may be signed for us are kept.
      if (!(await arePlausible(ports, pairs, await keysetsOf(known, input.mintUrl))))
        return { answer: 'wrong' as const }
      // It is sent again first: what comes of that tells more than what the mint says of the quote.
      if (!sets.some(foreign) && isUnclear(input.context)) return { answer: 'nothing' as const }
      const collided = (set: OutputSet): boolean => (open ? set.outputs.some(({ B_ }) => signed.has(B_)) : foreign(set))
      const dead = rows.filter(({ B_ }) =>
        sets.some((set) => collided(set) && set.outputs.some((output) => output.B_ === B_)),
      )
      const room = Math.max(...sets.map(({ outputs }) => outputs.length))
      const jump = await jumpCounters(read, dead.map(({ keysetId }) => keysetId), 2 ** collisions, room) // prettier-ignore
      return {
        answer: 'collision' as const,
        sets: sets.filter((set) => !collided(set)),
        writes: [...forget(dead), ...jump],
      }
    }
    const made = await unblind(ports, pairs, await keysetsOf(known, input.mintUrl), 'optional')
    if (!made) return { answer: 'wrong' as const }
    const set = sets.find(({ outputs }) => outputs.every(({ B_ }) => signed.has(B_)))
    if (!set) {
      const found = pairs.map(({ row, signature }): Write => ({ patch: 'outputs', key: [row.B_], set: { signature } }))
      return { answer: 'partly' as const, writes: [...found, ...(await noteSigned(read, pairs.map(({ row }) => row)))] } // prettier-ignore
    }
    const ours = made.filter(({ row }) => set.outputs.some(({ B_ }) => B_ === row.B_))
    return { answer: 'done' as const, ...(await finish(read, input, rows, ours, nowMs)) }
  },
})

/** Whether the request to issue got no answer yet that says what is wrong with it. */
const isUnclear = ({ refusal, refusals, rounds }: Issue['context']): boolean =>
  refusal === null ? rounds === 0 : refusal.meaning === 'passing' && refusals === 1

async function finish(
  read: LocalReader,
  place: Place,
  rows: readonly OutputRow[],
  made: readonly { row: OutputRow; proof: MadeProof }[],
  nowMs: number,
): Promise<{ made: readonly MadeProof[]; writes: Write[] }> {
  return {
    made: made.map(({ proof }) => proof),
    writes: [...(await storeProofs(read, place, made, nowMs)), ...forget(rows)],
  }
}
