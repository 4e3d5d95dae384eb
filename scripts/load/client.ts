/**
 * A client: the least that a wallet is. It holds proofs in memory, keeps its own accounts, and settles every request
 * of which it had no answer before it does anything else.
 */
import { codes } from '../../src/cashu/codes.ts'
import type { Prng } from '../kill-lab/prng.ts'
import type { ClientCrypto } from './crypto-thread.ts'
import {
  split,
  sum,
  type Blinded,
  type Keyset,
  type MeltQuote,
  type MintQuote,
  type Output,
  type Proof,
  type Signature,
} from './protocol.ts'
import { insist, patiently, type Send } from './wire.ts'

const PENDING = new Set<number>([codes.proofsPending, codes.outputsPending, codes.quotePending])

/** What all clients have in common. */
export interface Environment {
  readonly send: Send
  readonly crypto: ClientCrypto
  /** The keysets that proofs may be of, by id; the active one signs. */
  keysets: ReadonlyMap<string, Keyset>
  active?: Keyset
  tally: Tally
}

/** What was done, and how it was settled. */
export interface Tally {
  swaps: number
  mints: number
  /** Payments, those to a quote of the mint itself, and those that failed for good. */
  melts: number
  internal: number
  failed: number
  /** Requests without an answer; they were sent again, or found to have been carried out and restored. */
  lost: number
  repeated: number
  restored: number
}

export const newTally = (): Tally => ({
  ...{ swaps: 0, mints: 0, melts: 0, internal: 0, failed: 0 },
  ...{ lost: 0, repeated: 0, restored: 0 },
})

interface Signed {
  readonly signatures: readonly Signature[]
}

const UNIT = 'sat'
/** What the fake backend takes for a payment to the outside. */
const LIGHTNING_FEE = 1

export class Client {
  readonly #environment: Environment
  readonly #chance: Prng
  #proofs: Proof[] = []
  /** In sat: ecash issued to it for payments, paid out for it with Lightning's fees, and input fees. */
  readonly account = { issued: 0, paidOut: 0, fees: 0 }

  constructor(environment: Environment, chance: Prng) {
    this.#environment = environment
    this.#chance = chance
  }

  get proofs(): readonly Proof[] {
    return this.#proofs
  }

