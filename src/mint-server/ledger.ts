/** Keysets, inputs and outputs: what the requests that move ecash have in common. */
import { codes } from '../cashu/codes.ts'
import type { MintCrypto, SignatoryCrypto } from '../cashu/crypto.ts'
import type { Store, Write } from '../store/port.ts'
import { refuse, type Output, type Proof } from './request.ts'
import { transact, type KeysetRow, type ProofRow, type Signature, type SignatureRow } from './tables.ts'

/** Checked inputs of one unit. */
export interface Inputs {
  readonly unit: string
  readonly Ys: readonly string[]
  /** Their sum less the input fee (NUT-02). */
  readonly net: number
  /** The writes that use them up; they land only while the proofs are unspent. */
  readonly take: (state: ProofRow['state'], quoteId: string | null) => Write[]
}

/** Blind signatures, and the writes that go with them. */
export interface Signed {
  readonly signatures: readonly Signature[]
  readonly writes: readonly Write[]
}

/** Checked outputs of one unit. What is done with them lands only while they are unused and their keysets active. */
export interface Outputs {
  readonly unit: string
  readonly amount: number
  /** Signs them (NUT-00, NUT-12). */
  readonly sign: () => Signed
  /** The writes that set them aside as the blank outputs of a melt (NUT-08). */
  readonly hold: (quoteId: string) => Write[]
}

export interface Ledger {
  /**
   * Makes the next keyset of a unit the active one and gives its id; `onlyFirst`: unless the unit has one.
   * The fee is the last keyset's where left out.
   */
  addKeyset(unit: string, feePpk: number | undefined, onlyFirst?: boolean): Promise<string>
  /** Checks that inputs are genuine, and neither spent nor pending. */
  inputs(proofs: readonly Proof[]): Promise<Inputs>
  /** Checks that outputs can be signed. The amounts of blank ones don't matter. */
  outputs(messages: readonly Output[], blank?: boolean): Promise<Outputs>
  /**
   * Signs blank outputs, the first ones first, for amounts that make up a value, ascending, and lets go of the rest.
   * Where the blanks are too few the largest amounts are given and the remainder is the mint's (NUT-08).
   */
  change(blanks: readonly Omit<Output, 'amount'>[], value: number, quoteId: string): Promise<Signed>
}

function sum(amounts: readonly number[]): number {
  const total = amounts.reduce((a, b) => a + b, 0)
  return Number.isSafeInteger(total) ? total : refuse(codes.amountOutOfRange, 'the sum is too large')
}

/** Whether two of them are the same. */
const repeats = (texts: readonly string[]): boolean => new Set(texts).size < texts.length

