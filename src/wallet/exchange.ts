/** The exchange's local steps: how outputs are derived, unblinded and matched. They read the store, and compute. */
import type {
  Exchange,
  InputProof,
  Made,
  MadeProof,
  Place,
  SwapSet,
  Why,
  exchangeActors,
} from '../../machines/wallet/exchange-model.ts'
import { isAlreadySigned, isOfInputs, isTooLarge } from '../cashu/codes.ts'
import type { Declared } from '../kernel/define/authoring.ts'
import { chooseInputs, type InputCoin } from './exchange-inputs.ts'
import { dleqFault, withoutDleq } from './dleq.ts'
import { activeKeyset, keysetsOf, whyNone } from './keysets.ts'
import { sum } from '../../machines/wallet/common.ts'
import { effective, learnt, limitsSaid, type Limits } from './limits.ts'
import {
  arePlausible,
  forget,
  giveBack,
  jumpCounters,
  makeOutputs,
  noteSigned,
  outputsOf,
  storeProofs,
  unblind,
  type Wanted,
  signedOf,
} from './outputs.ts'
import { OF_MINT, TO_CHOOSE, type LocalArgs, type LocalReader, type WalletPorts } from './ports.ts'
import { denominations, feeOfRounds, isWanting, planRound } from './rounds.ts'
import { holdRefused, holdReserved } from './refused-keysets.ts'
import type { KeysetRow, MintLimits, OutputRow, ProofRow, Reader, Write } from './tables.ts'
import { sure } from '../sure.ts'

type Answer<K extends keyof typeof exchangeActors> =
  (typeof exchangeActors)[K] extends Declared<infer Out, infer _In> ? Out : never
type Job = Place & { readonly exchange: Exchange }

const IMPOSSIBLE: Readonly<Record<'short' | 'unreachable' | 'tooLarge', Why>> = {
  short: { code: 'TOO_SMALL', detail: 'the fee and the amounts are more than the inputs' },
  unreachable: { code: 'AMOUNT_UNREACHABLE', detail: 'the keyset’s denominations do not make up what is left after the fee' }, // prettier-ignore
  tooLarge: { code: 'TOO_LARGE', detail: 'the mint takes too few inputs or outputs at once' },
}

const tooLittle = (comes: number, least: number, unit: string): Why => ({
  code: 'TOO_LITTLE',
  detail: `${comes} ${unit} would come of the token, and at least ${least} was wanted`,
})

const FREE = 'a free proof is spent on condition; of others a restore asks the mint'

