import { packBins } from '../util/bin-packing.js'
import type { CombinedScanTask, FileScanTask } from './file-scan-task.js'

/** How files are cut and packed. Defaults are the table properties' `read.split.*`. */
export interface SplitOptions {
  /** Default 128 MiB. */
  readonly splitSizeBytes: number
  /** Open bins while packing. Default 10. */
  readonly lookback: number
  /** The least weight of a file, so that a task does not open thousands. Default 4 MiB. */
  readonly openFileCostBytes: number
}

/**
 * Cuts one file at its row groups into ranges of about the split size.
 * Without offsets a Parquet file stays whole: a byte range would mean nothing without its footer.
 * Source: Java `OffsetsAwareSplitScanTaskIterator`
 */
export function splitFile(
  task: FileScanTask,
  splitOffsets: readonly number[] | undefined,
  splitSizeBytes: number,
): readonly FileScanTask[] {
  if (splitOffsets === undefined || splitOffsets.length < 2 || !isUsable(splitOffsets, task.fileSizeBytes)) return [task]
  const splits: FileScanTask[] = []
  let start = splitOffsets[0]!
  for (let i = 0; i < splitOffsets.length; i++) {
    const end = splitOffsets[i + 1] ?? task.fileSizeBytes
    const next = splitOffsets[i + 2] ?? task.fileSizeBytes
    if (i === splitOffsets.length - 1 || next - start > splitSizeBytes) {
      splits.push({ ...task, start, length: end - start })
      start = end
    }
  }
  return splits
}

/** Packs tasks into combined ones of about the split size. Source: Java `TableScanUtil.planTasks` */
export function* combineTasks(tasks: Iterable<FileScanTask>, options: SplitOptions): Generator<CombinedScanTask> {
  const weight = (task: FileScanTask): number => Math.max(task.length, options.openFileCostBytes)
  for (const bin of packBins(tasks, { targetWeight: options.splitSizeBytes, weight, lookback: options.lookback, largestFirst: true })) {
    yield { tasks: bin, sizeBytes: bin.reduce((sum, task) => sum + task.length, 0) }
  }
}

// Offsets that lie (unsorted, beyond the file) are ignored as the reference does.
function isUsable(offsets: readonly number[], fileSizeBytes: number): boolean {
  return offsets.every((offset, i) => offset < fileSizeBytes && (i === 0 || offset > offsets[i - 1]!))
}
