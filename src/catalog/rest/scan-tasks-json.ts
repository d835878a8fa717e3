/** Files and tasks of a scan that the server planned. Source: `TableScanResponseParser`, `ContentFileParser` */
import { parseExpression } from '../../expression/expression-json.js'
import type { DataFile, FileContent, FileFormat } from '../../manifest/data-file.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { partitionType } from '../../partition/partition-type.js'
import { bytesFromHex } from '../../schema/hex-text.js'
import { valueFromJson } from '../../schema/single-value-json.js'
import type { Schema } from '../../schema/schema.js'
import type { StructType, Value } from '../../schema/type.js'
import { isMembers, type JsonObject, type JsonValue } from '../../util/json.js'
import type { RemoteScanFile } from '../catalog-backend.js'

const CONTENTS: ReadonlySet<string> = new Set<FileContent>(['data', 'position-deletes', 'equality-deletes'])
const FORMATS: ReadonlySet<string> = new Set<FileFormat>(['parquet', 'avro', 'orc', 'puffin'])

/** What partitions of a table look like. */
export class ScanTasksReader {
  readonly #metadata: TableMetadata
  readonly #schema: Schema
  readonly #types = new Map<number, StructType>()

  /** `schema` is that of the scan. */
  constructor(metadata: TableMetadata, schema: Schema) {
    this.#metadata = metadata
    this.#schema = schema
  }

  /** The files of a `ScanTasks` object, with the deletes that apply to them. Throws `CORRUPT` for one that breaks the protocol. */
  files(answer: JsonObject): readonly RemoteScanFile[] {
    const deletes = (answer.optionalObjects('delete-files') ?? []).map((file) => this.#contentFile(file))
    return (answer.optionalObjects('file-scan-tasks') ?? []).map((task) => {
      const references = task.optionalInts('delete-file-references') ?? []
      const dataFile = this.#contentFile(task.requireObject('data-file'))
      if (dataFile.content !== 'data') throw task.invalid('the data file is a delete file')
      const applied = references.map((index) => {
        const file = deletes[index]
        if (file === undefined || file.content === 'data') throw task.invalid(`there is no delete file ${index}`)
        return isOfAnother(file, dataFile) ? (deletes.find((other) => isVectorOf(other, file, dataFile)) ?? file) : file
      })
      const residual = task.has('residual-filter') ? parseExpression(task.value('residual-filter')!) : undefined
      return { dataFile, deletes: applied, residual }
    })
  }

  #contentFile(json: JsonObject): DataFile {
    const content = json.requireString('content').toLowerCase().replaceAll('_', '-')
    const fileFormat = json.requireString('file-format').toLowerCase()
    if (!CONTENTS.has(content)) throw json.error('content', 'data, position-deletes or equality-deletes')
    if (!FORMATS.has(fileFormat)) throw json.error('file-format', 'parquet, avro, orc or puffin')
    const specId = json.requireInt('spec-id')
    const keyMetadata = json.optionalString('key-metadata')
    return {
      content: content as FileContent,
      filePath: json.requireString('file-path'),
      fileFormat: fileFormat as FileFormat,
      specId,
      partition: this.#partition(json, specId),
      recordCount: json.requireSafeInteger('record-count'),
      fileSizeBytes: json.requireSafeInteger('file-size-in-bytes'),
      columnSizes: countMap(json, 'column-sizes'),
      valueCounts: countMap(json, 'value-counts'),
      nullValueCounts: countMap(json, 'null-value-counts'),
      nanValueCounts: countMap(json, 'nan-value-counts'),
      keyMetadata: keyMetadata === undefined ? undefined : bytesFromHex(keyMetadata),
      splitOffsets: json.optionalArray('split-offsets') === undefined ? undefined : json.requireLongs('split-offsets').map(Number),
      equalityIds: json.optionalInts('equality-ids'),
      sortOrderId: json.optionalInt('sort-order-id'),
      firstRowId: json.optionalLong('first-row-id'),
      referencedDataFile: json.optionalString('referenced-data-file'),
      contentOffset: json.optionalSafeInteger('content-offset'),
      contentSizeBytes: json.optionalSafeInteger('content-size-in-bytes'),
    }
  }

  /** A list in the order of the spec's fields, or, from older servers, an object by field ids. */
  #partition(json: JsonObject, specId: number): readonly Value[] {
    const { fields } = this.#partitionType(json, specId)
    const value = json.value('partition')
    if (value === undefined || value === null) {
      if (fields.length === 0) return []
      throw json.error('partition', 'a list of values')
    }
    if (Array.isArray(value)) {
      if (value.length !== fields.length) throw json.error('partition', `a list of ${fields.length} values`)
      return fields.map(({ type }, i) => valueFromJson(type, value[i] as JsonValue))
    }
    if (!isMembers(value)) throw json.error('partition', 'a list of values')
    const object = json.requireObject('partition')
    return fields.map(({ id, type }) => valueFromJson(type, object.value(String(id)) ?? null))
  }

  #partitionType(json: JsonObject, specId: number): StructType {
    const known = this.#types.get(specId)
    if (known !== undefined) return known
    const spec = this.#metadata.partitionSpecs.find((candidate) => candidate.specId === specId)
    if (spec === undefined) throw json.error('spec-id', "one of the table's partition specs")
    const type = partitionType(spec, this.#schema, this.#metadata.schemas)
    this.#types.set(specId, type)
    return type
  }
}

/**
 * Whether a vector is that of another data file. The reference's server of version 1.11 numbers vectors by the file that they share, so
 * that all of its data files refer to the last one.
 */
function isOfAnother(vector: DataFile, { filePath }: DataFile): boolean {
  return vector.fileFormat === 'puffin' && vector.referencedDataFile !== undefined && vector.referencedDataFile !== filePath
}

function isVectorOf(other: DataFile, vector: DataFile, { filePath }: DataFile): boolean {
  return other.filePath === vector.filePath && other.referencedDataFile === filePath
}

/** Bounds are left out: the protocol and the reference write them differently, and nothing here needs them. */
function countMap(json: JsonObject, name: string): ReadonlyMap<number, number> | undefined {
  const object = json.optionalObject(name)
  if (object === undefined) return undefined
  const values = object.requireLongs('values')
  return new Map(object.requireInts('keys').map((key, i) => [key, Number(values[i] ?? 0n)]))
}
