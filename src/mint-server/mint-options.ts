/** What a mint is made of, and the checks of it. */
import {
  checkClock,
  checkCount,
  checkDuration,
  checkFunction,
  checkList,
  checkMethods,
  checkNames,
  checkOneOf,
  checkText,
} from '../arguments.ts'
import type { InspectionEvent } from '../kernel/inspect/inspect.ts'
import type { Log } from '../kernel/inspect/log.ts'
import type { Telemetry } from '../kernel/inspect/telemetry.ts'
import { checkKeepSteps, type StepsKept } from '../kernel/define/steps.ts'
import type { OnError } from '../kernel/options.ts'
import type { Clock, Random } from '../kernel/util/ports.ts'
import type { Store } from '../store/port.ts'
import type { HighWaterMark } from './db/high-water.ts'
import type { PaymentBackend } from './lightning/payment-backend.ts'
import { checkBackend, checkMintCrypto, checkSignatory, checkStore } from './port-checks.ts'
import { OPTIONAL_NUTS, type MintPorts, type MintSettings } from './ports.ts'

/** What a mint is made of. */
export interface MintOptions
  extends Omit<MintPorts, 'settings' | 'clock' | 'backend' | 'calls'>, Partial<MintSettings> {
  /** Who pays and is paid. */
  readonly backend: PaymentBackend
  /** Opened with `mintSchema`. */
  readonly store: Store
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
  /** Bytes of randomness; the platform's unless given. */
  readonly random?: Random
  /** Where the mark of how far the seed has signed is kept. It reveals a database that is empty or older. Nowhere unless given. */
  readonly highWaterMark?: HighWaterMark
  /** Accepts a database that is empty, older, or another one than the seed has signed for. Spent ecash is valid again then. */
  readonly acceptEmptyDatabase?: boolean
  /** How long a request waits for its operation, in milliseconds; 30,000 unless given. */
  readonly waitMs?: number
  /** Gets every committed step in XState's inspection format, without secrets. */
  readonly inspect?: (event: InspectionEvent) => void
  /**
   * How many steps of an operation are kept, until it is deleted a day after its end: 200 unless given. `false`: none are
   * recorded.
   */
  readonly keepSteps?: Pick<StepsKept, 'perOperation'> | false | undefined
  /**
   * Hears of each error that keeps an operation from going on. Unless it or `log` is given, what is set aside for one is
   * reported to the platform (`reportError`, or the console).
   */
  readonly onError?: OnError
  /** Gets what the mint's operations tell: ids, states and codes, and no secrets. */
  readonly log?: Log
  /** Follows each commit and each request of the operations: `openTelemetry(...)` of `hardshell/otel`. */
  readonly telemetry?: Telemetry
}

const SETTINGS: readonly (keyof MintSettings)[] = [
  'name',
  'units',
  'feePpk',
  'amounts',
  'keysetVersion',
  'minAmount',
  'maxAmount',
  'cacheTtlMs',
  'quoteTtlMs',
  'offerTtlMs',
  'quoteRetentionMs',
  'feeReserve',
  'without',
]
const PORTS: readonly (keyof MintOptions)[] = ['store', 'crypto', 'signatory', 'backend', 'turn']
/** What a mint takes beside its ports. */
export const MINT_OPTIONS: readonly (keyof MintOptions)[] = [
  ...SETTINGS,
  'clock',
  'random',
  'highWaterMark',
  'acceptEmptyDatabase',
  'waitMs',
  'inspect',
  'keepSteps',
  'onError',
  'log',
  'telemetry',
]

/** @throws {TypeError} naming the argument */
export function checkMintOptions(options: MintOptions): void {
  checkNames(options, 'options', [...PORTS, ...MINT_OPTIONS])
  checkStore(options.store)
  checkMintCrypto(options.crypto)
  checkSignatory(options.signatory)
  checkBackend(options.backend)
  checkFunction(options.turn, 'turn')
  checkMintSettings(options)
}

/** @throws {TypeError} naming the argument */
export function checkMintSettings(options: Partial<Omit<MintOptions, 'store' | 'backend' | 'crypto'>>): void {
  const { name, units, amounts, without, offerTtlMs, highWaterMark, acceptEmptyDatabase } = options
  if (name !== undefined) checkText(name, 'name')
  if (units !== undefined) checkList(units, 'units', checkText, 1)
  if (amounts !== undefined) checkList(amounts, 'amounts', checkGivenCount, 1)
  if (without !== undefined) checkList(without, 'without', checkNut)
  checkOneOf(options.keysetVersion, 'keysetVersion', ['00', '01'])
  checkCount(options.feePpk, 'feePpk', 0)
  checkCount(options.minAmount, 'minAmount')
  checkCount(options.maxAmount, 'maxAmount')
  for (const each of ['cacheTtlMs', 'quoteTtlMs', 'quoteRetentionMs', 'waitMs'] as const)
    checkDuration(options[each], each)
  if (offerTtlMs !== null) checkDuration(offerTtlMs, 'offerTtlMs')
  for (const each of ['feeReserve', 'random', 'inspect', 'onError', 'log'] as const) checkFunction(options[each], each)
  if (options.telemetry !== undefined) checkMethods(options.telemetry, 'telemetry', ['begin'])
  checkClock(options.clock)
  checkKeepSteps(options.keepSteps)
  if (options.keepSteps) checkNames(options.keepSteps, 'keepSteps', ['perOperation'])
  if (highWaterMark !== undefined) checkMethods(highWaterMark, 'highWaterMark', ['read', 'write'])
  checkOneOf(acceptEmptyDatabase, 'acceptEmptyDatabase', [true, false])
}

const checkGivenCount = (value: unknown, name: string): void => checkCount(value ?? null, name)
const checkNut = (value: unknown, name: string): void => checkOneOf(value ?? null, name, OPTIONAL_NUTS)
