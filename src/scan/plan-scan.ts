import { alwaysTrue } from '../expression/predicates.js'
import { bind } from '../expression/bind.js'
import type { BoundExpression, Expression } from '../expression/expression.js'
import { throwIfAborted } from '../io/aborted.js'
import type { FileIO } from '../io/file-io.js'
import { mapOrdered } from '../io/ordered-prefetch.js'
import type { DeleteFile } from '../deletes/delete-file.js'
import type { ManifestEntry, ManifestFile } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import { readInteger, tableProperties } from '../metadata/table-properties.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { metadataColumnNames } from '../schema/reserved-fields.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { compactSelection } from './compact-selection.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { DeleteFileIndex } from './delete-file-index.js'
import { collectDeletes } from './live-deletes.js'
import { loadManifest, loadManifestList } from './load-manifests.js'
import { ScanPlan, type ManifestSelection } from './scan-plan.js'
import { ReportBuilder } from './scan-report.js'
import type { SplitOptions } from './split-planning.js'
import { SpecFilters, type SpecFilter } from './spec-filter.js'

export interface PlanRequest {
  readonly io: FileIO
  readonly metadata: TableMetadata
  /** `undefined`: a table without snapshots, an empty plan. */
  readonly snapshot: Snapshot | undefined
  /** What the filter is bound to: the schema that the scan reads with. */
  readonly schema: Schema
  readonly filter?: Expression | undefined
  readonly caseSensitive?: boolean | undefined
  /**
   * Only rows that the filter selects will be read: equality deletes that can name none of them are left out. Default false, for
   * whoever reads the other rows of the files too.
   */
  readonly rowsAreFiltered?: boolean | undefined
  /** Keep the counts, sizes and bounds of columns for `PlannedFile.dataFile`. Default false. */
  readonly includeColumnStats?: boolean | undefined
  /** Keep the reason of every decision. */
  readonly explain?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Manifests that are fetched and inflated while one is being decided on. */
const MANIFESTS_AHEAD = 6

/**
 * Plans a scan: manifests are pruned by their partition summaries, files by their partition and their metrics, and deletes
 * are found for the files that remain. Only manifests are read.
 * Spec: Scan Planning
 */
export async function planScan(request: PlanRequest): Promise<ScanPlan> {
  const { io, metadata, snapshot, schema, signal } = request
  const filter = bindFilter(request)
  const filters = new SpecFilters(metadata, schema, filter)
  const report = new ReportBuilder(request.explain ?? false)
  const selections: ManifestSelection[] = []
  if (snapshot !== undefined) {
    const manifests = await loadManifestList(io, snapshot, { signal })
    const load = (manifest: ManifestFile): Promise<ManifestEntries> =>
      loadManifest(io, manifest, { partitionType: filters.of(manifest.partitionSpecId, manifest.manifestPath).partitionType, signal })
    const chosen = manifests.filter((manifest) => selectManifest(manifest, filters, report))
    const deletes = await indexDeletes(chosen, load, filters, request.rowsAreFiltered === true)
    for await (const entries of mapOrdered(chosen.filter(isData), MANIFESTS_AHEAD, load)) {
      throwIfAborted(signal)
      const selection = selectFiles({ entries, filters, deletes, report, snapshotId: snapshot.snapshotId })
      if (selection.selected.length > 0) selections.push(compactSelection(selection, request.includeColumnStats ?? false))
    }
    if (report.explains) report.explainDeletes(deletes.files)
  }
  return new ScanPlan({ snapshot, schema, filter, selections, report: report.finish(), splitOptions: splitOptionsOf(metadata) })
}

/** How the table's properties want files to be cut. */
export function splitOptionsOf({ properties }: TableMetadata): SplitOptions {
  return {
    splitSizeBytes: readInteger(properties, tableProperties.splitTargetSizeBytes),
    lookback: readInteger(properties, tableProperties.splitLookback),
    openFileCostBytes: readInteger(properties, tableProperties.splitOpenFileCostBytes),
  }
}

/**
 * The filter of a scan, bound to its schema.
 * @throws FloeError `UNSUPPORTED` for a filter on a metadata column, unless a column of the table has its name
 */
export function bindFilter({ filter, schema, caseSensitive }: Pick<PlanRequest, 'filter' | 'schema' | 'caseSensitive'>): BoundExpression {
  try {
    return bind(filter ?? alwaysTrue(), schema, { caseSensitive: caseSensitive ?? true })
  } catch (error) {
    if (!isFloeError(error, 'NOT_FOUND') || !metadataColumnNames().includes(error.column?.split('.')[0] ?? '')) throw error
    const problem = 'Metadata columns cannot be filtered by: read them with metadataColumns(…), and pick the rows afterwards'
    throw new FloeError('UNSUPPORTED', problem, { column: error.column!, cause: error })
  }
}

function isData(manifest: ManifestFile): boolean {
  return manifest.content === 'data'
}

function selectManifest(manifest: ManifestFile, filters: SpecFilters, report: ReportBuilder): boolean {
  const filter = filters.of(manifest.partitionSpecId, manifest.manifestPath)
  // Counts that were not recorded must be taken as non-zero.
  const live = manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0
  const read = live && filter.manifest.mayMatch(manifest.partitions)
  report.countManifest(manifest.content, read)
  if (report.explains) {
    const skipped = live ? (filter.manifest.explain(manifest.partitions) ?? 'unknown') : 'it lists no live files'
    report.decide({
      kind: manifest.content === 'data' ? 'manifest' : 'delete-manifest',
      location: manifest.manifestPath,
      read,
      reason: read ? filter.manifestReason : skipped,
      sizeBytes: manifest.manifestLengthBytes,
      count: (manifest.addedFilesCount ?? 0) + (manifest.existingFilesCount ?? 0),
    })
  }
  return read
}

async function indexDeletes(
  manifests: readonly ManifestFile[],
  load: (manifest: ManifestFile) => Promise<ManifestEntries>,
  filters: SpecFilters,
  rowsAreFiltered: boolean,
): Promise<DeleteFileIndex> {
  const live: ManifestEntry[] = []
  for await (const entries of mapOrdered(manifests.filter((manifest) => manifest.content === 'deletes'), MANIFESTS_AHEAD, load)) {
    collectDeletes(entries, filters, rowsAreFiltered, live)
  }
  const { metadata, schema } = filters
  return new DeleteFileIndex(live, metadata.partitionSpecs, [schema, ...metadata.schemas.toReversed()])
}

interface FileSelection {
  readonly entries: ManifestEntries
  readonly filters: SpecFilters
  readonly deletes: DeleteFileIndex
  readonly report: ReportBuilder
  readonly snapshotId: bigint
}

function selectFiles(context: FileSelection): ManifestSelection {
  const { entries, filters, report } = context
  const filter = filters.of(entries.specId, entries.manifest.manifestPath)
  const selected = new Uint32Array(entries.count)
  let count = 0
  let bytes = 0
  for (let i = 0; i < entries.count; i++) {
    if (!entries.isLive(i)) continue
    const skippedBy = skips(entries, i, filter, filters)
    if (skippedBy === undefined) {
      selected[count++] = i
      bytes += entries.fileSizeBytes[i]!
    } else report.countSkipped(skippedBy, entries.fileSizeBytes[i]!)
    if (report.explains) explainFile(context, filter, i, skippedBy)
  }
  const chosen = selected.slice(0, count)
  const deletes = findDeletes(context, chosen)
  report.countRead(count, bytes)
  if (deletes !== undefined) report.countDeletes(deletes.values())
  return { entries, filter, selected: chosen, deletes, snapshotId: context.snapshotId, keepsStats: true }
}

function skips(entries: ManifestEntries, i: number, filter: SpecFilter, filters: SpecFilters): 'partition' | 'metrics' | undefined {
  if (filter.partition !== undefined && !filter.partition.mayMatch(entries.partition(i))) return 'partition'
  if (filters.metrics !== undefined && !filters.metrics.mayMatch(entries.stats(i))) return 'metrics'
  return undefined
}

function explainFile(context: FileSelection, filter: SpecFilter, i: number, skippedBy: 'partition' | 'metrics' | undefined): void {
  const { entries, filters, report } = context
  const reasons = {
    partition: () => filter.partition?.explain(entries.partition(i)) ?? 'unknown',
    metrics: () => filters.metrics?.explain(entries.stats(i)) ?? 'unknown',
  }
  report.decide({
    kind: 'file',
    location: entries.filePath(i),
    read: skippedBy === undefined,
    reason: skippedBy === undefined ? (filters.metrics === undefined ? 'there is no filter' : 'neither its partition nor its metrics exclude it') : reasons[skippedBy](),
    sizeBytes: entries.fileSizeBytes[i]!,
    count: entries.recordCount[i]!,
  })
}

function findDeletes({ entries, deletes }: FileSelection, selected: Uint32Array): ReadonlyMap<number, readonly DeleteFile[]> | undefined {
  if (deletes.isEmpty) return undefined
  const found = new Map<number, readonly DeleteFile[]>()
  for (const i of selected) {
    const sequenceNumber = entries.sequenceNumber[i]!
    const filePath = entries.filePath(i)
    const [partition, stats] = [entries.partition(i), entries.stats(i)]
    const applied = deletes.deletesFor({ filePath, specId: entries.specId, partition, sequenceNumber, stats })
    if (applied.length > 0) found.set(i, applied)
  }
  return found
}
