/** The wallet: a thin user of the kernel. */
import {
  checkClock,
  checkCount,
  checkDuration,
  checkFunction,
  checkMethods,
  checkNames,
  checkObject,
} from '../arguments.ts'
import { taker } from '../time-slices.ts'
import { mintClient, type MintClient } from '../cashu/client.ts'
import { readInvoice } from '../cashu/invoice.ts'
import type { CryptoInUse, WalletCrypto } from '../cashu/crypto.ts'
import { Kept } from '../cashu/curve.ts'
import { nobleCrypto } from '../cashu/noble-crypto.ts'
import { fetchTransport, type Transport } from '../cashu/transport.ts'
import type { KindOf, KindOperations } from '../kernel/kind-operations.ts'
import type { Inspect } from '../kernel/inspect/inspect.ts'
import { makeInspectable } from '../kernel/inspect/inspectable.ts'
import type { Log } from '../kernel/inspect/log.ts'
import type { Telemetry } from '../kernel/inspect/telemetry.ts'
import { openOperations, partsIn } from '../kernel/operations.ts'
import type { CloseOptions, OnError } from '../kernel/options.ts'
import { checkKeepSteps, type StepsKept } from '../kernel/define/steps.ts'
import type { Role } from '../kernel/share/ownership.ts'
import { systemClock, systemRandom, type Clock, type Random } from '../kernel/util/ports.ts'
import type { OperationKind, OperationView } from '../kernel/define/operation.ts'
import { KeyValues } from '../store/kv.ts'
import type { StoreAdapter } from '../store/port.ts'
import type {
  MeltOperations,
  MintOperations,
  ReceiveOperations,
  RestoreOperations,
  SendOperations,
  SwapOperations,
  Wallet,
} from './api.ts'
import { balances, walletTotals, type Balance } from './balances.ts'
import type { WalletEnv } from './env.ts'
import { prepareReceive, ReceiveHandle, receiveKind } from './kinds/receive.ts'
import { History } from './history-records.ts'
import { claimStore } from './seed.ts'
import { onWalletEvent, type WalletEvents } from './events.ts'
import { meltKind, MeltHandle, prepareMelt } from './kinds/melt.ts'
import { mintKind, MintHandle, prepareMint } from './kinds/mint.ts'
import { prepareRestore, RestoreHandle, restoreKind } from './kinds/restore.ts'
import { prepareSend, SendHandle, sendKind } from './kinds/send.ts'
import { prepareSwap, SwapHandle, swapKind } from './kinds/swap.ts'
import { cancelIn, walletKinds } from './kinds/index.ts'
import { Mints } from './mints.ts'
import type { WalletPorts } from './ports.ts'
import { Standings } from './standings.ts'
import { type Store, walletSchema } from './tables.ts'
import { WalletMints } from './wallet-mints.ts'
import { WalletOperations } from './wallet-operations.ts'

/** What a wallet is opened with. */
export interface WalletOptions {
  /** Where the wallet lives: `sqliteStore({ path })`, `memoryStore()`. One seed, one live store. */
  readonly store: StoreAdapter
  /**
   * The secret from which all secrets are derived (NUT-13): 64 bytes from a BIP39 phrase. It is copied, and the copy
   * filled with zeros at the end of `close`. A store knows its seed by a salted mark, and takes no other.
   */
  readonly seed: Uint8Array
  /** How a request reaches a mint; the platform's `fetch` unless given. */
  readonly transport?: Transport
  /**
   * The curve and the hashes; this package's own unless given. `'auto'` takes the quickest that is installed, and
   * `wallet.crypto` says which: in Node `secp256k1`, then `tiny-secp256k1`, then this package's own.
   */
  readonly crypto?: WalletCrypto | 'auto'
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
  /** Bytes of randomness; the platform's unless given. */
  readonly random?: Random
  /** Reads an invoice before it is handed to a mint; bolt11 unless given. */
  readonly invoiceAmount?: WalletPorts['invoiceAmount']
  /** Requests that may be under way at once at one mint; 8 unless given. */
  readonly requestsPerMint?: number
  /**
   * A request without an answer for this long counts as lost, and the wallet asks what became of it. 30,000 ms unless
   * given. A melt waits at least ten minutes, because mints answer it when the payment is through.
   */
  readonly requestTimeoutMs?: number
  /** Gets every committed step in XState's inspection format, without secrets. */
  readonly inspect?: Inspect
  /**
   * How long the steps of operations are kept (`operations.steps`); 200 of each operation, until 90 days after its end, unless
   * given. `false`: none are recorded.
   */
  readonly keepSteps?: StepsKept | false | undefined
  /**
   * Hears of each error that keeps an operation from going on. Unless it or `log` is given, what is set aside for one is
   * reported to the platform (`reportError`, or the console), without secrets.
   */
  readonly onError?: OnError
  /** Gets structured events with a level: steps, what the start resumed, errors. They hold ids, states and codes, and no secrets. */
  readonly log?: Log
  /** Follows each commit and each request: `openTelemetry(...)` of `hardshell/otel`. */
  readonly telemetry?: Telemetry
}