export const exchangeSteps = (ports: WalletPorts) => ({
  'exchange.derive': async ({ input, read, nowMs }: LocalArgs<Job>): Promise<Answer<'exchange.derive'>> => {
    const { id, mintUrl, unit, exchange } = input
    const known = read.loose(OF_MINT)
    const keysets = await keysetsOf(known, mintUrl)
    const keyset = activeKeyset(keysets, unit)
    const own = await ownRows(read, input)
    const unsent = exchange.unaccounted ? [] : forget(own)
    const over = exchange.unaccounted ? [] : unneeded(input, own)
    if (!keyset) return { answer: 'stale', why: sure(whyNone(keysets, unit), 'reason'), writes: unsent }
    const unsigned = await dleqFault(ports, exchange.inputs, keysets)
    if (unsigned) return { answer: 'impossible', why: unsigned, inputs: exchange.inputs, writes: over }
    const { limits, said, refusedOne, writes: learntOfLimits } = await learntLimits(known, input)
    const chosen = await chooseInputs(read.loose(TO_CHOOSE), input, { keysets, keyset, limits, nowMs })
    if ('stale' in chosen) return { answer: 'stale', why: chosen.stale, writes: unsent }
    if ('refused' in chosen)
      return { answer: 'impossible', why: chosen.refused, inputs: chosen.inputs, writes: [...over, ...chosen.writes] }
    const plansAt = (most: Limits) =>
      chosen.groups.map((inputs) =>
        planRound({ inputs, wants: exchange, limits: most, denominations: denominations(keyset) }),
      )
    // What another request was refused for may be taken by now: before it is given up, it is tried.
    const ways = isTooLarge(exchange.refusal?.meaning) ? [limits] : [limits, said]
    const worth = (): number =>
      ways.reduce((comes, most) => comes || worthOf(chosen.groups.flat(), { exchange, limits: most, keyset }), 0)
    const comes = exchange.least > 0 && exchange.made.length === 0 ? worth() : Infinity
    if (exchange.least > comes)
      return {
        answer: 'impossible',
        why: tooLittle(comes, exchange.least, unit),
        inputs: exchange.inputs,
        writes: [...learntOfLimits, ...over],
      }
    const plans = ways.flatMap(plansAt)
    const planned = plans.find((plan) => 'round' in plan) ?? sure(plans[0], 'plan')
    if ('why' in planned || refusedOne)
      return {
        answer: 'impossible',
        why: IMPOSSIBLE['why' in planned ? planned.why : 'tooLarge'],
        inputs: exchange.inputs,
        writes: [...learntOfLimits, ...over],
      }
    const kept = [...learntOfLimits, ...chosen.writes]
    const { apart, dead, isNew } = chosen
    const inputs = chosen.inputs.map(withoutDleq)
    const { taken, outputs: wants, fee, leaves } = planned.round
    const wanted: Wanted[] = wants.toSorted((a, b) => a.amount - b.amount)
    const last = exchange.sets.at(-1)
    // Outputs that were refused and not signed are sent again unchanged, which saves counters. Once, other outputs
    // are tried, because some mints refuse outputs that they have half processed.
    const again =
      last !== undefined &&
      exchange.body !== '' &&
      sameRequest(last, { keysetId: keyset.id, fee, Ys: taken.map(({ Y }) => Y), wanted }) &&
      (exchange.refusals !== 2 || exchange.sets.length > 2 || isOfInputs(exchange.refusal?.meaning))
    const narrowed = !again && (isNew || isTooLarge(exchange.refusal?.meaning))
    const sorted = { inputs, apart, dead, again, narrowed }
    if (again) return { answer: 'ok', ...sorted, sets: exchange.sets, body: exchange.body, writes: kept }
    // The mint refused a request as too large, so it will not sign its outputs. A smaller request reuses them.
    const spare = !exchange.unaccounted && narrowed && last?.keysetId === keyset.id
    const before = spare ? exchange.sets.slice(0, -1) : exchange.sets
    const free = spare ? own.filter(({ B_ }) => last.outputs.some((output) => output.B_ === B_)) : []
    const reused = free.slice(0, wanted.length).map((row, at): OutputRow => ({ ...row, ...sure(wanted[at], 'output') }))
    const made = await makeOutputs(
      { ...ports, read },
      {
        id,
        keysetId: keyset.id,
        wanted: wanted.slice(reused.length),
        firstPlace: 1 + Math.max(-1, ...own.map(({ place }) => place)),
        reserve: exchange.from === 'foreign',
      },
    )
    if (!made) return { answer: 'gap' }
    const rows = [...reused, ...made.rows]
    const body = JSON.stringify({
      inputs: taken.map(({ Y: _, feePpk: _fee, dleq: _dleq, ...proof }) => proof),
      outputs: rows.map(({ amount, B_ }) => ({ amount, id: keyset.id, B_ })),
    })
    const set: SwapSet = {
      keysetId: keyset.id,
      outputs: rows.map(({ B_, amount, purpose }) => ({ B_, amount, purpose })),
      Ys: taken.map(({ Y }) => Y),
      fee,
      leaves,
    }
    const others: Write[] = [
      ...reused.map(({ B_, amount, purpose }): Write => ({ patch: 'outputs', key: [B_], set: { amount, purpose } })),
      ...forget(free.slice(reused.length)),
    ]
    const writes = [...kept, ...others, ...made.writes]
    return { answer: 'ok', ...sorted, sets: [...before, set], body, writes }
  },

  'exchange.unblind': async ({ input, read, nowMs }: LocalArgs<Job>): Promise<Answer<'exchange.unblind'>> => {
    const { exchange } = input
    const set = sure(exchange.sets.at(-1), 'set of outputs')
    if (exchange.signatures.length !== set.outputs.length) return { answer: 'wrong' }
    const rows = await ownRows(read, input)
    const paired = set.outputs.map(({ B_ }, at) => ({
      row: sure(
        rows.find((row) => row.B_ === B_),
        'own output',
      ),
      signature: sure(exchange.signatures[at], 'signature'),
    }))
    const known = read.loose(OF_MINT)
    const made = await unblind(ports, paired, await keysetsOf(known, input.mintUrl), await dleqOf(known, input.mintUrl))
    if (!made) return { answer: 'wrong' }
    return { answer: 'ok', ...(await finish(read, input, set, rows, made, nowMs)) }
  },

  'exchange.match': async ({ input, read, nowMs }: LocalArgs<Job>): Promise<Answer<'exchange.match'>> => {
    const { exchange } = input
    const rows = await ownRows(read, input)
    const known = read.loose(OF_MINT)
    const { signed, pairs } = signedOf(rows, exchange.restored)
    const unknown = mayHaveLanded(exchange) && pairs.length === 0 ? cannotTell(exchange) : undefined
    if (unknown) return { answer: 'unknown', why: unknown }
    const unspent = isUnspent(exchange)
    const isKnown = exchange.restored === null && isAlreadySigned(exchange.refusal?.meaning)
    if (pairs.length === 0 && !(unspent && isKnown))
      return { answer: unspent ? 'nothing' : 'spent', writes: unneeded(input, rows) }
    // Without state checks, signatures prove that a request of ours landed, unless the mint says that it had signed them before.
    const contradicts = unspent && (exchange.states.length > 0 || (isKnown && !exchange.unaccounted))
    if (contradicts && !exchange.seenSigned && !isKnown) return { answer: 'early' }
    const ours = new Map(
      exchange.sets.flatMap(({ keysetId, outputs }) => outputs.map(({ B_, amount }) => [B_, { keysetId, amount }])),
    )
    // Signed for another amount: another device with this seed asked for it.
    const foreign = ({ outputs }: SwapSet): boolean =>
      outputs.some(({ B_ }) => {
        const [theirs, own] = [signed.get(B_), ours.get(B_)]
        return theirs !== undefined && (theirs.amount !== own?.amount || theirs.id !== own.keysetId)
      })
    // One wrong answer decides nothing: the request is repeated.
    if (exchange.sets.some(foreign) && !exchange.seenSigned) return { answer: 'early' }
    if (contradicts || exchange.sets.some(foreign)) {
      // What nobody has signed says nothing of another device: outputs that may be signed for us are kept.
      if (!(await arePlausible(ports, pairs, await keysetsOf(known, input.mintUrl)))) return { answer: 'wrong' }
      const collided = (set: SwapSet): boolean =>
        contradicts ? isKnown || set.outputs.some(({ B_ }) => signed.has(B_)) : foreign(set)
      const dead = rows.filter(({ B_ }) =>
        exchange.sets.some((set) => collided(set) && set.outputs.some((output) => output.B_ === B_)),
      )
      const jump = await jumpCounters(read, dead.map(({ keysetId }) => keysetId), 2 ** exchange.collisions) // prettier-ignore
      return {
        answer: 'collision',
        sets: exchange.sets.filter((set) => !collided(set)),
        writes: [...forget(dead), ...jump],
      }
    }
    const made = await unblind(ports, pairs, await keysetsOf(known, input.mintUrl), 'optional')
    if (!made) return { answer: 'wrong' }
    const set = exchange.sets.find(({ outputs }) => outputs.every(({ B_ }) => signed.has(B_)))
    if (!set) {
      const found = pairs.map(({ row, signature }): Write => ({ patch: 'outputs', key: [row.B_], set: { signature } }))
      return { answer: 'partly', writes: [...found, ...(await noteSigned(read, pairs.map(({ row }) => row)))] } // prettier-ignore
    }
    const mine = made.filter(({ row }) => set.outputs.some(({ B_ }) => B_ === row.B_))
    return { answer: 'done', ...(await finish(read, input, set, rows, mine, nowMs)) }
  },
})

