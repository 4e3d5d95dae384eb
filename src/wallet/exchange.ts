/** The exchange's local steps: how outputs are derived, unblinded and matched. They read the store, and compute. */
import type {
  Exchange,
  MadeProof,
  OutputSet,
  Place,
  Signature,
  exchangeActors,
} from '../../machines/wallet/exchange-model.ts'
import type { Declared } from '../kernel/authoring.ts'
import type { LocalArgs, Reader } from '../kernel/operation.ts'
import type { Write } from '../store/port.ts'
import { activeKeyset, feeFor, keysetsOf, split, withFullIds } from './keysets.ts'
import {
  forget,
  jumpCounters,
  makeOutputs,
  noteSigned,
  outputsOf,
  storeProofs,
  unblind,
  type Wanted,
} from './outputs.ts'
import type { WalletPorts } from './ports.ts'
import type { OutputRow, ProofRow } from './tables.ts'

type Answer<K extends keyof typeof exchangeActors> =
  (typeof exchangeActors)[K] extends Declared<infer Out, infer _In> ? Out : never
type Job = Place & { readonly exchange: Exchange }

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)

export const exchangeSteps = (ports: WalletPorts) => ({
  'exchange.derive': async ({ input, read }: LocalArgs<Job>): Promise<Answer<'exchange.derive'>> => {
    const { id, mintUrl, unit, exchange } = input
    const keysets = await keysetsOf(read, mintUrl)
    const keyset = activeKeyset(keysets, unit)
    const inputs = withFullIds(exchange.inputs, keysets)
    const fee = feeFor(inputs, keysets)
    if (!keyset || fee === undefined) return { answer: 'stale' }
    const total = sum(inputs.map(({ amount }) => amount)) - fee
    const rest = total - sum(exchange.send) - sum(exchange.keep)
    if (rest < 0 || total <= 0) return { answer: 'short', writes: forget(await ownRows(read, input)) }
    const wanted: Wanted[] = [
      ...exchange.send.map((amount) => ({ amount, purpose: 'send' as const })),
      ...[...exchange.keep, ...split(rest, keyset)].map((amount) => ({ amount, purpose: 'keep' as const })),
    ].toSorted((a, b) => a.amount - b.amount)
    const last = exchange.sets.at(-1)
    // What was refused, and is signed by nobody, goes out again as it was: counters are not for the burning. Once, other
    // outputs are tried, for some mints refuse outputs that they half took.
    const again =
      last?.keysetId === keyset.id && last.fee === fee && (exchange.refusals !== 2 || exchange.sets.length > 2)
    if (again) return { answer: 'ok', set: last, again, body: exchange.body, writes: [] }
    const firstPlace = sum(exchange.sets.map(({ outputs }) => outputs.length))
    const outputs = await makeOutputs(
      { ...ports, read },
      { id, keysetId: keyset.id, wanted, firstPlace, reserve: exchange.from === 'foreign' },
    )
    if (!outputs) return { answer: 'gap' }
    const proofs = inputs.map(({ Y: _, ...proof }) => proof)
    const body = JSON.stringify({
      inputs: proofs,
      outputs: outputs.rows.map(({ amount, B_ }) => ({ amount, id: keyset.id, B_ })),
    })
    const set: OutputSet = {
      keysetId: keyset.id,
      outputs: outputs.rows.map(({ B_, amount, purpose }) => ({ B_, amount, purpose })),
      fee,
    }
    return { answer: 'ok', set, again, body, writes: outputs.writes }
  },

  'exchange.unblind': async ({ input, read, nowMs }: LocalArgs<Job>): Promise<Answer<'exchange.unblind'>> => {
    const { exchange } = input
    const set = exchange.sets.at(-1)!
    if (exchange.signatures.length !== set.outputs.length) return { answer: 'wrong' }
    const rows = await ownRows(read, input)
    const paired = set.outputs.map(({ B_ }, at) => ({
      row: rows.find((row) => row.B_ === B_)!,
      signature: exchange.signatures[at]!,
    }))
    const made = unblind(ports.crypto, paired, await keysetsOf(read, input.mintUrl), 'needed')
    if (!made) return { answer: 'wrong' }
    return { answer: 'ok', ...(await finish(read, input, rows, made, nowMs)) }
  },

  'exchange.match': async ({ input, read, nowMs }: LocalArgs<Job>): Promise<Answer<'exchange.match'>> => {
    const { exchange } = input
    const rows = await ownRows(read, input)
    const signed = new Map<string, Signature>(rows.flatMap(({ B_, signature }) => (signature ? [[B_, signature]] : [])))
    exchange.restored!.outputs.forEach((B_, at) => signed.set(B_, exchange.restored!.signatures[at]!))
    const pairs = rows.flatMap((row) => (signed.has(row.B_) ? [{ row, signature: signed.get(row.B_)! }] : []))
    const unspent = exchange.states.every((state) => state === 'UNSPENT')
    if (pairs.length === 0) return { answer: unspent ? 'nothing' : 'spent', writes: forget(rows) }
    if (unspent && !exchange.seenSigned) return { answer: 'early' }
    const ours = new Map(
      exchange.sets.flatMap(({ keysetId, outputs }) => outputs.map(({ B_, amount }) => [B_, { keysetId, amount }])),
    )
    // Signed for another amount: another device with this seed asked for it.
    const foreign = ({ outputs }: OutputSet): boolean =>
      outputs.some(
        ({ B_ }) =>
          signed.has(B_) &&
          (signed.get(B_)!.amount !== ours.get(B_)!.amount || signed.get(B_)!.id !== ours.get(B_)!.keysetId),
      )
    // One odd answer gives nothing up: it is asked for again.
    if (exchange.sets.some(foreign) && !exchange.seenSigned) return { answer: 'early' }
    if (unspent || exchange.sets.some(foreign)) {
      const collided = (set: OutputSet): boolean =>
        unspent ? set.outputs.some(({ B_ }) => signed.has(B_)) : foreign(set)
      const dead = rows.filter(({ B_ }) =>
        exchange.sets.some((set) => collided(set) && set.outputs.some((output) => output.B_ === B_)),
      )
      const jump = await jumpCounters(read, dead.map(({ keysetId }) => keysetId)) // prettier-ignore
      return {
        answer: 'collision',
        sets: exchange.sets.filter((set) => !collided(set)),
        writes: [...forget(dead), ...jump],
      }
    }
    const made = unblind(ports.crypto, pairs, await keysetsOf(read, input.mintUrl), 'optional')
    if (!made) return { answer: 'wrong' }
    const set = exchange.sets.find(({ outputs }) => outputs.every(({ B_ }) => signed.has(B_)))
    if (!set) {
      const found = pairs.map(({ row, signature }): Write => ({ patch: 'outputs', key: [row.B_], set: { signature } }))
      return { answer: 'partly', writes: [...found, ...(await noteSigned(read, pairs.map(({ row }) => row)))] } // prettier-ignore
    }
    const mine = made.filter(({ row }) => set.outputs.some(({ B_ }) => B_ === row.B_))
    return { answer: 'done', ...(await finish(read, input, rows, mine, nowMs)) }
  },
})

