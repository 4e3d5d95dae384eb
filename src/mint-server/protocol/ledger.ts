/** Inputs and outputs: what the requests that move ecash have in common. */
import type { HeldInput, HeldOutput, Message, Signed } from '../../../machines/mint-server/signing.ts'
import { codes } from '../../cashu/codes.ts'
import type { LocalReader, MintPorts } from '../ports.ts'
import { refuse, type Proof } from '../http/request.ts'
import type { OperationName, ProofRow, Reader, Signature, SignatureRow, Write } from '../db/tables.ts'
import { sure } from '../../sure.ts'

/** An operation that uses inputs up and has outputs signed. */
export interface Owner {
  readonly id: string
  readonly kind: OperationName
}

/** Inputs of one unit. */
export interface Inputs {
  readonly unit: string
  /** Their sum less the input fee (NUT-02). */
  readonly net: number
  /** The writes that set them aside; they land only while the proofs are unspent. */
  readonly writes: readonly Write[]
  /** To be called last: a request that is wrong anyway is refused for that reason. @throws {MintError} */
  readonly assertUnspent: () => Promise<void>
}

/** Outputs of one unit. */
export interface Outputs {
  readonly unit: string
  readonly amount: number
  readonly held: readonly HeldOutput[]
  /** The writes that set them aside; they land only while the outputs are unused and their keysets active. */
  readonly writes: readonly Write[]
  /** As with inputs, and behind them: who asks again for what was done hears of that. @throws {MintError} */
  readonly assertFree: () => Promise<void>
}

/** @throws {MintError} It is beyond the safe integers. */
export function sum(amounts: readonly number[]): number {
  const total = amounts.reduce((a, b) => a + b, 0)
  return Number.isSafeInteger(total) ? total : refuse(codes.amountOutOfRange, 'the sum is too large')
}

/** Whether two of them are the same. */
export const repeats = (texts: readonly string[]): boolean => new Set(texts).size < texts.length

export const KEYS_STAY =
  'of a keyset only whether it is active ever changes, which is a condition where outputs are set aside'

/** The keysets that proofs or outputs name, by id; they must be of one unit. */
async function keysetsOf(read: Reader, items: readonly { readonly id: string }[]) {
  const ids = [...new Set(items.map(({ id }) => id))]
  const rows = await Promise.all(ids.map((id) => read.get('keysets', [id])))
  const keysets = new Map(ids.map((id, at) => [id, rows[at] ?? refuse(codes.keysetUnknown, `no keyset ${id}`)]))
  const units = new Set([...keysets.values()].map(({ unit }) => unit))
  const [unit] = units
  if (unit === undefined) return refuse(codes.unclassified, 'no inputs or outputs')
  if (units.size > 1) return refuse(codes.severalUnits, 'more than one unit')
  return { unit, keysets }
}

/**
 * Checks that inputs are genuine, before anything is written: the signatory may be elsewhere.
 * @throws {MintError}
 */
export async function genuine(
  of: Pick<MintPorts, 'crypto' | 'signatory' | 'turn'> & { readonly read: Reader },
  proofs: readonly Proof[],
  signal?: AbortSignal,
): Promise<HeldInput[]> {
  const { keysets } = await keysetsOf(of.read, proofs)
  const signed = proofs.map(({ id, amount, secret, C }) => {
    const { unit, generation, keys } = sure(keysets.get(id), 'keyset')
    if (keys[amount] === undefined) refuse(codes.proofInvalid, `keyset ${id} has no amount ${amount}`)
    return { unit, generation, amount, secret, C }
  })
  const verdicts = await of.signatory.verify(signed, signal)
  if (verdicts.length !== proofs.length) throw new Error('the signatory answered for other proofs')
  if (!verdicts.every(Boolean)) refuse(codes.proofInvalid, 'a proof is not of this mint')
  const inputs: HeldInput[] = []
  for (const { id, amount, secret, witness } of proofs) {
    await of.turn?.()
    inputs.push({ Y: of.crypto.hashToCurve(secret), id, amount, ...(witness !== undefined && { witness }) })
  }
  return inputs
}

/** Sets genuine inputs aside. @throws {MintError} */
export async function hold(read: LocalReader, owner: Owner, inputs: readonly HeldInput[]): Promise<Inputs> {
  const { unit, keysets } = await keysetsOf(read.loose(KEYS_STAY), inputs)
  if (repeats(inputs.map(({ Y }) => Y))) refuse(codes.duplicateInputs, 'the same input twice')
  const fee = Math.ceil(sum(inputs.map(({ id }) => sure(keysets.get(id), 'keyset').feePpk)) / 1000)
  return {
    unit,
    net: sum(inputs.map(({ amount }) => amount)) - fee,
    writes: inputs.map(({ Y, id, amount, witness = null }): Write => {
      const state = 'PENDING' as const
      const row: ProofRow = { Y, state, keysetId: id, amount, witness, operationId: owner.id, kind: owner.kind }
      return { put: 'proofs', row, if: 'absent' }
    }),
    async assertUnspent() {
      const used = await Promise.all(inputs.map(({ Y }) => read.get('proofs', [Y])))
      if (used.some((row) => row?.state === 'SPENT')) refuse(codes.alreadySpent, 'a proof is already spent')
      if (used.some((row) => row?.state === 'PENDING')) refuse(codes.proofsPending, 'a proof is pending')
    },
  }
}

