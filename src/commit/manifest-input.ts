/** Reads the manifests of a snapshot: lists of lists, whatever the format version wrote. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { ManifestFile } from '../manifest/data-file.js'
import { withEntryCounts } from '../manifest/entry-counts.js'
import { STATUS_EXISTING, type ManifestEntries } from '../manifest/manifest-entries.js'
import { decodeManifestList } from '../manifest/manifest-list.js'
import { decodeManifest, inlineManifestFile } from '../manifest/manifest-reader.js'
import { currentSchema, specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionType } from '../partition/partition-type.js'
import type { StructType } from '../schema/type.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/** How many manifests are read or written at once. */
export const MANIFEST_PARALLELISM = 8

export interface ReadManifestOptions {
  readonly signal?: AbortSignal | undefined
  /** False for a manifest that no snapshot has listed yet. */
  readonly committed?: boolean
}

/** Every manifest of the snapshot, in the order of its list. Throws `NOT_FOUND` or `CORRUPT`, naming the file. */
export async function readManifestFiles(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  snapshot: Snapshot | undefined,
  options: ReadManifestOptions = {},
): Promise<readonly ManifestFile[]> {
  if (snapshot === undefined) return []
  const { manifestList } = snapshot
  if (manifestList !== undefined) return decodeManifestList(await table.io.read(manifestList, { signal: options.signal }), manifestList)
  return mapParallel(snapshot.manifests ?? [], MANIFEST_PARALLELISM, (location) => readInlineManifest(table, location, snapshot.snapshotId))
}

/** The entries of one manifest, with what they inherit. Throws `NOT_FOUND` or `CORRUPT`, naming the file. */
export async function readManifest(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  manifest: ManifestFile,
  options: ReadManifestOptions = {},
): Promise<ManifestEntries> {
  const bytes = await table.io.read(manifest.manifestPath, { signal: options.signal })
  return decodeManifest(manifest, bytes, {
    partitionType: tupleType(table.metadata, manifest.partitionSpecId),
    committed: options.committed ?? true,
  })
}

/** The manifests with the counts that v1 lets a writer leave out and later versions require; those that lack them are read. */
export async function withAllCounts(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  manifests: readonly ManifestFile[],
  options: ReadManifestOptions = {},
): Promise<readonly ManifestFile[]> {
  if (manifests.every(hasAllCounts)) return manifests
  return mapParallel(manifests, MANIFEST_PARALLELISM, async (manifest) => {
    if (hasAllCounts(manifest)) return manifest
    const entries = await readManifest(table, manifest, options)
    return withEntryCounts(manifest, entries, tupleType(table.metadata, manifest.partitionSpecId))
  })
}

/** The struct of a spec's tuples, also where the current schema has lost a source column. */
export function tupleType(metadata: TableMetadata, specId: number): StructType {
  return partitionType(specById(metadata, specId), currentSchema(metadata), metadata.schemas)
}

async function readInlineManifest(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  location: string,
  snapshotId: bigint,
): Promise<ManifestFile> {
  const bytes = await table.io.read(location)
  const manifest = inlineManifestFile(location, bytes, snapshotId)
  const type = tupleType(table.metadata, manifest.partitionSpecId)
  const entries = decodeManifest(manifest, bytes, { partitionType: type })
  return withEntryCounts({ ...manifest, addedSnapshotId: addingSnapshot(entries) ?? snapshotId }, entries, type)
}

/** The snapshot that wrote a manifest: that of its first added or deleted entry, else the latest. Source: `SnapshotProducer.addMetadata` */
function addingSnapshot(entries: ManifestEntries): bigint | undefined {
  const own = entries.status.findIndex((status) => status !== STATUS_EXISTING)
  if (own >= 0) return entries.snapshotId[own]
  return entries.snapshotId.reduce<bigint | undefined>((latest, id) => (latest === undefined || id > latest ? id : latest), undefined)
}

function hasAllCounts(manifest: ManifestFile): boolean {
  return (
    manifest.addedFilesCount !== undefined &&
    manifest.existingFilesCount !== undefined &&
    manifest.deletedFilesCount !== undefined &&
    manifest.addedRowsCount !== undefined &&
    manifest.existingRowsCount !== undefined &&
    manifest.deletedRowsCount !== undefined
  )
}
