/** The summary of a snapshot: what it changed, and the running totals. Source: `SnapshotSummary`, `SnapshotProducer.summary` */
import { FloeError } from '../util/errors.js'

/** What the summary reads of a content file. A position-delete file of format `puffin` is a deletion vector. */
export interface SummaryFile {
  readonly content: 'data' | 'position-deletes' | 'equality-deletes'
  readonly fileFormat: string
  readonly recordCount: number
  readonly fileSizeBytes: number
  /** The part of a Puffin file that is this deletion vector. */
  readonly contentSizeBytes?: number | undefined
}

/** Counts of one side of a change; all exact. */
interface ChangeCounts {
  size: bigint
  dataFiles: bigint
  records: bigint
  deleteFiles: bigint
  positionDeleteFiles: bigint
  equalityDeleteFiles: bigint
  deletionVectors: bigint
  positionDeletes: bigint
  equalityDeletes: bigint
}

interface Change {
  readonly added: ChangeCounts
  readonly removed: ChangeCounts
}

const ADDED_NAMES = {
  dataFiles: 'added-data-files',
  equalityDeleteFiles: 'added-equality-delete-files',
  positionDeleteFiles: 'added-position-delete-files',
  deleteFiles: 'added-delete-files',
  deletionVectors: 'added-dvs',
  records: 'added-records',
  size: 'added-files-size',
  positionDeletes: 'added-position-deletes',
  equalityDeletes: 'added-equality-deletes',
} as const satisfies Record<keyof ChangeCounts, string>

const REMOVED_NAMES = {
  dataFiles: 'deleted-data-files',
  equalityDeleteFiles: 'removed-equality-delete-files',
  positionDeleteFiles: 'removed-position-delete-files',
  deleteFiles: 'removed-delete-files',
  deletionVectors: 'removed-dvs',
  records: 'deleted-records',
  size: 'removed-files-size',
  positionDeletes: 'removed-position-deletes',
  equalityDeletes: 'removed-equality-deletes',
} as const satisfies Record<keyof ChangeCounts, string>

const COUNT_ORDER = [
  'dataFiles',
  'equalityDeleteFiles',
  'positionDeleteFiles',
  'deleteFiles',
  'deletionVectors',
  'records',
  'size',
  'positionDeletes',
  'equalityDeletes',
] as const

/** Totals, each with the counts that raise and lower it. */
const TOTALS = [
  ['total-records', ADDED_NAMES.records, REMOVED_NAMES.records],
  ['total-files-size', ADDED_NAMES.size, REMOVED_NAMES.size],
  ['total-data-files', ADDED_NAMES.dataFiles, REMOVED_NAMES.dataFiles],
  ['total-delete-files', ADDED_NAMES.deleteFiles, REMOVED_NAMES.deleteFiles],
  ['total-position-deletes', ADDED_NAMES.positionDeletes, REMOVED_NAMES.positionDeletes],
  ['total-equality-deletes', ADDED_NAMES.equalityDeletes, REMOVED_NAMES.equalityDeletes],
] as const

const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'operation',
  'changed-partition-count',
  'partition-summaries-included',
  'deleted-duplicate-files',
  'manifests-created',
  'manifests-kept',
  'manifests-replaced',
  'entries-processed',
  ...Object.values(ADDED_NAMES),
  ...Object.values(REMOVED_NAMES),
  ...TOTALS.map(([name]) => name),
])
const PARTITION_PREFIX = 'partitions.'

interface ManifestCounts {
  readonly created: number
  readonly kept: number
  readonly replaced: number
  readonly entriesProcessed?: number | undefined
}

export interface BuildSummaryOptions {
  /** Most partitions that get an entry of their own: `write.summary.partition-limit`. Default 0. */
  readonly partitionLimit?: number
  /** Manifests of the snapshot by origin, how many of the parent's were rewritten, and how many entries that moved. */
  readonly manifests?: ManifestCounts | undefined
}

/** Collects the changes of one snapshot. */
export class SnapshotSummary {
  readonly #properties = new Map<string, string>()
  readonly #change = emptyChange()
  readonly #partitions = new Map<string, Change>()
  #duplicateDeletes = 0

  /** A property of the caller's. Throws `INVALID` for a name that the summary itself uses. */
  set(name: string, value: string): this {
    if (RESERVED_NAMES.has(name) || name.startsWith(PARTITION_PREFIX)) {
      throw new FloeError('INVALID', `the snapshot property ${name} is computed and cannot be set: choose another name`)
    }
    this.#properties.set(name, value)
    return this
  }

