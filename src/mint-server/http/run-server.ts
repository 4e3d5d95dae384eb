/** A mint as a server on Node, with a fake Lightning backend: for demonstrations and tests. */
import { checkBytes, checkCount, checkNames, checkOneOf, checkPort, checkTexts, given } from '../../arguments.ts'
import { nobleMintCrypto } from '../../cashu/noble-mint-crypto.ts'
import { inspectableOf, makeInspectable } from '../../kernel/inspect/inspectable.ts'
import type { Telemetry } from '../../kernel/inspect/telemetry.ts'
import { systemClock, systemRandom } from '../../kernel/util/ports.ts'
import type { Store, StoreAdapter } from '../../store/port.ts'
import { adminOf } from '../cli/admin.ts'
import { REQUEST_LIMITS, type RequestLimits } from './doors.ts'
import type { CryptoInUse, MintCrypto, SignatoryCrypto } from '../../cashu/crypto.ts'
import { autoMintCrypto } from '../../crypto/auto.ts'
import { checkBehaviour, fakeBackend, type FakeBackend, type FakeBackendOptions } from '../lightning/fake-backend.ts'
import { silent, type ServerLog } from '../cli/log.ts'
import { startMint, type RunningMint } from '../mint.ts'
import { checkMintSettings, MINT_OPTIONS, type MintOptions } from '../mint-options.ts'
import { checkMintCrypto, checkSignatory, checkSignatoryCrypto } from '../port-checks.ts'
import { prometheusMetrics } from '../../telemetry/prometheus.ts'
import { together } from '../../telemetry/together.ts'
import { serveMetrics, type MetricsOptions } from './metrics.ts'
import { serveMint } from './serve.ts'
import { localSignatory, type Signatory } from '../signatory/signatory.ts'
import { mintSchema } from '../db/tables.ts'
import { inTimeSlices, taker } from '../protocol/time-slices.ts'
import { WEBSOCKET_LIMITS, type WebsocketLimits } from './websocket.ts'

type Supplied = 'store' | 'backend' | 'signatory' | 'crypto' | 'turn'

/** What a mint server is started with. */
export interface MintServerOptions extends Omit<MintOptions, Supplied | 'log'> {
  /** All private keys follow from it, unless there is a `signatory`. Its ecash is play money where left out. */
  readonly seed?: Uint8Array
  /**
   * The curve; this package's own unless given. `'auto'` takes the quickest that is installed, and the server's `crypto` says
   * which: `secp256k1`, or this package's own. `tiny-secp256k1` has no constant time for private keys, so it is not picked.
   */
  readonly crypto?: (MintCrypto & SignatoryCrypto) | 'auto'
  /** Where its rows live. */
  readonly store: StoreAdapter
  /** How the fake Lightning backend behaves. */
  readonly lightning?: Pick<FakeBackendOptions, 'autoPayMs' | 'feeSat' | 'invoiceCodec'>
  /** The signatory, if this process has no seed. */
  readonly signatory?: Signatory
  /** Any free port unless given. */
  readonly port?: number
  /** Loopback unless given. */
  readonly host?: string
  /** Serves `/admin/…` too: `true` to programs on this machine, `'anywhere'` to anybody. */
  readonly admin?: boolean | 'anywhere'
  /** 2 MiB unless given. */
  readonly maxBodyBytes?: number
  /** How long a client may take to send a request; 30 seconds unless given. */
  readonly requestTimeoutMs?: number
  /** What is not given is as in `WEBSOCKET_LIMITS`. */
  readonly websockets?: Partial<WebsocketLimits>
  /** How many requests are worked on at once; what is not given is as in `REQUEST_LIMITS`. */
  readonly requests?: Partial<RequestLimits>
  /**
   * The header in which the proxy in front of the mint gives the client's address, `x-forwarded-for` say; the last address in
   * it counts. Left out, a client is known by its connection: behind a proxy all are one then, and share one client's part.
   */
  readonly clientHeader?: string
  /** Gets every request, every failure and what the mint's operations tell, and never a secret. Nothing is logged unless given. */
  readonly log?: ServerLog
  /** Serves metrics in Prometheus' text format, at `/metrics` of a port of its own. Nowhere unless given. */
  readonly metrics?: MetricsOptions
}

