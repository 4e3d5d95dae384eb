/** The metrics of one store's operations as OpenTelemetry's instruments: most are read when an exporter asks. */
import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import type { Measured } from '../kernel/inspect/telemetry.ts'
import { Measures } from '../telemetry/measures.ts'
import { COMMIT_BOUNDS, METRICS, type Attributes, type Metric } from '../telemetry/names.ts'

interface InstrumentsOptions {
  readonly meter: Meter
  /** Of every point. */
  readonly attributes: Attributes
}

/** Makes the instruments, and what they show. They show nothing more once the operations are closed. */
export function measured(of: Measured, { meter, attributes }: InstrumentsOptions): Measures {
  const { name, unit, description } = METRICS.commits
  const advice = { explicitBucketBoundaries: [...COMMIT_BOUNDS] }
  const commits = meter.createHistogram(name, { unit, description, advice })
  const measures = new Measures(of, {
    onCommit: (seconds, more) => commits.record(seconds, { ...attributes, ...more }),
  })
  const observed = new Map<Metric, Observable>()
  for (const { metric } of measures.readings) observed.set(metric, observable(meter, metric))
  const observe: BatchObservableCallback = (result) => {
    for (const { metric, points } of measures.readings) {
      const instrument = observed.get(metric)
      for (const point of points)
        if (instrument) result.observe(instrument, point.value, { ...attributes, ...point.attributes })
    }
  }
  const all = [...observed.values()]
  meter.addBatchObservableCallback(observe, all)
  of.signal.addEventListener('abort', () => meter.removeBatchObservableCallback(observe, all), { once: true })
  return measures
}

const observable = (meter: Meter, { name, type, unit, description }: Metric): Observable =>
  type === 'counter'
    ? meter.createObservableCounter(name, { unit, description })
    : meter.createObservableGauge(name, { unit, description })
