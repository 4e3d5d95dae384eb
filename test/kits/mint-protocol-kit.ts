/** What the tests of the mint's protocol have in common: a mint whose refusals change nothing, and people who pay it. */
import { expect } from 'vitest'
import {
  localSignatory,
  mintSchema,
  type FakeBackendOptions,
  type MintOptions,
  type Signatory,
} from '../../src/mint-server/index.ts'
import { memoryStore, type Dump } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import {
  simulated,
  split,
  type Blinded,
  type Client,
  type MeltQuote,
  type MintQuote,
  type Output,
  type Proof,
  type Signature,
  type Simulated,
} from './mint-server-client.ts'

export interface Strict extends Simulated {
  readonly dump: () => Dump
  /** Sends a request that must be refused with this code, and leave every row as it was. */
  readonly refused: (code: number, path: string, request: object | string, status?: number) => Promise<void>
}

/** A refusal leaves all rows as they were, but for kept answers whose time is over: those may be swept at any time. */
export function unchanged({ responses: kept = [], ...before }: Dump, { responses: left = [], ...after }: Dump): void {
  expect(after).toEqual(before)
  expect(kept).toEqual(expect.arrayContaining([...left]))
}

/** A simulated mint whose rows are looked at before and after each refusal. */
export async function strict(
  options?: Partial<MintOptions>,
  lightning?: Partial<FakeBackendOptions>,
  /** What comes between the mint and its rows. */
  between: (store: Store) => Store = (store) => store,
): Promise<Strict> {
  const adapter = memoryStore()
  const world = await simulated({ store: between(await adapter.open(mintSchema)), ...options }, lightning)
  return {
    ...world,
    dump: () => adapter.dump(),
    async refused(code, path, request, status = 400) {
      const before = adapter.dump()
      await world.client.refused(code, path, request, status)
      unchanged(before, adapter.dump())
    },
  }
}

/** The signatory of the simulated mints. */
export const signatory: Signatory = localSignatory({ seed: new Uint8Array(32), crypto: stubCrypto })

/** Somebody who can be held up: `closed` calls wait until `open` is called. */
export function gate() {
  let closed: PromiseWithResolvers<void> | undefined
  return {
    close() {
      closed = Promise.withResolvers()
    },
    open() {
      closed?.resolve()
      closed = undefined
    },
    passed: (): Promise<void> => closed?.promise ?? Promise.resolve(),
  }
}

export const HOUR_MS = 3_600_000
export const key = (byte: number): string => stubCrypto.privateKey(new Uint8Array(32).fill(byte))

export const messages = (outputs: readonly Blinded[]): Output[] => outputs.map(({ message }) => message)

/** Outputs of an amount, with what it takes to unblind them. */
export const outputsOf = async (client: Client, amount: number, unit = 'sat'): Promise<Blinded[]> =>
  client.blind(split(amount), (await client.keyset(unit)).id)

/** Blank outputs (NUT-08). */
export const blanksOf = async (client: Client, count: number, unit = 'sat'): Promise<Blinded[]> =>
  client.blind(
    Array.from({ length: count }, () => 0),
    (await client.keyset(unit)).id,
  )

export interface PaidQuote extends MintQuote {
  readonly method: string
  readonly unit: string
  readonly pubkey: string | null
  readonly amount_paid: number
  readonly amount_issued: number
}

export const mintQuote = ({ client }: Pick<Simulated, 'client'>, method: string, request: object): Promise<PaidQuote> =>
  client.post<PaidQuote>(`/v1/mint/quote/${method}`, { unit: 'sat', ...request })

export const checked = ({ client }: Pick<Simulated, 'client'>, { method, quote }: PaidQuote): Promise<PaidQuote> =>
  client.get<PaidQuote>(`/v1/mint/quote/${method}/${quote}`)

/** Somebody pays what a quote asks for, and the mint notices: what it is asked next changes nothing more. */
export async function paid(world: Simulated, quote: PaidQuote, amountSat?: number): Promise<PaidQuote> {
  const { backend } = world
  const method = quote.method as 'bolt11' | 'bolt12'
  expect(await backend.settle(backend.decode(method, quote.request)!.requestId, amountSat)).toBe(true)
  return checked(world, quote)
}

/** The body of an issue, signed where a key is given (NUT-20). */
export const issueBody = (quote: string, outputs: readonly Output[], privateKey?: string): object => ({
  ...{ quote, outputs },
  ...(privateKey && { signature: stubCrypto.signMintRequest(privateKey, quote, outputs, 'framed') }),
})

export interface Signatures {
  readonly signatures: readonly Signature[]
}

/** A melt quote of an invoice of somebody else's, whose memo scripts the payment. */
export const meltQuote = (
  { client, backend }: Pick<Simulated, 'client' | 'backend'>,
  amountSat: number,
  script: object = {},
): Promise<MeltQuote> => {
  const request = backend.foreignInvoice({ amountSat, memo: JSON.stringify(script) })
  return client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
}

/** Ecash with secrets of one's own choice: locked, say. */
export async function minted(
  { client }: Pick<Simulated, 'client'>,
  amount: number,
  secrets: readonly string[],
): Promise<Proof[]> {
  const { id } = await client.keyset()
  const outputs = client.blind(
    secrets.map(() => amount),
    id,
  )
  const locked = outputs.map((output, at): Blinded => {
    const B_ = client.crypto.blind(secrets[at]!, output.r)
    return { ...output, secret: secrets[at]!, message: { ...output.message, B_ } }
  })
  const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: amount * secrets.length, unit: 'sat' }) // prettier-ignore
  const { signatures } = await client.post<Signatures>('/v1/mint/bolt11', { quote, outputs: messages(locked) })
  return client.unblind(signatures, locked)
}
