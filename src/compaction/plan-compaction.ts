import { referencedDataFile } from '../manifest/file-identity.js'
import type { DmlContext } from '../dml/dml-context.js'
import { alwaysTrue } from '../expression/predicates.js'
import { currentSchema, specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionKey } from '../partition/partition-key.js'
import { partitionPath } from '../partition/partition-path.js'
import { planScan } from '../scan/plan-scan.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { checkOneOf } from '../util/option-values.js'
import { compactionThresholds, type CompactionThresholds, type JobOrder, type PlanCompactionOptions } from './compaction-options.js'
import { frozenPlan, type CompactionGroup, type CompactionPlan } from './compaction-plan.js'
import { expectedOutputFiles } from './output-sizes.js'
import type { RowOrder } from './order/row-order.js'
import { planOrder } from './plan-order.js'

/**
 * Decides which files of a branch are rewritten together: by partition, by the thresholds of the reference. Only manifests are read.
 * Files of other specs than the output's are taken together, whatever partition they are of. Source: `BinPackRewriteFilePlanner`
 *
 * @throws FloeError `INVALID` for options that contradict themselves or the table, `NOT_FOUND` for a branch that is not there
 */
export async function planCompaction(context: DmlContext, options: PlanCompactionOptions): Promise<CompactionPlan> {
  const { io, metadata } = context.loaded
  const thresholds = compactionThresholds(options, metadata)
  const planned = planOrder(options, metadata)
  checkOneOf(options.selection, ['size', 'clustering'], 'selection')
  const snapshot = headOf(metadata, options.branch ?? MAIN_BRANCH)
  const { filter = alwaysTrue(), caseSensitive, signal } = options
  const includeColumnStats = options.selection === 'clustering'
  const schema = currentSchema(metadata)
  const scan = await planScan({ io, metadata, snapshot, schema, filter, caseSensitive, includeColumnStats, signal })
  const packed = await packGroups(scan.files(), thresholds, metadata, { selection: options.selection ?? 'size', order: planned.order })
  const groups = inJobOrder(packed, thresholds.jobOrder)
  const sum = (of: (group: CompactionGroup) => number): number => groups.reduce((total, group) => total + of(group), 0)
  const { targetFileSizeBytes, minFileSizeBytes, maxFileSizeBytes } = thresholds
  return frozenPlan({
    formatVersion: metadata.formatVersion,
    tableUuid: metadata.tableUuid ?? '',
    branch: options.branch ?? MAIN_BRANCH,
    snapshotId: snapshot?.snapshotId.toString(),
    sequenceNumber: String(snapshot?.sequenceNumber ?? 0n),
    schemaId: metadata.currentSchemaId,
    outputSpecId: thresholds.outputSpecId,
    order: planned.order,
    strategy: planned.order?.type ?? 'binpack',
    sortOrderId: planned.sortOrderId,
    targetFileSizeBytes,
    minFileSizeBytes,
    maxFileSizeBytes,
    useStartingSequenceNumber: options.useStartingSequenceNumber ?? true,
    groups,
    inputFiles: sum((group) => group.tasks.length),
    inputBytes: sum((group) => group.inputBytes),
    inputRows: sum((group) => group.inputRows),
    candidateFiles: scan.fileCount,
  })
}

function headOf(metadata: TableMetadata, branch: string): Snapshot | undefined {
  const known = metadata.refs.get(branch)
  if (known === undefined && branch !== MAIN_BRANCH) throw new FloeError('NOT_FOUND', `There is no branch ${JSON.stringify(branch)} to compact`)
  if (known?.type === 'tag') throw new FloeError('INVALID', `${JSON.stringify(branch)} is a tag: only branches are compacted`)
  return branchHead(metadata, branch)
}

/** Files that may go into one group. */
interface Partition {
  readonly specId: number
  readonly partition: PlannedFile['partition'] | undefined
  readonly files: PlannedFile[]
}

interface Selection {
  readonly selection: 'size' | 'clustering'
  readonly order: RowOrder | undefined
}

async function packGroups(
  files: Iterable<PlannedFile>,
  thresholds: CompactionThresholds,
  metadata: TableMetadata,
  selection: Selection,
): Promise<CompactionGroup[]> {
  const groups: CompactionGroup[] = []
  let filesLeft = thresholds.maxFilesToRewrite
  for (const partition of byPartition(files, thresholds.outputSpecId)) {
    const packed = selection.selection === 'clustering' ? await overlapping(partition, thresholds, metadata, selection.order) : bySize(partition.files, thresholds)
    for (const selected of packed) {
      const taken = selected.slice(0, filesLeft)
      if (taken.length === 0) return groups
      filesLeft -= taken.length
      groups.push(groupOf(groups.length + 1, { ...partition, files: taken }, thresholds, metadata))
    }
  }
  return groups
}

/**
 * Rows of files of another spec may belong to several partitions of the output's. Source: `BinPackRewriteFilePlanner.groupByPartition`
 */
