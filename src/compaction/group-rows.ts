import type { RecordBatch } from 'apache-arrow'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { DmlContext } from '../dml/dml-context.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import { readTasks, type ReadRequest } from '../scan/read-files.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../schema/reserved-fields.js'
import type { Schema } from '../schema/schema.js'
import { withRowLineage } from '../write/row-writer.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import type { RowSource } from './order/row-source.js'

export interface GroupRowsOptions {
  readonly onRows?: ((rows: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Of few files, each is sampled in as many places as makes this number in all. */
const MAX_SAMPLED_FILES = 64

/**
 * The rows of a group's files as they are to be written: deletes applied, in the plan's schema, on format version 3 followed by row
 * lineage. Spec: Row Lineage: rows that move to another file keep their ids
 */
export class GroupRows implements RowSource {
  readonly schema: Schema
  readonly estimatedRows: number
  readonly #group: CompactionGroup
  readonly #context: DmlContext
  readonly #tableSchema: Schema
  readonly #options: GroupRowsOptions
  #count = 0

  /** `context.loaded.metadata`: pinned to the plan, see {@link planMetadata}. */
  constructor(group: CompactionGroup, plan: CompactionPlan, context: DmlContext, options: GroupRowsOptions) {
    const { metadata } = context.loaded
    this.#tableSchema = schemaById(metadata, plan.schemaId)
    this.schema = storesLineage(plan) ? withRowLineage(this.#tableSchema) : this.#tableSchema
    this.estimatedRows = group.inputRows
    this.#group = group
    this.#context = context
    this.#options = options
  }

  /** Rows that {@link rows} has yielded. */
  get count(): number {
    return this.#count
  }

  async *rows(): AsyncGenerator<RecordBatch, void, undefined> {
    const names = this.schema === this.#tableSchema ? [] : [ROW_ID_FIELD.name, LAST_UPDATED_SEQUENCE_NUMBER_FIELD.name]
    const request = { ...this.#request(this.#tableSchema), metadataColumns: names, filesAhead: filesAhead(this.#group) }
    for await (const batch of readTasks(this.#group.tasks, request)) {
      this.#count += batch.numRows
      this.#options.onRows?.(batch.numRows)
      yield batch
    }
  }

  async *sample(fieldIds: readonly number[], rows: number): AsyncGenerator<RecordBatch, void, undefined> {
    const request = this.#request(this.#tableSchema.selectIds(fieldIds))
    const { tasks } = this.#group
    const chosen = tasks.filter((_, i) => i % Math.ceil(tasks.length / MAX_SAMPLED_FILES) === 0)
    const total = chosen.reduce((sum, task) => sum + task.recordCount, 0)
    const stretches = Math.ceil(MAX_SAMPLED_FILES / chosen.length)
    for (const task of chosen) {
      const wanted = sampledRows(task.recordCount, Math.ceil((rows * task.recordCount) / Math.max(total, 1)), stretches)
      // Deleted rows lie as the others do, and cost nothing this way.
      yield* readTasks([{ ...task, deletes: [] }], { ...request, wanted })
    }
  }

  #request(projection: Schema): ReadRequest {
    const { loaded, engine } = this.#context
    return { io: loaded.io, engine, metadata: loaded.metadata, schema: this.#tableSchema, projection, signal: this.#options.signal }
  }
}

/** Small files are opened several at a time, so that no thread waits for a store; of large ones a single one keeps all busy. */
function filesAhead({ inputBytes, tasks }: CompactionGroup): number {
  return Math.min(Math.floor(BYTES_AHEAD / Math.max(inputBytes / tasks.length, 1)), MAX_FILES_AHEAD)
}

const BYTES_AHEAD = 16 * 2 ** 20
const MAX_FILES_AHEAD = 8

/** Whether outputs of a plan store `_row_id` and `_last_updated_sequence_number`. */
export function storesLineage(plan: Pick<CompactionPlan, 'formatVersion'>): boolean {
  return plan.formatVersion >= 3
}

/** `count` rows of a file in a few stretches, evenly spaced. */
function sampledRows(rowsOfFile: number, count: number, stretches: number): PositionBitmap {
  const wanted = new PositionBitmap()
  const length = Math.min(Math.ceil(count / stretches), Math.ceil(rowsOfFile / stretches))
  for (let i = 0; i < stretches; i++) {
    const start = Math.floor((rowsOfFile * (i + 0.5)) / stretches - length / 2)
    const from = Math.max(start, 0)
    const end = Math.min(start + length, rowsOfFile)
    if (end > from) wanted.addRange(from, end)
  }
  return wanted
}
