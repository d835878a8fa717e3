import { DictionaryChoice } from '../parquet/dictionary-choice.js'
import type { ParquetWriteOptions } from '../parquet/parquet-engine.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readInteger, readText, tableProperties } from '../metadata/table-properties.js'
import { parseTransform } from '../partition/transform.js'
import type { SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { type MetricsConfig, readMetricsConfig } from './metrics-config.js'

/** How data files of one table are written, read from its `write.*` properties once per operation. */
export interface WriteSettings {
  readonly targetFileSizeBytes: number
  readonly metrics: MetricsConfig
  readonly parquet: Pick<
    ParquetWriteOptions,
    | 'compression'
    | 'compressionLevel'
    | 'rowGroupSizeBytes'
    | 'rowGroupBufferBytes'
    | 'pageSizeBytes'
    | 'pageRowLimit'
    | 'dictSizeBytes'
    | 'dictionaries'
    | 'bloomFilters'
    | 'bloomFilterMaxBytes'
  >
}

const BLOOM_ENABLED_PREFIX = 'write.parquet.bloom-filter-enabled.column.'
const BLOOM_FPP_PREFIX = 'write.parquet.bloom-filter-fpp.column.'
const BLOOM_NDV_PREFIX = 'write.parquet.bloom-filter-ndv.column.'
const DEFAULT_BLOOM_FPP = 0.01
const BLOOM_MAX_BYTES = { name: 'write.parquet.bloom-filter-max-bytes', defaultValue: 2 ** 20, min: 1, max: 2 ** 31 - 1 }
const PAGE_ROW_LIMIT = { name: 'write.parquet.page-row-limit', defaultValue: 20_000, min: 1, max: 2 ** 31 - 1 }
const CODECS = ['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed'] as const

/**
 * Reads the settings. The codec defaults to zstd, as in tables that the reference creates.
 * @throws FloeError `INVALID` naming the property that is out of range, `UNSUPPORTED` when the table's format is not Parquet or a
 * column is a geometry or geography
 */
export function readWriteSettings(metadata: TableMetadata, schema: Schema, sortOrder: SortOrder): WriteSettings {
  const { properties } = metadata
  const format = readText(properties, tableProperties.defaultFileFormat)
  if (format !== 'parquet') {
    throw new FloeError('UNSUPPORTED', `write.format.default is ${format}, and floe writes Parquet: set the property to parquet`)
  }
  refuseShapes(schema)
  return {
    targetFileSizeBytes: readInteger(properties, tableProperties.targetFileSizeBytes),
    metrics: readMetricsConfig(properties, schema, orderPreservingFieldIds(sortOrder)),
    parquet: {
      compression: readCodec(properties),
      compressionLevel: readLevel(properties),
      rowGroupSizeBytes: readInteger(properties, tableProperties.parquetRowGroupSizeBytes),
      // A table that names a size is to have it, as far as the engine's write buffer reaches.
      rowGroupBufferBytes: properties.has(tableProperties.parquetRowGroupSizeBytes.name) ? Infinity : undefined,
      pageSizeBytes: readInteger(properties, tableProperties.parquetPageSizeBytes),
      pageRowLimit: readInteger(properties, PAGE_ROW_LIMIT),
      dictSizeBytes: readInteger(properties, tableProperties.parquetDictSizeBytes),
      dictionaries: new DictionaryChoice(),
      bloomFilters: readBloomFilters(properties, schema),
      bloomFilterMaxBytes: readInteger(properties, BLOOM_MAX_BYTES),
    },
  }
}

/** Shapes would have to be checked to be well-known binary, and their bounds told, before others can rely on what is written. */
function refuseShapes(schema: Schema): void {
  for (const id of schema.fieldIds()) {
    const { kind } = schema.fieldById(id)!.type
    if (kind !== 'geometry' && kind !== 'geography') continue
    throw new FloeError('UNSUPPORTED', `This version reads columns of type ${kind} but writes no rows of tables that have one: write with another engine`, {
      column: schema.pathOf(id)!,
    })
  }
}

type Properties = ReadonlyMap<string, string>

function readCodec(properties: Properties): (typeof CODECS)[number] {
  const text = (properties.get(tableProperties.parquetCompression.name) ?? 'zstd').toLowerCase()
  const codec = CODECS.find((candidate) => candidate === text)
  if (codec === undefined) {
    throw new FloeError('INVALID', `${tableProperties.parquetCompression.name} is '${text}': set it to one of ${CODECS.join(', ')}`)
  }
  return codec
}

function readLevel(properties: Properties): number | undefined {
  const text = readText(properties, tableProperties.parquetCompressionLevel)
  if (text === undefined) return undefined
  if (!/^-?\d{1,3}$/.test(text.trim())) {
    throw new FloeError('INVALID', `${tableProperties.parquetCompressionLevel.name} is '${text}': set it to a whole number`)
  }
  return Number(text)
}

/** Names of columns that there are not are passed over, as the reference does. */
function readBloomFilters(properties: Properties, schema: Schema): NonNullable<ParquetWriteOptions['bloomFilters']> {
  const filters = new Map<number, { readonly fpp: number; readonly ndv: number | undefined }>()
  for (const [name, value] of properties) {
    if (!name.startsWith(BLOOM_ENABLED_PREFIX) || value.trim().toLowerCase() !== 'true') continue
    const column = name.slice(BLOOM_ENABLED_PREFIX.length)
    const field = schema.findField(column)
    if (field === undefined) continue
    const fpp = Number(properties.get(BLOOM_FPP_PREFIX + column) ?? DEFAULT_BLOOM_FPP)
    if (!(fpp > 0 && fpp < 1)) {
      throw new FloeError('INVALID', `${BLOOM_FPP_PREFIX}${column} must be a number between 0 and 1`, { column })
    }
    const ndv = properties.get(BLOOM_NDV_PREFIX + column)
    if (ndv !== undefined && !/^[1-9]\d{0,14}$/.test(ndv.trim())) {
      throw new FloeError('INVALID', `${BLOOM_NDV_PREFIX}${column} must be a whole number of distinct values, from 1 on`, { column })
    }
    filters.set(field.id, { fpp, ndv: ndv === undefined ? undefined : Number(ndv) })
  }
  return filters
}

// Source: Java `SortOrderUtil.orderPreservingSortedColumns`
function orderPreservingFieldIds(order: SortOrder): number[] {
  const preserving = order.fields.filter((field) => field.sourceIds.length === 1 && parseTransform(field.transform).preservesOrder)
  return preserving.map((field) => field.sourceIds[0]!)
}