export function createLedger(options: {
  readonly store: Store
  readonly crypto: MintCrypto & SignatoryCrypto
  readonly seed: Uint8Array
  readonly amounts: readonly number[]
  /** Whether signatures carry a DLEQ proof (NUT-12). */
  readonly dleq: boolean
}): Ledger {
  const { store, crypto, seed } = options
  /** Private keys by keyset id. They can be derived again, so this is no state. */
  const privateKeys = new Map<string, Readonly<Record<string, string>>>()

  function keysOf(keyset: KeysetRow): Readonly<Record<string, string>> {
    const known = privateKeys.get(keyset.id)
    if (known) return known
    const amounts = Object.keys(keyset.keys).map(Number)
    const keys = crypto.keysetKeys(seed, keyset.unit, keyset.generation, amounts)
    const first = String(amounts[0])
    if (crypto.publicKey(keys[first]!) !== keyset.keys[first]) throw new Error('the seed is not the one of this store')
    privateKeys.set(keyset.id, keys)
    return keys
  }

  /** The keysets that proofs or outputs name, by id; they must be of one unit. */
  async function keysetsOf(items: readonly { readonly id: string }[]) {
    const keysets = new Map<string, KeysetRow>()
    for (const { id } of items) {
      if (keysets.has(id)) continue
      keysets.set(id, (await store.get<KeysetRow>('keysets', [id])) ?? refuse(codes.keysetUnknown, `no keyset ${id}`))
    }
    const units = new Set([...keysets.values()].map(({ unit }) => unit))
    const [unit] = units
    if (unit === undefined) return refuse(codes.unclassified, 'no inputs or outputs')
    if (units.size > 1) return refuse(codes.severalUnits, 'more than one unit')
    return { unit, keysets }
  }

  /** A C that is no point of the curve is a wrong signature like any other. */
  function isGenuine({ secret, C, amount }: Proof, keyset: KeysetRow): boolean {
    const key = keysOf(keyset)[amount]
    try {
      return key !== undefined && crypto.verify(secret, C, key)
    } catch {
      return false
    }
  }

  function sign({ id, amount, B_ }: Output, keyset: KeysetRow, quoteId: string | null): [Signature, SignatureRow] {
    const key = keysOf(keyset)[amount]!
    try {
      const { C_, dleq } = crypto.sign(B_, key)
      const proof = options.dleq ? { e: dleq.e, s: dleq.s } : null
      return [
        { id, amount, C_, ...(proof && { dleq: proof }) },
        { B_, keysetId: id, amount, C_, dleq: proof, quoteId },
      ]
    } catch {
      return refuse(codes.unclassified, 'B_ is not on the curve')
    }
  }

  /** The largest amounts first that make up a value, at most `count`, then ascending. */
  function split(value: number, keyset: KeysetRow, count: number): number[] {
    const parts: number[] = []
    let rest = value
    const amounts = Object.keys(keyset.keys).map(Number)
    for (const amount of amounts.toSorted((a, b) => b - a))
      for (; amount <= rest && parts.length < count; rest -= amount) parts.unshift(amount)
    return parts
  }

  return {
    addKeyset: (unit, feePpk, onlyFirst = false) =>
      transact(store, async () => {
        const newest = { table: 'keysets', index: 'byUnit', prefix: [unit], reverse: true, limit: 1 }
        const [last] = await store.query<KeysetRow>(newest)
        // Deriving its keys tells whether the seed is the right one.
        if (last) keysOf(last)
        if (last && onlyFirst) return { writes: [], result: last.id }
        const generation = last ? last.generation + 1 : 0
        const inputFeePpk = feePpk ?? last?.feePpk ?? 0
        const secrets = crypto.keysetKeys(seed, unit, generation, options.amounts)
        const publicKeys = Object.entries(secrets).map(([amount, key]) => [amount, crypto.publicKey(key)] as const)
        const keys = Object.fromEntries(publicKeys)
        const id = crypto.keysetId({ keys, unit, inputFeePpk })
        privateKeys.set(id, secrets)
        const row: KeysetRow = { id, unit, generation, active: 1, feePpk: inputFeePpk, keys }
        const writes: Write[] = [{ put: 'keysets', row, if: 'absent' }]
        if (last) writes.push({ patch: 'keysets', key: [last.id], set: { active: 0 }, if: { active: 1 } })
        return { writes, result: id }
      }),

    async inputs(proofs) {
      const { unit, keysets } = await keysetsOf(proofs)
      const Ys = proofs.map(({ secret }) => crypto.hashToCurve(secret))
      if (repeats(Ys)) refuse(codes.duplicateInputs, 'the same input twice')
      for (const proof of proofs)
        if (!isGenuine(proof, keysets.get(proof.id)!)) refuse(codes.proofInvalid, 'a proof is not of this mint')
      for (const Y of Ys) {
        const used = await store.get<ProofRow>('proofs', [Y])
        if (used?.state === 'SPENT') refuse(codes.alreadySpent, 'a proof is already spent')
        if (used?.state === 'PENDING') refuse(codes.proofsPending, 'a proof is pending')
      }
      const fee = Math.ceil(sum(proofs.map(({ id }) => keysets.get(id)!.feePpk)) / 1000)
      return {
        unit,
        Ys,
        net: sum(proofs.map(({ amount }) => amount)) - fee,
        take: (state, quoteId) =>
          proofs.map(({ id, amount }, index): Write => {
            const row: ProofRow = { Y: Ys[index]!, state, keysetId: id, amount, quoteId }
            return { put: 'proofs', row, if: 'absent' }
          }),
      }
    },

    async outputs(messages, blank = false) {
      const { unit, keysets } = await keysetsOf(messages)
      if (repeats(messages.map(({ B_ }) => B_))) refuse(codes.duplicateOutputs, 'the same output twice')
      for (const { id, amount } of messages) {
        const { active, keys } = keysets.get(id)!
        if (active === 0) refuse(codes.keysetInactive, `keyset ${id} is inactive`)
        if (!blank && keys[amount] === undefined) refuse(codes.amountOutOfRange, `keyset ${id} has no amount ${amount}`)
      }
      for (const { B_ } of messages) {
        const used = await store.get<SignatureRow>('signatures', [B_])
        if (used) refuse(used.C_ === null ? codes.outputsPending : codes.alreadySigned, 'an output was used before')
      }
      const active = [...keysets.keys()].map((id): Write => ({ check: 'keysets', key: [id], if: { active: 1 } }))
      const add = (row: SignatureRow): Write => ({ put: 'signatures', row, if: 'absent' })
      return {
        unit,
        amount: blank ? 0 : sum(messages.map(({ amount }) => amount)),
        sign() {
          const signed = messages.map((message) => sign(message, keysets.get(message.id)!, null))
          const signatures = signed.map(([signature]) => signature)
          return { signatures, writes: [...active, ...signed.map(([, row]) => add(row))] }
        },
        hold(quoteId) {
          const held = messages.map(({ id, B_ }): SignatureRow => {
            // Only tried, so that no point turns out to be none when the payment has been made.
            const keyset = keysets.get(id)!
            sign({ id, B_, amount: Number(Object.keys(keyset.keys)[0]) }, keyset, null)
            return { B_, keysetId: id, amount: 0, C_: null, dleq: null, quoteId }
          })
          return [...active, ...held.map(add)]
        },
      }
    },

    async change(blanks, value, quoteId) {
      if (blanks.length === 0) return { signatures: [], writes: [] }
      const { keysets } = await keysetsOf(blanks)
      const parts = split(value, keysets.get(blanks[0]!.id)!, blanks.length)
      const signatures: Signature[] = []
      const writes = blanks.map((blank, index): Write => {
        if (index >= parts.length) return { delete: 'signatures', key: [blank.B_], if: { quoteId } }
        const [signature, row] = sign({ ...blank, amount: parts[index]! }, keysets.get(blank.id)!, quoteId)
        signatures.push(signature)
        return { put: 'signatures', row, if: { quoteId } }
      })
      return { signatures, writes }
    },
  }
}
