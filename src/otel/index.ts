/** `hardshell/otel`: traces and metrics of operations, by `@opentelemetry/api` beside this package. */
import { metrics, trace, type Meter, type Tracer } from '@opentelemetry/api'
import { checkMethods, checkNames } from '../arguments.ts'
import type { Telemetry } from '../kernel/inspect/telemetry.ts'
import { ATTRIBUTES, METRICS, type Attributes, type Metric } from '../telemetry/names.ts'
import { allOf } from '../telemetry/together.ts'
import { measured } from './instruments.ts'
import { Spans } from './spans.ts'

export { ATTRIBUTES, METRICS, type Attributes, type Metric }
export type { Measured, Probe, Telemetry } from '../kernel/inspect/telemetry.ts'

/** What telemetry is made with. */
export interface TelemetryOptions {
  /** Makes the spans; the one named `hardshell` of the program's tracer provider unless given. `false`: no spans. */
  readonly tracer?: Tracer | false | undefined
  /** Makes the metrics; the one named `hardshell` of the program's meter provider unless given. `false`: no metrics. */
  readonly meter?: Meter | false | undefined
  /** Added to every span and every point, to tell several wallets of one program apart. They must not be secrets. */
  readonly attributes?: Attributes | undefined
}

const NAME = 'hardshell'

/**
 * Traces and metrics of operations, for the option `telemetry` of `openOperations`, `openWallet` and `createMintServer`. Without an
 * SDK that is set up in the program it records nothing.
 *
 * @throws {TypeError} naming the argument
 * @example
 * await using traced = await openWallet({ store, seed, telemetry: openTelemetry() })
 */
export function openTelemetry(options: TelemetryOptions = {}): Telemetry {
  checkNames(options, 'options', ['tracer', 'meter', 'attributes'])
  const { tracer = trace.getTracer(NAME), meter = metrics.getMeter(NAME), attributes = {} } = options
  if (tracer !== false) checkMethods(tracer, 'tracer', ['startSpan'])
  if (meter !== false) checkMethods(meter, 'meter', ['createHistogram', 'createObservableGauge'])
  checkAttributes(attributes)
  return {
    begin: (of) =>
      allOf([
        ...(tracer === false ? [] : [new Spans(of, { tracer, attributes })]),
        ...(meter === false ? [] : [measured(of, { meter, attributes })]),
      ]),
  }
}

/** @throws {TypeError} */
function checkAttributes(attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new TypeError(`attributes.${name}: a text or a number`)
}
