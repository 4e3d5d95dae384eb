/** A wallet reduced to its requests, for tests of the mint: no state but a counter, no retries, no mercy. */
import { expect } from 'vitest'
import type { WalletCrypto } from '../../src/cashu/crypto.ts'
import {
  createMint,
  fakeBackend,
  localSignatory,
  mintSchema,
  plainInvoice,
  type FakeBackend,
  type FakeBackendOptions,
  type Mint,
  type MintOptions,
} from '../../src/mint-server/index.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'

export interface Proof {
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
}
export interface Output {
  readonly id: string
  readonly amount: number
  readonly B_: string
}
export interface Signature {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string }
}
export interface Keyset {
  readonly id: string
  readonly unit: string
  readonly active: boolean
  readonly input_fee_ppk: number
  readonly keys: Readonly<Record<string, string>>
}
/** A blinded message with what it takes to unblind its signature. */
export interface Blinded {
  readonly message: Output
  readonly secret: string
  readonly r: string
}
export interface MintQuote {
  readonly quote: string
  readonly request: string
  readonly state: string
  readonly amount: number
  readonly expiry: number
}
export interface MeltQuote extends MintQuote {
  readonly fee_reserve: number
  readonly payment_preimage: string | null
  readonly change?: readonly Signature[]
}

export type Send = (method: string, path: string, body?: string) => Promise<{ status: number; body: string }>

/** Sends over HTTP. */
export const overHttp =
  (url: string): Send =>
  async (method, path, body) => {
    const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body }) })
    return { status: response.status, body: await response.text() }
  }

/** The powers of two that make up an amount, ascending. */
export function split(amount: number): number[] {
  const parts: number[] = []
  for (let bit = 1; bit <= amount; bit *= 2) if (Math.floor(amount / bit) % 2 === 1) parts.push(bit)
  return parts
}

export const sum = (items: readonly { readonly amount: number }[]): number =>
  items.reduce((total, { amount }) => total + amount, 0)

export type Client = ReturnType<typeof client>

