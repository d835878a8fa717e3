import { deleteTask } from '../deletes/delete-file.js'
import type { DeleteFile } from '../deletes/delete-file.js'
import type { BoundExpression } from '../expression/expression.js'
import { printExpression } from '../expression/expression-json.js'
import type { DataFile } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import type { Schema } from '../schema/schema.js'
import { valueToJson } from '../schema/single-value-json.js'
import type { StructType, Value } from '../schema/type.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import type { CombinedScanTask, FileScanTask } from './file-scan-task.js'
import type { ScanReport } from './scan-report.js'
import type { SpecFilter } from './spec-filter.js'
import { combineTasks, splitFile, type SplitOptions } from './split-planning.js'

/** One data file of a plan. Members are decoded when they are read, from the manifest's own bytes. */
export class PlannedFile {
  readonly #selection: PlannedSelection
  readonly #entry: number

  constructor(selection: PlannedSelection, entry: number) {
    this.#selection = selection
    this.#entry = entry
  }

  get filePath(): string {
    return this.#selection.entries.filePath(this.#entry)
  }

  /** @throws FloeError `CORRUPT` for a format that no data file has */
  get fileFormat(): FileScanTask['fileFormat'] {
    const fileFormat = this.#selection.entries.fileFormat(this.#entry)
    if (fileFormat === 'puffin') throw new FloeError('CORRUPT', 'A data manifest lists a Puffin file as data', { file: this.filePath })
    return fileFormat
  }

  get specId(): number {
    return this.#selection.entries.specId
  }

  /** In the order of the spec's fields. */
  get partition(): readonly Value[] {
    return this.#selection.entries.partition(this.#entry)
  }

  get recordCount(): number {
    return this.#selection.entries.recordCount[this.#entry]!
  }

  get fileSizeBytes(): number {
    return this.#selection.entries.fileSizeBytes[this.#entry]!
  }

  /** Data sequence number. */
  get sequenceNumber(): bigint {
    return this.#selection.entries.sequenceNumber[this.#entry]!
  }

  get firstRowId(): bigint | undefined {
    return this.#selection.entries.firstRowId(this.#entry)
  }

  get splitOffsets(): readonly number[] | undefined {
    return this.#selection.entries.splitOffsets(this.#entry)
  }

  /** The delete files and vectors that apply to the file. */
  get deletes(): readonly DeleteFile[] {
    return this.#selection.deletes?.get(this.#entry) ?? NO_DELETES
  }

  /** The snapshot that was planned; absent where the deletes are not all of those that one snapshot applies. */
  get snapshotId(): bigint | undefined {
    return this.#selection.snapshotId
  }

  /** What is left of the scan's filter for this file's rows. */
  get residual(): BoundExpression {
    return this.#selection.residuals?.get(this.#entry) ?? this.#selection.filter.residual(this.partition)
  }

  /** The entry as a value; with counts, sizes and bounds of columns when the plan was made with `includeColumnStats`. */
  dataFile(): DataFile {
    return this.#selection.entries.dataFile(this.#entry, { stats: this.#selection.keepsStats })
  }

  /** The file as a task over all of its bytes. */
  task(): FileScanTask {
    const { filter } = this.#selection
    return {
      filePath: this.filePath,
      fileFormat: this.fileFormat,
      fileSizeBytes: this.fileSizeBytes,
      recordCount: this.recordCount,
      specId: this.specId,
      partition: tupleText(filter.partitionType, this.partition),
      start: 0,
      length: this.fileSizeBytes,
      sequenceNumber: String(this.sequenceNumber),
      firstRowId: this.firstRowId?.toString(),
      deletes: this.deletes.map(deleteTask),
      snapshotId: this.snapshotId?.toString(),
      schemaId: filter.schemaId,
      residual: printJson(printExpression(this.residual)),
    }
  }
}

const NO_DELETES: readonly DeleteFile[] = []