/** What comes of inputs when all of them are exchanged, without the mint's fees. Inputs that make no round are worth nothing. */
function worthOf(
  inputs: readonly InputCoin[],
  { exchange, limits, keyset }: { readonly exchange: Exchange; readonly limits: Limits; readonly keyset: KeysetRow },
): number {
  const cost = feeOfRounds({ inputs, wants: exchange, limits, denominations: denominations(keyset) }, keyset)
  return 'fee' in cost ? sum(inputs) - cost.fee : 0
}

/**
 * What becomes of unsigned outputs when the exchange ends. Outputs that were refused because of their inputs serve
 * another operation. Otherwise worthless tokens of strangers would use up the counters.
 */
function unneeded({ id, exchange: { sets, refusal, unaccounted } }: Job, rows: readonly OutputRow[]): Write[] {
  const isSafe = !unaccounted && isOfInputs(refusal?.meaning)
  const last = new Set(isSafe ? sets.at(-1)?.outputs.map(({ B_ }) => B_) : [])
  const serves = ({ B_, signature }: OutputRow): boolean => last.has(B_) && signature === null
  return [...giveBack(id, rows.filter(serves)), ...forget(rows.filter((row) => !serves(row)))] // prettier-ignore
}

/** Whether all inputs are unspent, as far as the mint says. Without state checks (NUT-07), its refusal is the evidence. */
const isUnspent = ({ states, refusal }: Exchange): boolean =>
  states.length > 0 ? states.every((state) => state === 'UNSPENT') : refusal?.meaning !== 'spent'