/** `seed` is one number; clients of the same mint need different ones. */
export function client(send: Send, crypto: WalletCrypto, seed = 1) {
  let counter = 0
  const keysets = new Map<string, Keyset>()

  async function ok<T>(method: string, path: string, request?: object): Promise<T> {
    const { status, body } = await send(method, path, request && JSON.stringify(request))
    expect({ status, body }).toMatchObject({ status: 200 })
    return JSON.parse(body) as T
  }
  const get = <T>(path: string): Promise<T> => ok<T>('GET', path)
  const post = <T>(path: string, request: object): Promise<T> => ok<T>('POST', path, request)

  /** The active keyset of a unit, asked for anew. */
  async function keyset(unit = 'sat'): Promise<Keyset> {
    const answer = await get<{ keysets: Keyset[] }>('/v1/keys')
    for (const each of answer.keysets) keysets.set(each.id, each)
    return answer.keysets.find((each) => each.unit === unit)!
  }

  function blind(amounts: readonly number[], id: string): Blinded[] {
    const derive = crypto.deriver(new Uint8Array(64).fill(seed), id)
    return amounts.map((amount) => {
      const { secret, r } = derive(counter++)
      return { message: { amount, id, B_: crypto.blind(secret, r) }, secret, r }
    })
  }

  /** Unblinds signatures in the order of the outputs. Every one must carry a DLEQ proof that holds. */
  function unblind(signatures: readonly Signature[], outputs: readonly Blinded[]): Proof[] {
    return signatures.map(({ id, amount, C_, dleq }, index) => {
      const { message, secret, r } = outputs[index]!
      const key = keysets.get(id)!.keys[amount]!
      expect(id).toBe(message.id)
      expect(crypto.verifyDleq(message.B_, C_, key, dleq!)).toBe(true)
      return { id, amount, secret, C: crypto.unblind(C_, r, key) }
    })
  }

  async function issue(quote: string, amounts: readonly number[], unit = 'sat'): Promise<Proof[]> {
    const outputs = blind(amounts, (await keyset(unit)).id)
    const request = { quote, outputs: outputs.map(({ message }) => message) }
    return unblind((await post<{ signatures: Signature[] }>('/v1/mint/bolt11', request)).signatures, outputs)
  }

  /** Mints; the mint's invoices must pay themselves. */
  async function mint(amounts: readonly number[], unit = 'sat'): Promise<Proof[]> {
    const amount = amounts.reduce((a, b) => a + b, 0)
    return issue((await post<MintQuote>('/v1/mint/quote/bolt11', { amount, unit })).quote, amounts, unit)
  }

  /** What is left of inputs when their fee is taken off. */
  const net = (inputs: readonly Proof[]): number =>
    sum(inputs) - Math.ceil(inputs.reduce((ppk, { id }) => ppk + keysets.get(id)!.input_fee_ppk, 0) / 1000)

  async function swap(inputs: readonly Proof[], amounts = split(net(inputs))): Promise<Proof[]> {
    const outputs = blind(amounts, (await keyset(unitOf(inputs))).id)
    const request = { inputs, outputs: outputs.map(({ message }) => message) }
    return unblind((await post<{ signatures: Signature[] }>('/v1/swap', request)).signatures, outputs)
  }

  const unitOf = (inputs: readonly Proof[]): string => keysets.get(inputs[0]!.id)!.unit

  const states = async (proofs: readonly Proof[]): Promise<string[]> => {
    const Ys = proofs.map(({ secret }) => crypto.hashToCurve(secret))
    const answer = await post<{ states: { Y: string; state: string }[] }>('/v1/checkstate', { Ys })
    expect(answer.states.map(({ Y }) => Y)).toEqual(Ys)
    return answer.states.map(({ state }) => state)
  }

  /** Sends a request that must be refused with this code, and whose words must not show a secret. */
  async function refused(code: number, path: string, request: object | string, status = 400): Promise<void> {
    const text = typeof request === 'string' ? request : JSON.stringify(request)
    const answer = await send('POST', path, text)
    const { code: told, detail } = JSON.parse(answer.body) as { code: number; detail: string }
    expect([answer.status, told, typeof detail]).toEqual([status, code, 'string'])
    for (const [secret] of text.matchAll(/[0-9a-f]{64}/g)) expect(detail).not.toContain(secret)
  }

  return { get, post, keyset, blind, unblind, issue, mint, net, swap, states, refused, crypto }
}

export interface Simulated {
  readonly mint: Mint
  readonly backend: FakeBackend
  readonly store: Store
  readonly client: Client
  /** Moves the clock. */
  readonly pass: (ms: number) => void
}

/** A mint in process, with stub crypto, its rows in memory and a clock that stands still. Nothing in it is random. */
export async function simulated(
  options: Partial<MintOptions> = {},
  lightning: Partial<FakeBackendOptions> = { autoPayMs: 0 },
  /** Several processes on one store draw different numbers. */
  process = 0,
): Promise<Simulated> {
  let now = 1_800_000_000_000
  let drawn = 0
  const store = options.store ?? (await memoryStore().open(mintSchema))
  const ports = {
    store,
    random: (length: number) => {
      drawn++
      return Uint8Array.from({ length }, (_, place) => (place < 4 ? drawn >>> (8 * place) : process) & 0xff)
    },
  }
  const backend = fakeBackend({ ...ports, clock: () => now, invoiceCodec: plainInvoice, ...lightning })
  const mint = await createMint({
    ...ports,
    crypto: stubCrypto,
    signatory: localSignatory({ seed: new Uint8Array(32), crypto: stubCrypto }),
    backend,
    clock: { ...systemClock, now: () => now, monotonicMs: () => now },
    ...options,
  })
  return {
    mint,
    backend,
    store,
    client: client((method, path, body) => mint.handle(method, path, body), stubCrypto),
    pass: (ms) => {
      now += ms
    },
  }
}

/** Decides the payment of a melt quote. */
export async function decide(
  { mint, backend }: { readonly mint: Pick<Mint, 'handle'>; readonly backend: FakeBackend },
  quoteId: string,
  state: 'paid' | 'failed',
): Promise<boolean> {
  const { body } = await mint.handle('GET', `/v1/melt/quote/bolt11/${quoteId}`)
  const { request } = JSON.parse(body) as { request: string }
  return backend.decide(backend.decode('bolt11', request)!.requestId, state)
}