/** The rows of the exchange's outputs; the operation may have others (a melt's blank outputs, say). */
async function ownRows(read: Reader, { id, exchange }: Job): Promise<OutputRow[]> {
  const mine = new Set(exchange.sets.flatMap(({ outputs }) => outputs.map(({ B_ }) => B_)))
  return (await outputsOf(read, id)).filter(({ B_ }) => mine.has(B_))
}

/** The writes that end an exchange: its proofs come, its inputs go, its outputs are forgotten. */
async function finish(
  read: Reader,
  input: Job,
  rows: readonly OutputRow[],
  made: readonly { row: OutputRow; proof: MadeProof }[],
  nowMs: number,
): Promise<{ made: MadeProof[]; writes: Write[] }> {
  const { from, inputs } = input.exchange
  const spent = inputs.map(({ Y }): Write => ({
    patch: 'proofs',
    key: [Y],
    set: { state: 'spent' },
    if: { state: from, operationId: input.id },
  }))
  // A token of proofs that are ours and free: they are spent now.
  const free: Write[] = []
  if (from === 'foreign')
    for (const { Y } of inputs)
      if ((await read.get<ProofRow>('proofs', [Y]))?.state === 'spendable')
        free.push({ patch: 'proofs', key: [Y], set: { state: 'spent' }, if: { state: 'spendable' } })
  return {
    made: made.map(({ proof }) => proof),
    writes: [...(await storeProofs(read, input, made, nowMs)), ...(from === 'foreign' ? free : spent), ...forget(rows)],
  }
}