/** The longest time that crypto blocks the thread. */
const SLICE_MS = 20

/** Of how many keysets what their counters share is kept. */
const MOST_DERIVERS = 64

/** An open wallet in this process; `api.ts` says what its members do. */
class OpenWallet implements Wallet {
  readonly #env: WalletEnv
  readonly #store: Store
  readonly #forget: () => void
  /** The mints that the wallet knows, and which of them it trusts. */
  readonly mints: WalletMints
  /** Ecash for a payment (NUT-04). */
  readonly mint: MintOperations
  /** Payments of invoices with ecash (NUT-05). */
  readonly melt: MeltOperations
  /** Tokens of others, swapped for ecash of one's own (NUT-03). */
  readonly receive: ReceiveOperations
  /** What the seed has at a mint, for a database that was lost (NUT-09, NUT-13). */
  readonly restore: RestoreOperations
  /** Tokens to hand to somebody (NUT-00). */
  readonly send: SendOperations
  /** Ecash in other amounts (NUT-03). */
  readonly swap: SwapOperations
  /** All operations, of whatever kind. */
  readonly operations: WalletOperations
  /** What came of operations, and what of them is under way. */
  readonly history: History
  /** What an application keeps beside its money, in the same database. */
  readonly kv: KeyValues

  /** Use `openWallet`. */
  constructor(env: WalletEnv, store: Store, forget: () => void) {
    this.#env = env
    this.#store = store
    this.#forget = forget
    this.mints = new WalletMints(env.mints)
    this.operations = new WalletOperations(env)
    this.history = new History(store)
    this.kv = new KeyValues(store)
    const api = <O, H, M extends OperationKind['machine']>(
      kind: KindOf<M>,
      prepare: (env: WalletEnv, options: O) => Promise<H>,
      Handle: new (env: WalletEnv, calls: KindOperations<M>, view: OperationView) => H,
    ) => {
      const calls = env.operations.of(kind)
      return {
        prepare: (options: O) => prepare(env, options),
        get: async (id: string) => new Handle(env, calls, await calls.get(id)),
      }
    }
    this.mint = api(mintKind, prepareMint, MintHandle)
    this.melt = api(meltKind, prepareMelt, MeltHandle)
    this.receive = api(receiveKind, prepareReceive, ReceiveHandle)
    this.restore = api(restoreKind, prepareRestore, RestoreHandle)
    this.send = api(sendKind, prepareSend, SendHandle)
    this.swap = api(swapKind, prepareSwap, SwapHandle)
  }

