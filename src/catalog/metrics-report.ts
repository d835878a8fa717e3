/** What scans and commits tell of themselves, to a catalog server or to a function of the caller's. */
import type { Snapshot } from '../snapshot/snapshot.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import type { Runtime } from '../util/runtime.js'

export type MetricsReport = ScanMetrics | CommitMetrics

interface TableMetrics {
  readonly tableName: string
  readonly snapshotId: bigint
  readonly durationMs: number
  /** By the protocol's names; those that end in `-bytes` are sizes. */
  readonly counters: ReadonlyMap<string, number>
}

/** Of a scan that was planned. */
export interface ScanMetrics extends TableMetrics {
  readonly type: 'scan-report'
  /** The expression as JSON, with its literals left out. */
  readonly filter: JsonValue
  readonly schemaId: number
  readonly projectedFieldIds: readonly number[]
  readonly projectedFieldNames: readonly string[]
}

/** Of a snapshot that was committed. */
export interface CommitMetrics extends TableMetrics {
  readonly type: 'commit-report'
  readonly sequenceNumber: bigint
  readonly operation: string
  readonly attempts: number
}

/** Where reports of a table go. */
export interface MetricsSink {
  /** The clock that durations are measured by, in milliseconds. */
  readonly now: () => number
  readonly report: (report: MetricsReport) => void
}

/** The sink that is a function of the caller's. */
export function metricsSink(onMetrics: ((report: MetricsReport) => void) | undefined, runtime: Pick<Runtime, 'now'>): MetricsSink | undefined {
  return onMetrics === undefined ? undefined : { now: () => runtime.now(), report: onMetrics }
}

/** Reports to a table's sink, if it has one. Whatever goes wrong is no matter of the operation's. */
export function reportMetrics(sink: MetricsSink | undefined, make: () => MetricsReport): void {
  if (sink === undefined) return
  try {
    sink.report(make())
  } catch {
    // A report is not worth a failure.
  }
}

/** The report of a commit, from the snapshot's summary. Source: `CommitMetricsResult.from` */
export function commitMetrics(
  tableName: string,
  snapshot: Snapshot,
  { durationMs, attempts }: Pick<CommitMetrics, 'durationMs' | 'attempts'>,
): CommitMetrics {
  const counters = new Map<string, number>()
  for (const [name, property] of SUMMARY_COUNTERS) {
    const text = snapshot.summary.get(property)
    if (text !== undefined && /^\d{1,15}$/.test(text)) counters.set(name, Number(text))
  }
  const { snapshotId, sequenceNumber, operation = '' } = snapshot
  return { type: 'commit-report', tableName, snapshotId, sequenceNumber, operation, durationMs, attempts, counters }
}

/** The body of a report's request. Source: `ReportMetricsRequestParser`, `ScanReportParser`, `CommitReportParser` */
export function printMetricsReport(report: MetricsReport): JsonMembers {
  const counters = [...report.counters].map(([name, value]) => [name, counter(value, name)] as const)
  const shared = { 'table-name': report.tableName, 'snapshot-id': report.snapshotId }
  if (report.type === 'scan-report') {
    return {
      'report-type': report.type,
      ...shared,
      filter: report.filter,
      'schema-id': report.schemaId,
      'projected-field-ids': report.projectedFieldIds,
      'projected-field-names': report.projectedFieldNames,
      metrics: new Map<string, JsonValue>([['total-planning-duration', timer(report.durationMs)], ...counters]),
    }
  }
  return {
    'report-type': report.type,
    ...shared,
    'sequence-number': report.sequenceNumber,
    operation: report.operation,
    metrics: new Map<string, JsonValue>([['total-duration', timer(report.durationMs)], ['attempts', counter(report.attempts, 'attempts')], ...counters]),
  }
}

function counter(value: number, name: string): JsonMembers {
  return { unit: /bytes$/.test(name) ? 'bytes' : 'count', value }
}

function timer(durationMs: number): JsonMembers {
  return { count: 1, 'time-unit': 'nanoseconds', 'total-duration': BigInt(Math.max(0, Math.round(durationMs * 1e6))) }
}

/** A report's counters, and the members of a snapshot's summary that they are. */
const SUMMARY_COUNTERS: readonly (readonly [counter: string, property: string])[] = [
  ['added-data-files', 'added-data-files'],
  ['removed-data-files', 'deleted-data-files'],
  ['total-data-files', 'total-data-files'],
  ['added-delete-files', 'added-delete-files'],
  ['added-equality-delete-files', 'added-equality-delete-files'],
  ['added-positional-delete-files', 'added-position-delete-files'],
  ['added-dvs', 'added-dvs'],
  ['removed-delete-files', 'removed-delete-files'],
  ['removed-equality-delete-files', 'removed-equality-delete-files'],
  ['removed-positional-delete-files', 'removed-position-delete-files'],
  ['removed-dvs', 'removed-dvs'],
  ['total-delete-files', 'total-delete-files'],
  ['added-records', 'added-records'],
  ['removed-records', 'deleted-records'],
  ['total-records', 'total-records'],
  ['added-files-size-bytes', 'added-files-size'],
  ['removed-files-size-bytes', 'removed-files-size'],
  ['total-files-size-bytes', 'total-files-size'],
  ['added-positional-deletes', 'added-position-deletes'],
  ['removed-positional-deletes', 'removed-position-deletes'],
  ['total-positional-deletes', 'total-position-deletes'],
  ['added-equality-deletes', 'added-equality-deletes'],
  ['removed-equality-deletes', 'removed-equality-deletes'],
  ['total-equality-deletes', 'total-equality-deletes'],
  ['manifests-created', 'manifests-created'],
  ['manifests-replaced', 'manifests-replaced'],
  ['manifests-kept', 'manifests-kept'],
  ['manifest-entries-processed', 'entries-processed'],
]