/** What a plan needs of the entries that it selected. */
export interface PlannedEntries
  extends Pick<ManifestEntries, 'specId' | 'filePath' | 'fileFormat' | 'partition' | 'firstRowId' | 'splitOffsets' | 'dataFile'> {
  readonly recordCount: ArrayLike<number>
  readonly fileSizeBytes: ArrayLike<number>
  readonly sequenceNumber: ArrayLike<bigint>
}

/** Files of one partition spec that a scan reads. */
export interface PlannedSelection {
  /** Whether statistics of columns can still be had. */
  readonly keepsStats: boolean
  readonly entries: PlannedEntries
  readonly filter: SpecFilter
  /** Indices of entries, ascending. */
  readonly selected: Uint32Array
  /** By entry; entries without deletes are left out. */
  readonly deletes: ReadonlyMap<number, readonly DeleteFile[]> | undefined
  /** The snapshot whose deletes those are, unless it is a choice of them. */
  readonly snapshotId?: bigint | undefined
  /** By entry, where something else is left of the filter than what the partition does not prove. */
  readonly residuals?: ReadonlyMap<number, BoundExpression> | undefined
}

/** The files of one manifest that a scan reads. */
export interface ManifestSelection extends PlannedSelection {
  readonly entries: ManifestEntries
}

/** Which files a scan reads, and why not the others. Frozen data: making it read manifests only. */
export class ScanPlan {
  /** `undefined` for a table without snapshots. */
  readonly snapshot: Snapshot | undefined
  /** The schema that the scan reads with. */
  readonly schema: Schema
  /** The scan's filter, bound to {@link schema}. */
  readonly filter: BoundExpression
  readonly fileCount: number
  /** Rows in the planned files, before deletes and the residual filter. */
  readonly recordCount: number
  readonly sizeBytes: number
  readonly report: ScanReport
  readonly #selections: readonly PlannedSelection[]
  readonly #splitOptions: SplitOptions

  constructor(content: {
    readonly snapshot: Snapshot | undefined
    readonly schema: Schema
    readonly filter: BoundExpression
    readonly selections: readonly PlannedSelection[]
    readonly report: ScanReport
    readonly splitOptions: SplitOptions
  }) {
    this.snapshot = content.snapshot
    this.schema = content.schema
    this.filter = content.filter
    this.report = content.report
    this.#selections = content.selections
    this.#splitOptions = content.splitOptions
    let [files, records, bytes] = [0, 0, 0]
    for (const { entries, selected } of content.selections) {
      files += selected.length
      for (let i = 0; i < selected.length; i++) {
        records += entries.recordCount[selected[i]!]!
        bytes += entries.fileSizeBytes[selected[i]!]!
      }
    }
    this.fileCount = files
    this.recordCount = records
    this.sizeBytes = bytes
  }

  /** Every planned file, manifest by manifest. */
  *files(): Generator<PlannedFile, void, undefined> {
    for (const selection of this.#selections) {
      for (let i = 0; i < selection.selected.length; i++) yield new PlannedFile(selection, selection.selected[i]!)
    }
  }

  /** Files as plain JSON data, cut at their row groups into splits of about `splitSizeBytes` (`read.split.target-size`). */
  *tasks(options: Partial<SplitOptions> = {}): Generator<FileScanTask, void, undefined> {
    const splitSizeBytes = options.splitSizeBytes ?? this.#splitOptions.splitSizeBytes
    for (const file of this.files()) yield* splitFile(file.task(), file.splitOffsets, splitSizeBytes)
  }

  /** {@link tasks}, packed into combined tasks of about the split size: one per worker. */
  *combinedTasks(options: Partial<SplitOptions> = {}): Generator<CombinedScanTask, void, undefined> {
    yield* combineTasks(this.tasks(options), { ...this.#splitOptions, ...options })
  }
}

function tupleText(type: StructType, tuple: readonly Value[]): string {
  return printJson(type.fields.map((field, index) => valueToJson(field.type, tuple[index] ?? null)))
}
