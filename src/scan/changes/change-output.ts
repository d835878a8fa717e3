import type { RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { columnsOf, fixedChunk, makeBatch, variableChunk, type Chunk } from '../../arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../../arrow/arrow-schema.js'
import { batchProjector } from '../../arrow/project-batch.js'
import { CHANGE_ORDINAL_FIELD, CHANGE_TYPE_FIELD, COMMIT_SNAPSHOT_ID_FIELD } from '../../schema/reserved-fields.js'
import { encodeUtf8 } from '../../util/utf8.js'
import type { ChangedRows } from './change-rows.js'
import { changelogSchema } from './changelog-schema.js'
import type { ChangeColumns } from './row-identifier.js'

/** What happened to a row. */
export type ChangeType = 'INSERT' | 'DELETE' | 'UPDATE_BEFORE' | 'UPDATE_AFTER'

/** Which commit a change is of. */
export interface ChangeOrigin {
  /** Position of the snapshot in the range, from 0; snapshots that only replaced files are not counted. */
  readonly ordinal: number
  readonly snapshotId: bigint
}

/** Turns changed rows into batches with the columns of {@link changelogSchema}. */
export class ChangeOutput {
  readonly #schema: ArrowSchema
  readonly #width: number
  readonly #project: ((batch: RecordBatch) => RecordBatch) | undefined

  constructor(columns: ChangeColumns) {
    const { produced, read } = columns
    this.#schema = arrowSchema(changelogSchema(produced))
    this.#width = produced.fields.length
    if (read === produced) return
    const source = arrowSchema(read)
    const projector = batchProjector({ projection: produced, source, file: 'the changes' })
    this.#project = (batch) => projector.project(makeBatch(source, batch.numRows, columnsOf(batch).slice(0, read.fields.length)))
  }

  /** `origins`: of all rows, or of each. */
  batch({ kind, batch }: ChangedRows, origins: ChangeOrigin | readonly ChangeOrigin[]): RecordBatch {
    const rows = batch.numRows
    const originOf = 'ordinal' in origins ? () => origins : (row: number) => origins[row]!
    const columns = columnsOf(this.#project === undefined ? batch : this.#project(batch)).slice(0, this.#width)
    const ordinals = Int32Array.from({ length: rows }, (_, row) => originOf(row).ordinal)
    const snapshotIds = BigInt64Array.from({ length: rows }, (_, row) => originOf(row).snapshotId)
    return makeBatch(this.#schema, rows, [
      ...columns,
      changeTypes(kind, rows),
      fixedChunk(arrowType(CHANGE_ORDINAL_FIELD.type), rows, ordinals),
      fixedChunk(arrowType(COMMIT_SNAPSHOT_ID_FIELD.type), rows, snapshotIds),
    ])
  }
}

const TYPES: Readonly<Record<ChangedRows['kind'], readonly [even: ChangeType, odd: ChangeType]>> = {
  INSERT: ['INSERT', 'INSERT'],
  DELETE: ['DELETE', 'DELETE'],
  UPDATE: ['UPDATE_BEFORE', 'UPDATE_AFTER'],
}

function changeTypes(kind: ChangedRows['kind'], rows: number): Chunk {
  const texts = TYPES[kind].map(encodeUtf8)
  const offsets = new Int32Array(rows + 1)
  for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + texts[row & 1]!.length
  const bytes = new Uint8Array(offsets[rows]!)
  for (let row = 0; row < rows; row++) bytes.set(texts[row & 1]!, offsets[row])
  return variableChunk(arrowType(CHANGE_TYPE_FIELD.type), offsets, bytes)
}
