import type { ClusteredFile } from '../../compaction/clustering/clustered-file.js'
import { overlapDepth } from '../../compaction/clustering/overlap-depth.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { specById } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readInteger, tableProperties } from '../../metadata/table-properties.js'
import { partitionType } from '../../partition/partition-type.js'
import type { Schema } from '../../schema/schema.js'
import type { NestedField } from '../../schema/type.js'
import type { ManifestsLayout } from './layout-types.js'
import { SizeBuckets } from './size-buckets.js'

/** A manifest under this share of the target is small. */
const SMALL_SHARE = 0.25

/** The manifests of a snapshot: sizes, and over how many of them a partition is spread. */
export function manifestsLayout(manifests: readonly ManifestFile[], metadata: TableMetadata, schema: Schema): ManifestsLayout {
  const sizes = new SizeBuckets()
  for (const manifest of manifests) sizes.add(manifest.manifestLengthBytes)
  const data = manifests.filter(({ content }) => content === 'data')
  const targetBytes = readInteger(metadata.properties, tableProperties.manifestTargetSizeBytes)
  return {
    dataManifests: data.length,
    deleteManifests: manifests.length - data.length,
    bytes: manifests.reduce((sum, { manifestLengthBytes }) => sum + manifestLengthBytes, 0),
    targetBytes,
    smallManifests: data.filter(({ manifestLengthBytes }) => manifestLengthBytes < SMALL_SHARE * targetBytes).length,
    spread: spreadOf(data, metadata, schema),
    sizes: sizes.list(),
  }
}

/** The overlap depth of manifests by the first field of their spec, as if they were files: their summaries are bounds. */
function spreadOf(manifests: readonly ManifestFile[], metadata: TableMetadata, schema: Schema): number | null {
  let [sum, count] = [0, 0]
  for (const specId of new Set(manifests.map(({ partitionSpecId }) => partitionSpecId))) {
    const members = manifests.filter(({ partitionSpecId }) => partitionSpecId === specId)
    const [field] = partitionType(specById(metadata, specId), schema, metadata.schemas).fields
    if (field === undefined || field.type.kind === 'unknown') continue
    const { average } = overlapDepth(members.map((manifest) => asFile(manifest, field)), { type: 'linear', terms: [{ field, path: field.name }] })
    sum += average * members.length
    count += members.length
  }
  return count === 0 ? null : sum / count
}

function asFile({ manifestLengthBytes, partitionSpecId, partitions }: ManifestFile, field: NestedField): ClusteredFile {
  const summary = partitions?.[0]
  const hasValues = summary?.lowerBound !== undefined
  const stats: ClusteredFile['stats'] = {
    recordCount: 1,
    valueCount: (id) => (id === field.id && summary !== undefined ? 1 : undefined),
    nullCount: (id) => (id === field.id && summary !== undefined ? (hasValues ? 0 : 1) : undefined),
    nanCount: () => undefined,
    lowerBound: (id) => (id === field.id ? summary?.lowerBound : undefined),
    upperBound: (id) => (id === field.id ? summary?.upperBound : undefined),
  }
  const partitionKey = String(partitionSpecId)
  return { specId: partitionSpecId, partition: [], partitionKey, sizeBytes: manifestLengthBytes, recordCount: 1, stats }
}