/**
 * A request was not answered; or inputs are spent, although the mint refused it for another reason: it may have lied. Of a
 * fence the payment's quote says who spent them.
 */
const mayHaveLanded = ({ unaccounted, isFence, sets, states, refusal }: Exchange): boolean =>
  unaccounted ||
  (!isFence && sets.length > 0 && states.includes('SPENT') && refusal !== null && refusal.meaning !== 'spent')

/** A request may have landed, and the mint cannot say which outputs it signed. Only unspent inputs would prove otherwise. */
const cannotTell = (exchange: Exchange): Why | undefined =>
  exchange.restored === null && !(exchange.states.length > 0 && isUnspent(exchange))
    ? {
        code: 'NO_RESTORE',
        detail:
          'an earlier request may have been carried out, and the mint does not give its signatures again (NUT-09)',
      }
    : undefined

/**
 * Whether signatures need a proof of their own (NUT-12). A mint whose info lists what it supports, without NUT-12, gives
 * none: its order is all there is, as NUT-03 has it; a restore would pair by that mint's word alone, too.
 */
export async function dleqOf(read: Reader, mintUrl: string): Promise<'needed' | 'optional'> {
  const info = (await read.get('mints', [mintUrl]))?.info
  const supported: unknown = info?.['supported']
  return Array.isArray(supported) && supported.length > 0 && !supported.includes(12) ? 'optional' : 'needed'
}

const sameRequest = (
  last: SwapSet,
  { keysetId, fee, Ys, wanted }: { keysetId: string; fee: number; Ys: readonly string[]; wanted: readonly Wanted[] },
): boolean =>
  last.keysetId === keysetId &&
  last.fee === fee &&
  last.Ys.length === Ys.length &&
  last.Ys.every((Y, at) => Y === Ys[at]) &&
  last.outputs.length === wanted.length &&
  last.outputs.every(({ amount, purpose }, at) => amount === wanted[at]?.amount && purpose === wanted[at].purpose)

/** The mint's limits, with what the last refusal teaches; `refusedOne` where it refuses the least that there is. */
async function learntLimits(
  read: Reader,
  { mintUrl, exchange: { refusal, sets } }: Job,
): Promise<{ limits: Limits; said: Limits; refusedOne: boolean; writes: Write[] }> {
  const row = await read.get('mints', [mintUrl])
  const known: MintLimits = row?.limits ?? {}
  const said = effective(limitsSaid(row?.info ?? {}))
  const last = sets.at(-1)
  if (!refusal || !last || !isTooLarge(refusal.meaning))
    return { limits: effective(known), said, refusedOne: false, writes: [] }
  // A refusal that does not say whether inputs or outputs are too many is about the larger list.
  const ofInputs =
    refusal.meaning === 'tooManyInputs' ||
    (refusal.meaning === 'tooLarge' && last.Ys.length > 1 && last.Ys.length >= last.outputs.length)
  const less = learnt(refusal, ofInputs ? last.Ys.length : last.outputs.length)
  if (less === undefined) return { limits: effective(known), said, refusedOne: true, writes: [] }
  const limits: MintLimits = { ...known, [ofInputs ? 'inputs' : 'outputs']: less }
  return {
    limits: effective(limits),
    said,
    refusedOne: false,
    writes: row ? [{ patch: 'mints', key: [mintUrl], set: { limits } }] : [],
  }
}

/** The rows of the exchange's outputs; the operation may have others (a melt's blank outputs, say). */
async function ownRows(read: LocalReader, { id, exchange }: Job): Promise<OutputRow[]> {
  const mine = new Set(exchange.sets.flatMap(({ outputs }) => outputs.map(({ B_ }) => B_)))
  return (await outputsOf(read, id)).filter(({ B_ }) => mine.has(B_))
}