/** Sets outputs aside that will be signed. The amounts of blank ones don't matter. @throws {MintError} */
export async function reserve(
  of: Pick<MintPorts, 'crypto' | 'turn'> & { readonly read: LocalReader },
  owner: Owner,
  messages: readonly Message[],
  blank = false,
): Promise<Outputs> {
  const { read, crypto, turn } = of
  const { unit, keysets } = await keysetsOf(read.loose(KEYS_STAY), messages)
  if (repeats(messages.map(({ B_ }) => B_))) refuse(codes.duplicateOutputs, 'the same output twice')
  for (const { id, amount, B_ } of messages) {
    await turn?.()
    const { keys } = sure(keysets.get(id), 'keyset')
    if (!blank && keys[amount] === undefined) refuse(codes.amountOutOfRange, `keyset ${id} has no amount ${amount}`)
    if (!crypto.isPoint(B_)) refuse(codes.unclassified, 'B_ is not on the curve')
  }
  return {
    unit,
    amount: blank ? 0 : sum(messages.map(({ amount }) => amount)),
    held: messages.map(({ id, amount, B_ }) => ({
      ...{ id, B_, generation: sure(keysets.get(id), 'keyset').generation },
      amount: blank ? 0 : amount,
    })),
    writes: [
      ...[...keysets].map(([id, { active }]): Write => ({ check: 'keysets', key: [id], if: { active } })),
      ...messages.map(({ id, B_ }): Write => {
        const row: SignatureRow = {
          ...{ B_, keysetId: id, amount: 0, C_: null, dleq: null },
          ...{ operationId: owner.id, kind: owner.kind },
        }
        return { put: 'signatures', row, if: 'absent' }
      }),
    ],
    async assertFree() {
      for (const [id, { active }] of keysets) if (active === 0) refuse(codes.keysetInactive, `keyset ${id} is inactive`)
      const used = await Promise.all(messages.map(({ B_ }) => read.get('signatures', [B_])))
      for (const row of used)
        if (row) refuse(row.C_ === null ? codes.outputsPending : codes.alreadySigned, 'an output was used before')
    },
  }
}

/** Marks the inputs of an operation as spent. */
export const spend = (owner: Owner, inputs: readonly HeldInput[]): Write[] =>
  inputs.map(({ Y, witness = null }): Write => ({
    patch: 'proofs',
    key: [Y],
    set: { state: 'SPENT', witness },
    if: { state: 'PENDING', operationId: owner.id },
  }))

/** The signatures as wallets get them, and the writes that record them. */
export function record(
  owner: Owner,
  outputs: readonly HeldOutput[],
  signed: readonly Signed[],
  /** Whether answers carry the DLEQ proofs (NUT-12). */
  withDleq: boolean,
): { readonly signatures: readonly Signature[]; readonly writes: readonly Write[] } {
  const signatures = outputs.map(({ id, amount }, at): Signature => {
    const { C_, dleq } = sure(signed[at], 'signature')
    return { id, amount, C_, ...(withDleq && { dleq: { e: dleq.e, s: dleq.s } }) }
  })
  const writes = outputs.map(({ B_, amount }, at): Write => {
    const { C_, dleq = null } = sure(signatures[at], 'signature')
    return { patch: 'signatures', key: [B_], set: { amount, C_, dleq }, if: { C_: null, operationId: owner.id } }
  })
  return { signatures, writes }
}

/**
 * Gives blank outputs, the first ones first, the amounts that make up a value, ascending (NUT-08). Where they are too
 * few the largest amounts are given, and the remainder is the mint's.
 */
export async function changeOf(read: Reader, blanks: readonly HeldOutput[], value: number): Promise<HeldOutput[]> {
  const [first] = blanks
  const keyset = first && (await read.get('keysets', [first.id]))
  const parts: number[] = []
  let rest = value
  const amounts = Object.keys(keyset?.keys ?? {}).map(Number)
  for (const amount of amounts.toSorted((a, b) => b - a))
    for (; amount <= rest && parts.length < blanks.length; rest -= amount) parts.unshift(amount)
  return parts.map((amount, at) => ({ ...sure(blanks[at], 'blank output'), amount }))
}
