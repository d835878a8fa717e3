import { expressionText } from '../expression/print.js'
import type { PlanDecision, ScanReport } from '../scan/scan-report.js'
import type { ScanPlan } from '../scan/scan-plan.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, countText, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { relativePlace } from './inspection-text.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { SCAN_OPTIONS, scanOf } from './scan-options.js'

/** `floe plan`: tells what a scan would read, and why. */
export async function planVerb(args: readonly string[], { stdout, signal }: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...SCAN_OPTIONS, explain: { type: 'boolean' } })
  options.refuseSecondTable()
  await withTable(options, 'read', async (table) => {
    const plan = await scanOf(table, options).withSignal(signal).plan({ explain: options.flag('explain') })
    if (options.flag('json')) await stdout.line(printJson(jsonOf(planJson(plan))))
    else await stdout.write(planText(plan, table.location))
  })
}

/** A plan as plain data, members named as in metadata tables. */
function planJson({ snapshot, filter, report, fileCount, recordCount, sizeBytes }: ScanPlan): object {
  return {
    snapshot_id: snapshot?.snapshotId ?? null,
    filter: expressionText(filter, { full: true }),
    files: {
      ...report.files,
      read: fileCount,
      skipped_by_partition: report.filesSkippedByPartition,
      skipped_by_metrics: report.filesSkippedByMetrics,
    },
    manifests: report.manifests,
    delete_manifests: report.deleteManifests,
    files_with_deletes: report.filesWithDeletes,
    deletes: {
      vectors: report.deletes.vectors,
      position_files: report.deletes.positionFiles,
      equality_files: report.deletes.equalityFiles,
      read_bytes: report.deletes.bytes,
    },
    records: recordCount,
    read_bytes: sizeBytes,
    skipped_bytes: report.skippedBytes,
    ...(report.decisions === undefined ? {} : { decisions: report.decisions.map(decisionJson) }),
  }
}

function decisionJson({ kind, location, read, reason, sizeBytes, count }: PlanDecision): object {
  return { kind, location, read, reason, size_in_bytes: sizeBytes, [countsRows(kind) ? 'record_count' : 'file_count']: count }
}

function countsRows(kind: PlanDecision['kind']): boolean {
  return kind === 'file' || kind === 'delete'
}

function planText(plan: ScanPlan, location: string): string {
  const { snapshot, filter, report } = plan
  const lines = [
    snapshot === undefined ? 'The table has no snapshot: there is nothing to read.' : `Snapshot ${snapshot.snapshotId}, where ${visibleText(expressionText(filter))}`,
  ]
  if (report.decisions !== undefined) {
    lines.push(...decisionLines('Manifests', report.decisions.filter(({ kind }) => kind === 'manifest'), location))
    lines.push(...decisionLines('Delete manifests', report.decisions.filter(({ kind }) => kind === 'delete-manifest'), location))
    lines.push(...decisionLines('Files', report.decisions.filter(({ kind }) => kind === 'file'), location))
    lines.push(...decisionLines('Deletes', report.decisions.filter(({ kind }) => kind === 'delete'), location))
    lines.push('')
  }
  return `${[...lines, ...summaryLines(plan, report)].join('\n')}\n`
}

function decisionLines(title: string, decisions: readonly PlanDecision[], location: string): string[] {
  if (decisions.length === 0) return []
  return [
    '',
    title,
    ...decisions.flatMap(({ kind, location: place, read, reason, sizeBytes, count }) => [
      `  ${read ? 'read' : 'skip'}  ${visibleText(relativePlace(place, location))}`,
      `        ${bytesText(sizeBytes)}, ${countOf(count, countsRows(kind) ? 'row' : 'file')}: ${visibleText(reason)}`,
    ]),
  ]
}

function summaryLines(plan: ScanPlan, report: ScanReport): string[] {
  const { manifests, deleteManifests, files } = report
  const totalBytes = report.readBytes + report.skippedBytes
  const share = totalBytes === 0 ? '' : ` (${Math.round((100 * report.readBytes) / totalBytes)} %)`
  const allManifests = manifests.total + deleteManifests.total
  const skippedManifests = manifests.skipped + deleteManifests.skipped
  const skippedFiles = `${countText(report.filesSkippedByPartition)} by partition, ${countText(report.filesSkippedByMetrics)} by column metrics`
  return [
    `Reads ${countText(plan.fileCount)} of ${countOf(files.total, 'file')}, ${bytesText(report.readBytes)} of ${bytesText(totalBytes)}${share}, at most ${countOf(plan.recordCount, 'row')}.`,
    `Skips ${countText(skippedManifests)} of ${countOf(allManifests, 'manifest')} unread, and ${countOf(files.skipped, 'file')} of the others: ${skippedFiles}.`,
    ...(report.filesWithDeletes > 0 ? [deletesLine(report)] : []),
  ]
}

function deletesLine({ filesWithDeletes, deletes }: ScanReport): string {
  const kinds = [
    [deletes.vectors, 'deletion vector'],
    [deletes.positionFiles, 'position delete file'],
    [deletes.equalityFiles, 'equality delete file'],
  ] as const
  const listed = kinds.filter(([count]) => count > 0).map(([count, kind]) => countOf(count, kind))
  const subject = `${countOf(filesWithDeletes, 'file')} to read ${filesWithDeletes === 1 ? 'has' : 'have'} row-level deletes`
  return `${subject}: ${listed.join(', ')}, ${bytesText(deletes.bytes)}.`
}
