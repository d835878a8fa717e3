import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { printTableIdentifier } from '../../catalog/table-identifier.js'
import { clusteredFile } from '../../compaction/clustering/clustered-file.js'
import type { ClusteredFile } from '../../compaction/clustering/clustered-file.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { schemaById } from '../../metadata/metadata-lookup.js'
import { readInteger, tableProperties } from '../../metadata/table-properties.js'
import { loadManifestList } from '../../scan/load-manifests.js'
import { planScan } from '../../scan/plan-scan.js'
import { MAIN_BRANCH, schemaIdOfRef, schemaIdOfSnapshot, snapshotById, snapshotOfRef } from '../../snapshot/snapshot-ref.js'
import { clusteringLayouts, columnLayouts, measuredColumns, orderedColumns } from './column-layout.js'
import { DeleteTotals } from './delete-totals.js'
import { growthLayout, historyLayout } from './history-layout.js'
import { layoutAdvice, MIN_INPUT_FILES } from './layout-advice.js'
import type { LayoutOptions, TableLayout } from './layout-types.js'
import { manifestsLayout } from './manifest-layout.js'
import { PartitionTotals } from './partition-totals.js'

/** What measuring takes: a table, whoever loaded it, and the time that ages are told by. */
export interface LayoutContext {
  readonly loaded: LoadedTable
  readonly nowMs: number
}

/**
 * Measures how a snapshot of a table lies in its files, from metadata and manifests alone. Nothing is changed, so a table that was
 * opened from a metadata file does. Columns that are measured grow fewer with the number of files: memory stays bounded.
 *
 * @throws FloeError `NOT_FOUND` for a snapshot, branch or tag that there is not
 */
export async function tableLayout({ loaded, nowMs }: LayoutContext, options: LayoutOptions = {}): Promise<TableLayout> {
  const { io, metadata } = loaded
  const { snapshotId, signal } = options
  const ref = snapshotId === undefined ? (options.ref ?? MAIN_BRANCH) : null
  const snapshot = ref === null ? snapshotById(metadata, snapshotId!) : snapshotOfRef(metadata, ref)
  const schema = schemaById(metadata, ref === null ? schemaIdOfSnapshot(metadata, snapshotId!) : schemaIdOfRef(metadata, ref))
  const manifests = snapshot === undefined ? [] : await loadManifestList(io, snapshot, { signal })
  const plan = await planScan({ io, metadata, snapshot, schema, includeColumnStats: true, signal })
  const targetFileSizeBytes = readInteger(metadata.properties, tableProperties.targetFileSizeBytes)
  const columns = orderedColumns(metadata, schema)
  const measured = columns.slice(0, measuredColumns(plan.fileCount))
  const partitions = new PartitionTotals(metadata, schema, targetFileSizeBytes)
  const deletes = new DeleteTotals()
  const files: ClusteredFile[] = []
  const kept = new Set(measured)
  for (const file of plan.files()) {
    partitions.add(file)
    deletes.add(file)
    files.push(clusteredFile(file.dataFile(), kept))
  }
  const layout = {
    table: printTableIdentifier(loaded.identifier),
    location: metadata.location,
    metadataLocation: loaded.metadataLocation,
    formatVersion: metadata.formatVersion,
    ref,
    snapshotId: snapshot === undefined ? null : String(snapshot.snapshotId),
    snapshotTimeMs: snapshot?.timestampMs ?? null,
    measuredAtMs: nowMs,
    targetFileSizeBytes,
    totals: partitions.totals(),
    fileSizes: partitions.sizes(),
    clustering: clusteringLayouts(files, metadata, schema),
    columns: { total: columns.length, measured: columnLayouts(files, measured, { metadata, schema }) },
    deletes: deletes.list(liveDeleteFiles(manifests)),
    growth: growthLayout(metadata, snapshot),
    partitions: partitions.list(),
    manifests: manifestsLayout(manifests, metadata, schema),
    history: historyLayout(metadata, nowMs),
  }
  return { ...layout, advice: layoutAdvice({ ...layout, crowded: partitions.crowded(MIN_INPUT_FILES) }) }
}

/** By the counts of the list; what it does not count, v1 tables have none of. */
function liveDeleteFiles(manifests: readonly ManifestFile[]): number {
  return manifests
    .filter(({ content }) => content === 'deletes')
    .reduce((sum, { addedFilesCount, existingFilesCount }) => sum + (addedFilesCount ?? 0) + (existingFilesCount ?? 0), 0)
}
