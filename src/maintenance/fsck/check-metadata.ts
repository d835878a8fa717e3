import type { TableMetadata } from '../../metadata/table-metadata.js'
import { findMetadataProblem } from '../../metadata/validate-metadata.js'
import { lastAssignedFieldId, UNPARTITIONED_LAST_ID } from '../../metadata/structure-rules.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { finding, type Finding } from './finding.js'

type Report = (finding: Finding) => void

/** Checks what metadata says of itself, without reading anything else. */
export function checkMetadata(metadata: TableMetadata, report: Report): void {
  const problem = findMetadataProblem(metadata)
  if (problem !== undefined) report(finding('metadata-invalid', `${problem.path} ${problem.message}`))
  checkIds(metadata, report)
  checkSnapshots(metadata, report)
  checkLog(metadata, report)
  if (metadata.formatVersion >= 3) checkRowIds(metadata, report)
  checkStatisticsOwners(metadata, report)
}

function checkIds({ schemas, lastColumnId, partitionSpecs, lastPartitionId }: TableMetadata, report: Report): void {
  const highest = Math.max(0, ...schemas.flatMap((schema) => [...schema.fieldIds()]))
  if (highest > lastColumnId) report(finding('column-ids', `last-column-id is ${lastColumnId}, and a column has the id ${highest}`))
  const highestField = Math.max(UNPARTITIONED_LAST_ID, ...partitionSpecs.map(lastAssignedFieldId))
  if (highestField > lastPartitionId) report(finding('partition-ids', `last-partition-id is ${lastPartitionId}, and a partition field has the id ${highestField}`))
}

function checkSnapshots({ snapshots, schemas, formatVersion }: TableMetadata, report: Report): void {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  const schemaIds = new Set(schemas.map((schema) => schema.schemaId))
  for (const { snapshotId, schemaId, parentSnapshotId, sequenceNumber } of snapshots) {
    const place = { snapshotId: String(snapshotId) }
    if (schemaId !== undefined && !schemaIds.has(schemaId)) report(finding('snapshot-schema', `Its schema ${schemaId} is not in the table`, place))
    const parent = parentSnapshotId === undefined ? undefined : byId.get(parentSnapshotId)
    // Spec: Sequence Numbers; snapshots from before an upgrade all have 0.
    const isFirst = parent === undefined || (parent.sequenceNumber === 0n && sequenceNumber === 0n)
    if (formatVersion > 1 && !isFirst && parent.sequenceNumber >= sequenceNumber) {
      report(finding('snapshot-sequence', `Its sequence number ${sequenceNumber} is not above its parent's, ${parent.sequenceNumber}`, place))
    }
  }
}

function checkLog({ snapshots, snapshotLog, currentSnapshotId }: TableMetadata, report: Report): void {
  const ids = new Set(snapshots.map((snapshot) => snapshot.snapshotId))
  for (const { snapshotId } of snapshotLog) {
    if (!ids.has(snapshotId)) report(finding('snapshot-log', 'The snapshot log names it, and it is gone', { snapshotId: String(snapshotId) }))
  }
  const last = snapshotLog.at(-1)?.snapshotId
  if (last !== undefined && currentSnapshotId !== undefined && last !== currentSnapshotId) {
    report(finding('snapshot-log', `The snapshot log ends with it, and the current snapshot is ${currentSnapshotId}`, { snapshotId: String(last) }))
  }
}

// Spec: Row Lineage › Row lineage assignment: the ranges of snapshots never meet, and lie below next-row-id.
function checkRowIds({ snapshots, nextRowId }: TableMetadata, report: Report): void {
  const ranges: { readonly snapshot: Snapshot; readonly first: bigint; readonly end: bigint }[] = []
  for (const snapshot of snapshots) {
    const { firstRowId, addedRows } = snapshot
    // Snapshots from before an upgrade have none.
    if (firstRowId === undefined) continue
    const place = { snapshotId: String(snapshot.snapshotId) }
    if (addedRows === undefined) report(finding('snapshot-row-ids', 'It has a first-row-id, and no added-rows', place))
    const end = firstRowId + (addedRows ?? 0n)
    if (end > nextRowId) report(finding('next-row-id', `next-row-id is ${nextRowId}, and the snapshot takes ids up to ${end}`, place))
    if (end > firstRowId) ranges.push({ snapshot, first: firstRowId, end })
  }
  ranges.sort((a, b) => (a.first < b.first ? -1 : Number(a.first > b.first)))
  for (const [i, { snapshot, first }] of ranges.entries()) {
    const before = ranges[i - 1]
    if (before === undefined || before.end <= first) continue
    const message = `Its row ids begin at ${first}, within those of snapshot ${before.snapshot.snapshotId}, which end at ${before.end}`
    report(finding('snapshot-row-ids', message, { snapshotId: String(snapshot.snapshotId) }))
  }
}

function checkStatisticsOwners({ snapshots, statistics, partitionStatistics }: TableMetadata, report: Report): void {
  const ids = new Set(snapshots.map((snapshot) => snapshot.snapshotId))
  for (const { snapshotId, statisticsPath } of [...statistics, ...partitionStatistics]) {
    if (ids.has(snapshotId)) continue
    report(finding('statistics-snapshot', `They are of snapshot ${snapshotId}, which is gone`, { snapshotId: String(snapshotId), file: statisticsPath }))
  }
}
