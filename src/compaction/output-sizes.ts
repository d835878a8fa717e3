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
 * more than 10 % by it. Source: `SizeBasedFileRewritePlanner.expectedOutputFiles`
 */
export function expectedOutputFiles(bytes: number, sizes: Sizes): number {
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
  /** Undefined where nobody knows how many rows will come. */
  readonly #totalRows: number | undefined
  #finishedRows = 0

  constructor(sizes: Sizes, totalRows: number | undefined) {
    this.#sizes = sizes
    this.#totalRows = totalRows
  }

  /** `bytes`, `rows`: of the file being written. */
  isFull(bytes: number, rows: number): boolean {
    const { targetFileSizeBytes } = this.#sizes
    if (this.#totalRows === undefined || rows === 0) return bytes >= targetFileSizeBytes
    // Far from any file's end, without the trouble.
    if (bytes < targetFileSizeBytes / 2) return false
    const rowsLeft = Math.max(this.#totalRows - this.#finishedRows - rows, 0)
    const bytesLeft = bytes + (bytes / rows) * rowsLeft
    const files = expectedOutputFiles(Math.round(bytesLeft), this.#sizes)
    return files > 1 && bytes >= bytesLeft / files
  }

  /** A file of so many rows has ended. */
  finished(rows: number): void {
    this.#finishedRows += rows
  }
}
