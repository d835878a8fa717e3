import type { RecordBatch } from 'apache-arrow'
import type { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { columnsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { maskChunk } from './mask-chunk.js'

/**
 * Finds a column by field id in batches of a schema, through structs: null wherever it or a struct around it is.
 * @throws FloeError `INVALID` when there is no such field, or it lies within a list or map and has no one value a row.
 */
export function columnByPath(schema: Schema, fieldId: number): (batch: RecordBatch) => Chunk {
  const path = indexPath(schema.fields, fieldId)
  if (path === undefined) throw new FloeError('INVALID', `no column with field id ${fieldId} outside of lists and maps; check the schema`)
  return (batch) => {
    let chunk = columnsOf(batch)[path[0]!]!
    for (const index of path.slice(1)) chunk = maskChunk(chunk.children[index]!, chunk)
    return chunk
  }
}

function indexPath(fields: readonly NestedField[], fieldId: number): readonly number[] | undefined {
  for (const [index, field] of fields.entries()) {
    if (field.id === fieldId) return [index]
    const inner = field.type.kind === 'struct' ? indexPath(field.type.fields, fieldId) : undefined
    if (inner !== undefined) return [index, ...inner]
  }
  return undefined
}
