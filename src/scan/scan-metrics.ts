import type { ScanMetrics } from '../catalog/metrics-report.js'
import { sanitizeExpression } from '../expression/sanitize-expression.js'
import type { Schema } from '../schema/schema.js'
import type { ScanPlan } from './scan-plan.js'

export interface ScannedTable {
  readonly tableName: string
  /** The columns that are read. */
  readonly projection: Schema
  readonly durationMs: number
}

/** The report of a plan, for a server or a function that wants to know of scans. Source: `ScanMetricsResult` */
export function scanMetrics(plan: ScanPlan, scanned: ScannedTable): ScanMetrics {
  const { manifests, deleteManifests, files, deletes, readBytes } = plan.report
  const ids = [...scanned.projection.fieldIds()]
  return {
    type: 'scan-report',
    tableName: scanned.tableName,
    snapshotId: plan.snapshot?.snapshotId ?? NO_SNAPSHOT,
    filter: sanitizeExpression(plan.filter),
    schemaId: plan.schema.schemaId,
    projectedFieldIds: ids,
    projectedFieldNames: ids.map((id) => scanned.projection.pathOf(id) ?? String(id)),
    durationMs: scanned.durationMs,
    counters: new Map([
      ['result-data-files', files.total - files.skipped],
      ['result-delete-files', deletes.vectors + deletes.positionFiles + deletes.equalityFiles],
      ['total-data-manifests', manifests.total],
      ['scanned-data-manifests', manifests.total - manifests.skipped],
      ['skipped-data-manifests', manifests.skipped],
      ['total-delete-manifests', deleteManifests.total],
      ['scanned-delete-manifests', deleteManifests.total - deleteManifests.skipped],
      ['skipped-delete-manifests', deleteManifests.skipped],
      ['total-file-size-in-bytes', readBytes],
      ['total-delete-file-size-in-bytes', deletes.bytes],
      ['skipped-data-files', files.skipped],
      ['equality-delete-files', deletes.equalityFiles],
      ['positional-delete-files', deletes.positionFiles],
      ['dvs', deletes.vectors],
    ]),
  }
}

/** As the reference says it of a table without snapshots. */
const NO_SNAPSHOT = -1n