function byPartition(files: Iterable<PlannedFile>, outputSpecId: number): Iterable<Partition> {
  const partitions = new Map<string, Partition>()
  for (const file of files) {
    const isSame = file.specId === outputSpecId
    const key = isSame ? partitionKey(file.partition) : 'other specs'
    let partition = partitions.get(key)
    if (partition === undefined) {
      partition = { specId: outputSpecId, partition: isSame ? file.partition : undefined, files: [] }
      partitions.set(key, partition)
    }
    partition.files.push(file)
  }
  return partitions.values()
}

/** Source: `SizeBasedFileRewritePlanner.planFileGroups` */
function bySize(files: readonly PlannedFile[], thresholds: CompactionThresholds): readonly (readonly PlannedFile[])[] {
  if (thresholds.rewriteAll) return pack(files, thresholds)
  const candidates = files.filter((file) => isOfWrongSize(file, thresholds) || hasManyDeletes(file, thresholds))
  return pack(candidates, thresholds).filter((group) => isWorthIt(group, thresholds))
}

function pack(files: readonly PlannedFile[], { maxFileGroupSizeBytes, maxFileGroupInputFiles }: CompactionThresholds): PlannedFile[][] {
  const groups: PlannedFile[][] = []
  let bytes = 0
  for (const file of files) {
    const last = groups.at(-1)
    if (last !== undefined && bytes + file.fileSizeBytes <= maxFileGroupSizeBytes && last.length < maxFileGroupInputFiles) {
      last.push(file)
      bytes += file.fileSizeBytes
    } else {
      groups.push([file])
      bytes = file.fileSizeBytes
    }
  }
  return groups
}

function isOfWrongSize({ fileSizeBytes }: PlannedFile, { minFileSizeBytes, maxFileSizeBytes }: CompactionThresholds): boolean {
  return fileSizeBytes < minFileSizeBytes || fileSizeBytes > maxFileSizeBytes
}

function hasManyDeletes(file: PlannedFile, { deleteFileThreshold, deleteRatioThreshold }: CompactionThresholds): boolean {
  const { deletes, recordCount } = file
  if (deletes.length >= deleteFileThreshold) return true
  if (deletes.length === 0) return false
  const known = deletes.reduce((rows, candidate) => rows + (referencedDataFile(candidate) === undefined ? 0 : candidate.recordCount), 0)
  return Math.min(known, recordCount) / recordCount >= deleteRatioThreshold
}

/** Source: `BinPackRewriteFilePlanner.filterFileGroups` */
function isWorthIt(group: readonly PlannedFile[], thresholds: CompactionThresholds): boolean {
  const bytes = bytesOf(group)
  if (group.length > 1 && (group.length >= thresholds.minInputFiles || bytes > thresholds.targetFileSizeBytes)) return true
  return bytes > thresholds.maxFileSizeBytes || group.some((file) => hasManyDeletes(file, thresholds))
}

function bytesOf(files: readonly PlannedFile[]): number {
  return files.reduce((bytes, file) => bytes + file.fileSizeBytes, 0)
}

/** Files of other specs are rewritten as their sizes say: the bounds of one partition's files are compared, not those of several. */
async function overlapping(
  { partition, files }: Partition,
  thresholds: CompactionThresholds,
  metadata: TableMetadata,
  order: RowOrder | undefined,
): Promise<readonly (readonly PlannedFile[])[]> {
  const { selectByClustering } = await import('./select-by-clustering.js')
  const groups = selectByClustering(files, { order, thresholds, schema: currentSchema(metadata) })
  return partition === undefined ? bySize(files, thresholds) : groups
}

function groupOf(
  id: number,
  { specId, partition, files }: Partition,
  thresholds: CompactionThresholds,
  metadata: TableMetadata,
): CompactionGroup {
  const inputBytes = bytesOf(files)
  // What is rewritten are all rows of a file, not only those of the filter.
  const tasks = files.map((file) => ({ ...file.task(), residual: 'true' }))
  const deletes = new Set(tasks.flatMap((task) => task.deletes.map(({ filePath, contentOffset }) => `${filePath}\0${contentOffset ?? ''}`)))
  return {
    id,
    specId,
    partition: partition === undefined ? undefined : tasks[0]!.partition,
    partitionPath: partition === undefined ? '' : partitionPath(specById(metadata, specId), currentSchema(metadata), partition),
    inputBytes,
    inputRows: files.reduce((rows, file) => rows + file.recordCount, 0),
    deleteFiles: deletes.size,
    expectedOutputFiles: expectedOutputFiles(inputBytes, thresholds),
    tasks,
  }
}

/** Source: `RewriteFileGroup.comparator` */
function inJobOrder(groups: readonly CompactionGroup[], jobOrder: JobOrder): readonly CompactionGroup[] {
  switch (jobOrder) {
    case 'none':
      return groups
    case 'bytes-asc':
      return groups.toSorted((a, b) => a.inputBytes - b.inputBytes)
    case 'bytes-desc':
      return groups.toSorted((a, b) => b.inputBytes - a.inputBytes)
    case 'files-asc':
      return groups.toSorted((a, b) => a.tasks.length - b.tasks.length)
    case 'files-desc':
      return groups.toSorted((a, b) => b.tasks.length - a.tasks.length)
  }
}
