/** Records spans and metrics in memory, by OpenTelemetry's own SDK, each recorder for itself: one stands for one process. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { context, ROOT_CONTEXT, type Context, type ContextManager, type Tracer } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { onTestFinished } from 'vitest'
import type { Telemetry } from '../../src/kernel/index.ts'
import { openTelemetry } from '../../src/otel/index.ts'

/** A point of a metric, as it was exported. */
export interface Exported {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of a histogram: how many values it has. */
  readonly value: number
}

export interface Recorder {
  readonly telemetry: Telemetry
  readonly tracer: Tracer
  /** Those that have ended. */
  readonly spans: () => ReadableSpan[]
  /** The points of all metrics at the moment. */
  readonly metrics: () => Promise<Exported[]>
}

const isDistribution = (value: unknown): value is { readonly count: number } =>
  typeof value === 'object' && value !== null && 'count' in value && typeof value.count === 'number'

export function recorder(): Recorder {
  const spans = new InMemorySpanExporter()
  const traces = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meters = new MeterProvider({ readers: [reader] })
  onTestFinished(async () => {
    await Promise.all([traces.shutdown(), meters.shutdown()])
  })
  const tracer = traces.getTracer('test')
  return {
    telemetry: openTelemetry({ tracer, meter: meters.getMeter('test') }),
    tracer,
    spans: () => spans.getFinishedSpans(),
    async metrics() {
      exporter.reset()
      await reader.forceFlush()
      return exporter.getMetrics().flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics }) =>
          metrics.flatMap(({ descriptor: { name }, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => ({
              name,
              attributes,
              value: isDistribution(value) ? value.count : value,
            })),
          ),
        ),
      )
    },
  }
}

/** Contexts follow what is called from here on, as they do in a program that set its SDK up; until the test is over. */
export function followContexts(): void {
  const stored = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => stored.getStore() ?? ROOT_CONTEXT,
    with: (of, call, self, ...args) => stored.run(of, () => call.apply(self, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  context.setGlobalContextManager(manager)
  onTestFinished(() => context.disable())
}