/** The writes that end a round: store its proofs, spend its inputs, delete its outputs. */
async function finish(
  read: LocalReader,
  input: Job,
  set: SwapSet,
  rows: readonly OutputRow[],
  made: readonly { row: OutputRow; proof: MadeProof }[],
  nowMs: number,
): Promise<Made> {
  const { id: operationId, exchange } = input
  const gone = new Set(set.Ys)
  // The mint accepted the request without the inputs that stayed behind.
  const behind = exchange.isAsked ? exchange.apart : []
  const isDead = ({ id }: InputProof): boolean =>
    exchange.from === 'reserved' && (exchange.dead.includes(id) || behind.includes(id))
  const deadOnes = exchange.inputs.filter((coin) => !gone.has(coin.Y) && isDead(coin))
  // An unanswered request that shares no input with this one may still land.
  const isInDoubt = (Y: string): boolean =>
    exchange.unaccounted && exchange.sets.some(({ Ys }) => Ys.includes(Y) && !Ys.some((of) => gone.has(of)))
  const detail = deadOnes.length > 0 ? await refusedAs(read.loose(OF_MINT), input) : ''
  const place = { mintUrl: input.mintUrl, unit: input.unit }
  const marks = deadOnes.some(({ id }) => behind.includes(id)) ? await holdRefused(read.loose(TO_CHOOSE), { ...place, keysetIds: behind, detail, nowMs }) : [] // prettier-ignore
  const proofs = made.map(({ proof }) => proof)
  const left = [
    ...exchange.inputs.filter((coin) => !gone.has(coin.Y) && !isDead(coin)),
    ...proofs.filter(({ purpose }) => purpose === 'next').map(({ Y, id, amount, secret, C }) => ({ Y, id, amount, secret, C })), // prettier-ignore
  ]
  const all = [...exchange.made, ...proofs.filter(({ purpose }) => purpose !== 'next')]
  const isWhole = exchange.isAsked ? !isWanting(set.leaves) : left.length === 0
  const writes = [
    ...(await storeProofs(read, input, made, nowMs, !isWhole)),
    ...(await spent(read, input, set.Ys)),
    ...holdReserved(operationId, deadOnes, { detail, isInDoubt }),
    ...marks,
    ...forget(rows),
  ]
  if (isWhole) {
    // Inputs that no round needed become free. What earlier rounds made for somebody else is given away now.
    const from = exchange.from === 'sent' ? 'sent' : 'reserved'
    if (exchange.from === 'reserved') writes.push(...changed(left, from, { state: 'spendable', operationId: null }, input)) // prettier-ignore
    writes.push(...changed(exchange.made.filter(({ purpose }) => purpose === 'send'), 'reserved', { state: 'sent' }, input)) // prettier-ignore
  }
  return { made: all, inputs: isWhole ? [] : left, leaves: set.leaves, fee: exchange.fee + set.fee, isWhole, writes }
}

/** The mint's reason for refusing the exchange's dead keysets. */
async function refusedAs(read: Reader, { mintUrl, exchange: { dead } }: Job): Promise<string> {
  const rows = await Promise.all(dead.map((id) => read.get('keysets', [mintUrl, id])))
  return rows.map((row) => row?.refused).find(Boolean) ?? 'a request with its coins was refused'
}

const changed = (
  proofs: readonly { readonly Y: string }[],
  from: 'sent' | 'reserved',
  set: { readonly state: ProofRow['state']; readonly operationId?: null },
  { id }: Pick<Job, 'id'>,
): Write[] => proofs.map(({ Y }): Write => ({ patch: 'proofs', key: [Y], set, if: { state: from, operationId: id } }))

/** Marks the inputs of a round as spent. Inputs of a token may be free proofs of our own. */
async function spent(read: LocalReader, { id, exchange: { from } }: Job, Ys: readonly string[]): Promise<Write[]> {
  if (from !== 'foreign') return changed(Ys.map((Y) => ({ Y })), from, { state: 'spent' }, { id }) // prettier-ignore
  const writes: Write[] = []
  for (const Y of Ys)
    if ((await read.loose(FREE).get('proofs', [Y]))?.state === 'spendable')
      writes.push({ patch: 'proofs', key: [Y], set: { state: 'spent' }, if: { state: 'spendable' } })
  return writes
}
