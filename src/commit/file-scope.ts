/** Which files a change depends on: those that a filter may select rows of, or those of some partitions. */
import { bind } from '../expression/bind.js'
import type { BoundExpression } from '../expression/expression.js'
import { compileInclusiveMetrics } from '../expression/inclusive-metrics.js'
import { compileManifestEvaluator } from '../expression/manifest-evaluator.js'
import { compilePartitionFilter, projectInclusive } from '../expression/projection.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import { currentSchema, specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Schema } from '../schema/schema.js'
import type { ConflictValidation } from './file-changes.js'
import type { PartitionSet } from './partition-set.js'

export interface FileScope {
  /** What it is made of, for messages. */
  readonly text: string
  mayMatchManifest(manifest: ManifestFile, metadata: TableMetadata): boolean
  mayMatchFile(entries: ManifestEntries, i: number, metadata: TableMetadata): boolean
}

/** Every file. */
export const EVERYTHING: FileScope = { text: 'the whole table', mayMatchManifest: () => true, mayMatchFile: () => true }

/** The files of some partitions. */
export function partitionScope(partitions: PartitionSet): FileScope {
  return {
    text: 'the partitions that are replaced',
    mayMatchManifest: (manifest, metadata) => partitions.mayBeIn(manifest, metadata),
    mayMatchFile: (entries, i) => partitions.hasSpec(entries.specId) && partitions.has(entries.specId, entries.partition(i)),
  }
}

/** The files that may hold rows of a filter, by their partitions and metrics. Throws as `bind` does. */
export function filterScope({ conflictFilter, caseSensitive = true }: ConflictValidation, base: TableMetadata): FileScope {
  const schema = currentSchema(base)
  const filter = bind(conflictFilter, schema, { caseSensitive })
  if (filter.op === 'true') return EVERYTHING
  const metrics = compileInclusiveMetrics(filter)
  const bySpec = new Map<number, SpecScope>()
  const scopeOf = (specId: number, metadata: TableMetadata): SpecScope => {
    let scope = bySpec.get(specId)
    if (scope === undefined) bySpec.set(specId, (scope = compileSpec(filter, specId, schema, metadata)))
    return scope
  }
  return {
    text: 'the rows that the change depends on',
    mayMatchManifest: (manifest, metadata) => scopeOf(manifest.partitionSpecId, metadata).mayMatchManifest(manifest),
    mayMatchFile: (entries, i, metadata) =>
      scopeOf(entries.specId, metadata).mayMatchFile(entries, i) && metrics.mayMatch(entries.stats(i)),
  }
}

interface SpecScope {
  mayMatchManifest(manifest: ManifestFile): boolean
  mayMatchFile(entries: ManifestEntries, i: number): boolean
}

function compileSpec(filter: BoundExpression, specId: number, schema: Schema, metadata: TableMetadata): SpecScope {
  const spec = specById(metadata, specId)
  const projected = projectInclusive(filter, spec, schema)
  const manifests = compileManifestEvaluator(projected, spec)
  const tuples = compilePartitionFilter(projected, spec)
  return {
    mayMatchManifest: (manifest) => manifests.mayMatch(manifest.partitions),
    mayMatchFile: (entries, i) => tuples.mayMatch(entries.partition(i)),
  }
}
