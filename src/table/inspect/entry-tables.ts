import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { ManifestEntry, ManifestFile } from '../../manifest/data-file.js'
import { partitionType } from '../../partition/partition-type.js'
import { loadManifest, loadManifestList } from '../../scan/load-manifests.js'
import type { Schema } from '../../schema/schema.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import { type FileRow, fileRowMaker, type ReadableMetrics } from './file-row.js'

/** Source: Java `ManifestEntriesTable` */
export interface EntryRow {
  /** 0 existing, 1 added, 2 deleted. */
  readonly status: 0 | 1 | 2
  readonly snapshot_id: bigint
  readonly sequence_number: bigint
  readonly file_sequence_number: bigint | null
  readonly data_file: Omit<FileRow, 'readable_metrics'>
  readonly readable_metrics: Readonly<Record<string, ReadableMetrics>>
}

const STATUS = { existing: 0, added: 1, deleted: 2 } as const
const MANIFESTS_AHEAD = 4

/** The manifests of a snapshot, or of every snapshot, each once. */
export async function manifestsOf(table: LoadedTable, snapshots: readonly Snapshot[]): Promise<readonly ManifestFile[]> {
  const found = new Map<string, ManifestFile>()
  for (const snapshot of snapshots) {
    for (const manifest of await loadManifestList(table.io, snapshot)) {
      if (!found.has(manifest.manifestPath)) found.set(manifest.manifestPath, manifest)
    }
  }
  return [...found.values()]
}

/** Every entry of the manifests, deleted ones included, in their order. */
export async function* entriesOf(table: LoadedTable, manifests: readonly ManifestFile[], schema: Schema): AsyncGenerator<ManifestEntry> {
  const { io, metadata } = table
  const load = async (manifest: ManifestFile): Promise<ManifestEntry[]> => {
    const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === manifest.partitionSpecId)
    if (spec === undefined) {
      const problem = `The manifest names partition spec ${manifest.partitionSpecId}, which the table does not have`
      throw new FloeError('CORRUPT', problem, { file: manifest.manifestPath })
    }
    const entries = await loadManifest(io, manifest, { partitionType: partitionType(spec, schema, metadata.schemas) })
    return Array.from({ length: entries.count }, (_, i) => entries.entry(i))
  }
  for await (const entries of mapOrdered(manifests, MANIFESTS_AHEAD, load)) yield* entries
}

export async function entryRows(table: LoadedTable, snapshots: readonly Snapshot[], schema: Schema): Promise<EntryRow[]> {
  const makeRow = fileRowMaker(table.metadata, schema)
  const rows: EntryRow[] = []
  for await (const entry of entriesOf(table, await manifestsOf(table, snapshots), schema)) {
    const { readable_metrics, ...data_file } = makeRow(entry.dataFile)
    rows.push({
      status: STATUS[entry.status],
      snapshot_id: entry.snapshotId,
      sequence_number: entry.sequenceNumber,
      file_sequence_number: entry.fileSequenceNumber ?? null,
      data_file,
      readable_metrics,
    })
  }
  return rows
}

/** Which files a table of files lists. */
export type FileSelection = 'all' | 'data' | 'deletes'

/** The live files of a snapshot, or of several, each once. */
export async function fileRows(
  table: LoadedTable,
  snapshots: readonly Snapshot[],
  schema: Schema,
  selection: FileSelection,
): Promise<FileRow[]> {
  const makeRow = fileRowMaker(table.metadata, schema)
  const manifests = (await manifestsOf(table, snapshots)).filter((manifest) => selection === 'all' || manifest.content === selection)
  const rows: FileRow[] = []
  const seen = new Set<string>()
  for await (const entry of entriesOf(table, manifests, schema)) {
    if (entry.status === 'deleted') continue
    const { filePath, contentOffset, contentSizeBytes } = entry.dataFile
    // Vectors share their Puffin file: a place in it is what tells them apart. Spec: Deletion Vectors
    const key = `${filePath} ${contentOffset ?? ''} ${contentSizeBytes ?? ''}`
    if (snapshots.length > 1 && seen.has(key)) continue
    seen.add(key)
    rows.push(makeRow(entry.dataFile))
  }
  return rows
}
