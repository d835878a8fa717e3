import type { CompactionThresholds } from './compaction-options.js'

type Sizes = Pick<CompactionThresholds, 'targetFileSizeBytes' | 'minFileSizeBytes' | 'maxFileSizeBytes'>

/** Rounding down spreads the rest over files that grow by at most this share. */
const MAX_OVERSIZE = 1.1

/** The size that no output should exceed: halfway from the target to the maximum. Source: `SizeBasedFileRewritePlanner.writeMaxFileSize` */
export function writeMaxFileSizeBytes({ targetFileSizeBytes: target, maxFileSizeBytes: max }: Sizes): number {
  return Math.floor(target + (max - target) * 0.5)
}

/**
 * Into how many files so many bytes go. A rest that would be a file below the minimum is spread over the others, unless these grew by
 * more than 10 % by it. Source: `SizeBasedFileRewritePlanner.expectedOutputFiles`, which then leaves files below the minimum: here there
 * is one file less, as long as none grows over the maximum.
 */
export function expectedOutputFiles(bytes: number, sizes: Sizes): number {
  const files = referenceOutputFiles(bytes, sizes)
  const isBetterWithFewer = files > 1 && bytes / files < sizes.minFileSizeBytes && bytes / (files - 1) <= sizes.maxFileSizeBytes
  return isBetterWithFewer ? files - 1 : files
}

function referenceOutputFiles(bytes: number, sizes: Sizes): number {
  const { targetFileSizeBytes: target, minFileSizeBytes: min } = sizes
  if (bytes < target) return 1
  const without = Math.floor(bytes / target)
  const rest = bytes % target
  if (rest === 0) return without
  if (rest > min) return without + 1
  return Math.floor(bytes / without) < Math.min(MAX_OVERSIZE * target, writeMaxFileSizeBytes(sizes)) ? without : without + 1
}

/**
 * When the file being written should end, so that all files of a group come out alike and none is tiny: what is left to write is estimated
 * from what was written, and split into the number of files that the reference would make of it.
 */
export class OutputSizes {
  readonly #sizes: Sizes
  readonly #expected: ExpectedRows
  #finishedRows = 0

  constructor(sizes: Sizes, expected: ExpectedRows) {
    this.#sizes = sizes
    this.#expected = expected
  }

  /** `bytes`, `rows`: of the file being written; undefined bytes: those that the rows took in the inputs. */
  isFull(bytes: number | undefined, rows: number): boolean {
    const { targetFileSizeBytes } = this.#sizes
    const { totalRows, bytesPerRow } = this.#expected
    const written = bytes ?? rows * bytesPerRow
    if (totalRows === undefined || rows === 0) return written >= targetFileSizeBytes
    // Far from any file's end, without the trouble.
    if (written < targetFileSizeBytes / 2) return false
    const rowsLeft = Math.max(totalRows - this.#finishedRows - rows, 0)
    const bytesLeft = written + (written / rows) * rowsLeft
    const files = expectedOutputFiles(Math.round(bytesLeft), this.#sizes)
    return files > 1 && written >= bytesLeft / files
  }

  /** A file of so many rows has ended. */
  finished(rows: number): void {
    this.#finishedRows += rows
  }
}

export interface ExpectedRows {
  /** Undefined where nobody knows how many rows will come, as of one of several partitions. */
  readonly totalRows: number | undefined
  /** In the inputs. */
  readonly bytesPerRow: number
}