  /** Counts a file that the snapshot adds. `partition` is the Hive-style path of its partition, empty when it has none. */
  addedFile(partition: string, file: SummaryFile): this {
    count(this.#change.added, file)
    count(this.#partition(partition).added, file)
    return this
  }

  /** Counts a file that the snapshot removes. */
  removedFile(partition: string, file: SummaryFile): this {
    count(this.#change.removed, file)
    count(this.#partition(partition).removed, file)
    return this
  }

  /** Counts deletes of files that were deleted already. */
  duplicateDeletes(files: number): this {
    this.#duplicateDeletes += files
    return this
  }

  /** An independent copy, for what only one attempt of a commit changes. */
  copy(): SnapshotSummary {
    const copy = new SnapshotSummary()
    for (const [name, value] of this.#properties) copy.#properties.set(name, value)
    addChange(copy.#change, this.#change)
    for (const [partition, change] of this.#partitions) addChange(copy.#partition(partition), change)
    copy.#duplicateDeletes = this.#duplicateDeletes
    return copy
  }

  /**
   * The finished summary, without `operation`: counts that are not zero, totals carried on from `previous` (the parent's
   * summary; `undefined` for none), and one entry for each partition when there are at most `partitionLimit` of them.
   *
   * A total that the parent lacks, or that is no number, is left out from there on: a wrong total is worse than none.
   */
  build(previous: ReadonlyMap<string, string> | undefined, options: BuildSummaryOptions = {}): Map<string, string> {
    const { partitionLimit = 0, manifests } = options
    const summary = new Map(this.#properties)
    if (manifests !== undefined) {
      summary.set('manifests-created', String(manifests.created))
      summary.set('manifests-kept', String(manifests.kept))
      summary.set('manifests-replaced', String(manifests.replaced))
      if (manifests.entriesProcessed !== undefined) summary.set('entries-processed', String(manifests.entriesProcessed))
    }
    for (const [name, value] of counts(this.#change)) summary.set(name, value)
    if (this.#duplicateDeletes > 0) summary.set('deleted-duplicate-files', String(this.#duplicateDeletes))
    summary.set('changed-partition-count', String(this.#partitions.size))
    if (this.#partitions.size > 0 && this.#partitions.size <= partitionLimit) {
      summary.set('partition-summaries-included', 'true')
      for (const [partition, change] of this.#partitions) {
        if (partition !== '') summary.set(PARTITION_PREFIX + partition, counts(change).map(([name, value]) => `${name}=${value}`).join(','))
      }
    }
    for (const [name, added, removed] of TOTALS) {
      const total = nextTotal(previous, name, summary.get(added), summary.get(removed))
      if (total !== undefined) summary.set(name, total)
    }
    return summary
  }

  #partition(path: string): Change {
    const existing = this.#partitions.get(path)
    if (existing !== undefined) return existing
    const change = emptyChange()
    this.#partitions.set(path, change)
    return change
  }
}

/** The 64-bit count under `name` of a summary; `undefined` when it is missing or not a count. */
export function summaryCount(summary: ReadonlyMap<string, string>, name: string): bigint | undefined {
  const text = summary.get(name)
  if (text === undefined || !/^\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text)
  return value < 2n ** 63n ? value : undefined
}

function nextTotal(
  previous: ReadonlyMap<string, string> | undefined,
  name: string,
  added: string | undefined,
  removed: string | undefined,
): string | undefined {
  const before = previous === undefined ? 0n : summaryCount(previous, name)
  if (before === undefined) return undefined
  const total = before + BigInt(added ?? 0) - BigInt(removed ?? 0)
  return total >= 0n && total < 2n ** 63n ? String(total) : undefined
}

function counts(change: Change): readonly (readonly [string, string])[] {
  const entries: [string, string][] = []
  for (const key of COUNT_ORDER) {
    if (change.added[key] > 0n) entries.push([ADDED_NAMES[key], String(change.added[key])])
    if (change.removed[key] > 0n) entries.push([REMOVED_NAMES[key], String(change.removed[key])])
  }
  return entries
}

function count(counts: ChangeCounts, file: SummaryFile): void {
  const records = BigInt(file.recordCount)
  counts.size += BigInt(file.contentSizeBytes ?? file.fileSizeBytes)
  if (file.content === 'data') {
    counts.dataFiles += 1n
    counts.records += records
    return
  }
  counts.deleteFiles += 1n
  if (file.content === 'equality-deletes') {
    counts.equalityDeleteFiles += 1n
    counts.equalityDeletes += records
    return
  }
  if (file.fileFormat === 'puffin') counts.deletionVectors += 1n
  else counts.positionDeleteFiles += 1n
  counts.positionDeletes += records
}

function addChange(target: Change, source: Change): void {
  for (const side of ['added', 'removed'] as const) for (const key of COUNT_ORDER) target[side][key] += source[side][key]
}

function emptyChange(): Change {
  return { added: emptyCounts(), removed: emptyCounts() }
}

function emptyCounts(): ChangeCounts {
  return {
    size: 0n,
    dataFiles: 0n,
    records: 0n,
    deleteFiles: 0n,
    positionDeleteFiles: 0n,
    equalityDeleteFiles: 0n,
    deletionVectors: 0n,
    positionDeletes: 0n,
    equalityDeletes: 0n,
  }
}
