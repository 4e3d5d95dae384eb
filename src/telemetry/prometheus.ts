/** Metrics as Prometheus reads them: its text format, with the names that OpenTelemetry's own exporter gives. */
import type { Telemetry } from '../kernel/inspect/telemetry.ts'
import { Measures } from './measures.ts'
import { COMMIT_BOUNDS, METRICS, type Attributes, type Metric } from './names.ts'

/** Metrics of operations, for Prometheus. */
export interface PrometheusMetrics extends Telemetry {
  /** All metrics in Prometheus' text format, as they are at the moment; of operations that are closed, as they were last. */
  text(): string
}

/** What Prometheus' text is, as an HTTP header says it. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const UNITS: { readonly [unit: string]: string } = { s: '_seconds' }

const nameOf = ({ name, unit, type }: Metric): string =>
  `${name.replaceAll('.', '_')}${UNITS[unit] ?? ''}${type === 'counter' ? '_total' : ''}`

const escaped = (value: string): string =>
  value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const labelsOf = (attributes: Attributes): string => {
  const labels = Object.entries(attributes).map(
    ([name, value]) => `${name.replaceAll('.', '_')}="${escaped(`${value}`)}"`,
  )
  return labels.length > 0 ? `{${labels.join(',')}}` : ''
}

const head = (metric: Metric): string[] => [
  `# HELP ${nameOf(metric)} ${metric.description}`,
  `# TYPE ${nameOf(metric)} ${metric.type}`,
]

function linesOf(measures: Measures): string[] {
  const lines = measures.readings.flatMap(({ metric, points }) => [
    ...head(metric),
    ...points.map(({ attributes, value }) => `${nameOf(metric)}${labelsOf(attributes)} ${value}`),
  ])
  const name = nameOf(METRICS.commits)
  lines.push(...head(METRICS.commits))
  for (const { attributes, counts, sum } of measures.commits) {
    let below = 0
    for (const [at, count] of counts.entries()) {
      below += count
      lines.push(`${name}_bucket${labelsOf({ ...attributes, le: COMMIT_BOUNDS[at] ?? '+Inf' })} ${below}`)
    }
    lines.push(`${name}_sum${labelsOf(attributes)} ${sum}`, `${name}_count${labelsOf(attributes)} ${below}`)
  }
  return lines
}

/** Metrics of one store's operations for Prometheus; give them to `telemetry`. */
export function prometheusMetrics(): PrometheusMetrics {
  let measures: Measures | undefined
  return {
    begin(of) {
      measures = new Measures(of)
      return measures
    },
    text: () => (measures ? `${linesOf(measures).join('\n')}\n` : ''),
  }
}
