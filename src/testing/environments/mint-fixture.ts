/** The stage of lives: a simulated mint without external funds. One fixture serves many lives, one at a time. */
import { CashuError } from '../../cashu/errors.ts'
import type { InvoiceTerms } from '../../cashu/invoice.ts'
import { fakeBackend, type FakeBackend, type FakeBackendOptions } from '../../mint-server/lightning/fake-backend.ts'
import { plainInvoice } from '../../mint-server/lightning/bolt11.ts'
import { plainOffer } from '../../mint-server/lightning/bolt12.ts'
import type { MintSettings } from '../../mint-server/ports.ts'
import { localSignatory } from '../../mint-server/signatory/signatory.ts'
import { memoryStore, type Dump, type MemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/port.ts'
import { systemClock, type Random } from '../../kernel/util/ports.ts'
import { atomicMint, atomicMintSchema, type AtomicMint } from './atomic-mint.ts'
import type { Inject } from '../explorer/choices.ts'
import { VirtualClock, worldRandom, type Life } from '../explorer/life.ts'
import { stubCrypto } from './stub-crypto.ts'
import { mintRows, rowsOf } from '../invariants/rows.ts'
import { fakeBackendTables } from '../../mint-server/lightning/fake-backend-tables.ts'

export const SEED = new Uint8Array(64).fill(7)
/** The amounts of the mint's keysets. */
export const POWERS = Array.from({ length: 12 }, (_, exponent) => 2 ** exponent)

/** The amount of one of the simulation's plain invoices. */
export function plainTerms(request: string): InvoiceTerms {
  const invoice = plainInvoice.decode(request)
  if (!invoice) throw new CashuError('INVOICE_MALFORMED', 'not a plain invoice')
  const { amountSat, paymentHash } = invoice
  return { ...(amountSat !== undefined && { msat: amountSat * 1000 }), paymentHash }
}

/** The options of a scenario's mint. */
export type MintTraits = Partial<
  Pick<MintSettings, 'feePpk' | 'feeReserve' | 'without' | 'cacheTtlMs' | 'quoteTtlMs' | 'amounts' | 'keysetVersion'>
> & {
  readonly autoPayMs?: number
}

export interface MintFixture {
  readonly mint: AtomicMint
  /** Gives the mint its rows, which are all of its state. */
  enter(rows: Dump, clock: VirtualClock, random: Random): void
  /** Begins a life, in which the mint may have faults of its own. */
  begin?(around: { readonly inject: Inject; readonly life: Life }): void
  /** The mint's current rows. */
  dump(): Dump
  /** Whether the mint has stored answers for replays (NUT-19). */
  remembers(): boolean
  /** Deletes them. */
  forget(): Promise<void>
  /** Makes an old keyset active again, beside the newest. */
  activate(keysetId: string): Promise<void>
  /** Pays a mint quote's invoice. */
  pay(quoteId: string): Promise<void>
  /** Decides the payments that are under way. */
  settle(state: 'paid' | 'failed'): Promise<void>
  /** Somebody's invoice; the memo may script how its payment goes (see `fakeBackend`). */
  invoice(amountSat: number, memo?: object): string
}

/** The Lightning backend of a simulated mint, with payment requests that are cheap to parse. */
export const fakeLightning = (
  of: Pick<FakeBackendOptions, 'store' | 'clock' | 'random' | 'autoPayMs' | 'sleep'>,
): FakeBackend => fakeBackend({ ...of, invoiceCodec: plainInvoice, offerCodec: plainOffer })

/**
 * What other people do at a mint and its Lightning backend, and what is read of its rows. It works for every way to
 * carry out requests.
 */
export function bystanders({
  rows,
  store,
  backend,
}: {
  readonly rows: Pick<MemoryStore, 'dump'>
  readonly store: Store
  readonly backend: FakeBackend
}): Pick<MintFixture, 'dump' | 'remembers' | 'invoice' | 'activate' | 'pay' | 'settle' | 'forget'> {
  return {
    dump: () => rows.dump(),
    remembers: () => mintRows(rows.dump()).responses.length > 0,
    invoice: (amountSat, memo) => backend.foreignInvoice({ amountSat, ...(memo && { memo: JSON.stringify(memo) }) }),
    activate: (id) => store.commit([{ patch: 'keysets', key: [id], set: { active: 1 } }]),
    async pay(quoteId) {
      const quote = mintRows(rows.dump()).mintQuotes.find(({ id }) => id === quoteId)
      if (quote) await backend.settle(quote.requestId)
    },
    async settle(state) {
      for (const { id } of rowsOf(fakeBackendTables, rows.dump()).fakeOutgoing) await backend.resolve(id, state)
    },
    async forget() {
      await store.commit(mintRows(rows.dump()).responses.map(({ key }) => ({ delete: 'responses', key: [key] })))
    },
  }
}

export async function newMintFixture({ autoPayMs = 0, ...traits }: MintTraits = {}): Promise<MintFixture> {
  const rows = memoryStore()
  const store = await rows.open(atomicMintSchema)
  let clock = new VirtualClock(0)
  let draw = worldRandom({ entropy: 0 })
  const now = (): number => clock.rightMs
  const random = (bytes: number): Uint8Array => draw(bytes)
  const backend = fakeLightning({ store, clock: now, random, autoPayMs })
  await backend.start()
  const mint = await atomicMint({
    store,
    crypto: stubCrypto,
    signatory: localSignatory({ seed: SEED, crypto: stubCrypto }),
    backend,
    clock: { ...systemClock, now },
    random,
    amounts: POWERS,
    ...traits,
  })
  return {
    ...bystanders({ rows, store, backend }),
    mint,
    enter(dump, time, source) {
      rows.load(dump)
      clock = time
      draw = source
    },
  }
}
