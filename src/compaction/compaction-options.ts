import type { Expression } from '../expression/expression.js'
import { readInteger, tableProperties } from '../metadata/table-properties.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { FloeError } from '../util/errors.js'
import { checkCount, checkOneOf } from '../util/option-values.js'
import type { CompactionStrategy } from './strategy.js'

/** Which groups are rewritten first. Source: `RewriteJobOrder` */
export type JobOrder = 'none' | 'bytes-asc' | 'bytes-desc' | 'files-asc' | 'files-desc'

/** Which files are rewritten, and how. Names and defaults are the reference's. Source: `SizeBasedFileRewritePlanner` and its subclasses */
export interface PlanCompactionOptions {
  /** Default `binpack`: rows keep their order. */
  readonly strategy?: CompactionStrategy | undefined
  /** Only files that may hold rows of it. Default: all. */
  readonly filter?: Expression | undefined
  readonly caseSensitive?: boolean | undefined
  /** Default `main`. */
  readonly branch?: string | undefined
  /** Default: the table's `write.target-file-size-bytes`. */
  readonly targetFileSizeBytes?: number | undefined
  /** Smaller files are rewritten. Default 75 % of the target. */
  readonly minFileSizeBytes?: number | undefined
  /** Larger files are rewritten. Default 180 % of the target. */
  readonly maxFileSizeBytes?: number | undefined
  /** A group of so many files is rewritten whatever its size. Default 5. */
  readonly minInputFiles?: number | undefined
  /** A file with so many delete files is rewritten whatever its size. Default: no number is enough. */
  readonly deleteFileThreshold?: number | undefined
  /** A file of whose rows this share is known to be deleted is rewritten whatever its size. Default 0.3. */
  readonly deleteRatioThreshold?: number | undefined
  /** Default 100 GiB. */
  readonly maxFileGroupSizeBytes?: number | undefined
  /** Default: any number. */
  readonly maxFileGroupInputFiles?: number | undefined
  /** Rewrite every file, whatever the thresholds say. Default false. */
  readonly rewriteAll?: boolean | undefined
  /** Rewrite no more files than these. Default: all that the thresholds name. */
  readonly maxFilesToRewrite?: number | undefined
  /** The partition spec of what is written. Default: the table's. */
  readonly outputSpecId?: number | undefined
  /** Default `none`: as planned. */
  readonly jobOrder?: JobOrder | undefined
  /** `clustering`: files that overlap in the strategy's columns, instead of those of a wrong size. Default `size`. */
  readonly selection?: 'size' | 'clustering' | undefined
  /**
   * Give outputs the sequence number of the snapshot that was read, so that equality deletes committed meanwhile apply to them.
   * Default true.
   */
  readonly useStartingSequenceNumber?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** How a group of a plan is rewritten. */
export interface RewriteGroupOptions {
  /** Memory that all groups under way may take together, besides what the process and its engine take idle. Default 512 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** The folder in which rows that exceed the budget wait while they are sorted. Default: the system's for temporary files. */
  readonly spillFolder?: string | undefined
  readonly onProgress?: ((progress: GroupProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface GroupProgress {
  /** Rows that are through, of those that are planned. */
  readonly rows: number
}

/** How groups that were rewritten come into the table. */
export interface CommitCompactionOptions {
  /**
   * Delete files that apply to no data file any more leave the table in the same commit, also those of rows that were not
   * rewritten. Default true; the reference does so only when asked.
   */
  readonly removeDanglingDeletes?: boolean | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

/** What {@link compact} takes. */
export interface CompactionOptions extends PlanCompactionOptions, Omit<RewriteGroupOptions, 'onProgress'>, CommitCompactionOptions {
  /** Commit groups as they are done instead of all at the end. Default false. */
  readonly partialProgress?: boolean | undefined
  /** Commits at most, with partial progress. Default 10. */
  readonly maxCommits?: number | undefined
  /** Commits that may fail, with partial progress, before the call does. Default: all. */
  readonly maxFailedCommits?: number | undefined
  /** Groups that are rewritten at once, as far as the memory budget allows. Default 5. */
  readonly maxConcurrentGroups?: number | undefined
  /** What the gain of an ordering is measured with: those that the table is asked. Default: boxes of 1 % of the rows. */
  readonly filters?: readonly Expression[] | undefined
  /** Plan, and change nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /** Called as rows get through. */
  readonly onProgress?: ((progress: CompactionProgress) => void) | undefined
}

/** How far a compaction has come. Counts of rows are those of files, before deletes. */
export interface CompactionProgress {
  readonly groups: number
  readonly totalGroups: number
  readonly rows: number
  readonly totalRows: number
  /** Of the files that were read, by the share of their rows. */
  readonly bytes: number
  readonly totalBytes: number
  readonly bytesPerSecond: number
  /** Milliseconds until all rows are through, at the rate so far; undefined before there is one. */
  readonly remainingMs: number | undefined
}

export const DEFAULT_MEMORY_BUDGET_BYTES = 512 * 2 ** 20

const DEFAULT_MIN_RATIO = 0.75
const DEFAULT_MAX_RATIO = 1.8
const DEFAULT_MIN_INPUT_FILES = 5
const DEFAULT_DELETE_RATIO = 0.3
const DEFAULT_MAX_GROUP_BYTES = 100 * 2 ** 30
const JOB_ORDERS: readonly JobOrder[] = ['none', 'bytes-asc', 'bytes-desc', 'files-asc', 'files-desc']

/** {@link PlanCompactionOptions}, checked, with every default. */
export interface CompactionThresholds {
  readonly targetFileSizeBytes: number
  readonly minFileSizeBytes: number
  readonly maxFileSizeBytes: number
  readonly minInputFiles: number
  readonly deleteFileThreshold: number
  readonly deleteRatioThreshold: number
  readonly maxFileGroupSizeBytes: number
  readonly maxFileGroupInputFiles: number
  readonly rewriteAll: boolean
  readonly maxFilesToRewrite: number
  readonly outputSpecId: number
  readonly jobOrder: JobOrder
}

/** @throws FloeError `INVALID` naming the option that is out of range */
export function compactionThresholds(options: PlanCompactionOptions, metadata: TableMetadata): CompactionThresholds {
  const target = options.targetFileSizeBytes ?? readInteger(metadata.properties, tableProperties.targetFileSizeBytes)
  const { jobOrder = 'none', outputSpecId = metadata.defaultSpecId, deleteRatioThreshold = DEFAULT_DELETE_RATIO } = options
  const thresholds: CompactionThresholds = {
    targetFileSizeBytes: whole('targetFileSizeBytes', target, 1),
    minFileSizeBytes: whole('minFileSizeBytes', options.minFileSizeBytes ?? Math.floor(target * DEFAULT_MIN_RATIO), 0),
    maxFileSizeBytes: whole('maxFileSizeBytes', options.maxFileSizeBytes ?? Math.floor(target * DEFAULT_MAX_RATIO), 0),
    minInputFiles: whole('minInputFiles', options.minInputFiles ?? DEFAULT_MIN_INPUT_FILES, 1),
    deleteFileThreshold: options.deleteFileThreshold === undefined ? Infinity : whole('deleteFileThreshold', options.deleteFileThreshold, 0),
    deleteRatioThreshold,
    maxFileGroupSizeBytes: whole('maxFileGroupSizeBytes', options.maxFileGroupSizeBytes ?? DEFAULT_MAX_GROUP_BYTES, 1),
    maxFileGroupInputFiles: options.maxFileGroupInputFiles === undefined ? Infinity : whole('maxFileGroupInputFiles', options.maxFileGroupInputFiles, 1),
    rewriteAll: options.rewriteAll ?? false,
    maxFilesToRewrite: options.maxFilesToRewrite === undefined ? Infinity : whole('maxFilesToRewrite', options.maxFilesToRewrite, 1),
    outputSpecId,
    jobOrder,
  }
  checkThresholds(thresholds, metadata)
  return thresholds
}

function checkThresholds(thresholds: CompactionThresholds, metadata: TableMetadata): void {
  const { targetFileSizeBytes: target, minFileSizeBytes: min, maxFileSizeBytes: max, deleteRatioThreshold: ratio } = thresholds
  if (target <= min) throw invalid(`targetFileSizeBytes (${target}) must be above minFileSizeBytes (${min}): all new files would be too small`)
  if (target >= max) throw invalid(`targetFileSizeBytes (${target}) must be below maxFileSizeBytes (${max}): all new files would be too large`)
  if (!(ratio > 0 && ratio <= 1)) throw invalid(`deleteRatioThreshold must be above 0 and at most 1, not ${ratio}`)
  checkOneOf(thresholds.jobOrder, JOB_ORDERS, 'jobOrder')
  if (metadata.partitionSpecs.some((spec) => spec.specId === thresholds.outputSpecId)) return
  const known = metadata.partitionSpecs.map((spec) => spec.specId).join(', ')
  throw invalid(`outputSpecId is ${thresholds.outputSpecId}, which the table does not have: it has ${known}`)
}

/** @throws FloeError `INVALID` naming the option, unless `value` is a whole number from `min` on */
export function whole(name: string, value: number, min: number): number {
  checkCount(value, min, name)
  return value
}

function invalid(message: string): FloeError {
  return new FloeError('INVALID', message)
}