/** A mint that listens. */
export interface MintServer {
  /** The address. */
  readonly url: string
  /** Where Prometheus finds the metrics; undefined where they are not served. */
  readonly metricsUrl: string | undefined
  /** The mint that is served. */
  readonly mint: RunningMint
  /** Which library computes the mint's crypto, and what `crypto: 'auto'` passed over. */
  readonly crypto: CryptoInUse
  /** The fake Lightning backend, for those who pay by hand. */
  readonly backend: FakeBackend
  /**
   * Takes no more requests, waits for those under way until the deadline (10 seconds unless given), then closes the
   * store. What is unfinished goes on at the next start.
   *
   * @throws {StoreError} where the database fails
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>
}

/** Everybody knows this seed: its ecash is play money, as the Lightning behind it is. */
const DEMO_SEED = new Uint8Array(32).fill(7)

/** The mint on an open store, and the Lightning behind it. */
async function startWithLightning(
  store: Store,
  options: MintServerOptions,
  { crypto, telemetry }: { readonly crypto: MintCrypto & SignatoryCrypto; readonly telemetry: Telemetry | undefined },
): Promise<{ mint: RunningMint; backend: FakeBackend }> {
  const { clock = systemClock, random = systemRandom, lightning, seed = DEMO_SEED } = options
  const { signatory = inTimeSlices(localSignatory({ seed, crypto })) } = options
  const backend = fakeBackend({ ...lightning, store, random, clock: () => clock.now() })
  const ports = { clock, random, store, crypto, signatory, backend, turn: taker() }
  return { mint: await startMint({ ...options, ...ports, ...(telemetry && { telemetry }) }), backend }
}

/** The crypto that was asked for. */
async function cryptoOf(
  asked: MintServerOptions['crypto'],
): Promise<{ crypto: MintCrypto & SignatoryCrypto; inUse: CryptoInUse }> {
  if (asked === 'auto') return autoMintCrypto()
  const crypto = asked ?? nobleMintCrypto
  return { crypto, inUse: { name: crypto.name ?? 'custom', passedOver: [] } }
}

const ADMIN = { true: 'here', false: 'nobody', anywhere: 'anywhere' } as const

/**
 * Opens the store, starts a mint on it and listens.
 * @throws {StoreError} The store cannot be opened. @throws Error It belongs to other keys, or the port is taken.
 * @example
 * const server = await createMintServer({ store: sqliteStore({ path: 'mint.db' }), port: 3338 })
 * console.log(server.url)
 * await server.close()
 */
export async function createMintServer(options: MintServerOptions): Promise<MintServer> {
  checkGiven(options)
  const { port = 0, host = '127.0.0.1', maxBodyBytes = 2 ** 21, requestTimeoutMs = 30_000 } = options
  const { clock = systemClock, log = silent, admin = false, websockets, requests, clientHeader, metrics } = options
  const { crypto, inUse } = await cryptoOf(options.crypto)
  const store = await options.store.open(mintSchema)
  const undo: (() => Promise<void>)[] = [() => store.close()]
  try {
    const counted = metrics && prometheusMetrics()
    const telemetry =
      counted && options.telemetry ? together([options.telemetry, counted]) : (options.telemetry ?? counted)
    const { mint, backend } = await startWithLightning(store, options, { crypto, telemetry })
    undo.unshift(() => mint.close({ deadlineMs: 0 }))
    const scraped = counted && (await serveMetrics(counted, metrics))
    if (scraped) undo.unshift(() => scraped.close())
    const served = await serveMint({
      mint,
      probe: () => store.get('keysets', ['health']),
      admin: adminOf({ mint, backend, from: ADMIN[`${admin}`] }),
      websockets: { ...WEBSOCKET_LIMITS, ...given(websockets ?? {}) },
      requests: { ...REQUEST_LIMITS, ...given(requests ?? {}) },
      clientHeader,
      ...{ port, host, maxBodyBytes, requestTimeoutMs, clock, log },
    })
    const server: MintServer = {
      url: served.url,
      metricsUrl: scraped?.url,
      mint,
      crypto: inUse,
      backend,
      async close({ deadlineMs = 10_000 } = {}) {
        await served.close(deadlineMs)
        await scraped?.close()
        await store.close()
      },
    }
    const inspectable = inspectableOf(mint)
    if (inspectable) makeInspectable(server, inspectable)
    return server
  } catch (error) {
    for (const step of undo) await step()
    throw error
  }
}

const OPTIONS: readonly (keyof MintServerOptions)[] = [
  ...MINT_OPTIONS.filter((name) => name !== 'store' && name !== 'backend' && name !== 'turn'),
  ...(['seed', 'crypto', 'store', 'lightning', 'signatory', 'port', 'host', 'admin', 'maxBodyBytes'] as const),
  ...(['requestTimeoutMs', 'websockets', 'requests', 'clientHeader', 'metrics'] as const),
]

/** @throws {TypeError} naming the argument */
function checkGiven(options: MintServerOptions): void {
  checkNames(options, 'options', OPTIONS)
  if (typeof options.store?.open !== 'function')
    throw new TypeError('store: a store adapter, such as sqliteStore({ path })')
  const { seed, crypto, signatory, lightning, websockets, requests } = options
  if (seed !== undefined) checkBytes(seed, 'seed')
  if (crypto !== undefined && crypto !== 'auto') {
    checkMintCrypto(crypto)
    checkSignatoryCrypto(crypto)
  }
  if (signatory !== undefined) checkSignatory(signatory)
  if (lightning !== undefined) {
    checkNames(lightning, 'lightning', ['autoPayMs', 'feeSat', 'invoiceCodec'])
    checkBehaviour(lightning)
  }
  if (websockets !== undefined) checkLimits(websockets, 'websockets', WEBSOCKET_LIMITS)
  if (requests !== undefined) {
    checkNames(requests, 'requests', Object.keys(REQUEST_LIMITS))
    for (const [name, limits] of Object.entries(given(requests))) {
      checkLimits(limits, `requests.${name}`, REQUEST_LIMITS.rest)
      for (const each of ['total', 'each'] as const) checkCount(limits[each] ?? null, `requests.${name}`)
    }
  }
  if (options.metrics !== undefined) {
    checkNames(options.metrics, 'metrics', ['port', 'host'])
    checkPort(options.metrics.port, 'metrics.port')
    checkTexts({ 'metrics.host': options.metrics.host })
  }
  checkPort(options.port, 'port')
  checkTexts({ host: options.host, clientHeader: options.clientHeader })
  checkOneOf(options.admin, 'admin', [true, false, 'anywhere'])
  checkCount(options.maxBodyBytes, 'maxBodyBytes')
  checkCount(options.requestTimeoutMs, 'requestTimeoutMs', 0)
  checkMintSettings(options)
}

/** @throws {TypeError} naming the limit */
function checkLimits(limits: object, name: string, known: object): void {
  checkNames(limits, name, Object.keys(known))
  for (const [limit, value] of Object.entries(limits)) checkCount(value, `${name}.${limit}`)
}
