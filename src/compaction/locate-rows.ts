import type { RecordBatch } from 'apache-arrow'
import { columnsOf } from '../arrow/arrow-data.js'
import { HASH_LANES, rowHasher, type HashRows } from '../arrow/row-hash.js'
import { deleteOfTask } from '../deletes/delete-file.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { deleteLoader, type DmlContext } from '../dml/dml-context.js'
import { RowPositions } from '../dml/file-rows.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import type { FileScanTask } from '../scan/file-scan-task.js'
import { readTasks } from '../scan/read-files.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD, ROW_POSITION_FIELD } from '../schema/reserved-fields.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import type { WrittenFile } from './data-file-json.js'
import { storesLineage } from './group-rows.js'
import type { GroupResult } from './rewrite-group.js'

/** Rows of a group's inputs that are looked for in its outputs. */
export interface WantedRows {
  readonly group: CompactionGroup
  readonly result: GroupResult
  /** By location of the input. Rows that the plan had as deleted may be among them: they are in no output. */
  readonly deleted: ReadonlyMap<string, PositionBitmap>
}

/**
 * Where rows of inputs lie in the outputs, by location of the output. Rows that kept their order are counted; others are found again by
 * their row ids, or by all of their values: rows that are the same in everything may stand for each other.
 *
 * `context.loaded`: pinned to the plan. @throws FloeError `CORRUPT` when a row is not there
 */
