/** Avro data files in memory, written with the reference's schemas. */
import type { Row, RowValue } from '../../src/arrow/row-values.js'
import { rowsOf } from '../../src/arrow/row-values.js'
import { ContainerWriter } from '../../src/avro/container-writer.js'
import type { ContainerWriterOptions } from '../../src/avro/container-writer.js'
import type { AvroRecord, AvroValue } from '../../src/avro/avro-schema.js'
import { readAvroDataFile } from '../../src/avro-data/avro-data-file.js'
import type { AvroReadOptions } from '../../src/avro-data/avro-data-file.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { avroRecordOf } from '../../src/manifest/avro-type.js'
import type { PositionedBatch } from '../../src/parquet/parquet-engine.js'
import { Decimal } from '../../src/schema/decimal.js'
import type { Schema } from '../../src/schema/schema.js'
import type { StructType, Type } from '../../src/schema/type.js'

export const location = 'memory:/file.avro'

export interface AvroFile {
  readonly io: MemoryFileIO
  readonly location: string
  readonly fileSizeBytes: number
}

/** A file of any bytes. */
export async function fileOf(bytes: Uint8Array): Promise<AvroFile> {
  const io = new MemoryFileIO()
  await io.write(location, bytes)
  return { io, location, fileSizeBytes: bytes.length }
}

/** The bytes of a file with values of any Avro record. */
export function avroBytes(schema: AvroRecord, values: readonly AvroValue[], options: ContainerWriterOptions = {}): Uint8Array {
  const writer = new ContainerWriter(schema, options)
  for (const value of values) writer.add(value)
  return writer.finish()
}

/** A file of rows as the reference writes it. */
export function writeAvroFile(schema: Schema, rows: readonly Row[], options: ContainerWriterOptions = {}): Promise<AvroFile> {
  const struct = schema.asStruct()
  return fileOf(avroBytes(avroRecordOf(struct, 'table'), rows.map((row) => structValue(struct, row)), options))
}

function structValue(type: StructType, row: Row): AvroValue {
  return type.fields.map((field) => avroValue(field.type, row[field.name]!))
}

function avroValue(type: Type, value: RowValue): AvroValue {
  if (value === null) return null
  switch (type.kind) {
    case 'struct':
      return structValue(type, value as Row)
    case 'variant': {
      const { metadata, value: bytes } = value as Row
      return [metadata as Uint8Array, bytes as Uint8Array]
    }
    case 'list':
      return (value as readonly RowValue[]).map((item) => avroValue(type.element, item))
    case 'map': {
      const pairs = [...(value as ReadonlyMap<RowValue, RowValue>)]
      const entries = pairs.map(([key, item]) => [avroValue(type.key, key), avroValue(type.value, item)] as const)
      return type.key.kind === 'string' ? new Map(entries as [string, AvroValue][]) : (entries as unknown as AvroValue)
    }
    default:
      return value instanceof Decimal ? value.unscaled : (value as AvroValue)
  }
}

export async function readBatches(options: AvroReadOptions): Promise<PositionedBatch[]> {
  const batches: PositionedBatch[] = []
  for await (const batch of readAvroDataFile(options)) batches.push(batch)
  return batches
}

export async function readRows(options: AvroReadOptions): Promise<Row[]> {
  const batches = await readBatches(options)
  return [...rowsOf(batches.map(({ batch }) => batch), options.projection)]
}
