/**
 * What telemetry costs, on files of SQLite: a small kind of operation runs without it and in each way with it, in turns; the
 * difference is what a step takes more. What exports spans, and sends them somewhere, is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { NoopSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Telemetry } from '../../src/kernel/index.ts'
import { openTelemetry } from '../../src/otel/index.ts'
import { prometheusMetrics } from '../../src/telemetry/prometheus.ts'
import { cpuUs, errands, median, STEPS } from './steps.ts'

/** What one way of telemetry takes. */
export interface TelemetryCost {
  readonly what: string
  /** CPU that a step takes more than without it, in microseconds. */
  readonly usPerStep: number
  readonly most: number
}

const WARM_UP = 50
const TURNS = 400

const ways = (): readonly { readonly what: string; readonly telemetry?: Telemetry; readonly most: number }[] => {
  const tracer = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('bench')
  const meter = new MeterProvider().getMeter('bench')
  return [
    { what: 'no telemetry', most: 0 },
    { what: 'metrics for Prometheus', telemetry: prometheusMetrics(), most: 50 },
    { what: 'OpenTelemetry without an SDK', telemetry: openTelemetry(), most: 100 },
    { what: 'OpenTelemetry with its SDK', telemetry: openTelemetry({ tracer, meter }), most: 300 },
  ]
}

export async function measureTelemetry(): Promise<readonly TelemetryCost[]> {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-bench-'))
  try {
    const sides = await Promise.all(
      ways().map(async ({ what, telemetry, most }, at) => {
        const side = await errands(join(dir, `${at}.db`), telemetry ? { telemetry } : {})
        const taken: number[] = []
        return { what, most, side, taken }
      }),
    )
    for (let at = 0; at < WARM_UP; at++) for (const { side } of sides) await side.run()
    for (let at = 0; at < TURNS; at++)
      for (const { side, taken } of at % 2 === 0 ? sides : sides.toReversed()) {
        const before = cpuUs()
        await side.run()
        taken.push(cpuUs() - before)
      }
    for (const { side } of sides) await side.close()
    const [without, ...others] = sides
    return others.map(({ what, most, taken }) => ({
      what,
      most,
      usPerStep: (median(taken) - median(without?.taken)) / STEPS,
    }))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
