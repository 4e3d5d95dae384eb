/** A wallet of bare requests: coins, outputs and quotes of a mint, for asking it what it must refuse. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { nobleCrypto as crypto } from '../../src/cashu/noble-crypto.ts'
import { FEE_PPK } from './worth.ts'
import type { TestMint } from './mints.ts'

/** One request. A text is sent as it is. */
export interface Question {
  readonly path: string
  /** None: it is a GET. */
  readonly body?: object | string
}

export interface Answered {
  readonly status: number
  /** What the mint's error document says; undefined where it says none. */
  readonly code: number | undefined
  readonly body: unknown
}

export interface Coin {
  readonly amount: number
  readonly id: string
  readonly secret: string
  readonly C: string
}

export interface Output {
  readonly amount: number
  readonly id: string
  readonly B_: string
}

export interface Quote {
  readonly quote: string
  readonly request: string
  readonly amount: number
  readonly fee_reserve: number
  readonly state: string
}

interface Keyset {
  readonly id: string
  readonly unit: string
  readonly keys: Readonly<Record<string, string>>
}

/** What it takes to unblind an output's signature. */
interface Blinded {
  readonly secret: string
  readonly r: string
  readonly keyset: Keyset
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
const LIMIT_MS = 30_000
export const COIN = 8
const COINS = 64

export class World {
  readonly mint: TestMint
  readonly #keysets = new Map<string, Keyset>()
  readonly #blinded = new Map<string, Blinded>()
  #coins: Coin[] = []

  constructor(mint: TestMint) {
    this.mint = mint
  }

  async ask({ path, body }: Question): Promise<Answered> {
    const sent = typeof body === 'object' ? JSON.stringify(body) : body
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const signal = AbortSignal.timeout(LIMIT_MS)
    const response = await fetch(this.mint.url + path, { signal, ...(sent !== undefined && { ...post, body: sent }) })
    const text = await response.text()
    // Where a mint breaks down it answers with words.
    const answer = /^[[{]/.test(text) ? (JSON.parse(text) as { code?: number }) : {}
    return { status: response.status, code: response.ok ? undefined : answer.code, body: answer }
  }

  /** The answer to what must be taken. @throws {Error} where it is not. */
  async ok<T>(path: string, body?: object): Promise<T> {
    const { status, body: answer } = await this.ask({ path, ...(body && { body }) })
    if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(answer)}`)
    return answer as T
  }

  /** The active keyset of a unit, as the mint has it now. */
  async keyset(unit = 'sat'): Promise<Keyset> {
    const { keysets } = await this.ok<{ keysets: readonly Keyset[] }>('/v1/keys')
    for (const keyset of keysets) this.#keysets.set(keyset.id, keyset)
    const found = keysets.find((keyset) => keyset.unit === unit)
    if (!found) throw new Error(`${this.mint.name} has no keyset of ${unit}`)
    return found
  }

  /** New outputs. The first is of the secret, where one is given. */
  outs(keyset: Keyset, amounts: readonly number[], secret?: string): Output[] {
    return amounts.map((amount, at) => {
      const blinded = { secret: at === 0 && secret !== undefined ? secret : hex(32), r: hex(32), keyset }
      const B_ = crypto.blind(blinded.secret, blinded.r)
      this.#blinded.set(B_, blinded)
      return { amount, id: keyset.id, B_ }
    })
  }

  /** The coins that signatures make of outputs. */
  coins(outputs: readonly Output[], signatures: readonly { readonly C_: string }[]): Coin[] {
    return outputs.map(({ amount, id, B_ }, at) => {
      const { secret, r, keyset } = this.#blinded.get(B_)!
      return { amount, id, secret, C: crypto.unblind(signatures[at]!.C_, r, keyset.keys[amount]!) }
    })
  }

  async swap(inputs: readonly Coin[], outputs: readonly Output[]): Promise<Coin[]> {
    const { signatures } = await this.ok<{ signatures: { C_: string }[] }>('/v1/swap', { inputs, outputs })
    return this.coins(outputs, signatures)
  }

  quote(amount: number, more: object = {}): Promise<Quote> {
    return this.ok('/v1/mint/quote/bolt11', { amount, unit: 'sat', ...more })
  }

  /** A quote that is paid; Lightning must be paying. */
  async paid(amount: number, more: object = {}): Promise<Quote> {
    for (let made = await this.quote(amount, more); ;) {
      if (made.state === 'PAID') return made
      made = await this.ok(`/v1/mint/quote/bolt11/${made.quote}`)
    }
  }

  async issue({ quote }: Quote, outputs: readonly Output[]): Promise<Coin[]> {
    const { signatures } = await this.ok<{ signatures: { C_: string }[] }>('/v1/mint/bolt11', { quote, outputs })
    return this.coins(outputs, signatures)
  }

  /** New coins of one unit; Lightning must be paying. */
  async minted(amounts: readonly number[], unit = 'sat'): Promise<Coin[]> {
    const quote = await this.paid(
      amounts.reduce((sum, amount) => sum + amount, 0),
      { unit },
    )
    return this.issue(quote, this.outs(await this.keyset(unit), amounts))
  }

  /** A coin of 8 sat; what is minted at a time lasts for a while. */
  async coin(): Promise<Coin> {
    if (this.#coins.length === 0) await this.stock()
    return this.#coins.pop()!
  }

  /** Sees to it that there are coins when nobody pays the mint's invoices. */
  async stock(): Promise<void> {
    this.#coins.push(...(await this.minted(Array.from({ length: COINS }, () => COIN))))
  }

  /** A coin of 4 sat with a secret of our own. */
  async coinOf(secret: string): Promise<Coin> {
    const outputs = this.outs(await this.keyset(), [4, 2, 1], secret)
    const [coin] = await this.swap([await this.coin()], outputs)
    return coin!
  }

  /** Outputs for what one coin is worth, the input fee taken off. */
  async change(coin: { readonly amount: number } = { amount: COIN }): Promise<Output[]> {
    const net = coin.amount - Math.ceil(FEE_PPK / 1000)
    return this.outs(
      await this.keyset(),
      [1, 2, 4, 8].filter((part) => net & part),
    )
  }

  /** Lets time pass: an expiry is told in whole seconds. */
  pass(seconds: number): Promise<void> {
    return delay(seconds * 1000)
  }

  async meltQuote(request: string): Promise<Quote> {
    return this.ok('/v1/melt/quote/bolt11', { request, unit: 'sat' })
  }

  /** How the mint says that coins are. */
  async states(coins: readonly Coin[]): Promise<string> {
    const Ys = coins.map(({ secret }) => crypto.hashToCurve(secret))
    const { states } = await this.ok<{ states: { state: string }[] }>('/v1/checkstate', { Ys })
    return states.map(({ state }) => state).join(' ')
  }
}
