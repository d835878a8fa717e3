import type { RecordBatch } from 'apache-arrow'
import type { FileChanges } from '../commit/change-files.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import type { DataFile } from '../manifest/data-file.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import type { Schema } from '../schema/schema.js'
import { RowWriter, withRowLineage } from '../write/row-writer.js'
import { copyRemainingRows } from './copy-remaining-rows.js'
import type { DmlContext } from './dml-context.js'
import { withLineageColumns } from './lineage-columns.js'
import { countLiveRows } from './live-rows.js'
import { markDeletedRows } from './mark-deleted-rows.js'
import { hasRowLineage, type RemovedRows, type RowsOfFile } from './removed-rows.js'

/** Merge-on-read marks rows as deleted; copy-on-write writes files anew without them. */
export type WriteMode = 'merge-on-read' | 'copy-on-write'

export interface RowChangeSetOptions {
  /** Tables of format version 1 know only `copy-on-write`, whatever is asked for. */
  readonly mode: WriteMode
  /** Count what would change, and write nothing. Default false. */
  readonly dryRun?: boolean | undefined
  readonly memoryBudgetBytes?: number | undefined
  readonly maxOpenFiles?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a row-level operation came to, ready to be committed. */
export interface ChangedRows {
  readonly changes: FileChanges
  /** Live rows that the commit removes from where they are, those that were rewritten among them. */
  readonly removedRows: number
  readonly rewrittenRows: number
  readonly insertedRows: number
  /** The positions that were newly marked as deleted, by location of the data file. Empty for copy-on-write. */
  readonly deletedPositions: ReadonlyMap<string, PositionBitmap>
}

/**
 * Gathers what one row-level operation does to the rows of planned files, and turns it into changes of files. Nothing is
 * committed: what {@link finish} answers is for `commitChanges`. When anything fails, {@link abort} removes what was written.
 */
export class RowChangeSet {
  readonly mode: WriteMode
  /** What {@link rewrite} takes: the table's columns, on format version 3 followed by those of row lineage. */
  readonly rewriteSchema: Schema
  readonly #context: DmlContext
  readonly #options: RowChangeSetOptions
  readonly #wholeFiles = new Map<string, PlannedFile>()
  readonly #rows = new Map<string, RowsOfFile>()
  readonly #writers = new Set<RowWriter>()
  #plainWriter: RowWriter | undefined
  #lineageWriter: RowWriter | undefined
  #rewritten = 0
  #inserted = 0
  /** Files that are finished and belong to nobody yet. */
  #files: DataFile[] = []

  constructor(context: DmlContext, options: RowChangeSetOptions) {
    const { metadata } = context.loaded
    this.#context = context
    this.#options = options
    this.mode = metadata.formatVersion === 1 ? 'copy-on-write' : options.mode
    this.rewriteSchema = hasRowLineage(metadata) ? withRowLineage(currentSchema(metadata)) : currentSchema(metadata)
  }

  /** All rows of a file go. */
  deleteFile(file: PlannedFile): void {
    this.#wholeFiles.set(file.filePath, file)
  }

  /** Rows of a file go; rows that were deleted before are not counted. May be called again for the same file. */
  deleteRows(file: PlannedFile, positions: PositionBitmap): void {
    if (positions.isEmpty) return
    const known = this.#rows.get(file.filePath)
    if (known === undefined) this.#rows.set(file.filePath, { file, positions: positions.clone() })
    else known.positions.addAll(positions)
  }

  /** New rows, with the table's columns in canonical types. */
  async insert(batch: RecordBatch): Promise<void> {
    this.#inserted += batch.numRows
    if (this.#options.dryRun === true) return
    // Rows that need no lineage go where others that do are written already: one file instead of two.
    if (this.#lineageWriter === undefined) await this.#plain().write(batch)
    else await this.#lineageWriter.write(withLineageColumns(batch, this.rewriteSchema))
  }

  /**
   * Rows that were changed, in {@link rewriteSchema}: `_row_id` kept, `_last_updated_sequence_number` null, so that it becomes
   * that of the commit. Where they were goes to {@link deleteRows}.
   */
  async rewrite(batch: RecordBatch): Promise<void> {
    this.#rewritten += batch.numRows
    await this.#write(batch)
  }

  /** Takes a file that was written for this change: {@link abort} removes it. */
  own(file: DataFile): void {
    this.#files.push(file)
  }

  /** Writes what is left to write. The files belong to the caller from then on. */
  async finish(): Promise<ChangedRows> {
    const rows = [...this.#rows.values()].filter(({ file }) => !this.#wholeFiles.has(file.filePath))
    const { signal } = this.#options
    const wholeRows = await countLiveRows(this.#context, [...this.#wholeFiles.values()], { signal })
    const removed = await this.#remove(rows)
    this.#files.push(...removed.addedDeleteFiles)
    const addedDataFiles: DataFile[] = []
    for (const writer of this.#writers) {
      const files = await writer.close()
      this.#writers.delete(writer)
      this.#files.push(...files)
      addedDataFiles.push(...files)
    }
    this.#files = []
    return {
      changes: {
        addedDataFiles,
        removedDataFiles: [...this.#wholeFiles.values(), ...removed.emptiedFiles].map((file) => file.dataFile()),
        addedDeleteFiles: removed.addedDeleteFiles,
        removedDeleteFiles: removed.removedDeleteFiles,
      },
      removedRows: wholeRows + removed.rows,
      rewrittenRows: this.#rewritten,
      insertedRows: this.#inserted,
      deletedPositions: removed.deletedPositions,
    }
  }

  /** Stops, and removes what was written. */
  async abort(): Promise<void> {
    const files = this.#files.map((file) => file.filePath)
    this.#files = []
    const writers = [...this.#writers]
    this.#writers.clear()
    const { io } = this.#context.loaded
    await Promise.allSettled([...writers.map((writer) => writer.abort()), files.length === 0 ? undefined : io.delete([...new Set(files)])])
  }

  async #remove(rows: readonly RowsOfFile[]): Promise<RemovedRows> {
    const { dryRun = false, signal } = this.#options
    if (this.mode === 'merge-on-read') return markDeletedRows(this.#context, rows, { signal, dryRun })
    if (!dryRun) return copyRemainingRows(this.#context, rows, { signal, write: (batch) => this.#write(batch) })
    const counted = await markDeletedRows(this.#context, rows, { signal, dryRun })
    return { ...counted, emptiedFiles: rows.map(({ file }) => file), removedDeleteFiles: [], deletedPositions: new Map() }
  }

  async #write(batch: RecordBatch): Promise<void> {
    if (this.#options.dryRun === true) return
    if (!hasRowLineage(this.#context.loaded.metadata)) await this.#plain().write(batch)
    else await (this.#lineageWriter ??= this.#openWriter(true)).write(batch)
  }

  #plain(): RowWriter {
    return (this.#plainWriter ??= this.#openWriter(false))
  }

  #openWriter(rowLineage: boolean): RowWriter {
    const { loaded, engine, runtime } = this.#context
    const { memoryBudgetBytes, maxOpenFiles, signal } = this.#options
    const { io, metadata } = loaded
    const writer = new RowWriter({ io, engine, metadata, runtime, memoryBudgetBytes, maxOpenFiles, rowLineage, signal })
    this.#writers.add(writer)
    return writer
  }
}
