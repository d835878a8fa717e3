import { bind } from '../../expression/bind.js'
import type { Expression } from '../../expression/expression.js'
import { alwaysTrue } from '../../expression/predicates.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { FileIO } from '../../io/file-io.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { STATUS_ADDED, type ManifestEntries } from '../../manifest/manifest-entries.js'
import { readInteger, tableProperties } from '../../metadata/table-properties.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { Schema } from '../../schema/schema.js'
import { loadManifest, loadManifestList } from '../load-manifests.js'
import { ScanPlan, type ManifestSelection } from '../scan-plan.js'
import { ReportBuilder } from '../scan-report.js'
import { SpecFilters } from '../spec-filter.js'
import { excludedBy } from './entry-filter.js'
import type { SnapshotRange } from './snapshot-range.js'

export interface AppendPlanRequest {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly range: SnapshotRange
  /** What the filter is bound to, and the files are read with. */
  readonly schema: Schema
  readonly filter?: Expression | undefined
  readonly caseSensitive?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

const AHEAD = 6

/**
 * Plans the rows that the append snapshots of a range added. Other snapshots are passed over, whatever they added: their rows may replace
 * others. Only manifests that those snapshots wrote are read.
 */
// Source: Java `BaseIncrementalAppendScan`
export async function planAppends(request: AppendPlanRequest): Promise<ScanPlan> {
  const { io, metadata, range, schema, signal } = request
  const filter = bind(request.filter ?? alwaysTrue(), schema, { caseSensitive: request.caseSensitive ?? true })
  const filters = new SpecFilters(metadata, schema, filter)
  const report = new ReportBuilder(false)
  const appends = range.snapshots.filter((snapshot) => snapshot.operation === 'append')
  const snapshotIds = new Set(appends.map((snapshot) => snapshot.snapshotId))
  const manifests = new Map<string, ManifestFile>()
  for await (const list of mapOrdered(appends, AHEAD, (snapshot) => loadManifestList(io, snapshot, { signal }))) {
    throwIfAborted(signal)
    for (const manifest of list) {
      if (manifest.content === 'data' && snapshotIds.has(manifest.addedSnapshotId)) manifests.set(manifest.manifestPath, manifest)
    }
  }
  const chosen = [...manifests.values()].filter((manifest) => {
    const filterOfSpec = filters.of(manifest.partitionSpecId, manifest.manifestPath)
    const read = manifest.addedFilesCount !== 0 && filterOfSpec.manifest.mayMatch(manifest.partitions)
    report.countManifest('data', read)
    return read
  })
  const load = (manifest: ManifestFile): Promise<ManifestEntries> =>
    loadManifest(io, manifest, { partitionType: filters.of(manifest.partitionSpecId, manifest.manifestPath).partitionType, signal })
  const selections: ManifestSelection[] = []
  for await (const entries of mapOrdered(chosen, AHEAD, load)) {
    throwIfAborted(signal)
    selections.push(selectAdded(entries, snapshotIds, filters, report))
  }
  const splitOptions = {
    splitSizeBytes: readInteger(metadata.properties, tableProperties.splitTargetSizeBytes),
    lookback: readInteger(metadata.properties, tableProperties.splitLookback),
    openFileCostBytes: readInteger(metadata.properties, tableProperties.splitOpenFileCostBytes),
  }
  return new ScanPlan({ snapshot: range.to, schema, filter, selections, report: report.finish(), splitOptions })
}

function selectAdded(
  entries: ManifestEntries,
  snapshotIds: ReadonlySet<bigint>,
  filters: SpecFilters,
  report: ReportBuilder,
): ManifestSelection {
  const filter = filters.of(entries.specId, entries.manifest.manifestPath)
  const selected = new Uint32Array(entries.count)
  let [count, bytes] = [0, 0]
  for (let i = 0; i < entries.count; i++) {
    if (entries.status[i] !== STATUS_ADDED || !snapshotIds.has(entries.snapshotId[i]!)) continue
    const skippedBy = excludedBy(entries, i, filters)
    if (skippedBy === undefined) {
      selected[count++] = i
      bytes += entries.fileSizeBytes[i]!
    } else report.countSkipped(skippedBy, entries.fileSizeBytes[i]!)
  }
  report.countRead(count, bytes)
  return { entries, filter, selected: selected.slice(0, count), deletes: undefined, keepsStats: true }
}
