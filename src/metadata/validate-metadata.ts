/** What every version of table metadata must satisfy, whoever wrote it. Source: the constructor of `TableMetadata`. */
import { indexSnapshots } from '../snapshot/snapshot-index.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { TableMetadata } from './table-metadata.js'

/** The broken rule and, as a JSON path, where. */
export interface MetadataProblem {
  readonly path: string
  readonly message: string
}

/** How far the clocks of two committers may disagree. */
const CLOCK_SKEW_MS = 60_000

/** The first rule that `metadata` breaks, or `undefined`. */
export function findMetadataProblem(metadata: TableMetadata): MetadataProblem | undefined {
  return findStructureProblem(metadata) ?? findSnapshotProblem(metadata) ?? findTimeProblem(metadata)
}

function findStructureProblem(metadata: TableMetadata): MetadataProblem | undefined {
  const { formatVersion, schemas, partitionSpecs, sortOrders } = metadata
  if (formatVersion > 1 && metadata.tableUuid === undefined) return problem('table-uuid', `is required in format version ${formatVersion}`)
  if (formatVersion === 1 && metadata.lastSequenceNumber !== 0n) {
    return problem('last-sequence-number', `is ${metadata.lastSequenceNumber}, but must be 0 in format version 1`)
  }
  return (
    findIdProblem('schemas', schemas.map((schema) => schema.schemaId), 'current-schema-id', metadata.currentSchemaId) ??
    findIdProblem('partition-specs', partitionSpecs.map((spec) => spec.specId), 'default-spec-id', metadata.defaultSpecId) ??
    findIdProblem('sort-orders', sortOrders.map((order) => order.orderId), 'default-sort-order-id', metadata.defaultSortOrderId)
  )
}

function findIdProblem(list: string, ids: readonly number[], pointer: string, current: number): MetadataProblem | undefined {
  const seen = new Set<number>()
  for (const [i, id] of ids.entries()) {
    if (seen.has(id)) return problem(`${list}[${i}]`, `has the same id ${id} as another`)
    seen.add(id)
  }
  return seen.has(current) ? undefined : problem(pointer, `is ${current}, which is not in ${list}`)
}

function findSnapshotProblem(metadata: TableMetadata): MetadataProblem | undefined {
  const { snapshots, refs, currentSnapshotId, lastSequenceNumber } = metadata
  const ids = indexSnapshots(snapshots)
  if (!ids.isUnique || ids.highestSequenceNumber > lastSequenceNumber) {
    const listProblem = findSnapshotListProblem(snapshots, lastSequenceNumber)
    if (listProblem !== undefined) return listProblem
  }
  for (const [name, ref] of refs) {
    if (!ids.has(ref.snapshotId)) return problem(`refs.${name}`, `points to snapshot ${ref.snapshotId}, which is not in snapshots`)
  }
  if (currentSnapshotId !== undefined && !ids.has(currentSnapshotId)) {
    return problem('current-snapshot-id', `is ${currentSnapshotId}, which is not in snapshots`)
  }
  const main = refs.get(MAIN_BRANCH)
  if (main?.type === 'tag') return problem('refs.main', 'must be a branch, not a tag')
  if (main !== undefined && main.snapshotId !== currentSnapshotId) {
    return problem('current-snapshot-id', `is ${currentSnapshotId ?? 'not set'}, but the main branch is at ${main.snapshotId}`)
  }
  return undefined
}

function findSnapshotListProblem(snapshots: readonly Snapshot[], lastSequenceNumber: bigint): MetadataProblem | undefined {
  const ids = new Set<bigint>()
  for (const [i, { snapshotId, sequenceNumber }] of snapshots.entries()) {
    if (ids.has(snapshotId)) return problem(`snapshots[${i}].snapshot-id`, `${snapshotId} is there twice`)
    if (sequenceNumber > lastSequenceNumber) {
      return problem(`snapshots[${i}].sequence-number`, `${sequenceNumber} is greater than last-sequence-number ${lastSequenceNumber}`)
    }
    ids.add(snapshotId)
  }
  return undefined
}

interface LogEntry {
  readonly timestampMs: number
}

function findTimeProblem(metadata: TableMetadata): MetadataProblem | undefined {
  return (
    findLogProblem('snapshot-log', metadata.snapshotLog, metadata.lastUpdatedMs) ??
    findLogProblem('metadata-log', metadata.metadataLog, metadata.lastUpdatedMs)
  )
}

function findLogProblem(name: string, log: readonly LogEntry[], lastUpdatedMs: number): MetadataProblem | undefined {
  for (let i = 1; i < log.length; i++) {
    if (log[i]!.timestampMs - log[i - 1]!.timestampMs < -CLOCK_SKEW_MS) {
      return problem(`${name}[${i}].timestamp-ms`, 'is more than a minute before the entry in front of it')
    }
  }
  const last = log.at(-1)
  if (last !== undefined && lastUpdatedMs - last.timestampMs < -CLOCK_SKEW_MS) {
    return problem('last-updated-ms', `${lastUpdatedMs} is more than a minute before the last entry of ${name}, ${last.timestampMs}`)
  }
  return undefined
}

function problem(path: string, message: string): MetadataProblem {
  return { path, message }
}
