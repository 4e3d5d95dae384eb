/** Serves metrics to Prometheus, on a port of its own: what a mint's clients reach shows none. */
import { PROMETHEUS_TYPE, type PrometheusMetrics } from '../../telemetry/prometheus.ts'
import { silent } from '../cli/log.ts'
import { refusal, serveHttp, type HttpServer } from './http-server.ts'

/** Where metrics are served. */
export interface MetricsOptions {
  /** Any free port unless given. */
  readonly port?: number
  /** Loopback unless given. */
  readonly host?: string
}

const PATH = '/metrics'

/** A scrape has no body to speak of. */
const LIMITS = { maxBodyBytes: 1_024, requestTimeoutMs: 10_000 }

/** Rejects where it cannot listen. */
export async function serveMetrics(
  metrics: Pick<PrometheusMetrics, 'text'>,
  { port = 0, host = '127.0.0.1' }: MetricsOptions,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server: HttpServer = await serveHttp({
    // Nobody's log is filled with scrapes.
    ...{ ...LIMITS, port, host, log: silent, headers: { 'content-type': PROMETHEUS_TYPE } },
    answer: async ({ method, path }) =>
      method === 'GET' && path === PATH ? { status: 200, body: metrics.text() } : refusal(404, `GET ${PATH}`),
  })
  return {
    url: `${server.url}${PATH}`,
    async close() {
      server.stop()
      await server.end(0)
    },
  }
}
