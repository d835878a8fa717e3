import { isVector } from '../../manifest/file-identity.js'
import { tupleType } from '../../commit/manifest-input.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { withEntryCounts } from '../../manifest/entry-counts.js'
import { STATUS_ADDED, STATUS_DELETED, type ManifestEntries } from '../../manifest/manifest-entries.js'
import { compareValues } from '../../schema/compare-values.js'
import { decodeValue } from '../../schema/single-value.js'
import type { NestedField, Value } from '../../schema/type.js'
import type { FieldSummary } from '../../expression/expression.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import type { FsckContext } from './fsck-context.js'
import type { FindingPlace } from './finding.js'

/** Holds a manifest's entries against its record in the manifest list, and against the rules of the format. */
export function checkManifest(context: FsckContext, entries: ManifestEntries, snapshot: Snapshot): void {
  const { manifest } = entries
  const place = { manifest: manifest.manifestPath, snapshotId: String(snapshot.snapshotId) }
  checkCounts(context, entries, place)
  checkPartitions(context, entries, place)
  checkSequence(context, entries, snapshot, place)
  for (let i = 0; i < entries.count; i++) checkEntry(context, entries, i, place)
  // Spec: First Row ID Assignment; lists from before an upgrade have none.
  const mustHaveIds = snapshot.firstRowId !== undefined && manifest.content === 'data'
  if (mustHaveIds && manifest.firstRowId === undefined) context.find('manifest-row-ids', 'Its record has no first_row_id', place)
}

const COUNTS = ['addedFilesCount', 'existingFilesCount', 'deletedFilesCount', 'addedRowsCount', 'existingRowsCount', 'deletedRowsCount'] as const

function checkCounts(context: FsckContext, entries: ManifestEntries, place: FindingPlace): void {
  const { manifest } = entries
  const real = withEntryCounts(manifest, entries, tupleType(context.metadata, entries.specId))
  const wrong = COUNTS.filter((name) => manifest[name] !== undefined && manifest[name] !== real[name])
  if (wrong.length === 0) return
  const said = wrong.map((name) => `${name} ${String(manifest[name])} instead of ${String(real[name])}`)
  context.find('manifest-counts', `Its record says ${said.join(', ')}`, place)
}

function checkPartitions(context: FsckContext, entries: ManifestEntries, place: FindingPlace): void {
  const { partitions } = entries.manifest
  if (partitions === undefined) return
  const { fields } = tupleType(context.metadata, entries.specId)
  if (partitions.length !== fields.length) {
    context.find('manifest-partitions', `Its record has ${partitions.length} summaries, and the spec ${fields.length} fields`, place)
    return
  }
  const outside = fields.map((field, i) => summaryTest(field, partitions[i]!))
  const reported = new Set<number>()
  for (let i = 0; i < entries.count && reported.size < fields.length; i++) {
    if (!entries.isLive(i)) continue
    const tuple = entries.partition(i)
    for (const [at, field] of fields.entries()) {
      if (reported.has(at) || !outside[at]!(tuple[at] ?? null)) continue
      reported.add(at)
      context.find('manifest-partitions', `The summary of ${field.name} leaves out the partition of ${entries.filePath(i)}`, { ...place, column: field.name })
    }
  }
}

/** Whether a value is one that the summary says there is none of. */
function summaryTest(field: NestedField, summary: FieldSummary): (value: Value) => boolean {
  const compare = compareValues(field.type)
  const bound = (bytes: Uint8Array | undefined): Value => (bytes === undefined ? null : decodeValue(field.type, bytes))
  const [lower, upper] = [bound(summary.lowerBound), bound(summary.upperBound)]
  return (value) => {
    if (value === null) return !summary.containsNull
    if (typeof value === 'number' && Number.isNaN(value)) return summary.containsNan === false
    return lower === null || upper === null || compare(value, lower) < 0 || compare(value, upper) > 0
  }
}

// Spec: Sequence Numbers, and Manifest Lists › min_sequence_number
function checkSequence(context: FsckContext, entries: ManifestEntries, snapshot: Snapshot, place: FindingPlace): void {
  const { sequenceNumber, minSequenceNumber } = entries.manifest
  if (sequenceNumber > snapshot.sequenceNumber) {
    context.find('manifest-sequence', `Its sequence number ${sequenceNumber} is above that of the snapshot, ${snapshot.sequenceNumber}`, place)
  }
  let lowest: bigint | undefined
  for (let i = 0; i < entries.count; i++) {
    if (entries.isLive(i) && (lowest === undefined || entries.sequenceNumber[i]! < lowest)) lowest = entries.sequenceNumber[i]!
  }
  if (lowest !== undefined && lowest < minSequenceNumber) {
    context.find('manifest-sequence', `Its min_sequence_number is ${minSequenceNumber}, and a file has ${lowest}`, place)
  }
}

function checkEntry(context: FsckContext, entries: ManifestEntries, i: number, place: FindingPlace): void {
  const { manifest } = entries
  const status = entries.status[i]!
  const at = (): FindingPlace => ({ ...place, file: entries.filePath(i) })
  if ((entries.content[i] === 0) !== (manifest.content === 'data')) {
    context.find('manifest-content', `A manifest of ${manifest.content} lists a file of another content`, at())
  }
  // Spec: Manifest Entry Fields › snapshot_id: of the snapshot that added, or deleted, the file.
  if (status !== 0 && entries.snapshotId[i] !== manifest.addedSnapshotId && manifest.sequenceNumber > 0n) {
    const what = status === STATUS_ADDED ? 'Added' : 'Deleted'
    context.find('entry-snapshot', `${what} by snapshot ${entries.snapshotId[i]!}, in a manifest of snapshot ${manifest.addedSnapshotId}`, at())
  }
  if (status === STATUS_DELETED) return
  const fileSequence = entries.fileSequenceNumber(i)
  if (entries.sequenceNumber[i]! > manifest.sequenceNumber) {
    context.find('entry-sequence', `Its sequence number ${entries.sequenceNumber[i]!} is above that of its manifest, ${manifest.sequenceNumber}`, at())
  } else if (fileSequence !== undefined && fileSequence > manifest.sequenceNumber) {
    context.find('entry-sequence', `Its file sequence number ${fileSequence} is above that of its manifest, ${manifest.sequenceNumber}`, at())
  }
  if (entries.recordCount[i]! < 0) context.find('entry-record-count', `Its record count is ${entries.recordCount[i]!}`, at())
  if (manifest.content === 'deletes') checkVectorFields(context, entries, i, at)
}

function checkVectorFields(context: FsckContext, entries: ManifestEntries, i: number, at: () => FindingPlace): void {
  const file = entries.dataFile(i, { stats: false })
  if (!isVector(file)) return
  const missing = [
    file.contentOffset === undefined ? 'content_offset' : undefined,
    file.contentSizeBytes === undefined ? 'content_size_in_bytes' : undefined,
    file.referencedDataFile === undefined ? 'referenced_data_file' : undefined,
  ].filter((name) => name !== undefined)
  if (missing.length > 0) context.find('vector-fields', `Its entry lacks ${missing.join(', ')}`, at())
}

/** Holds the length of a manifest against its record. */
export function checkLength(context: FsckContext, manifest: ManifestFile, bytes: Uint8Array, snapshot: Snapshot): void {
  if (bytes.length === manifest.manifestLengthBytes) return
  const place = { manifest: manifest.manifestPath, snapshotId: String(snapshot.snapshotId) }
  context.find('manifest-size', `It has ${bytes.length} bytes, and its record says ${manifest.manifestLengthBytes}`, place)
}
