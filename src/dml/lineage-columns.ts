import type { RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch, type Chunk } from '../arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../arrow/arrow-schema.js'
import { nullChunk } from '../arrow/constant-chunk.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../schema/reserved-fields.js'
import type { Schema } from '../schema/schema.js'

/**
 * A batch of the table's columns with the columns of row lineage after them. Left out: null, which inherits.
 * `schema`: that of the result.
 */
export function withLineageColumns(
  batch: RecordBatch,
  schema: Schema,
  lineage: { readonly rowIds?: Chunk | undefined; readonly lastUpdated?: Chunk | undefined } = {},
): RecordBatch {
  const rowIds = lineage.rowIds ?? nullChunk(arrowType(ROW_ID_FIELD.type), batch.numRows)
  const lastUpdated = lineage.lastUpdated ?? nullChunk(arrowType(LAST_UPDATED_SEQUENCE_NUMBER_FIELD.type), batch.numRows)
  return makeBatch(arrowSchema(schema), batch.numRows, [...columnsOf(batch), rowIds, lastUpdated])
}