  on<E extends keyof WalletEvents>(event: E, listener: (event: WalletEvents[E]) => void): () => void {
    return onWalletEvent(this.#env, event, listener)
  }

  get role(): Role {
    return this.#env.operations.role
  }

  get roleReason(): string | undefined {
    return this.#env.operations.roleReason
  }

  /** Which library computes the wallet's crypto, and what `crypto: 'auto'` passed over. */
  get crypto(): CryptoInUse {
    return this.#env.crypto
  }

  async balances(): Promise<Balance[]> {
    return balances(await this.#store.sum('proofs'), await this.#store.sum('owed'))
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkNames(options, 'options', ['deadlineMs'])
    checkDuration(options.deadlineMs, 'deadlineMs', { least: -Infinity, endless: true })
    const { operations } = this.#env
    operations.close(options)
    try {
      await operations.closed
      await this.#store.close()
    } finally {
      // No commit lands any more, so derived secrets that are still in use have no effect.
      this.#forget()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The crypto that was asked for. What finds the quickest is loaded by those who ask for that. */
async function cryptoOf(asked: WalletOptions['crypto']): Promise<{ crypto: WalletCrypto; inUse: CryptoInUse }> {
  if (asked === 'auto') return (await import('../crypto/auto.ts')).autoWalletCrypto()
  const crypto = asked ?? nobleCrypto
  return { crypto, inUse: { name: crypto.name ?? 'custom', passedOver: [] } }
}

/**
 * Opens a wallet: what was unfinished is taken up at once, in the background; nothing waits for the network.
 *
 * @throws {TypeError} naming the argument; {HardshellError} `SEED_MISMATCH` where the store belongs to another seed;
 *   {StoreError} `NEWER` where the database belongs to a later version.
 * @example
 * await using wallet = await openWallet({ store: sqliteStore({ path: 'wallet.db' }), seed: await seedOf(phrase) })
 * await wallet.mints.trust(mintUrl)
 */
export async function openWallet(options: WalletOptions): Promise<Wallet> {
  checkObject(options, 'options')
  const { clock = systemClock, random = systemRandom, transport = fetchTransport() } = options
  const { inspect, onError, log, telemetry } = options
  if (typeof options.store?.open !== 'function')
    throw new TypeError('store: a store adapter, such as sqliteStore({ path })')
  const given: unknown = options.seed
  if (!(given instanceof Uint8Array) || given.length < 16 || given.length > 64)
    throw new TypeError('seed: 16 to 64 bytes')
  checkCount(options.requestsPerMint, 'requestsPerMint')
  checkDuration(options.requestTimeoutMs, 'requestTimeoutMs', { least: 1, endless: true })
  checkClock(options.clock)
  checkKeepSteps(options.keepSteps)
  if (options.crypto !== undefined && options.crypto !== 'auto') checkObject(options.crypto, 'crypto')
  for (const name of ['transport', 'random', 'invoiceAmount', 'inspect', 'onError', 'log'] as const)
    checkFunction(options[name], name)
  if (telemetry !== undefined) checkMethods(telemetry, 'telemetry', ['begin'])
  // The caller may overwrite its own.
  const seed = Uint8Array.from(given)
  const { crypto, inUse } = await cryptoOf(options.crypto)
  const derivers = new Kept(MOST_DERIVERS, (keysetId) => crypto.deriver(seed, keysetId))
  const forget = (): void => {
    seed.fill(0)
    derivers.clear()
  }
  const store = await options.store.open(walletSchema).catch((error: unknown) => {
    forget()
    throw error
  })
  try {
    await claimStore(store, seed, { clock, random })
  } catch (error) {
    forget()
    await store.close()
    throw error
  }
  const standings = new Standings({ store, clock, transport })
  const clients = new Map<string, MintClient>()
  const client = (mintUrl: string): MintClient => {
    const heard = standings.transportOf(mintUrl)
    const found =
      clients.get(mintUrl) ?? mintClient({ mintUrl, transport: heard, timeoutMs: options.requestTimeoutMs, clock })
    clients.set(mintUrl, found)
    return found
  }
  const turn = clock.turn?.bind(clock) ?? taker(SLICE_MS)
  const ports: WalletPorts = {
    ...{ crypto, random, turn, client },
    deriver: (keysetId) => derivers.get(keysetId),
    invoiceAmount: options.invoiceAmount ?? readInvoice,
  }
  const mints = new Mints({ store, ports, now: () => clock.now(), standings })
  const operations = openOperations<WalletPorts>({
    store,
    tables: walletSchema.tables,
    kinds: walletKinds,
    ports,
    clock,
    random,
    laneLimit: options.requestsPerMint ?? 8,
    laneOpen: (mintUrl) => mints.isTrusted(mintUrl),
    ...(inspect && { inspect }),
    ...(onError && { onError }),
    ...(log && { log }),
    ...(telemetry && { telemetry }),
    keepSteps: options.keepSteps,
  })
  standings.begin(partsIn(operations).limiter)
  // Another process may trust a mint, or store what a mint said about itself.
  store.watch('mints', () => {
    operations.recheck()
    void standings.read().catch(() => {})
  })
  const cancel = (id: string): Promise<boolean> => cancelIn(operations, id)
  const wallet = new OpenWallet({ operations, cancel, store, ports, mints, crypto: inUse }, store, forget)
  makeInspectable(wallet, { operations, cancel, totals: walletTotals(store) })
  return wallet
}
