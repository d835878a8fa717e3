import { Schema as ArrowSchema, Table, tableToIPC } from 'apache-arrow'
import type { DataType, RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch, retype } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/** Turns canonical batches into what the encoder is given: without columns of type unknown, which files do not store. */
export class StoredBatches {
  private readonly fields: readonly NestedField[]
  private readonly schema: ArrowSchema
  private readonly isWhole: boolean

  constructor(fields: readonly NestedField[]) {
    this.fields = fields
    const stored = storedFields(fields)
    this.schema = arrowSchema(stored)
    this.isWhole = stored === fields
  }

  /** @throws FloeError `INVALID` when columns are missing or a required one has nulls */
  stored(batch: RecordBatch): RecordBatch {
    const columns = columnsOf(batch)
    if (columns.length !== this.fields.length) throw new FloeError('INVALID', `a batch of ${columns.length} columns was written to a file of ${this.fields.length}`)
    this.fields.forEach((field, i) => {
      if (field.required && columns[i]!.nullCount > 0) throw new FloeError('INVALID', 'a required column has nulls', { column: field.name })
    })
    const kept = this.isWhole ? columns : storedChunks(columns, this.fields)
    return makeBatch(this.schema, batch.numRows, kept.map((chunk, i) => retype(chunk, this.schema.fields[i]!.type as DataType)))
  }

  /** Columns `first` to `end` of the batches as an Arrow IPC stream. */
  ipc(batches: readonly RecordBatch[], first = 0, end = this.schema.fields.length): Uint8Array {
    if (first === 0 && end === this.schema.fields.length) return tableToIPC(new Table(this.schema, [...batches]), 'stream')
    const schema = new ArrowSchema(this.schema.fields.slice(first, end))
    const narrow = batches.map((batch) => makeBatch(schema, batch.numRows, columnsOf(batch).slice(first, end)))
    return tableToIPC(new Table(schema, narrow), 'stream')
  }
}

function storedFields(fields: readonly NestedField[]): readonly NestedField[] {
  const stored = fields.filter((field) => field.type.kind !== 'unknown').map((field) => withType(field, storedType(field.type)))
  return stored.length === fields.length && stored.every((field, i) => field === fields[i]) ? fields : stored
}

function withType(field: NestedField, type: Type): NestedField {
  return type === field.type ? field : { ...field, type }
}

function storedType(type: Type): Type {
  if (type.kind === 'struct') {
    const fields = storedFields(type.fields)
    return fields === type.fields ? type : { ...type, fields }
  }
  if (type.kind === 'list') {
    const element = storedType(type.element)
    return element === type.element ? type : { ...type, element }
  }
  if (type.kind !== 'map') return type
  const key = storedType(type.key)
  const value = storedType(type.value)
  return key === type.key && value === type.value ? type : { ...type, key, value }
}

function storedChunks(chunks: readonly Chunk[], fields: readonly NestedField[]): Chunk[] {
  return fields.flatMap((field, i) => (field.type.kind === 'unknown' ? [] : [storedChunk(chunks[i]!, field.type)]))
}

function storedChunk(chunk: Chunk, type: Type): Chunk {
  const children = chunk.children
  if (type.kind === 'struct') return withChildren(chunk, storedChunks(children, type.fields))
  if (type.kind === 'list') return withChildren(chunk, [storedChunk(children[0]!, type.element)])
  if (type.kind !== 'map') return chunk
  const entries = children[0]!
  const [key, value] = entries.children as [Chunk, Chunk]
  return withChildren(chunk, [withChildren(entries, [storedChunk(key, type.key), storedChunk(value, type.value)])])
}

function withChildren(chunk: Chunk, children: readonly Chunk[]): Chunk {
  return chunk.clone(chunk.type, chunk.offset, chunk.length, chunk.nullCount, chunk.buffers, [...children])
}