export async function locateRows(
  wanted: WantedRows,
  plan: CompactionPlan,
  context: DmlContext,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, PositionBitmap>> {
  const search = new RowSearch(wanted, plan, context, signal)
  return wanted.result.keepsOrder ? search.byOrder() : search.byContent()
}

class RowSearch {
  readonly #wanted: WantedRows
  readonly #plan: CompactionPlan
  readonly #context: DmlContext
  readonly #signal: AbortSignal | undefined

  constructor(wanted: WantedRows, plan: CompactionPlan, context: DmlContext, signal: AbortSignal | undefined) {
    this.#wanted = wanted
    this.#plan = plan
    this.#context = context
    this.#signal = signal
  }

  async byOrder(): Promise<ReadonlyMap<string, PositionBitmap>> {
    const { group, result, deleted } = this.#wanted
    const outputs = new OutputRows(result.addedDataFiles)
    let first = 0
    const last = group.tasks.findLastIndex((task) => deleted.has(task.filePath))
    for (const task of group.tasks.slice(0, last + 1)) {
      const gone = deleted.get(task.filePath)
      const live = await this.#livePositions(task)
      if (gone !== undefined) for (const position of gone) if (live.has(position)) outputs.add(first + live.rank(position))
      first += live.count
    }
    return outputs.found
  }

  /** Which rows of an input were written. */
  async #livePositions(task: FileScanTask): Promise<LivePositions> {
    if (task.deletes.length === 0) return new LivePositions(task.recordCount, undefined)
    const deletes = task.deletes.map(deleteOfTask)
    if (!deletes.some(({ content }) => content === 'equality-deletes')) {
      return new LivePositions(task.recordCount, await deleteLoader(this.#context, this.#signal).loadPositions(task, deletes))
    }
    const dead = new PositionBitmap()
    dead.addRange(0, task.recordCount)
    const live = new PositionBitmap()
    for await (const batch of this.#read(task, new Schema([]), [ROW_POSITION_FIELD.name])) {
      new RowPositions(columnsOf(batch)[0]!).addTo(live)
    }
    return new LivePositions(task.recordCount, dead.difference(live))
  }

  async byContent(): Promise<ReadonlyMap<string, PositionBitmap>> {
    const { group, result, deleted } = this.#wanted
    const { projection, metadataColumns, hash } = this.#identity()
    const counts = new RowCounts()
    for (const task of group.tasks) {
      const gone = deleted.get(task.filePath)
      if (gone === undefined) continue
      for await (const batch of this.#read(task, projection, metadataColumns, gone)) counts.add(hash(columnsOf(batch), batch.numRows))
    }
    const found = new Map<string, PositionBitmap>()
    for (const file of result.addedDataFiles) {
      if (counts.isEmpty) break
      const positions = new PositionBitmap()
      for await (const batch of this.#read(taskOf(file, this.#plan), projection, [...metadataColumns, ROW_POSITION_FIELD.name])) {
        const columns = columnsOf(batch)
        counts.take(hash(columns.slice(0, -1), batch.numRows), new RowPositions(columns.at(-1)!), positions)
      }
      if (!positions.isEmpty) found.set(file.filePath, positions)
    }
    if (counts.isEmpty) return found
    const message = `Rows of group ${group.id} that others deleted are not in its files: nothing was committed`
    throw new FloeError('CORRUPT', message, { file: group.tasks[0]!.filePath })
  }

  /** What tells rows apart. Row ids do, where every row has one. */
  #identity(): { readonly projection: Schema; readonly metadataColumns: readonly string[]; readonly hash: HashRows } {
    const schema = schemaById(this.#context.loaded.metadata, this.#plan.schemaId)
    const hasLineage = storesLineage(this.#plan)
    const hasIds = hasLineage && this.#wanted.group.tasks.every((task) => task.firstRowId !== undefined)
    const projection = hasIds ? new Schema([]) : schema
    const lineage = hasIds ? [ROW_ID_FIELD] : hasLineage ? [ROW_ID_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD] : []
    const types = [...projection.fields, ...lineage].map((field) => field.type)
    const seed = Math.floor(this.#context.runtime.random() * 2 ** 32)
    return { projection, metadataColumns: lineage.map((field) => field.name), hash: rowHasher(types, seed) }
  }

  #read(task: FileScanTask, projection: Schema, metadataColumns: readonly string[], wanted?: PositionBitmap): AsyncIterable<RecordBatch> {
    const { engine, loaded } = this.#context
    const { io, metadata } = loaded
    const schema = schemaById(metadata, this.#plan.schemaId)
    return readTasks([task], { io, engine, metadata, schema, projection, metadataColumns, wanted, signal: this.#signal })
  }
}

/** Rows of a file without those that were deleted. */
class LivePositions {
  readonly count: number
  readonly #dead: PositionBitmap | undefined

  constructor(recordCount: number, dead: PositionBitmap | undefined) {
    this.#dead = dead
    this.count = recordCount - (dead?.countInRange(0, recordCount) ?? 0)
  }

  has(position: number): boolean {
    return this.#dead?.contains(position) !== true
  }

  /** How many live rows are before it. */
  rank(position: number): number {
    return position - (this.#dead?.countInRange(0, position) ?? 0)
  }
}

/** Rows of files that follow one another, by their ordinals. */
class OutputRows {
  readonly found = new Map<string, PositionBitmap>()
  readonly #files: readonly WrittenFile[]
  #file = 0
  #first = 0

  constructor(files: readonly WrittenFile[]) {
    this.#files = files
  }

  /** Ordinals ascend from call to call. @throws FloeError `CORRUPT` beyond the last row */
  add(ordinal: number): void {
    let file = this.#files[this.#file]
    while (file !== undefined && ordinal >= this.#first + file.recordCount) {
      this.#first += file.recordCount
      file = this.#files[++this.#file]
    }
    if (file === undefined) throw new FloeError('CORRUPT', 'The files of a group have fewer rows than went into them: nothing was committed')
    const positions = this.found.get(file.filePath)
    if (positions === undefined) this.found.set(file.filePath, PositionBitmap.of([ordinal - this.#first]))
    else positions.add(ordinal - this.#first)
  }
}

/** How often rows of each content are still to be found. */
class RowCounts {
  readonly #counts = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  add(hashes: Int32Array): void {
    for (let at = 0; at < hashes.length; at += HASH_LANES) {
      const key = keyAt(hashes, at)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  /** Adds the positions of rows that are still to be found to `found`. */
  take(hashes: Int32Array, positions: RowPositions, found: PositionBitmap): void {
    for (let row = 0, at = 0; row < positions.length; row++, at += HASH_LANES) {
      const key = keyAt(hashes, at)
      const left = this.#counts.get(key)
      if (left === undefined) continue
      found.add(positions.at(row))
      if (left === 1) this.#counts.delete(key)
      else this.#counts.set(key, left - 1)
    }
  }
}

function keyAt(hashes: Int32Array, at: number): string {
  const [a, b, c] = [hashes[at]!, hashes[at + 1]!, hashes[at + 2]!]
  return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16)
}

/** A written file as it is read before it is in the table. */
function taskOf(file: WrittenFile, plan: CompactionPlan): FileScanTask {
  const { filePath, fileSizeBytes, recordCount, specId, partition } = file
  return {
    filePath, fileFormat: 'parquet', fileSizeBytes, recordCount, specId, partition,
    start: 0, length: fileSizeBytes, sequenceNumber: '0', firstRowId: undefined, deletes: [], schemaId: plan.schemaId, residual: 'true',
  }
}