  /** New proofs for some of its own, of the same amounts where `same`. Without any it does nothing. */
  async swap(count: number, same: boolean): Promise<void> {
    const inputs = this.#draw(count)
    const fee = this.#feeOf(inputs)
    const net = sum(inputs) - fee
    if (net <= 0) return void this.#proofs.push(...inputs)
    const outputs = await this.#blind(same ? inputs.map(({ amount }) => amount) : split(net))
    const { signatures } = await this.#carriedOut<Signed>(
      '/v1/swap',
      { inputs, outputs: outputs.map(({ message }) => message) },
      async () =>
        (await this.states(inputs)).every((state) => state === 'SPENT') ? this.#restored(outputs) : undefined,
    )
    await this.#keep(outputs, signatures)
    this.account.fees += fee
    this.#environment.tally.swaps++
  }

  /** Ecash for a payment from outside. */
  async mint(amount: number): Promise<void> {
    const { quote } = await this.#quote(amount)
    await this.#insist('POST', '/admin/settle', { quote })
    await this.#issue(quote, amount)
  }

  /** Pays somebody; `script` says how it goes (see `scriptOf` of the fake backend). False where it has too little. */
  async pay(amount: number, script: object): Promise<boolean> {
    const invoice = { amount, description: JSON.stringify(script) }
    const { request } = await this.#insist<{ request: string }>('POST', '/admin/invoice', invoice)
    return (await this.#melt(request, LIGHTNING_FEE)) !== 'poor'
  }

  /** Pays a mint quote of its own, and has it issued. False where it has too little. */
  async payItself(amount: number): Promise<boolean> {
    const { quote, request } = await this.#quote(amount)
    const outcome = await this.#melt(request, 0)
    if (outcome === 'poor') return false
    if (outcome === 'failed') throw new Error('an internal payment failed')
    this.#environment.tally.internal++
    await this.#issue(quote, amount)
    return true
  }

  /** The states of proofs (NUT-07). */
  async states(proofs: readonly Proof[]): Promise<string[]> {
    const Ys = await this.#environment.crypto.points(proofs.map(({ secret }) => secret))
    const { states } = await this.#insist<{ states: { Y: string; state: string }[] }>('POST', '/v1/checkstate', { Ys })
    if (states.some(({ Y }, at) => Y !== Ys[at])) throw new Error('states of other proofs')
    return states.map(({ state }) => state)
  }

  #quote(amount: number): Promise<MintQuote> {
    return this.#insist<MintQuote>('POST', '/v1/mint/quote/bolt11', { amount, unit: UNIT })
  }

  async #issue(quote: string, amount: number): Promise<void> {
    const outputs = await this.#blind(split(amount))
    const { signatures } = await this.#carriedOut<Signed>(
      '/v1/mint/bolt11',
      { quote, outputs: outputs.map(({ message }) => message) },
      async () => {
        const { state } = await this.#insist<MintQuote>('GET', `/v1/mint/quote/bolt11/${quote}`)
        return state === 'ISSUED' ? this.#restored(outputs) : undefined
      },
    )
    await this.#keep(outputs, signatures)
    this.account.issued += amount
    this.#environment.tally.mints++
  }

  async #melt(request: string, lightningFee: number): Promise<'paid' | 'failed' | 'poor'> {
    const asked = await this.#insist<MeltQuote>('POST', '/v1/melt/quote/bolt11', { request, unit: UNIT })
    const inputs = this.#draw(1, asked.amount + asked.fee_reserve)
    const fee = this.#feeOf(inputs)
    const most = sum(inputs) - fee - asked.amount
    if (most < asked.fee_reserve) {
      this.#proofs.push(...inputs)
      return 'poor'
    }
    // So many that every change can be given whole (NUT-08).
    const blanks = await this.#blind(Array.from({ length: most.toString(2).length }, () => 1))
    const look = (): Promise<MeltQuote> => this.#insist('GET', `/v1/melt/quote/bolt11/${asked.quote}`)
    const quote = await this.#carriedOut<MeltQuote>(
      '/v1/melt/bolt11',
      { quote: asked.quote, inputs, outputs: blanks.map(({ message }) => message) },
      async () => {
        const found = await look()
        return found.state === 'UNPAID' ? undefined : found
      },
      (code) => (code === codes.paymentFailed ? { ...asked, state: 'UNPAID' } : undefined),
    )
    const end = quote.state === 'PENDING' ? await patiently('a payment', async () => decided(await look())) : quote
    if (end.state !== 'PAID') {
      if ((await this.states(inputs)).some((state) => state !== 'UNSPENT'))
        throw new Error('a failed payment took inputs')
      this.#proofs.push(...inputs)
      this.#environment.tally.failed++
      return 'failed'
    }
    const { change = [] } = end
    if (sum(change) !== most - lightningFee) throw new Error(`${most - lightningFee} of change expected, ${sum(change)} given`) // prettier-ignore
    await this.#keep(blanks.slice(0, change.length), change)
    this.account.paidOut += asked.amount + lightningFee
    this.account.fees += fee
    this.#environment.tally.melts++
    return 'paid'
  }

  /** Takes proofs out, by chance: at least so many, and worth so much when their fee is paid. All, where there are too few. */
  #draw(count: number, worth = 0): Proof[] {
    const drawn: Proof[] = []
    while (this.#proofs.length > 0 && (drawn.length < count || sum(drawn) - this.#feeOf(drawn) < worth))
      drawn.push(...this.#proofs.splice(this.#chance.below(this.#proofs.length), 1))
    return drawn
  }

  #feeOf(inputs: readonly Proof[]): number {
    const ppk = inputs.reduce((total, { id }) => total + this.#environment.keysets.get(id)!.input_fee_ppk, 0)
    return Math.ceil(ppk / 1000)
  }

  #blind(amounts: readonly number[]): Promise<Blinded[]> {
    const { crypto, active } = this.#environment
    return crypto.blind(amounts, active!.id)
  }

  async #keep(outputs: readonly Blinded[], signatures: readonly Signature[]): Promise<void> {
    if (signatures.length !== outputs.length) throw new Error('another number of signatures than of outputs')
    const [first] = outputs
    if (!first) return
    const { keys } = this.#environment.keysets.get(first.message.id)!
    const signed = outputs.map((output, at) => ({ output, signature: signatures[at]! }))
    this.#proofs.push(...(await this.#environment.crypto.unblind(signed, keys)))
  }

  /** The signatures of outputs that are known to be signed (NUT-09). */
  async #restored(outputs: readonly Blinded[]): Promise<Signed> {
    const asked = outputs.map(({ message }) => message)
    const found = await this.#insist<Signed & { outputs: Output[] }>('POST', '/v1/restore', { outputs: asked })
    if (found.outputs.some(({ B_ }, at) => B_ !== asked[at]?.B_)) throw new Error('other outputs were restored')
    return found
  }

  /**
   * Has a request carried out whose answer may be lost: then it is sent again, the same to the byte (NUT-19), or first
   * looked for what it has done, as chance decides. `refused` is what a refusal comes to, where one may be.
   */
  async #carriedOut<T>(
    path: string,
    request: object,
    look: () => Promise<T | undefined>,
    refused: (code: number) => T | undefined = () => undefined,
  ): Promise<T> {
    const body = JSON.stringify(request)
    let isLost = false
    return patiently(path, async () => {
      const { send, tally } = this.#environment
      if (isLost) {
        const found = this.#chance.next() < 0.5 ? await look() : undefined
        if (found !== undefined) tally.restored++
        if (found !== undefined) return found
        tally.repeated++
      }
      const answer = await send('POST', path, body)
      if (answer?.status === 200) return JSON.parse(answer.body) as T
      if (answer) {
        const { code, detail } = JSON.parse(answer.body) as { code: number; detail: string }
        const result = refused(code)
        if (result !== undefined) return result
        if (!isLost || !PENDING.has(code)) throw new Error(`${path} was refused: ${code} ${detail}`)
      }
      isLost = true
      tally.lost++
      return undefined
    })
  }

  #insist<T>(method: 'GET' | 'POST', path: string, request?: object): Promise<T> {
    return insist(this.#environment.send, method, path, request)
  }
}

const decided = (quote: MeltQuote): MeltQuote | undefined => (quote.state === 'PENDING' ? undefined : quote)
