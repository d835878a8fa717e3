import type { Runtime } from '../../util/runtime.js'
import type { TableIdentifier } from '../catalog-backend.js'
import { printMetricsReport, type MetricsReport, type MetricsSink } from '../metrics-report.js'
import type { RestConfig } from './rest-config.js'
import { endpoints } from './rest-endpoints.js'
import type { RestRequest } from './rest-http.js'

export interface RestMetricsOptions {
  readonly runtime: Runtime
  readonly onMetrics: ((report: MetricsReport) => void) | undefined
  readonly send: (request: RestRequest, identifier: TableIdentifier) => Promise<unknown>
}

/** Reports beyond these are dropped while so many are on their way. */
const MAX_PENDING = 64
const SEND_TIMEOUT_MS = 10_000
/** What closing waits for reports that are on their way. */
const CLOSE_WAIT_MS = 1000

/**
 * Reports scans and commits to the server, where it takes reports and `rest-metrics-reporting-enabled` is not `false`. No scan or commit
 * waits for it or fails with it. Source: `RESTMetricsReporter`
 */
export class RestMetrics {
  readonly #options: RestMetricsOptions
  #config: RestConfig | undefined
  readonly #pending = new Set<Promise<void>>()
  readonly #closing = new AbortController()

  constructor(options: RestMetricsOptions) {
    this.#options = options
  }

  useConfig(config: RestConfig): void {
    const isWanted = config.properties.get('rest-metrics-reporting-enabled')?.toLowerCase() !== 'false'
    this.#config = isWanted && config.endpoints.has(endpoints.reportMetrics) ? config : undefined
  }

  /** Where a table's reports go; `undefined`: nobody wants them. */
  of(identifier: TableIdentifier): MetricsSink | undefined {
    const { runtime, onMetrics } = this.#options
    const config = this.#config
    if (config === undefined && onMetrics === undefined) return undefined
    const report = (metrics: MetricsReport): void => {
      if (config !== undefined) this.#send(config, identifier, metrics)
      onMetrics?.(metrics)
    }
    return { now: () => runtime.now(), report }
  }

  /** Lets go of what is on its way after a moment. */
  async close(): Promise<void> {
    if (this.#pending.size > 0) {
      const stop = new AbortController()
      const moment = this.#options.runtime.sleep(CLOSE_WAIT_MS, stop.signal).catch(() => undefined)
      await Promise.race([Promise.all(this.#pending), moment])
      stop.abort()
    }
    this.#closing.abort()
  }

  #send(config: RestConfig, identifier: TableIdentifier, report: MetricsReport): void {
    if (this.#pending.size >= MAX_PENDING || this.#closing.signal.aborted) return
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
    const path = config.paths.metrics(identifier)
    const request: RestRequest = { method: 'POST', path, body: printMetricsReport(report), signal, subject: 'a report' }
    const sent = this.#options
      .send(request, identifier)
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#pending.delete(sent))
    this.#pending.add(sent)
  }
}
